"""Conversations in this process's memory, for tests and trials: gone when it ends."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from voicelive_agent.server.conversations.records import (
    count_bytes,
    decode_history,
    decode_record,
    describe_record,
    encode_events,
    encode_record,
    encode_settled,
    end_record,
)
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    Limits,
    StopTurn,
    TurnExistsError,
    TurnRecord,
    TurnStatus,
)

_STOP_SECONDS = 2.0
# A process has less memory than its disk has room.
_MOST_BYTES = 128 << 20


@dataclass(slots=True)
class _Kept:
    state: str = "{}"
    language: str = ""
    last: int = 0
    running: int | None = None
    turns: dict[int, str] = field(default_factory=dict)
    events: dict[int, str] = field(default_factory=dict)
    size: int = 0
    ids: dict[str, int] = field(default_factory=dict)
    updated_at: float = 0.0


class MemoryStore:
    """A ``ConversationStore`` of one process. It keeps text, so nothing is shared by reference."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        now: Callable[[], float] = time.time,
        stop_seconds: float = _STOP_SECONDS,
    ) -> None:
        self._limits = limits or Limits()
        self.now = now
        self._stop_seconds = stop_seconds
        self._kept: dict[ConversationKey, _Kept] = {}
        self._sizes: Counter[str] = Counter()
        self._total = 0
        self._keys_by_id: dict[tuple[str, str], ConversationKey] = {}
        self._settled = asyncio.Condition()
        self._on_stop: StopTurn = lambda key, invocation_id, reason: None

    async def open(self, on_stop: StopTurn) -> None:
        self._on_stop = on_stop

    def holds(self, key: ConversationKey) -> bool:
        """Whether it has turns of this conversation."""
        return key in self._kept

    async def close(self) -> None:
        pass

    async def ready(self) -> bool:
        return True

    async def begin(self, record: TurnRecord, *, is_new: bool = False) -> Conversation:
        encoded = encode_record(record)
        # Taken out and put back: the order of the dict is the order of use.
        kept = self._kept.pop(record.key, None) or _Kept()
        self._kept[record.key] = kept
        earlier = self._read_by_id(record.key, kept, record.invocation_id)
        if earlier is not None and earlier.is_spent:
            raise TurnExistsError(earlier)
        if kept.running is not None:
            self._end(record.key, kept, kept.running, "failed", "not_stored")
        conversation = self._load(record.key, kept)
        self._append(kept, record, encoded)
        kept.running = record.sequence
        self._remove_surplus()
        return conversation

    async def read(self, key: ConversationKey) -> Conversation:
        kept = self._kept.get(key)
        if kept is None:
            return Conversation()
        conversation = self._load(key, kept)
        conversation.turns = [turn for turn in conversation.turns if turn.status != "running"]
        return conversation

    async def settle(
        self, record: TurnRecord, conversation: Conversation, *, heard_before: TurnRecord | None
    ) -> None:
        encoded, state, problem = encode_settled(
            record, conversation, self._limits.conversation_bytes
        )
        heard = None if heard_before is None else encode_record(heard_before)
        kept = self._kept.setdefault(record.key, _Kept())
        sequence = record.sequence or kept.last
        if self._read_id(record.key, kept, sequence) == record.invocation_id:
            record.sequence = sequence
            self._write(record.key, kept, sequence, encoded)
        else:
            self._append(kept, record, encoded)
        self._write_events(record, kept)
        if kept.running == record.sequence:
            kept.running = None
        if kept.last == record.sequence:
            kept.state = kept.state if state is None else state
            kept.language = conversation.language
            if heard_before is not None and heard and heard_before.sequence in kept.turns:
                self._write(record.key, kept, heard_before.sequence, heard)
        self._trim(record.key, kept)
        self._remove_surplus(of_user=record.key.user_id, but=record.key)
        async with self._settled:
            self._settled.notify_all()
        if problem is not None:
            raise problem

    async def find(
        self, user_id: str, invocation_id: str, session_id: str | None = None
    ) -> TurnRecord | None:
        if session_id is None:
            key = self._keys_by_id.get((user_id, invocation_id))
        else:
            key = ConversationKey(user_id, session_id)
        kept = None if key is None else self._kept.get(key)
        if key is None or kept is None:
            return None
        return self._read_by_id(key, kept, invocation_id)

    async def stop_elsewhere(self, record: TurnRecord, reason: str) -> TurnRecord:
        kept = self._kept.get(record.key)
        if kept is None or record.sequence not in kept.turns:
            return record
        if kept.running == record.sequence:
            self._on_stop(record.key, record.invocation_id, reason)
            try:
                async with asyncio.timeout(self._stop_seconds), self._settled:
                    await self._settled.wait_for(lambda: kept.running != record.sequence)
            except TimeoutError:
                self._end(record.key, kept, record.sequence, "cancelled", reason)
        return self._read(record.key, kept, record.sequence)

    async def amend(self, record: TurnRecord) -> None:
        encoded = encode_record(record)
        key, sequence = record.key, record.sequence
        kept = self._kept.get(key)
        if kept is None or kept.running == sequence:
            return
        if self._read_id(key, kept, sequence) == record.invocation_id:
            self._write(key, kept, sequence, encoded)

    async def erase(self, record: TurnRecord) -> None:
        key, sequence = record.key, record.sequence
        kept = self._kept.get(key)
        if kept is None or kept.running == sequence or sequence not in kept.turns:
            return
        self._drop(key, kept, sequence)
        if not kept.turns:
            self._remove(key)

    async def list_keys(self) -> AsyncIterator[ConversationKey]:
        for key in list(self._kept):
            yield key

    async def export(self, key: ConversationKey | None = None) -> AsyncIterator[dict[str, Any]]:
        for of in list(self._kept) if key is None else [key]:
            kept = self._kept.get(of)
            for sequence in sorted(kept.turns) if kept else ():
                if kept and sequence in kept.turns:
                    yield describe_record(self._read(of, kept, sequence))

    async def purge(self, key: ConversationKey | None = None) -> int:
        if key is not None:
            return self._remove(key)
        oldest = self.now() - self._limits.retention_seconds
        expired = [
            of
            for of, kept in self._kept.items()
            if kept.updated_at < oldest and kept.running is None
        ]
        return sum(self._remove(of) for of in expired) + self._remove_surplus()

    def _read(self, key: ConversationKey, kept: _Kept, sequence: int) -> TurnRecord:
        return decode_record(kept.turns[sequence], key, sequence, kept.events.get(sequence, ""))

    def _read_by_id(
        self, key: ConversationKey, kept: _Kept, invocation_id: str
    ) -> TurnRecord | None:
        sequence = kept.ids.get(invocation_id)
        return None if sequence is None else self._read(key, kept, sequence)

    def _load(self, key: ConversationKey, kept: _Kept) -> Conversation:
        recent = self._choose_history(kept)
        return Conversation(
            turns=decode_history(key, [(number, kept.turns[number]) for number in recent]),
            state=json.loads(kept.state),
            language=kept.language,
        )

    def _choose_history(self, kept: _Kept) -> list[int]:
        """The newest turns that are not too many and not too long, ascending."""
        newest = sorted(kept.turns, reverse=True)[: self._limits.history_turns]
        sizes = accumulate(count_bytes(kept.turns[number]) for number in newest[1:])
        fitting = sum(1 for size in sizes if size <= self._limits.history_bytes)
        return newest[fitting::-1]

    def _append(self, kept: _Kept, record: TurnRecord, encoded: str) -> None:
        kept.last += 1
        kept.updated_at = self.now()
        record.sequence = kept.last
        self._write(record.key, kept, kept.last, encoded)
        kept.ids[record.invocation_id] = kept.last
        self._keys_by_id[record.key.user_id, record.invocation_id] = record.key

    def _write(self, key: ConversationKey, kept: _Kept, sequence: int, encoded: str) -> None:
        before = kept.turns.get(sequence, "")
        kept.turns[sequence] = encoded
        self._count(key, kept, count_bytes(encoded) - count_bytes(before))

    def _write_events(self, record: TurnRecord, kept: _Kept) -> None:
        before, events = kept.events.pop(record.sequence, ""), encode_events(record)
        if events:
            kept.events[record.sequence] = events
        self._count(record.key, kept, count_bytes(events) - count_bytes(before))

    def _count(self, key: ConversationKey, kept: _Kept, size: int) -> None:
        kept.size += size
        self._total += size
        self._sizes[key.user_id] += size
        if not self._sizes[key.user_id]:
            del self._sizes[key.user_id]

    def _end(
        self,
        key: ConversationKey,
        kept: _Kept,
        sequence: int,
        status: TurnStatus,
        reason: str,
    ) -> None:
        record = self._read(key, kept, sequence)
        self._write(key, kept, sequence, end_record(record, status, reason, self.now()))
        kept.running = None

    def _trim(self, key: ConversationKey, kept: _Kept) -> None:
        """Cut one conversation to its limits; its newest turn stays."""
        limits = self._limits
        while len(kept.turns) > 1 and (
            len(kept.turns) > limits.max_turns or kept.size > limits.conversation_bytes
        ):
            self._drop(key, kept, min(kept.turns))

    def _drop(self, key: ConversationKey, kept: _Kept, sequence: int) -> None:
        self._forget_id(key, kept, sequence)
        size = count_bytes(kept.turns.pop(sequence)) + count_bytes(kept.events.pop(sequence, ""))
        self._count(key, kept, -size)

    def _remove_surplus(self, of_user: str = "", but: ConversationKey | None = None) -> int:
        """Remove what is too much: of one user, and in all of the user who has the most."""
        limits, removed = self._limits, 0
        while of_user and self._sizes[of_user] > limits.user_bytes:
            if not (gone := self._remove_oldest(of_user, but)):
                break
            removed += gone
        while self._is_too_big() or len(self._kept) > limits.max_conversations:
            if not (gone := self._remove_oldest(self._find_heaviest(), but)):
                break
            removed += gone
        return removed

    def _is_too_big(self) -> bool:
        return self._total > min(self._limits.max_bytes, _MOST_BYTES)

    def _find_heaviest(self) -> str:
        if self._is_too_big():
            return self._sizes.most_common(1)[0][0]
        return Counter(key.user_id for key in self._kept).most_common(1)[0][0]

    def _remove_oldest(self, user_id: str, but: ConversationKey | None) -> int:
        for key, kept in self._kept.items():
            if key.user_id == user_id and kept.running is None and key != but:
                return self._remove(key)
        return 0

    def _remove(self, key: ConversationKey) -> int:
        kept = self._kept.pop(key, None)
        if kept is None:
            return 0
        for sequence in kept.turns:
            self._forget_id(key, kept, sequence)
        self._count(key, kept, -kept.size)
        return 1

    def _read_id(self, key: ConversationKey, kept: _Kept, sequence: int) -> str:
        text = kept.turns.get(sequence)
        return decode_record(text, key, sequence).invocation_id if text else ""

    def _forget_id(self, key: ConversationKey, kept: _Kept, sequence: int) -> None:
        invocation_id = self._read_id(key, kept, sequence)
        if kept.ids.get(invocation_id) == sequence:
            del kept.ids[invocation_id]
            if self._keys_by_id.get((key.user_id, invocation_id)) == key:
                del self._keys_by_id[key.user_id, invocation_id]
