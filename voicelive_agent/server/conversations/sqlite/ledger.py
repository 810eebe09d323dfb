"""Statements of the SQLite store: each function is called within one transaction."""

import json
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from voicelive_agent.server.conversations.records import (
    count_bytes,
    decode_history,
    decode_record,
    end_record,
)
from voicelive_agent.server.conversations.sqlite.presence import Presence
from voicelive_agent.server.conversations.sqlite.retention import (
    remove_conversation,
    trim_conversation,
    trim_user,
)
from voicelive_agent.server.conversations.sqlite.warm import Gone, Stamp, Warm
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    Limits,
    TurnRecord,
    TurnStatus,
)

_TRIM_PER_TURN = 20
_EXPORT_TURNS = 100
_LIST_CONVERSATIONS = 500

_COLUMNS = "SELECT turns.id, conversation, sequence, owner, record, events FROM turns "
# History is loaded without events.
_HISTORY_COLUMNS = "SELECT id, conversation, sequence, owner, record, NULL FROM turns "


_SETTLE = (
    "UPDATE turns SET record = ?, events = ?, size = ?, owner = NULL, stop_reason = NULL"
    " WHERE conversation = ? AND sequence = ? AND invocation_id = ?"
)

_CORRECT = (
    "UPDATE turns SET record = ?1, size = size + ?2 - length(CAST(record AS BLOB))"
    " WHERE conversation = ?3 AND sequence = ?4 AND owner IS NULL"
)


class _Row(NamedTuple):
    """A turn as it lies in the table; ``owner`` is None once it is settled."""

    id: int
    conversation: int
    sequence: int
    owner: str | None
    record: str
    events: str | None

    def decode(self, key: ConversationKey) -> TurnRecord:
        return decode_record(self.record, key, self.sequence, self.events or "")


class Settled(NamedTuple):
    """A turn that was stored."""

    sequence: int
    stamp: Stamp | None
    """Of the conversation that it is the newest turn of; None where a newer one has its place."""
    first: int
    """``sequence`` of the oldest turn that is still there; 0: none was removed."""


class Ledger:
    """The conversations as one process sees them. All methods run in the database's thread."""

    def __init__(
        self, presence: Presence, limits: Limits, now: Callable[[], float], gone: Gone
    ) -> None:
        self._presence = presence
        self._limits = limits
        self._now = now
        self._gone = gone

    def begin(
        self,
        connection: sqlite3.Connection,
        record: TurnRecord,
        encoded: str,
        displace: bool,
        warm: Warm | None = None,
    ) -> tuple[Warm, int] | TurnRecord | None:
        """Add a running turn; return the conversation before it and the turn's sequence.

        ``warm`` is the conversation as this process knows it, returned where that is still so. A
        record is that of the turn that has the invocation id already. None means that another
        process runs a turn in this conversation and was asked to stop it, unless ``displace``
        says to take its place.
        """
        found = connection.execute(
            "SELECT id, state, language, size, updated_at FROM conversations"
            " WHERE user_id = ? AND session_id = ?",
            record.key,
        ).fetchone()
        if found is None:
            created = _create(connection, record.key, self._now())
            if warm is None or warm.last:
                warm = Warm()
            return warm, self._append(connection, created, record, encoded)
        conversation_id, state, language, size, updated_at = found
        last = _find_last(connection, conversation_id)
        if warm is None or warm.stamp != (conversation_id, size, updated_at, last):
            earlier = self._find_in(connection, conversation_id, record)
            if earlier is not None and earlier.is_spent:
                return earlier
            warm = self._load(connection, conversation_id, record.key, displace)
            if warm is None:
                return None
            warm.state, warm.language = state, language
        sequence = self._append(connection, conversation_id, record, encoded, after=last)
        return warm, sequence

    def _load(
        self,
        connection: sqlite3.Connection,
        conversation_id: int,
        key: ConversationKey,
        displace: bool,
    ) -> Warm | None:
        """The turns of a conversation, none of which runs any more; None where one does."""
        rows = self._read_history(connection, conversation_id)[::-1]
        turns = decode_history(key, [(row.sequence, row.record) for row in rows])
        texts = [row.record for row in rows]
        for at, (row, record_before) in enumerate(zip(rows, turns, strict=True)):
            if row.owner is None:
                continue
            if row.owner == self._presence.owner:
                # The engine has ended it; that could not be stored then.
                texts[at] = self._end(connection, row, record_before, "failed", "not_stored")
            elif not self._presence.is_alive(row.owner):
                texts[at] = self._end(connection, row, record_before, "failed", "process_died")
            elif displace:
                texts[at] = self._end(connection, row, record_before, "cancelled", "superseded")
            else:
                _ask_to_stop(connection, row, "superseded")
                return None
        if not rows:
            return Warm()
        sizes = [count_bytes(text) for text in texts]
        return Warm(
            older=turns[:-1],
            older_bytes=sizes[:-1],
            newest=texts[-1],
            newest_bytes=sizes[-1],
            last=rows[-1].sequence,
            ids=_read_ids(connection, conversation_id),
        )

    def read(self, connection: sqlite3.Connection, key: ConversationKey) -> Conversation:
        """The settled turns of a conversation, with its state."""
        found = connection.execute(
            "SELECT id, state, language FROM conversations WHERE user_id = ? AND session_id = ?",
            key,
        ).fetchone()
        if found is None:
            return Conversation()
        conversation_id, state, language = found
        rows = [row for row in self._read_history(connection, conversation_id) if not row.owner]
        turns = decode_history(key, [(row.sequence, row.record) for row in reversed(rows)])
        return Conversation(turns, json.loads(state), language)

    def erase(self, connection: sqlite3.Connection, record: TurnRecord) -> None:
        """Remove a turn that has ended; with the last one, its conversation."""
        conversation_id = _find_conversation(connection, record.key)
        connection.execute(
            "DELETE FROM turns WHERE conversation = ? AND sequence = ? AND invocation_id = ?"
            " AND owner IS NULL",
            (conversation_id, record.sequence, record.invocation_id),
        )
        if conversation_id is not None and not _find_last(connection, conversation_id):
            remove_conversation(connection, conversation_id, 1, self._gone)

    def _find_in(
        self, connection: sqlite3.Connection, conversation_id: int, record: TurnRecord
    ) -> TurnRecord | None:
        row = connection.execute(
            _COLUMNS + "WHERE invocation_id = ? AND conversation = ? ORDER BY sequence DESC",
            (record.invocation_id, conversation_id),
        ).fetchone()
        return None if row is None else self._read(connection, _Row._make(row), record.key)

    def _read_history(self, connection: sqlite3.Connection, conversation_id: int) -> list[_Row]:
        """The newest turns that are not too many and not too long, newest first."""
        rows: list[_Row] = []
        left = self._limits.history_bytes
        for row in connection.execute(
            _HISTORY_COLUMNS + "WHERE conversation = ? ORDER BY sequence DESC LIMIT ?",
            (conversation_id, self._limits.history_turns),
        ):
            found = _Row._make(row)
            left -= count_bytes(found.record) if rows else 0
            if left < 0:
                break
            rows.append(found)
        return rows

    def settle(
        self,
        connection: sqlite3.Connection,
        record: TurnRecord,
        encoded: str,
        events: str,
        state: str | None,
        language: str,
        heard_before: tuple[str, int] | None,
        begun: bool = True,
    ) -> Settled:
        """Store an ended turn, new if it was not ``begun``; ``state`` None keeps the one before."""
        conversation_id = _find_conversation(connection, record.key)
        if conversation_id is None:
            return self._settle_first(connection, record, encoded, events, state, language)
        ended = (conversation_id, record, encoded, events)
        sequence = _end_begun(connection, *ended) if begun else 0
        if not sequence:
            last = _find_last(connection, conversation_id)
            sequence = self._append(connection, *ended, after=last, settled=True)
        is_newest = connection.execute(
            "UPDATE conversations SET state = coalesce(?, state), language = ?, updated_at = ?"
            " WHERE id = ? AND NOT EXISTS"
            " (SELECT 1 FROM turns WHERE conversation = ? AND sequence > ?)",
            (state, language, self._now(), conversation_id, conversation_id, sequence),
        ).rowcount
        if is_newest and heard_before is not None:
            connection.execute(
                _CORRECT,
                (heard_before[0], count_bytes(heard_before[0]), conversation_id, heard_before[1]),
            )
        removed = trim_conversation(
            connection, conversation_id, sequence, self._limits, _TRIM_PER_TURN
        )
        if record.key.user_id:
            trim_user(connection, record.key.user_id, conversation_id, self._limits, self._gone)
        if not is_newest:
            return Settled(sequence, None, 0)
        size, updated_at = connection.execute(
            "SELECT size, updated_at FROM conversations WHERE id = ?", (conversation_id,)
        ).fetchone()
        first = _find_first(connection, conversation_id) if removed else 0
        return Settled(sequence, Stamp(conversation_id, size, updated_at, sequence), first)

    def _settle_first(
        self,
        connection: sqlite3.Connection,
        record: TurnRecord,
        encoded: str,
        events: str,
        state: str | None,
        language: str,
    ) -> Settled:
        """Store an ended turn with its conversation, which has no other."""
        now = self._now()
        conversation_id = _create(connection, record.key, now, state or "{}", language)
        ended = (conversation_id, record, encoded, events)
        sequence = self._append(connection, *ended, settled=True)
        if record.key.user_id:
            trim_user(connection, record.key.user_id, conversation_id, self._limits, self._gone)
        size = count_bytes(encoded) + count_bytes(events)
        return Settled(sequence, Stamp(conversation_id, size, now, sequence), 0)

    def amend(self, connection: sqlite3.Connection, record: TurnRecord, encoded: str) -> None:
        """Store an ended turn anew; nothing changes where it is stored no more."""
        conversation_id = _find_conversation(connection, record.key)
        if connection.execute(
            f"{_CORRECT} AND invocation_id = ?5",
            (
                encoded,
                count_bytes(encoded),
                conversation_id,
                record.sequence,
                record.invocation_id,
            ),
        ).rowcount:
            # For other processes, to which it is warm.
            connection.execute(
                "UPDATE conversations SET updated_at = ? WHERE id = ?",
                (self._now(), conversation_id),
            )

    def abandon(self, connection: sqlite3.Connection, record: TurnRecord) -> None:
        """End the turn that a cancelled ``begin`` may have left running."""
        conversation_id = _find_conversation(connection, record.key)
        row = connection.execute(
            _COLUMNS + "WHERE conversation = ? AND invocation_id = ? AND owner = ?",
            (conversation_id, record.invocation_id, self._presence.owner),
        ).fetchone()
        if row is not None:
            running = _Row._make(row)
            self._end(connection, running, running.decode(record.key), "cancelled", "disconnected")

    def find(
        self,
        connection: sqlite3.Connection,
        user_id: str,
        invocation_id: str,
        session_id: str | None,
    ) -> TurnRecord | None:
        found = connection.execute(
            "SELECT session_id, turns.id, conversation, sequence, owner, record, events"
            " FROM turns JOIN conversations ON conversations.id = conversation"
            " WHERE invocation_id = ?1 AND user_id = ?2 AND (?3 IS NULL OR session_id = ?3)"
            " ORDER BY turns.id DESC LIMIT 1",
            (invocation_id, user_id, session_id),
        ).fetchone()
        if found is None:
            return None
        session_id, *row = found
        return self._read(connection, _Row._make(row), ConversationKey(user_id, session_id))

    def stop(
        self, connection: sqlite3.Connection, record: TurnRecord, reason: str, displace: bool
    ) -> TurnRecord | None:
        """The turn as it was settled; None when its process was asked to settle it."""
        row = connection.execute(
            _COLUMNS + "WHERE conversation = ? AND sequence = ?",
            (_find_conversation(connection, record.key), record.sequence),
        ).fetchone()
        if row is None:
            return record
        running = _Row._make(row)
        stored = self._read(connection, running, record.key)
        if stored.status == "running":
            if not displace:
                _ask_to_stop(connection, running, reason)
                return None
            self._end(connection, running, stored, "cancelled", reason)
        return stored

    def read_after(
        self, connection: sqlite3.Connection, key: ConversationKey, sequence: int
    ) -> list[TurnRecord]:
        """Some turns of a conversation that follow ``sequence``, oldest first."""
        rows = connection.execute(
            _COLUMNS + "WHERE conversation = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (_find_conversation(connection, key), sequence, _EXPORT_TURNS),
        ).fetchall()
        return [self._read(connection, _Row._make(row), key) for row in rows]

    def list_after(
        self, connection: sqlite3.Connection, conversation_id: int
    ) -> list[tuple[int, ConversationKey]]:
        rows = connection.execute(
            "SELECT id, user_id, session_id FROM conversations WHERE id > ? ORDER BY id LIMIT ?",
            (conversation_id, _LIST_CONVERSATIONS),
        )
        return [(row_id, ConversationKey(*key)) for row_id, *key in rows]

    def remove(self, connection: sqlite3.Connection, key: ConversationKey) -> int:
        conversation_id = _find_conversation(connection, key)
        if conversation_id is None:
            return 0
        connection.execute("DELETE FROM turns WHERE conversation = ?", (conversation_id,))
        return remove_conversation(connection, conversation_id, 1, self._gone)

    def settle_dead(self, connection: sqlite3.Connection) -> None:
        """End what dead processes left running."""
        owners = connection.execute(
            "SELECT DISTINCT owner FROM turns WHERE owner IS NOT NULL"
        ).fetchall()
        for (owner,) in owners:
            if self._presence.is_alive(owner):
                continue
            for user_id, session_id, *row in connection.execute(
                "SELECT user_id, session_id, turns.id, conversation, sequence, owner, record, NULL"
                " FROM turns JOIN conversations ON conversations.id = conversation"
                " WHERE owner = ?",
                (owner,),
            ).fetchall():
                self._read(connection, _Row._make(row), ConversationKey(user_id, session_id))

    def _append(
        self,
        connection: sqlite3.Connection,
        conversation_id: int,
        record: TurnRecord,
        encoded: str,
        events: str = "",
        *,
        after: int = 0,
        settled: bool = False,
    ) -> int:
        owner = None if settled else self._presence.owner
        size = count_bytes(encoded) + count_bytes(events)
        connection.execute(
            "INSERT INTO turns"
            " (conversation, sequence, invocation_id, owner, record, events, size)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                conversation_id,
                after + 1,
                record.invocation_id,
                owner,
                encoded,
                events or None,
                size,
            ),
        )
        return after + 1

    def _read(self, connection: sqlite3.Connection, row: _Row, key: ConversationKey) -> TurnRecord:
        """A turn; if its process died, it ends here."""
        record = row.decode(key)
        if row.owner is not None and not self._presence.is_alive(row.owner):
            self._end(connection, row, record, "failed", "process_died")
        return record

    def _end(
        self,
        connection: sqlite3.Connection,
        row: _Row,
        record: TurnRecord,
        status: TurnStatus,
        reason: str,
    ) -> str:
        encoded = end_record(record, status, reason, self._now())
        connection.execute(
            "UPDATE turns SET record = ?, size = ?, owner = NULL, stop_reason = NULL WHERE id = ?",
            (encoded, count_bytes(encoded), row.id),
        )
        return encoded


def _find_conversation(connection: sqlite3.Connection, key: ConversationKey) -> int | None:
    row = connection.execute(
        "SELECT id FROM conversations WHERE user_id = ? AND session_id = ?", key
    ).fetchone()
    return None if row is None else int(row[0])


def _create(
    connection: sqlite3.Connection,
    key: ConversationKey,
    now: float,
    state: str = "{}",
    language: str = "",
) -> int:
    created = connection.execute(
        "INSERT INTO conversations (user_id, session_id, state, language, updated_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (*key, state, language, now),
    )
    return int(created.lastrowid or 0)


def _find_last(connection: sqlite3.Connection, conversation_id: int) -> int:
    """The sequence of a conversation's last turn; 0 if there is none."""
    row = connection.execute(
        "SELECT coalesce(max(sequence), 0) FROM turns WHERE conversation = ?", (conversation_id,)
    ).fetchone()
    return int(row[0])


def _end_begun(
    connection: sqlite3.Connection,
    conversation_id: int,
    record: TurnRecord,
    encoded: str,
    events: str,
) -> int:
    """End a running turn where it stands; its sequence, or 0 where its begin has failed."""
    values = (encoded, events or None, count_bytes(encoded) + count_bytes(events), conversation_id)
    sequence = record.sequence
    while not connection.execute(_SETTLE, (*values, sequence, record.invocation_id)).rowcount:
        # It has another place where rows before it were removed while it began.
        last = _find_last(connection, conversation_id)
        if sequence == last:
            return 0
        sequence = last
    return sequence


def _find_first(connection: sqlite3.Connection, conversation_id: int) -> int:
    row = connection.execute(
        "SELECT min(sequence) FROM turns WHERE conversation = ?", (conversation_id,)
    ).fetchone()
    return int(row[0])


def _read_ids(connection: sqlite3.Connection, conversation_id: int) -> set[str]:
    rows = connection.execute(
        "SELECT invocation_id FROM turns WHERE conversation = ?", (conversation_id,)
    )
    return {invocation_id for (invocation_id,) in rows}


def _ask_to_stop(connection: sqlite3.Connection, row: _Row, reason: str) -> None:
    connection.execute(
        "UPDATE turns SET stop_reason = ? WHERE id = ? AND stop_reason IS NULL", (reason, row.id)
    )
