"""Process start to the first 200 from /readiness, with telemetry configured and without.

    python -m benchmarks.cold_start [--rounds 15]

Nothing listens at the OTLP endpoint: what counts is what telemetry adds before the first turn can
be taken. The two start in turn within a round. Last line: the ratio.
"""

import argparse
import asyncio
import statistics
import sys
import time

from benchmarks.peers import pin_to_core, start_peer
from voicelive_agent.listening import find_free_port

MOST = 1.2


async def measure_start_seconds(**environment: str) -> float:
    started = time.monotonic()
    async with start_peer(
        "ours", "burst", VOICELIVE_AGENT="examples.front_desk:reply", **environment
    ):
        return time.monotonic() - started


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    pin_to_core(1)
    telemetry = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{find_free_port()}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    without: list[float] = []
    with_telemetry: list[float] = []
    await measure_start_seconds(**telemetry)
    for _ in range(arguments.rounds):
        without.append(await measure_start_seconds())
        with_telemetry.append(await measure_start_seconds(**telemetry))
    print(f"without telemetry {1000 * statistics.median(without):8.0f} ms to the first 200")
    print(f"with telemetry    {1000 * statistics.median(with_telemetry):8.0f} ms to the first 200")
    ratio = statistics.median(a / b for a, b in zip(with_telemetry, without, strict=True))
    print(f"cold start, with telemetry / without: {ratio:.2f} (at most {MOST})")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
