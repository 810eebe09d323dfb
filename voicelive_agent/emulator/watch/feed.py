"""Feed: numbered events, the newest of which are kept, and which any number of readers follow."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from voicelive_agent.wire.voice_live.frames import encode_event

KEPT_EVENTS = 2000
KEPT_BYTES = 2 << 20
GAP = "gap"


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event; ``data`` is JSON on one line."""

    id: str
    kind: str
    data: str


class Feed:
    """The newest events of one subject, in memory; a reader never holds up who adds to it."""

    def __init__(self, *, kept_events: int = KEPT_EVENTS, kept_bytes: int = KEPT_BYTES) -> None:
        # An id of a feed that is no more, say of an emulator that was restarted, is none of this.
        self._prefix = uuid.uuid4().hex[:8]
        self._kept_events = kept_events
        self._kept_bytes = kept_bytes
        self._events: deque[FeedEvent] = deque()
        self._bytes = 0
        self._count = 0
        self._is_ended = False
        self._readers: set[asyncio.Event] = set()

    def add(self, kind: str, data: Mapping[str, Any]) -> None:
        if self._is_ended:
            return
        self._count += 1
        event = FeedEvent(f"{self._prefix}-{self._count}", kind, _encode(data))
        self._events.append(event)
        self._bytes += len(event.data)
        while len(self._events) > self._kept_events or self._bytes > self._kept_bytes:
            self._bytes -= len(self._events.popleft().data)
        self._tell_readers()

    def end(self) -> None:
        """Nothing is added any more."""
        self._is_ended = True
        self._tell_readers()

    def has_ended_with(self, last_id: str) -> bool:
        """Whether a reader that knows this event knows all there will ever be."""
        return self._is_ended and self._place(last_id) == self._count

    async def follow(
        self, last_id: str = "", quiet_s: float | None = None
    ) -> AsyncGenerator[FeedEvent | None, None]:
        """The events after ``last_id``, and then those that come, until the feed ends.

        What is lost in between is told by one event ``gap``. None after each ``quiet_s`` without
        an event.
        """
        place = self._place(last_id)
        reader = asyncio.Event()
        self._readers.add(reader)
        try:
            while True:
                reader.clear()
                for event in self._after(place):
                    place = self._place(event.id)
                    yield event
                if place < self._count:
                    continue
                if self._is_ended:
                    return
                if not await _wait(reader, quiet_s):
                    yield None
        finally:
            self._readers.discard(reader)

    def _after(self, place: int) -> list[FeedEvent]:
        first = self._count - len(self._events)
        if place >= first:
            return list(self._events)[place - first :]
        lost = _encode({"lost": first - place})
        return [FeedEvent(f"{self._prefix}-{first}", GAP, lost), *self._events]

    def _place(self, event_id: str) -> int:
        prefix, _, number = event_id.partition("-")
        known = prefix == self._prefix and number.isascii() and number.isdecimal()
        return min(int(number[:12]), self._count) if known else 0

    def _tell_readers(self) -> None:
        for reader in self._readers:
            reader.set()


async def _wait(reader: asyncio.Event, quiet_s: float | None) -> bool:
    """False where nothing came in time."""
    try:
        await asyncio.wait_for(reader.wait(), quiet_s)
    except TimeoutError:
        return False
    return True


def _encode(data: Mapping[str, Any]) -> str:
    try:
        return encode_event(data)
    except RecursionError:
        return encode_event({"error": "this event is nested too deeply to be shown"})
