"""Stop requests of other processes that share the file: notices those for this one."""

import asyncio
import math
import sqlite3
import time
from contextlib import suppress

from voicelive_agent.server.conversations.store import ConversationKey, StopTurn

_INTERVAL_SECONDS = 0.05
_RECOUNT_INTERVALS = 20


class StopWatch:
    """A chore of the ``Database``: looks for requests while turns of ``owner`` run.

    SQLite tells cheaply whether another process has written anything (``data_version``); only
    then are the rows looked at. ``watch`` starts it; it ends by itself when no turn runs.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._next_step = math.inf
        self._data_version = 0
        self._steps = 0
        self._loop: asyncio.AbstractEventLoop
        self._on_stop: StopTurn

    def start(self, on_stop: StopTurn) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_stop = on_stop

    def watch(self) -> None:
        """A turn runs now. Called in the database's thread."""
        if self._next_step == math.inf:
            self._next_step = time.monotonic() + _INTERVAL_SECONDS

    def due_seconds(self) -> float:
        return self._next_step - time.monotonic()

    def step(self, connection: sqlite3.Connection) -> None:
        self._next_step = time.monotonic() + _INTERVAL_SECONDS
        self._steps += 1
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._data_version = version
            self._pass_on(connection)
        if self._steps % _RECOUNT_INTERVALS == 0 and not self._runs_any(connection):
            self._next_step = math.inf

    def _pass_on(self, connection: sqlite3.Connection) -> None:
        for user_id, session_id, invocation_id, reason in connection.execute(
            "SELECT user_id, session_id, invocation_id, stop_reason"
            " FROM turns JOIN conversations ON conversations.id = conversation"
            " WHERE owner = ? AND stop_reason IS NOT NULL",
            (self._owner,),
        ).fetchall():
            with suppress(RuntimeError):  # The loop was closed without closing the store.
                self._loop.call_soon_threadsafe(
                    self._on_stop, ConversationKey(user_id, session_id), invocation_id, reason
                )

    def _runs_any(self, connection: sqlite3.Connection) -> bool:
        row = connection.execute(
            "SELECT 1 FROM turns WHERE owner = ? LIMIT 1", (self._owner,)
        ).fetchone()
        return row is not None
