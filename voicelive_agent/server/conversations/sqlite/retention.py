"""Retention: removes what the limits don't allow any more, in steps too short to hold up a turn."""

import sqlite3
import time
from collections.abc import Callable

from voicelive_agent.server.conversations.sqlite.database import transaction
from voicelive_agent.server.conversations.sqlite.warm import Gone
from voicelive_agent.server.conversations.store import Limits

_INTERVAL_SECONDS = 60.0
_TURNS_PER_STEP = 200
_CONVERSATIONS_PER_STEP = 100
_CONVERSATIONS_PER_TURN = 5
_PAGES_PER_STEP = 64
# Free pages are used again; only when this many lie idle are they given back to the disk.
_SPARE_PAGES = 2_048

_QUIET = "id NOT IN (SELECT conversation FROM turns WHERE owner IS NOT NULL)"


class Retention:
    """A chore of the ``Database``. It begins with a sweep over all conversations for surplus
    turns; from then on only what is too old, or too much in all, is looked for.
    """

    def __init__(self, limits: Limits, now: Callable[[], float], gone: Gone) -> None:
        self._limits = limits
        self._now = now
        self._gone = gone
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
            return remove_conversation(connection, victim, _TURNS_PER_STEP, self._gone), True
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
        if updated_at < now - self._limits.retention_seconds:
            return int(conversation)
        measure = self._find_excess(connection)
        return None if measure is None else _choose_of_heaviest(connection, measure)

    def _find_excess(self, connection: sqlite3.Connection) -> str | None:
        """Of what there is too much in all: the column of ``users`` that measures it."""
        if _read(connection, "SELECT count(*) FROM conversations") > self._limits.max_conversations:
            return "conversations"
        pages = _read(connection, "PRAGMA page_count") - _read(connection, "PRAGMA freelist_count")
        too_big = pages * _read(connection, "PRAGMA page_size") > self._limits.max_bytes
        return "size" if too_big else None

    def _give_back(self, connection: sqlite3.Connection) -> bool:
        if _read(connection, "PRAGMA freelist_count") <= _SPARE_PAGES:
            return False
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES_PER_STEP})").fetchall()
        return True


def _choose_of_heaviest(connection: sqlite3.Connection, measure: str) -> int | None:
    """The oldest quiet conversation of the user with the most; ties go to the oldest of all."""
    found = connection.execute(
        f"SELECT id FROM conversations JOIN users USING (user_id) WHERE {_QUIET}"  # noqa: S608
        f" AND users.{measure} = (SELECT max({measure}) FROM users)"
        " ORDER BY updated_at LIMIT 1"
    ).fetchone()
    if found is None:
        # The heaviest talks now.
        found = connection.execute(
            f"SELECT id FROM conversations WHERE {_QUIET} ORDER BY updated_at LIMIT 1"  # noqa: S608
        ).fetchone()
    return None if found is None else int(found[0])


def trim_conversation(
    connection: sqlite3.Connection, conversation: int, last: int, limits: Limits, at_most: int
) -> int:
    """Remove up to ``at_most`` turns before ``last``: those that are too many, or too long."""
    through = last - limits.max_turns
    size = _read(connection, "SELECT size FROM conversations WHERE id = ?", conversation)
    if size > limits.conversation_bytes:
        through = max(through, _find_too_long(connection, conversation, last, limits))
    if through <= 0:
        return 0
    return connection.execute(
        "DELETE FROM turns WHERE id IN (SELECT id FROM turns"
        " WHERE conversation = ? AND sequence <= ? ORDER BY sequence LIMIT ?)",
        (conversation, through, at_most),
    ).rowcount


def _find_too_long(
    connection: sqlite3.Connection, conversation: int, last: int, limits: Limits
) -> int:
    """The newest turn that has no room any more beside those after it; 0 for none."""
    return _read(
        connection,
        "SELECT coalesce(max(sequence), 0) FROM (SELECT sequence,"
        " sum(size) OVER (ORDER BY sequence DESC) AS total FROM turns WHERE conversation = ?)"
        " WHERE total > ? AND sequence < ?",
        conversation,
        limits.conversation_bytes,
        last,
    )


def trim_user(
    connection: sqlite3.Connection, user_id: str, but: int, limits: Limits, gone: Gone
) -> None:
    """Remove the oldest conversations of a user who has too much, but one; some at a time."""
    for _ in range(_CONVERSATIONS_PER_TURN):
        size = _read(connection, "SELECT size FROM users WHERE user_id = ?", user_id)
        if size <= limits.user_bytes:
            return
        oldest = connection.execute(
            f"SELECT id FROM conversations WHERE user_id = ? AND id != ? AND {_QUIET}"  # noqa: S608
            " ORDER BY updated_at LIMIT 1",
            (user_id, but),
        ).fetchone()
        if oldest is None or not remove_conversation(connection, oldest[0], _TURNS_PER_STEP, gone):
            return


def remove_conversation(
    connection: sqlite3.Connection, conversation: int, at_most: int, gone: Gone
) -> int:
    """Remove up to ``at_most`` turns, oldest first; 1 once the conversation itself is gone."""
    gone.append(conversation)
    removed = connection.execute(
        "DELETE FROM turns WHERE id IN (SELECT id FROM turns"
        " WHERE conversation = ? ORDER BY sequence LIMIT ?)",
        (conversation, at_most),
    ).rowcount
    if removed == at_most:
        return 0
    return connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,)).rowcount


def _read(connection: sqlite3.Connection, statement: str, *values: str | int) -> int:
    value: int = connection.execute(statement, values).fetchone()[0]
    return value
