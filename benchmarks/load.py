"""Many callers with think time and barge-ins, each with a name that nobody else may be told.

    python -m benchmarks.load [--callers 500] [--seconds 30]
    python -m benchmarks.load --url https://host/path --header 'api-key: …'

Without a URL it starts the demo agent, where each caller also checks that its booking is remembered
under its own name, and then the official host for comparison.
Last lines: errors, leaks, bookings forgotten, and the 99th percentile of the first delta beside its
idle value and what queueing adds: turns arrive as they like, one server takes one after the other,
and each takes the core time that was measured, with the time in which others had the core.
"""

import argparse
import asyncio
import math
import os
import statistics
import sys
import time
from collections.abc import Callable

from benchmarks.callers import Report, hold_conversations
from benchmarks.peers import CoreTime, Peer, pin_to_core, read_core_time, start_peer


def percentile_ms(seconds: list[float], percent: int) -> float:
    """A percentile in ms; 0 without values."""
    if len(seconds) < 2:
        return 1000 * sum(seconds)
    return 1000 * statistics.quantiles(seconds, n=100)[percent - 1]


def describe(name: str, report: Report, seconds: float) -> str:
    firsts, turns = report.first_delta_s, report.turn_s
    return (
        f"{name:14}{len(turns) / seconds:8.0f} turns/s   first delta"
        f" p50 {percentile_ms(firsts, 50):7.1f}  p95 {percentile_ms(firsts, 95):7.1f}"
        f"  p99 {percentile_ms(firsts, 99):7.1f} ms   turn p50 {percentile_ms(turns, 50):7.1f}"
        f"  p99 {percentile_ms(turns, 99):7.1f} ms   {len(report.errors)} errors"
    )


async def measure(url: str, arguments: argparse.Namespace, callers: int, seconds: float) -> Report:
    headers = dict(header.split(": ", 1) for header in arguments.header)
    return await hold_conversations(
        url,
        callers,
        seconds,
        think_s=arguments.think if callers > 1 else 0.01,
        barge_in_rate=arguments.barge_in_rate if callers > 1 else 0,
        headers=headers,
        run=f"{time.time():.0f}-{callers}",
    )


async def compare(
    url: str, name: str, arguments: argparse.Namespace, between: Callable[[], None] = lambda: None
) -> tuple[Report, Report]:
    """One caller alone, then all of them."""
    idle = await measure(url, arguments, 1, min(5, arguments.seconds))
    print(describe(f"{name} idle", idle, min(5, arguments.seconds)), flush=True)
    between()
    busy = await measure(url, arguments, arguments.callers, arguments.seconds)
    print(describe(f"{name} x{arguments.callers}", busy, arguments.seconds), flush=True)
    return idle, busy


def estimate_queueing_ms(core: CoreTime, turns: int, seconds: float) -> float:
    """99th percentile of the wait for those before one (M/D/1, the usual exponential bound)."""
    each_s = (core.used_s + core.waited_s) / turns
    busy = min(0.99, each_s * turns / seconds)
    return 1000 * each_s * max(0, math.log(100 * busy)) / (2 * (1 - busy))


async def measure_ours(peer: Peer, arguments: argparse.Namespace) -> tuple[Report, Report, float]:
    """Likewise, and the ms of queueing that the load explains."""
    pids = {"server": peer.process.pid, "callers": os.getpid()}
    before: dict[str, CoreTime] = {}

    def note() -> None:
        before.update({name: read_core_time(pid) for name, pid in pids.items()})

    idle, busy = await compare(f"http://127.0.0.1:{peer.port}", "ours", arguments, note)
    turns, queueing_ms = len(busy.turn_s), 0.0
    for name, pid in pids.items():
        core = read_core_time(pid) - before[name]
        queueing_ms += estimate_queueing_ms(core, turns, arguments.seconds)
        print(
            f"{name}: {1000 * core.used_s / turns:.2f} ms of a core per turn, and"
            f" {1000 * core.waited_s / turns:.2f} ms waiting for it while others had it"
        )
    return idle, busy, queueing_ms


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="an agent; without it the demo agent is started")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument("--callers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--think", type=float, default=3, help="mean seconds between turns")
    parser.add_argument("--barge-in-rate", type=float, default=0.1)
    arguments = parser.parse_args()
    queueing_ms = 0.0
    if arguments.url:
        idle, busy = await compare(arguments.url, "agent", arguments)
    else:
        pin_to_core(1)
        async with start_peer("ours", "burst", VOICELIVE_AGENT="examples.front_desk:reply") as peer:
            idle, busy, queueing_ms = await measure_ours(peer, arguments)
        async with start_peer("official", "burst") as peer:
            await compare(f"http://127.0.0.1:{peer.port}", "official", arguments)
    for error in sorted(set(busy.errors)):
        print(f"error: {error} ({busy.errors.count(error)} times)")
    for leak in busy.leaks[:5]:
        print("LEAK:", leak)
    idle_ms, busy_ms = percentile_ms(idle.first_delta_s, 99), percentile_ms(busy.first_delta_s, 99)
    # Another agent than the demo books no tables, so it has nothing to remember.
    forgotten = [] if arguments.url else busy.forgotten
    for reply in forgotten[:5]:
        print("forgotten:", reply)
    print(
        f"errors: {len(busy.errors)}, leaks: {len(busy.leaks)}, forgotten: {len(forgotten)},"
        f" interrupted: {busy.interrupted}"
    )
    most_ms = 3 * idle_ms + queueing_ms
    print(
        f"first delta, 99th percentile: {busy_ms:.1f} ms with {arguments.callers} callers, at most"
        f" 3 x {idle_ms:.1f} ms idle + {queueing_ms:.1f} ms queueing = {most_ms:.1f} ms"
    )
    return 1 if busy.errors or busy.leaks or forgotten else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
