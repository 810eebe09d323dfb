"""Many callers with think time and barge-ins, each with a name that nobody else may be told.

    python -m benchmarks.load [--callers 500] [--seconds 30]
    python -m benchmarks.load --url https://host/path --header 'api-key: …'

Without a URL it starts the demo agent, and then the official host for comparison. Against the demo
agent each caller also checks that its booking is remembered under its own name.
Last lines: errors, leaks, and the 99th percentile of the first delta beside its idle value.
"""

import argparse
import asyncio
import statistics
import sys
import time

from benchmarks.callers import Report, hold_conversations
from benchmarks.peers import pin_to_core, start_peer


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


async def compare(url: str, name: str, arguments: argparse.Namespace) -> tuple[Report, Report]:
    """One caller alone, then all of them."""
    idle = await measure(url, arguments, 1, min(5, arguments.seconds))
    print(describe(f"{name} idle", idle, min(5, arguments.seconds)), flush=True)
    busy = await measure(url, arguments, arguments.callers, arguments.seconds)
    print(describe(f"{name} x{arguments.callers}", busy, arguments.seconds), flush=True)
    return idle, busy


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="an agent; without it the demo agent is started")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument("--callers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--think", type=float, default=3, help="mean seconds between turns")
    parser.add_argument("--barge-in-rate", type=float, default=0.1)
    arguments = parser.parse_args()
    if arguments.url:
        idle, busy = await compare(arguments.url, "agent", arguments)
    else:
        pin_to_core(1)
        async with start_peer("ours", "burst", AGENT="demo") as peer:
            idle, busy = await compare(f"http://127.0.0.1:{peer.port}", "ours", arguments)
        async with start_peer("official", "burst") as peer:
            await compare(f"http://127.0.0.1:{peer.port}", "official", arguments)
        for forgotten in busy.forgotten[:5]:
            print("forgotten:", forgotten)
    for error in sorted(set(busy.errors)):
        print(f"error: {error} ({busy.errors.count(error)} times)")
    for leak in busy.leaks[:5]:
        print("LEAK:", leak)
    ratio = percentile_ms(busy.first_delta_s, 99) / max(percentile_ms(idle.first_delta_s, 99), 1e-9)
    print(f"errors: {len(busy.errors)}, leaks: {len(busy.leaks)}, interrupted: {busy.interrupted}")
    print(f"first delta, 99th percentile, {arguments.callers} callers / one caller: {ratio:.2f}")
    return 1 if busy.errors or busy.leaks else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
