"""First deltas of many callers, as where the server has a core to itself.

    python -m benchmarks.own_core [--callers 500] [--seconds 20]

``benchmarks.load`` needs a machine that does nothing else. Here time is the CPU that this process
uses, the store's thread included, and where everybody waits it jumps: what others do on the machine
counts for nothing. Each caller says hello to the demo agent in a session of its own and thinks for
3 s. Left out are the socket and its HTTP, a seventh of a turn, and the disk's own waits.
"""

import argparse
import asyncio
import heapq
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from starlette.types import Message

from benchmarks.peers import REQUEST_BODY
from benchmarks.turn_calls import make_scope
from examples.front_desk import reply
from voicelive_agent.server.app import create_app
from voicelive_agent.server.conversations.sqlite import database
from voicelive_agent.server.settings import Settings

THINK_S = 3.0
Answer = Callable[[str], Awaitable[float]]


class CoreTimeLoop(asyncio.SelectorEventLoop):
    """``time()`` is the CPU used so far, and what was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped_s = 0.0
        self.given = 0
        """Pieces of work that the store's thread has, or will have at once."""

    def time(self) -> float:
        return time.process_time() + self._skipped_s

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        while not ready and self.given:
            self._process_events(self._selector.select(0.05))  # type: ignore[attr-defined]
        if not ready and scheduled:
            self._skipped_s += max(0.0, scheduled[0]._when - self.time())
        super()._run_once()  # type: ignore[misc]


class CountedDatabase(database.Database):
    """Tells the loop of the work that its thread has."""

    def _hand_over(self, steps: int) -> None:
        if not steps and self._given and isinstance(self._loop, CoreTimeLoop):
            self._loop.given += len(self._given)
        super()._hand_over(steps)


def _deliver(jobs: Any, deliver: Callable[[Any], None] = database._deliver) -> None:
    loop = asyncio.get_running_loop()
    if isinstance(loop, CoreTimeLoop):
        loop.given -= len(jobs)
    deliver(jobs)


async def answer(app: Any, session: str) -> float:
    """One turn; seconds to its first delta."""
    loop = asyncio.get_running_loop()
    started, first_s = loop.time(), 0.0
    received = asyncio.Queue[Message]()
    received.put_nowait({"type": "http.request", "body": REQUEST_BODY, "more_body": False})

    async def send(message: Message) -> None:
        nonlocal first_s
        if not first_s and message.get("body"):
            first_s = loop.time() - started

    await app(make_scope("http", "/invocations", session), received.get, send)
    return first_s


async def call(app: Any, session: str, until: float, firsts_s: list[float]) -> None:
    loop = asyncio.get_running_loop()
    chance = random.Random(session)
    await asyncio.sleep(chance.uniform(0, THINK_S))
    while loop.time() < until:
        firsts_s.append(await answer(app, session))
        await asyncio.sleep(chance.expovariate(1 / THINK_S))


async def measure(folder: Path, callers: int, seconds: float) -> None:
    store = f"sqlite://{folder}/conversations.sqlite3"
    app = create_app(reply, Settings(conversations=store, log_level="ERROR"))
    loop = asyncio.get_running_loop()
    async with app.router.lifespan_context(app):
        used_s, until = time.process_time(), loop.time() + seconds
        firsts_s: list[float] = []
        await asyncio.gather(
            *(call(app, f"caller-{number}", until, firsts_s) for number in range(callers))
        )
        used_s = time.process_time() - used_s
    cuts = statistics.quantiles(firsts_s, n=100)
    print(
        f"{callers} callers: {len(firsts_s) / seconds:.0f} turns/s,"
        f" {1000 * used_s / len(firsts_s):.2f} ms of the core each; first delta"
        f" p50 {1000 * cuts[49]:.1f}, p95 {1000 * cuts[94]:.1f}, p99 {1000 * cuts[98]:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--callers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(database, "_deliver", _deliver),
        patch("voicelive_agent.server.conversations.sqlite.store.Database", CountedDatabase),
        asyncio.Runner(loop_factory=CoreTimeLoop) as runner,
    ):
        runner.run(measure(Path(folder), arguments.callers, arguments.seconds))


if __name__ == "__main__":
    main()
