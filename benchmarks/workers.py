"""Turns per second of ``serve --workers 2`` beside those of one process.

    python -m benchmarks.workers [--seconds 8] [--work-ms 40] [--shared]

An agent of 40 deltas that takes so many ms of a core, and SQLite that both workers share. Each
worker has a core of its own as far as the agent's work goes (``BENCHMARK_CORE=own``): this machine
may have two, and the callers take their share. With ``--shared`` the work is real, and so is what
the callers take from it, which is printed. Last line: the ratio.
"""

import argparse
import asyncio
import os
import time

from benchmarks.peers import read_cpu_s, start_peer, take_turn

CONNECTIONS = 16


async def measure(workers: int, arguments: argparse.Namespace) -> float:
    """Turns per second."""
    environment = {
        "VOICELIVE_WORKERS": str(workers),
        "BENCHMARK_WORK_MS": str(arguments.work_ms),
        "BENCHMARK_CORE": "shared" if arguments.shared else "own",
    }
    async with start_peer("ours", "work", None, **environment) as peer:
        turns = 0
        until = time.perf_counter() + arguments.seconds

        async def call() -> None:
            nonlocal turns
            reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
            while time.perf_counter() < until:
                await take_turn(reader, writer)
                turns += 1
            writer.close()

        started, own_s = time.perf_counter(), read_cpu_s(os.getpid())
        await asyncio.gather(*(call() for _ in range(CONNECTIONS)))
        seconds = time.perf_counter() - started
        share = 100 * (read_cpu_s(os.getpid()) - own_s) / seconds
        print(f"{workers} workers: {turns / seconds:.1f} turns/s; callers: {share:.0f} % of a core")
        return turns / seconds


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--work-ms", type=float, default=40)
    parser.add_argument("--shared", action="store_true")
    arguments = parser.parse_args()
    one, two = [await measure(workers, arguments) for workers in (1, 2)]
    print(f"turns per second, two workers / one: {two / one:.2f} (at least 1.8)")


if __name__ == "__main__":
    asyncio.run(main())
