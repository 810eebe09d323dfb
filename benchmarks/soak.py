"""Hours of callers with barge-ins and drops: memory and file descriptors of the server stay flat.

    python -m benchmarks.soak [--seconds 3600] [--callers 50]

The demo agent with SQLite. The first third of the time is for warming up; a line is fitted
through what is measured after it. Exit code 1 if either grows, if a descriptor stays open once
everybody has gone, or if anything went wrong in a turn. Last line: the growth of both.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.callers import Report, hold_conversations
from benchmarks.peers import Peer, start_peer

MOST_RSS_GROWTH = 0.05
MOST_SPARE_DESCRIPTORS = 3
_MEGABYTE = 1 << 20
# Allocators take memory in steps; a short run must not fail for one of them.
_STEP_BYTES = 4 * _MEGABYTE


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment."""

    at_s: float
    rss_bytes: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Of the line fitted through the samples, from its start to its end."""

    rss_bytes: float
    rss_share: float
    descriptors: float

    def problems(self, callers: int) -> list[str]:
        found = []
        if self.rss_share > MOST_RSS_GROWTH and self.rss_bytes > _STEP_BYTES:
            found.append(f"memory grew by {self.rss_bytes / _MEGABYTE:.1f} MB")
        # Callers come and go, the more at a time the busier the machine is: a leak of one in many
        # turns shows in what stays open at the end.
        if self.descriptors > MOST_SPARE_DESCRIPTORS + callers / 2:
            found.append(f"open file descriptors grew by {self.descriptors:.0f}")
        return found


def fit(samples: list[Sample]) -> Growth:
    """Raises ValueError for fewer than three samples."""
    if len(samples) < 3:
        raise ValueError("too few samples: let it run longer")
    times = [sample.at_s for sample in samples]
    span_s = times[-1] - times[0]
    memory = [float(sample.rss_bytes) for sample in samples]
    rss_growth = statistics.linear_regression(times, memory).slope * span_s
    descriptors = [float(sample.descriptors) for sample in samples]
    return Growth(
        rss_growth,
        rss_growth / statistics.fmean(memory),
        statistics.linear_regression(times, descriptors).slope * span_s,
    )


def take_sample(peer: Peer) -> Sample:
    descriptors = len(list(Path(f"/proc/{peer.process.pid}/fd").iterdir()))
    return Sample(time.monotonic(), peer.rss_bytes, descriptors)


async def sample_until(peer: Peer, until: float, every_s: float) -> list[Sample]:
    samples = []
    while time.monotonic() < until:
        await asyncio.sleep(every_s)
        samples.append(take_sample(peer))
    return samples


async def drop_connections(port: int, until: float) -> int:
    """Callers that hang up before, in and right after their request; returns how many."""
    request = (
        b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b'content-length: 19\r\n\r\n{"message":"hello"}'
    )
    chance = random.Random(0)
    dropped = 0
    while time.monotonic() < until:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request[: chance.choice((0, 10, 100, len(request) - 1, len(request)))])
        await asyncio.sleep(0.02)
        writer.transport.abort()
        dropped += 1
    return dropped


async def soak(seconds: float, callers: int, think_s: float) -> int:
    async with start_peer("ours", "burst", VOICELIVE_AGENT="examples.front_desk:reply") as peer:
        url = f"http://127.0.0.1:{peer.port}"
        # Once through everything, so that what is opened for good is open.
        await hold_conversations(url, 1, 1, think_s=0, barge_in_rate=0.1, run="first")
        idle = take_sample(peer).descriptors
        until = time.monotonic() + seconds
        samples, dropped, report = await asyncio.gather(
            sample_until(peer, until, min(5, seconds / 60)),
            drop_connections(peer.port, until),
            hold_conversations(
                url, callers, seconds, think_s=think_s, barge_in_rate=0.2, run="soak"
            ),
        )
        left = await wait_for_descriptors(peer, idle)
    return conclude(samples, report, dropped, left - idle, callers)


async def wait_for_descriptors(peer: Peer, most: int) -> int:
    """How many are open once the callers' connections are gone, at the latest in ten seconds."""
    until = time.monotonic() + 10
    while (open_now := take_sample(peer).descriptors) > most and time.monotonic() < until:
        await asyncio.sleep(0.1)
    return open_now


def conclude(
    samples: list[Sample], report: Report, dropped: int, left_open: int, callers: int
) -> int:
    """Print what was found; the exit code."""
    measured = samples[len(samples) // 3 :]
    growth = fit(measured)
    problems = growth.problems(callers)
    if left_open > MOST_SPARE_DESCRIPTORS:
        problems.append(f"{left_open} file descriptors stay open with nobody there")
    # Not what was forgotten: who is interrupted this often may not get to book at all.
    for what in (report.errors, report.leaks):
        problems += sorted(set(what))[:5]
    print(
        f"{len(report.turn_s)} turns, {report.interrupted} interrupted, {dropped} connections"
        f" dropped, {len(report.errors)} errors, {len(report.leaks)} leaks"
    )
    last = measured[-1]
    print(
        f"at the end: {last.rss_bytes / _MEGABYTE:.1f} MB, {last.descriptors} descriptors;"
        f" {left_open} more than before once everybody had gone"
    )
    for problem in problems:
        print("problem:", problem)
    print(
        f"growth in {measured[-1].at_s - measured[0].at_s:.0f} s: memory"
        f" {growth.rss_bytes / _MEGABYTE:+.2f} MB ({100 * growth.rss_share:+.1f} %, at most"
        f" {100 * MOST_RSS_GROWTH:.0f}), descriptors {growth.descriptors:+.1f}"
    )
    return 1 if problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--think", type=float, default=0.5, help="mean seconds between turns")
    arguments = parser.parse_args()
    return asyncio.run(soak(arguments.seconds, arguments.callers, arguments.think))


if __name__ == "__main__":
    sys.exit(main())
