"""Growth: what a turn costs the more there is of something. CPU time, as a busy machine has others.

    python -m benchmarks.growth [--rows 10,100000,1000000]

- history: turns that a conversation has had, of which an agent is given 50;
- answer: deltas of the answer, and the cost of each;
- rows: conversations in the SQLite store, made here, before a conversation is begun and gone on;
  as many again may be kept, so that none is removed.

The server's calls are made in this process, as ``benchmarks.turn_calls`` makes them, but with the
store's own thread and in real time; each figure is the least of five.
"""

import argparse
import asyncio
import itertools
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.turn_calls import Take, open_invocations
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings

_RECORD = '{"invocation_id":"i","kind":"speech","text":"hello","status":"completed","reply":"Yes."}'


@asynccontextmanager
async def serve(
    folder: Path, deltas: int = 40, most: int = 100_000
) -> AsyncIterator[Callable[[str], Take]]:
    """Turns over Invocations of sessions by their name; ``most`` conversations are kept."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        for number in range(deltas):
            yield f"word{number % 100} "

    store = f"sqlite://{folder}/conversations.sqlite3"
    app = create_app(
        reply, Settings(conversations=store, max_conversations=most, log_level="ERROR")
    )
    async with app.router.lifespan_context(app), open_invocations(app) as take:
        # Until the store counts as one that nobody else has opened just now.
        await asyncio.sleep(2.5)
        yield lambda session: lambda: take(session)


async def measure_us(take: Take, turns: int = 20) -> float:
    """CPU of one turn, of all threads."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(turns):
            await take()
        best = min(best, time.process_time() - started)
    return 1e6 * best / turns


def fill(folder: Path, rows: int) -> None:
    """So many conversations of one turn each, of a thousand users."""
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM conversations").fetchone()
    now = time.time()
    for number in range(last + 1, rows + 1):
        connection.execute(
            "INSERT INTO conversations (id, user_id, session_id, updated_at) VALUES (?, ?, ?, ?)",
            (number, f"user-{number % 1000}", f"session-{number}", now),
        )
        connection.execute(
            "INSERT INTO turns (conversation, sequence, invocation_id, record, size)"
            " VALUES (?, 1, ?, ?, 90)",
            (number, f"i-{number}", _RECORD),
        )
    connection.commit()
    connection.close()


async def measure_history(folder: Path) -> None:
    async with serve(folder) as of:
        for turns in (0, 50, 500):
            take = of(f"history-{turns}")
            for _ in range(turns):
                await take()
            print(f"after {turns:4} turns of history: {await measure_us(take):6.0f} us", flush=True)


async def measure_answers(folder: Path) -> None:
    for deltas in (10, 100, 1000):
        async with serve(folder, deltas) as of:
            us = await measure_us(of(f"answer-{deltas}"), 10)
        print(f"an answer of {deltas:4} deltas: {us:6.0f} us, {us / deltas:.1f} each", flush=True)


async def measure_rows(folder: Path, rows: list[int]) -> None:
    async with serve(folder):
        pass
    for count in rows:
        fill(folder, count)
        async with serve(folder, most=2 * count + 1_000) as of:
            new = await measure_us(_take_new(of, f"new-{count}"))
            warm = await measure_us(of(f"warm-{count}"))
        print(
            f"with {count:7} conversations: {new:6.0f} us for the first turn of one,"
            f" {warm:6.0f} for a later one",
            flush=True,
        )


def _take_new(of: Callable[[str], Take], name: str) -> Take:
    """Turns, each the first of a conversation."""
    names = (f"{name}-{number}" for number in itertools.count())
    return lambda: of(next(names))()


def run(measure: Callable[..., Any], *arguments: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), *arguments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", default="10,100000,1000000", help="separated by commas")
    arguments = parser.parse_args()
    run(measure_history)
    run(measure_answers)
    run(measure_rows, [int(count) for count in arguments.rows.split(",")])


if __name__ == "__main__":
    main()
