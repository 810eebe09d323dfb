"""Repetition of a turn that was asked before: its answer comes from its record, and no agent runs.

Callers ask again when they have not heard the end: a connection broke, a proxy gave up, an SDK has
a rule of its own. The id of an invocation is what they keep, so the same id is the same turn.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace

from voicelive_agent.server.conversations import ConversationStore, StoreError, TurnRecord
from voicelive_agent.server.conversations.records import encode_json
from voicelive_agent.server.engine.ending import Ending, find_ending, find_phrases
from voicelive_agent.server.engine.events import (
    CallEnded,
    Delta,
    EngineEvent,
    Failed,
    Finished,
    Shown,
    SpeechDone,
    TurnLimits,
    TurnRequest,
)

_POLL_SECONDS = 0.1
# A reader of server-sent events may have a limit for one line.
_DELTA_CHARACTERS = 4_096


class IdReusedError(Exception):
    """Another turn of this caller has the same invocation id."""


class StoredTurn:
    """A turn that ended, or that another replica runs, for one who asks for it again.

    Has the two methods of ``listener.Listener``.
    """

    def __init__(self, record: TurnRecord, store: ConversationStore, limits: TurnLimits) -> None:
        self.record = record
        self._store = store
        self._limits = limits

    async def events(
        self, heartbeat_seconds: float | None = None
    ) -> AsyncGenerator[list[EngineEvent], None]:
        """All events of the turn, once it has ended; until then empty batches.

        A turn that is still running after the longest that one may take is told as failed.
        """
        loop = asyncio.get_running_loop()
        limits = self._limits
        give_up_at = loop.time() + limits.total_seconds + limits.closing_seconds
        beat_at = loop.time() + (heartbeat_seconds or limits.total_seconds)
        while self.record.status == "running" and loop.time() < give_up_at:
            await asyncio.sleep(_POLL_SECONDS)
            await self._look_again()
            if heartbeat_seconds and loop.time() >= beat_at:
                beat_at = loop.time() + heartbeat_seconds
                yield []
        yield list_events(self.record, self._limits)

    def leave(self) -> None:
        """Nothing waits for this listener."""

    async def _look_again(self) -> None:
        record = self.record
        try:
            found = await self._store.find(
                record.key.user_id, record.invocation_id, record.key.session_id
            )
        except StoreError:
            return
        # One that is gone was lost with its store.
        self.record = found or _end(record)


def check_same(record: TurnRecord, request: TurnRequest) -> None:
    """Raises IdReusedError where a request with a known invocation id asks for something else."""
    if _describe(record) != _describe(request):
        raise IdReusedError(record.invocation_id)


def _describe(asked: TurnRecord | TurnRequest) -> tuple[str, str, str]:
    # As stored: text that is no valid Unicode is not kept as it came.
    return asked.kind, encode_json(asked.text), encode_json(asked.action)


def list_events(record: TurnRecord, limits: TurnLimits) -> list[EngineEvent]:
    """The events of an ended turn: what was delivered, and whether that was not all."""
    events = [*_list_delivered(record)]
    ending = find_ending(record.reason if record.status != "running" else Ending.TURN_TIMEOUT.value)
    text = record.reply
    if not text and ending is not Ending.COMPLETED:
        text = find_phrases(limits.language, apology=limits.apology).apology
        events.append(text)
    if ending is not Ending.COMPLETED:
        events.append(Failed(ending))
    return [*events, SpeechDone(text), Finished(record)]


def _list_delivered(record: TurnRecord) -> Iterator[EngineEvent]:
    spoken = 0
    for at, encoded in record.events:
        yield from _cut(record.reply[spoken:at])
        spoken = at
        value = json.loads(encoded)
        yield CallEnded(value) if isinstance(value, str) else Shown(encoded)
    yield from _cut(record.reply[spoken:])


def _cut(text: str) -> Iterator[Delta]:
    for start in range(0, len(text), _DELTA_CHARACTERS):
        yield text[start : start + _DELTA_CHARACTERS]


def _end(record: TurnRecord) -> TurnRecord:
    return replace(record, status="failed", reason=Ending.NOT_STORED.value)
