"""Calls of one turn: how many functions are called for it, of Python and of C.

    python -m benchmarks.turn_calls [--functions 40]

40 deltas on each wire, through the whole application, with deadlines, speakable text, ids, spans
and the log, a history of 50 turns, and the SQLite store's own work. Nothing is measured by a
clock: time is virtual, so the same code makes the same calls on any machine, as busy as it may be.
What one Python version calls another may not, so there is a budget for each.
"""

import argparse
import asyncio
import gc
import itertools
import os
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar
from unittest.mock import patch

from starlette.types import Message

from benchmarks.agents import burst
from benchmarks.peers import REQUEST_BODY
from tests.virtual_time import run_virtual
from voicelive_agent.server import app as server_app
from voicelive_agent.server.conversations.sqlite.database import (
    _UNHURRIED_SECONDS,
    Database,
    Work,
    _Job,
)
from voicelive_agent.server.conversations.sqlite.schema import migrate
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.bridge.call import BATCHES
from voicelive_agent.wire.bridge import messages as bridge

HISTORY = 50
TURNS = 10

BUDGETS = {"3.11": {"invocations": 2_018, "bridge": 2_367}}
"""Calls of a turn by Python version and wire, held by ``tests/benchmarks/test_turn_calls.py``: a
change that makes a turn a tenth dearer fails; one that makes it so much cheaper lowers these."""

T = TypeVar("T")
Take = Callable[[], Awaitable[None]]


class Calls:
    """Counts the calls of this thread while it is ``counting``, and what is left behind."""

    def __init__(self) -> None:
        self.functions: Counter[str] = Counter()
        self.garbage = 0
        """Objects that know each other, and so live until the garbage collector finds them."""

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        name = frame.f_code.co_qualname
        if event == "call":
            self.functions[f"{Path(frame.f_code.co_filename).name}: {name}"] += 1
        elif event == "c_call":
            self.functions[f"{argument.__qualname__} in {name}"] += 1

    @contextmanager
    def counting(self) -> Iterator[None]:
        gc.collect()
        gc.disable()
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            self.garbage = gc.collect()
            gc.enable()


class _DatabaseHere(Database):
    """The store's thread, in this one: each piece of work is done when it would be given to it."""

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._here = sqlite3.connect(self.path, isolation_level=None)
        migrate(self._here, self.path)

    async def stop(self) -> None:
        self._here.close()

    def submit(self, work: Work[T], *, hurry: bool = True) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        if hurry:
            self._do({future: _Job(work, future)})
        else:
            self._unhurried[future] = _Job(work, future)
            self._loop.call_later(_UNHURRIED_SECONDS, self._do, self._unhurried)
        return future

    def _do(self, given: dict[asyncio.Future[Any], _Job]) -> None:
        while given:
            future, job = given.popitem()
            self._here.execute("BEGIN IMMEDIATE")
            future.set_result(job.work(self._here))
            self._here.execute("COMMIT")


def _open_store(folder: Path) -> SqliteStore:
    # Each look at the clock is a second later: what was heard of an answer is estimated, too.
    clock = itertools.count(1_000)
    store = SqliteStore(folder / "conversations.sqlite3", now=lambda: float(next(clock)))
    store._database = _DatabaseHere(store.path, [], busy_seconds=1)
    return store


def make_scope(kind: str, path: str, session: str = "me") -> dict[str, Any]:
    """As a server makes it."""
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": f"agent_session_id={session}".encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "subprotocols": [],
        "state": {},
        "extensions": {BATCHES: {}},
    }


@asynccontextmanager
async def open_invocations(app: Any) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    async def take(session: str = "me") -> None:
        received = asyncio.Queue[Message]()
        received.put_nowait({"type": "http.request", "body": REQUEST_BODY, "more_body": False})
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await app(make_scope("http", "/invocations", session), received.get, send)
        if b'"done"' not in sent[-1]["body"]:
            raise RuntimeError(f"no done at the end: {sent[-1]!r}")

    yield take


@asynccontextmanager
async def open_bridge(app: Any) -> AsyncIterator[Take]:
    received, sent = asyncio.Queue[Message](), asyncio.Queue[Message]()

    def give(message: bridge.ForAgent) -> None:
        received.put_nowait({"type": "websocket.receive", "text": bridge.encode(message)})

    async def wait_for(kind: str) -> None:
        frames = ""
        while f'"type":"{kind}"' not in frames:
            frames = "".join((await sent.get()).get("texts", ()))

    async def take() -> None:
        part = bridge.InputText(text="hello")
        give(bridge.UserMessage(item_id=bridge.new_id("in_"), content=[part]))
        await wait_for("response.done")

    received.put_nowait({"type": "websocket.connect"})
    timeouts = bridge.ResponseTimeouts(first_output_ms=1000, idle_ms=1000, max_duration_ms=1000)
    give(bridge.SessionStart(protocol_version="1.0", reconnect=False, response_timeouts=timeouts))
    call = asyncio.create_task(
        app(make_scope("websocket", "/invocations_ws"), received.get, sent.put)
    )
    await wait_for("session.ready")
    yield take
    received.put_nowait({"type": "websocket.disconnect"})
    await call


WIRES = {"invocations": open_invocations, "bridge": open_bridge}


async def count_turns(wire: str, folder: Path) -> Calls:
    """Calls of ``TURNS`` turns over ``wire``, the store's included."""
    settings = Settings.model_validate({"wires": (wire,), "log_level": "INFO"})
    with patch.object(server_app, "open_store", lambda *_, **__: _open_store(folder)):
        app = server_app.create_app(burst, settings)
    calls = Calls()
    async with app.router.lifespan_context(app), WIRES[wire](app) as take:
        # As where the store was opened a while ago.
        os.utime(folder, (0, 0))
        for _ in range(HISTORY + 5):
            await take()
        with calls.counting():
            for _ in range(TURNS):
                await take()
    return calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--functions", type=int, default=0, help="name the most called ones")
    arguments = parser.parse_args()
    python = ".".join(map(str, sys.version_info[:2]))
    for wire in WIRES:
        with tempfile.TemporaryDirectory() as folder:
            calls = run_virtual(count_turns(wire, Path(folder)))
        count, budget = calls.functions.total() // TURNS, BUDGETS.get(python, {}).get(wire)
        print(
            f"{wire}: {count} calls, budget {budget} (Python {python}),"
            f" {calls.garbage // TURNS} objects left to the garbage collector"
        )
        for name, number in calls.functions.most_common(arguments.functions):
            print(f"{number / TURNS:8.1f} {name}")


if __name__ == "__main__":
    main()
