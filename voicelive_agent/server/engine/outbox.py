"""Outbox of one turn: what the agent has yielded, for each that reads it, and what was delivered.

``Outbox`` holds all of a turn's items, for ``Reader``s that may come late; ``Delivery`` keeps
which of them some reader has taken, and when: what the caller may have heard.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from voicelive_agent.server.engine.events import CallEnded, Delta, EngineEvent, Shown

T = TypeVar("T")

# A mark is made at most this often; between two, speech is assumed to flow evenly.
_MARK_MS = 40


class Outbox(Generic[T]):
    """One producer puts items; each reader takes all of them, from the first on.

    The producer waits while ``limit`` items or ``limit_bytes`` are there that no reader has taken,
    so an agent never runs far ahead of a slow caller. What was taken stays for readers that come
    later: how much that may be is the producer's to bound (``TurnLimits.answer_bytes``).
    """

    def __init__(
        self, limit: int = 64, gap_seconds: float = 0.01, limit_bytes: int = 64 * 1024
    ) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._gap_seconds = gap_seconds
        self._items: list[T] = []
        self._taken = 0
        self._waiting = self._waiting_bytes = 0
        self._closed = False
        self.full = False
        """Whether the producer is to wait."""
        self._readers: list[Reader[T]] = []
        self._putter: asyncio.Future[None] | None = None

    @property
    def empty(self) -> bool:
        """Whether the foremost reader has taken everything."""
        return self._taken == len(self._items)

    @property
    def closed(self) -> bool:
        return self._closed

    def put_nowait(self, item: T, size: int = 0) -> None:
        """Add an item of ``size`` bytes, also beyond the limits; nothing happens once closed."""
        if self._closed:
            return
        self._items.append(item)
        self._waiting += 1
        self._waiting_bytes += size
        if self._waiting >= self._limit or self._waiting_bytes >= self._limit_bytes:
            self.full = True
        for reader in self._readers:
            if reader.waits or self.full:
                reader.wake()

    async def wait_for_room(self) -> None:
        while self.full and not self._closed:
            self._putter = asyncio.get_running_loop().create_future()
            try:
                await self._putter
            finally:
                self._putter = None

    def close(self, *, discard: bool = False) -> None:
        """No more items come; with ``discard`` those that no reader has taken are dropped."""
        self._closed = True
        if discard:
            self.drop(self._taken)
        for reader in self._readers:
            reader.wake()
        _wake(self._putter)

    def drop(self, position: int) -> None:
        """Forget the items from ``position`` on."""
        del self._items[position:]
        self._taken = min(self._taken, len(self._items))
        self._make_room()

    def read(self) -> "Reader[T]":
        """A reader that begins at the first item."""
        reader = Reader(self, self._gap_seconds)
        self._readers.append(reader)
        return reader

    def forget(self, reader: "Reader[T]") -> None:
        """A reader takes nothing more."""
        self._readers.remove(reader)

    def take_from(self, position: int) -> list[T]:
        """For a reader: all items from ``position`` on, which makes room for the producer."""
        items = self._items[position:]
        self._taken = len(self._items)
        self._make_room()
        _wake(self._putter)
        return items

    def _make_room(self) -> None:
        self._waiting = self._waiting_bytes = 0
        self.full = False

    def has_after(self, position: int) -> bool:
        return position < len(self._items)


class Reader(Generic[T]):
    """One who reads an outbox from its beginning.

    The first item leaves at once; after that, items that follow each other within ``gap_seconds``
    leave in one batch, so that a fast agent costs few writes.
    """

    def __init__(self, outbox: Outbox[T], gap_seconds: float) -> None:
        self._outbox = outbox
        self._gap_seconds = gap_seconds
        self._taken_at = float("-inf")
        self._waiter: asyncio.Future[None] | None = None
        self.waits = False
        """Whether the next item is waited for; not while items are gathered."""
        self.position = 0
        """How many items were taken."""

    @property
    def exhausted(self) -> bool:
        """Whether the outbox is closed and everything was taken."""
        return self._outbox.closed and not self._outbox.has_after(self.position)

    async def take(self, timeout: float | None = None) -> list[T] | None:
        """All items not taken yet, waiting for the first; [] after ``timeout`` seconds of none.

        None once the outbox is closed and all was taken.
        """
        outbox = self._outbox
        if not outbox.has_after(self.position) and not outbox.closed:
            self.waits = True
            await self._wait(timeout)
        if not outbox.has_after(self.position):
            return None if outbox.closed else []
        loop = asyncio.get_running_loop()
        gap = self._taken_at + self._gap_seconds - loop.time()
        if gap > 0 and not outbox.closed and not outbox.full:
            await self._wait(gap)
            if not outbox.has_after(self.position):
                return None
        self._taken_at = loop.time()
        items = outbox.take_from(self.position)
        self.position += len(items)
        return items

    def close(self) -> None:
        """Take nothing more."""
        self._outbox.forget(self)

    def wake(self) -> None:
        _wake(self._waiter)
        # Once is enough, and items come by the dozen.
        self.waits = False

    async def _wait(self, timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        timer = loop.call_later(timeout, _wake, waiter) if timeout else None
        try:
            await waiter
        finally:
            self._waiter, self.waits = None, False
            if timer is not None:
                timer.cancel()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


class Delivery:
    """The events of one turn that some reader has taken. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._events: list[EngineEvent] = []
        self._confirmed = 0
        self._text: str | None = ""
        self._speech_alone = True
        self._characters = 0
        self._marks: list[tuple[int, int]] = []
        self.first_delta_ms: int | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = "".join([event for event in self._events if type(event) is Delta])
        return self._text

    @property
    def events(self) -> list[tuple[int, Shown | CallEnded]]:
        """What was not spoken: (characters of the text before it, event)."""
        if self._speech_alone:
            return []
        characters, events = 0, []
        for event in self._events:
            if type(event) is Delta:
                characters += len(event)
            elif isinstance(event, Shown | CallEnded):
                events.append((characters, event))
        return events

    @property
    def marks(self) -> list[tuple[int, int]]:
        """(ms since the start, characters taken by then), ascending."""
        length = len(self.text)
        return [(ms, min(characters, length)) for ms, characters in self._marks]

    @property
    def elapsed_ms(self) -> int:
        return int(1000 * (self._clock() - self._started))

    def take(self, batch: Sequence[EngineEvent], position: int) -> None:
        """A reader has taken ``batch``, ``position`` items in all, and is about to send it."""
        new = position - len(self._events)
        if new <= 0:
            return
        events = batch[-new:]
        self._events += events
        self._text = None
        texts = [event for event in events if type(event) is Delta]
        self._speech_alone = self._speech_alone and len(texts) == len(events)
        if characters := len("".join(texts)):
            self._mark(characters)

    def _mark(self, characters: int) -> None:
        self._characters += characters
        ms = self.elapsed_ms
        if self.first_delta_ms is None:
            self.first_delta_ms = ms
        if self._marks and ms - self._marks[-1][0] < _MARK_MS:
            self._marks[-1] = (self._marks[-1][0], self._characters)
        else:
            self._marks.append((ms, self._characters))

    def confirm(self, position: int) -> None:
        """A reader has sent the first ``position`` items."""
        self._confirmed = max(self._confirmed, position)

    def withdraw(self) -> int:
        """What was taken last did not reach anybody; returns how many items did."""
        del self._events[self._confirmed :]
        self._text = None
        return self._confirmed
