"""What a turn costs in each conversation store.

    python -m benchmarks.store [--turns 2000] [--callers 50]

Each caller's turns follow one another: begin, settle, and again; a reply of 300 characters with
40 marks; conversations of 20 turns, so ten turns of history are loaded on average. ``latency`` is
measured by one caller alone, ``rate`` and ``cpu`` (event loop and store thread of this process;
not the Redis server) with all of them at once. Redis runs here, on a port of its own.
"""

import argparse
import asyncio
import itertools
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from voicelive_agent.listening import find_free_port
from voicelive_agent.server.conversations import (
    ConversationKey,
    ConversationStore,
    TurnRecord,
    open_store,
)

TURNS_PER_CONVERSATION = 20
REPLY = "Your table for four is booked for seven. " * 8
MARKS = [(50 * number, 8 * number) for number in range(40)]


@dataclass(frozen=True)
class Cost:
    """Of one turn, in microseconds."""

    latency_us: float
    p99_us: float
    rate_per_s: float
    cpu_us: float
    loop_us: float


async def talk(store: ConversationStore, name: str, turns: int) -> list[float]:
    """Turn durations in microseconds."""
    durations = []
    for number in range(turns):
        key = ConversationKey("user", f"{name}-{number // TURNS_PER_CONVERSATION}")
        record = TurnRecord(
            f"{name}-{number}", key, "speech", "a table for four at seven", started_at=time.time()
        )
        started = time.perf_counter()
        conversation = await store.begin(record)
        record.reply, record.marks, record.status = REPLY, MARKS, "completed"
        record.ended_at = time.time()
        conversation.state["turns"] = number
        await store.settle(record, conversation, heard_before=None)
        durations.append(1e6 * (time.perf_counter() - started))
    return durations


async def measure(url: str, turns: int, callers: int) -> Cost:
    store = open_store(url)
    await store.open(lambda *request: None)
    await talk(store, "warm-up", 100)
    alone = await talk(store, "alone", max(turns // 10, 100))
    started, cpu, loop_cpu = time.perf_counter(), time.process_time(), time.thread_time()
    await asyncio.gather(
        *(talk(store, f"caller-{number}", turns // callers) for number in range(callers))
    )
    done = turns // callers * callers
    cost = Cost(
        latency_us=statistics.median(alone),
        p99_us=statistics.quantiles(alone, n=100)[98],
        rate_per_s=done / (time.perf_counter() - started),
        cpu_us=1e6 * (time.process_time() - cpu) / done,
        loop_us=1e6 * (time.thread_time() - loop_cpu) / done,
    )
    await store.close()
    return cost


@contextmanager
def run_redis(directory: Path) -> Iterator[str | None]:
    """The URL of a Redis with an append-only file; None where redis-server isn't installed."""
    command = shutil.which("redis-server")
    if command is None:
        yield None
        return
    port = find_free_port()
    arguments = f"--port {port} --bind 127.0.0.1 --dir {directory} --appendonly yes"
    process = subprocess.Popen(
        [command, *arguments.split(), "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        for _ in itertools.repeat(None, 200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--callers", type=int, default=50)
    options = parser.parse_args()
    costs: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory() as name, run_redis(Path(name)) as redis_url:
        urls = {"memory": "memory:", "sqlite": f"sqlite://{name}/store.db", "redis": redis_url}
        for kind, url in urls.items():
            if url is None:
                print("redis   skipped: install redis-server")
                continue
            cost = asyncio.run(measure(url, options.turns, options.callers))
            costs[kind] = cost
            print(
                f"{kind:7} latency {cost.latency_us:6.0f} us, p99 {cost.p99_us:6.0f} us, "
                f"{cost.rate_per_s:6.0f} turns/s, cpu {cost.cpu_us:5.0f} us/turn, "
                f"of it on the event loop {cost.loop_us:5.0f} us"
            )
    memory = costs.pop("memory")
    ratios = (f"{kind} {cost.cpu_us / memory.cpu_us:.1f}" for kind, cost in costs.items())
    print(f"cpu per turn relative to memory: {', '.join(ratios)}")


if __name__ == "__main__":
    main()
