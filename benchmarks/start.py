"""Process start to the first 200 from /readiness, beside the official host and bare FastAPI.

    python -m benchmarks.start [--rounds 15]

The peers start in turn within a round. Last line: the ratio to the official host.
"""

import argparse
import asyncio
import statistics
import time

from benchmarks.peers import pin_to_core, start_peer

NAMES = ("ours", "official", "fastapi")


async def measure_start_seconds(name: str) -> float:
    started = time.monotonic()
    async with start_peer(name, "burst"):
        return time.monotonic() - started


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    pin_to_core(1)
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    for name in NAMES:
        await measure_start_seconds(name)
    for _ in range(arguments.rounds):
        for name in NAMES:
            seconds[name].append(await measure_start_seconds(name))
    for name in NAMES:
        print(f"{name:10}{1000 * statistics.median(seconds[name]):8.0f} ms to the first 200")
    ratio = statistics.median(
        a / b for a, b in zip(seconds["ours"], seconds["official"], strict=True)
    )
    print(f"start, ours / official: {ratio:.2f} (at most 0.6)")


if __name__ == "__main__":
    asyncio.run(main())
