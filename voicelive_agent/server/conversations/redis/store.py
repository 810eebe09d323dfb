"""Conversations in Redis (7 or later), for replicas among which a conversation's turns wander.

How a turn on replica B supersedes one that runs on replica A::

    B: begin ──▶ Redis: A's turn runs
    B: publish stop to A ─────────────▶ A: on_stop ──▶ engine ends the turn
    B: begin, again …                   A: settle ──▶ Redis: no turn runs
    B: begin ──▶ Redis: begun, with A's turn as history

When the lease of A is gone, or A takes too long, B takes A's place; what A may settle later
changes nothing but A's own record.

Retention is Redis's own expiry. Let Redis not evict by itself (``maxmemory-policy noeviction``),
and keep an append-only file where turns must survive its restart (``appendonly yes``). Keys fit a
cluster, but the client speaks to one address: on Azure Managed Redis choose the Enterprise or the
non-clustered policy.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from voicelive_agent.server.conversations.records import (
    build_history,
    decode_record,
    describe_record,
    encode_events,
    encode_record,
    encode_settled,
    end_record,
)
from voicelive_agent.server.conversations.redis.leftovers import Leftovers
from voicelive_agent.server.conversations.redis.link import RedisLink
from voicelive_agent.server.conversations.redis.replica import (
    Replica,
    SharedClock,
    StopRequest,
    Verdict,
)
from voicelive_agent.server.conversations.redis.scripts import (
    AMEND,
    BEGIN,
    DROP,
    END,
    ERASE,
    HISTORY,
    READ,
    SETTLE,
    SHARE,
    TRIM,
)
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    Limits,
    StopTurn,
    StoreError,
    TurnExistsError,
    TurnRecord,
    TurnStatus,
)

_STOP_SECONDS = 2.0
_EXPORT_TURNS = 100
_CLOSING_SECONDS = 1.0
_SCAN_KEYS = 500
_REMOVED_AT_ONCE = 20
_EXISTS = 2

logger = logging.getLogger(__name__)


class RedisStore:
    """A ``ConversationStore`` in the Redis at ``url`` (see ``RedisLink``).

    A replica that has not renewed its lease for ``lease_seconds`` counts as dead;
    ``stop_seconds`` is how long a living one gets to settle a turn that it was asked to stop.
    Raises ValueError for a URL that makes no sense.
    """

    def __init__(
        self,
        url: str,
        limits: Limits | None = None,
        *,
        lease_seconds: float = 15.0,
        stop_seconds: float = _STOP_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not lease_seconds >= 0.5:
            raise ValueError(f"lease_seconds must be at least 0.5, not {lease_seconds}")
        self._limits = limits or Limits()
        self._ttl_ms = int(self._limits.retention_seconds * 1000)
        self._stop_seconds = stop_seconds
        self.now = SharedClock(now)
        self._link = RedisLink(url)
        self._prefix = self._link.prefix
        self._replica = Replica(self._link, lease_seconds, self.now)
        self._tokens: dict[tuple[ConversationKey, int], str] = {}
        self._leftovers = Leftovers(self._end)

    async def open(self, on_stop: StopTurn) -> None:
        """Connect; where Redis is away, as soon as it is back, and until then nothing is ready.

        What a dead replica left running is ended when it is next looked at.
        """
        self._link.open()
        try:
            await self._replica.join(on_stop)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._leftovers.close(_CLOSING_SECONDS)
        await self._replica.leave()
        await self._link.close()

    async def ready(self) -> bool:
        try:
            await self._replica.renew()
        except StoreError:
            return False
        return True

    async def begin(self, record: TurnRecord, *, is_new: bool = False) -> Conversation:
        encoded = encode_record(record)
        token = uuid.uuid4().hex
        # It may have been done, all the same, when it fails: nobody else would end the turn.
        try:
            conversation = await self._begin(record, encoded, token)
        except StoreError:
            self._leave(record, token, "failed", "conversation_unavailable")
            raise
        except asyncio.CancelledError:
            self._leave(record, token, "cancelled", "disconnected")
            raise
        self._tokens[record.key, record.sequence] = token
        return conversation

    async def read(self, key: ConversationKey) -> Conversation:
        limits = self._limits
        state, language, history = await self._link.evaluate(
            HISTORY, self._keys_of(key), limits.history_turns, limits.history_bytes
        )
        turns = build_history(key, json.loads(history))
        settled = [turn for turn in turns if turn.status != "running"]
        return Conversation(settled, json.loads(state or "{}"), language or "")

    async def settle(
        self, record: TurnRecord, conversation: Conversation, *, heard_before: TurnRecord | None
    ) -> None:
        limits = self._limits
        encoded, state, problem = encode_settled(record, conversation, limits.conversation_bytes)
        pointer = self._pointer(record.key.user_id, record.invocation_id)
        token = self._tokens.pop((record.key, record.sequence), "")
        try:
            record.sequence, size = await self._link.evaluate(
                SETTLE,
                self._keys_of(record.key),
                record.sequence,
                record.invocation_id,
                encoded,
                encode_events(record),
                "" if state is None else state,
                conversation.language,
                0 if heard_before is None else heard_before.sequence,
                "" if heard_before is None else encode_record(heard_before),
                limits.max_turns,
                limits.conversation_bytes,
                self._ttl_ms,
                also=[("SET", pointer, record.key.session_id, "PX", self._ttl_ms, "NX")],
            )
        except (StoreError, asyncio.CancelledError):
            self._leave(record, token, "failed", "conversation_not_saved")
            raise
        await self._note_size(record.key, size)
        if problem is not None:
            raise problem

    async def find(
        self, user_id: str, invocation_id: str, session_id: str | None = None
    ) -> TurnRecord | None:
        if session_id is None:
            (session_id,) = await self._link.run(("GET", self._pointer(user_id, invocation_id)))
        if session_id is None:
            return None
        return await self._read(ConversationKey(user_id, session_id), 0, invocation_id)

    async def stop_elsewhere(self, record: TurnRecord, reason: str) -> TurnRecord:
        request = StopRequest(self._replica, reason, self._stop_seconds)
        while True:
            reply = await self._link.evaluate(
                READ, self._keys_of(record.key), record.sequence, record.invocation_id
            )
            if not reply:
                return record
            sequence, text, events, *running = reply
            stored = decode_record(text, record.key, int(sequence), events)
            if not running:
                return stored
            owner, token = running
            verdict = await request.press(owner, stored)
            if verdict is not None:
                await self._end(stored.key, token, end_record(stored, *verdict, self.now()))

    async def amend(self, record: TurnRecord) -> None:
        size = await self._link.evaluate(
            AMEND, self._keys_of(record.key), record.sequence, encode_record(record)
        )
        if size >= 0:
            await self._note_size(record.key, size)

    async def erase(self, record: TurnRecord) -> None:
        size = await self._link.evaluate(ERASE, self._keys_of(record.key), record.sequence)
        if size >= 0:
            await self._link.run(
                ("UNLINK", self._pointer(record.key.user_id, record.invocation_id))
            )
            await self._note_size(record.key, size)

    async def list_keys(self) -> AsyncIterator[ConversationKey]:
        pattern = f"{self._prefix}:{{*}}:conversation"
        cursor = 0
        # Redis may name a key more than once.
        seen = set[str]()
        while True:
            ((cursor, found),) = await self._link.run(
                ("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_KEYS)
            )
            for name in set(found) - seen:
                tag = name[len(self._prefix) + 2 : name.rindex("}")]
                user_id, session_id = tag.split(":")
                yield ConversationKey(unquote(user_id), unquote(session_id))
            if cursor == 0:
                return
            seen.update(found)

    async def export(self, key: ConversationKey | None = None) -> AsyncIterator[dict[str, Any]]:
        if key is None:
            async for each in self.list_keys():
                async for turn in self.export(each):
                    yield turn
            return
        head, turns, _ = self._keys_of(key)
        ((first, last),) = await self._link.run(("HMGET", head, "first", "last"))
        for start in range(int(first or 1), int(last or 0) + 1, _EXPORT_TURNS):
            sequences = range(start, min(start + _EXPORT_TURNS, int(last) + 1))
            texts, all_events = await self._link.run(
                ("HMGET", turns, *sequences),
                ("HMGET", turns, *(f"{sequence}:events" for sequence in sequences)),
            )
            for sequence, text, events in zip(sequences, texts, all_events, strict=True):
                if text is None:
                    continue
                record = decode_record(text, key, sequence, events or "")
                if record.status == "running":
                    record = await self._read(key, sequence, record.invocation_id) or record
                yield describe_record(record)

    async def purge(self, key: ConversationKey | None = None) -> int:
        if key is not None:
            removed: int
            (removed,) = await self._link.run(("UNLINK", *self._keys_of(key)))
            await self._note_size(key, 0)
            return min(removed, 1)
        count = 0
        async for each in self.list_keys():
            count += await self._link.evaluate(
                TRIM,
                self._keys_of(each),
                self._limits.max_turns,
                self._limits.conversation_bytes,
                self._ttl_ms,
            )
        return count

    async def _begin(self, record: TurnRecord, encoded: str, token: str) -> Conversation:
        pointer = self._pointer(record.key.user_id, record.invocation_id)
        request = StopRequest(self._replica, "superseded", self._stop_seconds)
        displaced = ended = ""
        while True:
            begun, *reply = await self._link.evaluate(
                BEGIN,
                self._keys_of(record.key),
                token,
                self._replica.id,
                record.invocation_id,
                encoded,
                self._limits.history_turns,
                self._limits.history_bytes,
                self._ttl_ms,
                displaced,
                ended,
                also=[
                    ("SET", pointer, record.key.session_id, "PX", self._ttl_ms),
                    # A Redis that has lost its data has lost the lease, too.
                    self._replica.lease,
                ],
            )
            if begun == _EXISTS:
                (sequence,) = reply
                earlier = await self._read(record.key, int(sequence), record.invocation_id)
                if earlier is not None:
                    raise TurnExistsError(earlier)
                continue
            if begun:
                record.sequence, state, language, history = reply
                turns = build_history(record.key, json.loads(history))
                return Conversation(turns, json.loads(state or "{}"), language or "")
            running, owner, displaced, text = reply
            stored = decode_record(text, record.key, int(running))
            verdict: Verdict | None
            if owner == self._replica.id:
                # The engine has ended it; that could not be stored then.
                verdict = ("failed", "not_stored")
            else:
                verdict = await request.press(owner, stored)
            if verdict is None:
                displaced = ""
            else:
                ended = self._leftovers.find(displaced) or end_record(stored, *verdict, self.now())

    async def _read(
        self, key: ConversationKey, sequence: int, invocation_id: str
    ) -> TurnRecord | None:
        """A turn; if its replica died, it ends here."""
        while True:
            reply = await self._link.evaluate(READ, self._keys_of(key), sequence, invocation_id)
            if not reply:
                return None
            number, text, events, *running = reply
            record = decode_record(text, key, int(number), events)
            if not running or await self._replica.is_alive(running[0]):
                return record
            ended = end_record(record, "failed", "replica_died", self.now())
            await self._end(key, running[1], ended)

    async def _end(self, key: ConversationKey, token: str, encoded: str) -> bool:
        return bool(await self._link.evaluate(END, self._keys_of(key), token, encoded))

    async def _note_size(self, key: ConversationKey, size: int) -> None:
        """Keep a user's conversations, this one of ``size`` bytes, within the user's share."""
        if not key.user_id:
            return
        tag = f"{self._prefix}:{{{quote(key.user_id, safe='')}}}"
        try:
            sessions = await self._link.evaluate(
                SHARE,
                (f"{tag}:order", f"{tag}:sizes"),
                key.session_id,
                size,
                self._limits.user_bytes,
                self._ttl_ms,
                _REMOVED_AT_ONCE,
            )
            for session_id in sessions:
                await self._link.evaluate(DROP, self._keys_of(key._replace(session_id=session_id)))
        except StoreError as error:
            # The turn itself is stored; the next one tries again.
            logger.warning("a user's share was not looked at: %s", error)

    def _leave(self, record: TurnRecord, token: str, status: TurnStatus, reason: str) -> None:
        """See to it that a turn of this replica does not seem to run for ever."""
        if not token:
            return
        left = replace(
            record,
            status=status,
            reason=reason,
            ended_at=record.ended_at or self.now(),
            interrupted=record.interrupted or status == "cancelled",
        )
        encoded, _, _ = encode_settled(left, Conversation(), self._limits.conversation_bytes)
        self._leftovers.add(record.key, token, encoded)

    def _keys_of(self, key: ConversationKey) -> tuple[str, str, str]:
        tag = f"{self._prefix}:{{{quote(key.user_id, safe='')}:{quote(key.session_id, safe='')}}}"
        return f"{tag}:conversation", f"{tag}:turns", f"{tag}:ids"

    def _pointer(self, user_id: str, invocation_id: str) -> str:
        """The key that leads from an invocation id to its session."""
        user, invocation = quote(user_id, safe=""), quote(invocation_id, safe="")
        return f"{self._prefix}:invocation:{user}:{invocation}"
