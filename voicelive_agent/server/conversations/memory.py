"""Conversations in this process's memory, for tests and trials: gone when it ends."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from voicelive_agent.server.conversations.records import (
    decode_history,
    decode_record,
    describe_record,
    encode_record,
    encode_settled,
    end_record,
)
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    Limits,
    StopTurn,
    TurnRecord,
    TurnStatus,
)

_STOP_SECONDS = 2.0


@dataclass(slots=True)
class _Kept:
    state: str = "{}"
    language: str = ""
    last: int = 0
    running: int | None = None
    turns: dict[int, str] = field(default_factory=dict)
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

    async def begin(self, record: TurnRecord) -> Conversation:
        encoded = encode_record(record)
        # Taken out and put back: the order of the dict is the order of use.
        kept = self._kept.pop(record.key, None) or _Kept()
        self._kept[record.key] = kept
        if kept.running is not None:
            self._end(record.key, kept, kept.running, "failed", "not_stored")
        recent = sorted(kept.turns)[-self._limits.history_turns :]
        conversation = Conversation(
            turns=decode_history(record.key, [(number, kept.turns[number]) for number in recent]),
            state=json.loads(kept.state),
            language=kept.language,
        )
        self._append(kept, record, encoded)
        kept.running = record.sequence
        self._remove_surplus()
        return conversation

    async def settle(
        self, record: TurnRecord, conversation: Conversation, *, heard_before: TurnRecord | None
    ) -> None:
        encoded, state, problem = encode_settled(record, conversation)
        heard = None if heard_before is None else encode_record(heard_before)
        kept = self._kept.setdefault(record.key, _Kept())
        sequence = record.sequence or kept.last
        if self._read_id(record.key, kept, sequence) == record.invocation_id:
            record.sequence = sequence
            kept.turns[sequence] = encoded
        else:
            self._append(kept, record, encoded)
        if kept.running == record.sequence:
            kept.running = None
        if kept.last == record.sequence:
            kept.state = kept.state if state is None else state
            kept.language = conversation.language
            if heard_before is not None and heard and heard_before.sequence in kept.turns:
                kept.turns[heard_before.sequence] = heard
        while len(kept.turns) > self._limits.max_turns:
            oldest = min(kept.turns)
            self._forget_id(record.key, kept, oldest)
            del kept.turns[oldest]
        async with self._settled:
            self._settled.notify_all()
        if problem is not None:
            raise problem

    async def find(self, user_id: str, invocation_id: str) -> TurnRecord | None:
        key = self._keys_by_id.get((user_id, invocation_id))
        if key is None:
            return None
        kept = self._kept[key]
        sequence = kept.ids[invocation_id]
        return decode_record(kept.turns[sequence], key, sequence)

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
        return decode_record(kept.turns[record.sequence], record.key, record.sequence)

    async def list_keys(self) -> AsyncIterator[ConversationKey]:
        for key in list(self._kept):
            yield key

    async def export(self, key: ConversationKey | None = None) -> AsyncIterator[dict[str, Any]]:
        for of in list(self._kept) if key is None else [key]:
            kept = self._kept.get(of)
            for sequence in sorted(kept.turns) if kept else ():
                if kept and sequence in kept.turns:
                    yield describe_record(decode_record(kept.turns[sequence], of, sequence))

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

    def _append(self, kept: _Kept, record: TurnRecord, encoded: str) -> None:
        kept.last += 1
        kept.updated_at = self.now()
        record.sequence = kept.last
        kept.turns[kept.last] = encoded
        kept.ids[record.invocation_id] = kept.last
        self._keys_by_id[record.key.user_id, record.invocation_id] = record.key

    def _end(
        self,
        key: ConversationKey,
        kept: _Kept,
        sequence: int,
        status: TurnStatus,
        reason: str,
    ) -> None:
        record = decode_record(kept.turns[sequence], key, sequence)
        kept.turns[sequence] = end_record(record, status, reason, self.now())
        kept.running = None

    def _remove_surplus(self) -> int:
        surplus = len(self._kept) - self._limits.max_conversations
        if surplus <= 0:
            return 0
        quiet = [key for key, kept in self._kept.items() if kept.running is None]
        return sum(self._remove(key) for key in quiet[:surplus])

    def _remove(self, key: ConversationKey) -> int:
        kept = self._kept.pop(key, None)
        if kept is None:
            return 0
        for sequence in kept.turns:
            self._forget_id(key, kept, sequence)
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
