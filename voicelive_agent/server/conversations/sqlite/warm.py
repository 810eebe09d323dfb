"""Warm conversations: those that were talked in last, decoded, so that a turn reads no file.

A conversation is what its rows say; a warm one is only taken for it where nobody else can have
changed them since (``Presence.look``), or where its ``Stamp`` is still the rows'. What that is
worth with 50 turns of history: two thirds of the store's CPU of a turn, and a first word that does
not wait for the store's thread.
"""

import asyncio
import json
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from voicelive_agent.agent import PastTurn
from voicelive_agent.server.conversations.records import count_bytes, decode_record
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    Limits,
    TurnRecord,
)

MOST_BYTES = 64 << 20
"""Of all warm conversations; those that were quiet the longest go first."""
# Beside the text: of a conversation, of a decoded turn, of an id, as measured.
_BYTES_EACH = 2_000
_TURN_BYTES = 1_000
_ID_BYTES = 150

Gone = deque[int]
"""Row ids of conversations of which something was removed; any thread may append."""


class Stamp(NamedTuple):
    """What no change of a conversation's rows leaves as it was."""

    id: int
    size: int
    updated_at: float
    last: int


@dataclass(slots=True)
class Warm:
    """One conversation as its last turn left it. Nobody changes its older turns."""

    state: str = "{}"
    language: str = ""
    older: list[TurnRecord] = field(default_factory=list)
    older_bytes: list[int] = field(default_factory=list)
    newest: str = ""
    """The newest turn, encoded; empty for a conversation without turns."""
    newest_bytes: int = 0
    last: int = 0
    """``sequence`` of the newest."""
    past: dict[int, PastTurn] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    """Of all its turns that are stored."""
    stamp: Stamp | None = None
    alone: int | None = None
    """What ``Presence.look`` said when it was left so."""
    beginning: asyncio.Future[Any] | None = None
    """Of the turn that runs, where its beginning is stored beside it."""

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        texts = sum(self.older_bytes) + self.newest_bytes + len(self.state)
        objects = _TURN_BYTES * len(self.older) + _ID_BYTES * len(self.ids)
        return _BYTES_EACH + texts + objects

    def load(self, key: ConversationKey) -> Conversation:
        """The conversation for one turn, which may change its state and its newest turn."""
        turns = [*self.older]
        if self.newest:
            turns.append(decode_record(self.newest, key, self.last))
        state = json.loads(self.state) if self.state != "{}" else {}
        return Conversation(turns, state, self.language, self.past)

    def add(self, record: TurnRecord, encoded: str, before: TurnRecord | None) -> None:
        """A turn was stored; ``before`` is the newest until then."""
        if before is not None:
            before.marks = []
            self.older.append(before)
            self.older_bytes.append(self.newest_bytes)
        self.newest, self.newest_bytes = encoded, count_bytes(encoded)
        self.last = record.sequence
        self.ids.add(record.invocation_id)

    def trim(self, limits: Limits, first: int) -> None:
        """Keep what a turn would be told: no turn before ``first`` is stored any more."""
        surplus = max(0, len(self.older) + 1 - limits.history_turns)
        while surplus < len(self.older) and self.older[surplus].sequence < first:
            surplus += 1
        total = sum(self.older_bytes[surplus:])
        while total > limits.history_bytes:
            total -= self.older_bytes[surplus]
            surplus += 1
        if surplus:
            for record in self.older[:surplus]:
                self.past.pop(record.sequence, None)
            del self.older[:surplus], self.older_bytes[:surplus]


class WarmConversations:
    """The conversations of one store that are warm. Used in the event loop's thread alone.

    What is told by ``gone`` is warm no longer, so that removed words are not in memory either.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.gone: Gone = deque()
        self._most_bytes = most_bytes
        self._kept: OrderedDict[ConversationKey, tuple[Warm, int]] = OrderedDict()
        self._keys: dict[int, ConversationKey] = {}
        self._bytes = 0

    def find(self, key: ConversationKey) -> Warm | None:
        self._let_go()
        kept = self._kept.get(key)
        return None if kept is None else kept[0]

    def keep(self, key: ConversationKey, warm: Warm) -> None:
        self.forget(key)
        size = warm.size
        self._kept[key] = warm, size
        self._bytes += size
        if warm.stamp is not None:
            self._keys[warm.stamp.id] = key
        while self._bytes > self._most_bytes:
            self.forget(next(iter(self._kept)))

    def forget(self, key: ConversationKey) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            warm, size = kept
            self._bytes -= size
            if warm.stamp is not None:
                self._keys.pop(warm.stamp.id, None)

    def clear(self) -> None:
        self._kept.clear()
        self._keys.clear()
        self._bytes = 0

    def _let_go(self) -> None:
        while self.gone:
            key = self._keys.get(self.gone.popleft())
            if key is not None:
                self.forget(key)
