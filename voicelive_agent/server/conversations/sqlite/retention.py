"""Retention: removes what the limits don't allow any more, in steps too short to hold up a turn."""

import sqlite3
import time
from collections.abc import Callable

from voicelive_agent.server.conversations.sqlite.database import transaction
from voicelive_agent.server.conversations.store import Limits

_INTERVAL_SECONDS = 60.0
_TURNS_PER_STEP = 200
_CONVERSATIONS_PER_STEP = 100
_PAGES_PER_STEP = 64
# Free pages are used again; only when this many lie idle are they given back to the disk.
_SPARE_PAGES = 2_048

_QUIET = "id NOT IN (SELECT conversation FROM turns WHERE owner IS NOT NULL)"


class Retention:
    """A chore of the ``Database``. It begins with a sweep over all conversations for surplus
    turns; from then on only what is too old, or too much in all, is looked for.
    """

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._next_step = time.monotonic() + _INTERVAL_SECONDS
        self._swept_to: int | None = 0

    def due_seconds(self) -> float:
        return self._next_step - time.monotonic()

    def step(self, connection: sqlite3.Connection) -> None:
        with transaction(connection):
            _, more = self.remove_some(connection)
        self._next_step = time.monotonic() + (0.0 if more else _INTERVAL_SECONDS)

    def sweep(self) -> None:
        """Look at every conversation again in the next steps."""
        self._swept_to = 0

    def remove_some(self, connection: sqlite3.Connection) -> tuple[int, bool]:
        """One step: how many conversations it removed, and whether there is more to do."""
        if self._swept_to is not None:
            self._swept_to = self._trim(connection, self._swept_to)
            return 0, True
        victim = self._choose_victim(connection)
        if victim is not None:
            return remove_conversation(connection, victim, _TURNS_PER_STEP), True
        return 0, self._give_back(connection)

    def _trim(self, connection: sqlite3.Connection, swept_to: int) -> int | None:
        """Cut some conversations to ``max_turns``; return where to go on, None at the end."""
        surplus = connection.execute(
            "SELECT id, (SELECT max(sequence) FROM turns WHERE conversation = conversations.id)"
            " FROM conversations WHERE id > ? ORDER BY id LIMIT ?",
            (swept_to, _CONVERSATIONS_PER_STEP),
        ).fetchall()
        budget = _TURNS_PER_STEP
        for conversation, last in surplus:
            removed = trim_conversation(connection, conversation, (last or 0), self._limits, budget)
            budget -= removed
            if budget <= 0:
                return int(conversation) - 1
        return int(surplus[-1][0]) if surplus else None

    def _choose_victim(self, connection: sqlite3.Connection) -> int | None:
        now = self._now()
        # A clock that was ahead for a while must not keep a conversation for ever.
        connection.execute(
            "UPDATE conversations SET updated_at = ? WHERE updated_at > ?", (now, now + 86_400)
        )
        oldest = connection.execute(
            f"SELECT id, updated_at FROM conversations WHERE {_QUIET} ORDER BY updated_at LIMIT 1"  # noqa: S608
        ).fetchone()
        if oldest is None:
            return None
        conversation, updated_at = oldest
        expired = updated_at < now - self._limits.retention_seconds
        if expired or self._is_too_much(connection):
            return int(conversation)
        return None

    def _is_too_much(self, connection: sqlite3.Connection) -> bool:
        if _read(connection, "SELECT count(*) FROM conversations") > self._limits.max_conversations:
            return True
        pages = _read(connection, "PRAGMA page_count") - _read(connection, "PRAGMA freelist_count")
        return pages * _read(connection, "PRAGMA page_size") > self._limits.max_bytes

    def _give_back(self, connection: sqlite3.Connection) -> bool:
        if _read(connection, "PRAGMA freelist_count") <= _SPARE_PAGES:
            return False
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES_PER_STEP})").fetchall()
        return True


def trim_conversation(
    connection: sqlite3.Connection, conversation: int, last: int, limits: Limits, at_most: int
) -> int:
    """Remove up to ``at_most`` of the turns that are too many before turn ``last``."""
    return connection.execute(
        "DELETE FROM turns WHERE id IN (SELECT id FROM turns"
        " WHERE conversation = ? AND sequence <= ? ORDER BY sequence LIMIT ?)",
        (conversation, last - limits.max_turns, at_most),
    ).rowcount


def remove_conversation(connection: sqlite3.Connection, conversation: int, at_most: int) -> int:
    """Remove up to ``at_most`` turns, oldest first; 1 once the conversation itself is gone."""
    removed = connection.execute(
        "DELETE FROM turns WHERE id IN (SELECT id FROM turns"
        " WHERE conversation = ? ORDER BY sequence LIMIT ?)",
        (conversation, at_most),
    ).rowcount
    if removed == at_most:
        return 0
    return connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,)).rowcount


def _read(connection: sqlite3.Connection, statement: str) -> int:
    value: int = connection.execute(statement).fetchone()[0]
    return value
