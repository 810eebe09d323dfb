"""A SQLite store that is open, and its file held by others."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.server.conversations.backends import Stops
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.conversations.store import Limits

ROOT = Path(__file__).parents[4]


@asynccontextmanager
async def open_sqlite(
    path: Path, limits: Limits | None = None, **options: Any
) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, limits, **options)
    await store.open(Stops())
    try:
        yield store
    finally:
        await store.close()


async def list_ids(store: SqliteStore) -> list[str]:
    return [turn["invocation_id"] async for turn in store.export()]


@contextmanager
def hold_write_lock(path: Path) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()
