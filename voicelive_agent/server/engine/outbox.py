"""Outbox of one turn: the hand-over from the agent to a wire, and what of it was delivered.

``Outbox`` holds what the agent has yielded and no wire has taken; ``Delivery`` keeps what was
taken, and when: the text that the caller may have heard.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from voicelive_agent.server.engine.events import Delta, EngineEvent

T = TypeVar("T")

# A mark is made at most this often; between two, speech is assumed to flow evenly.
_MARK_MS = 40


class Outbox(Generic[T]):
    """One producer puts items, one consumer takes all that are there.

    The producer waits while ``limit`` items are pending, so an agent never runs far ahead of a
    slow caller. The first item leaves at once; after that, items that follow each other within
    ``gap_seconds`` leave in one batch, so that a fast agent costs few writes.
    """

    def __init__(self, limit: int = 64, gap_seconds: float = 0.01) -> None:
        self._limit = limit
        self._gap_seconds = gap_seconds
        self._taken_at = float("-inf")
        self._items: list[T] = []
        self._closed = False
        self._gathering = False
        self._taker: asyncio.Future[None] | None = None
        self._putter: asyncio.Future[None] | None = None

    @property
    def empty(self) -> bool:
        return not self._items

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def exhausted(self) -> bool:
        """Whether it is closed and everything was taken."""
        return self._closed and not self._items

    @property
    def full(self) -> bool:
        return len(self._items) >= self._limit

    def put_nowait(self, item: T) -> None:
        """Add an item, also beyond the limit; nothing happens once closed."""
        if self._closed:
            return
        self._items.append(item)
        if self._taker is not None and (not self._gathering or self.full):
            _wake(self._taker)
            # Once is enough, and items come by the dozen.
            self._taker = None

    async def wait_for_room(self) -> None:
        while self.full and not self._closed:
            self._putter = asyncio.get_running_loop().create_future()
            try:
                await self._putter
            finally:
                self._putter = None

    def close(self, *, discard: bool = False) -> None:
        """No more items come; with ``discard`` those not yet taken are dropped."""
        self._closed = True
        if discard:
            self._items.clear()
        _wake(self._taker)
        _wake(self._putter)

    async def take(self, timeout: float | None = None) -> list[T] | None:
        """All pending items, waiting for the first; [] after ``timeout`` seconds without one.

        None once the outbox is closed and empty.
        """
        if not self._items and not self._closed:
            await self._wait(timeout)
        if not self._items:
            return None if self._closed else []
        loop = asyncio.get_running_loop()
        gap = self._taken_at + self._gap_seconds - loop.time()
        if gap > 0 and not self._closed and not self.full:
            self._gathering = True
            try:
                await self._wait(gap)
            finally:
                self._gathering = False
            if not self._items:
                return None
        self._taken_at = loop.time()
        items, self._items = self._items, []
        _wake(self._putter)
        return items

    async def _wait(self, timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        taker = self._taker = loop.create_future()
        timer = loop.call_later(timeout, _wake, taker) if timeout else None
        try:
            await taker
        finally:
            self._taker = None
            if timer is not None:
                timer.cancel()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


class Delivery:
    """The deltas of one turn that a wire has taken. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._deltas: list[str] = []
        self._confirmed = 0
        self._characters = 0
        self._marks: list[tuple[int, int]] = []
        self.first_delta_ms: int | None = None

    @property
    def text(self) -> str:
        return "".join(self._deltas)

    @property
    def marks(self) -> list[tuple[int, int]]:
        """(ms since the start, characters taken by then), ascending."""
        length = sum(map(len, self._deltas))
        return [(ms, min(characters, length)) for ms, characters in self._marks]

    @property
    def elapsed_ms(self) -> int:
        return int(1000 * (self._clock() - self._started))

    def take(self, batch: list[EngineEvent]) -> None:
        """A wire has taken ``batch`` and is about to send it."""
        texts = [event.text for event in batch if isinstance(event, Delta)]
        if not texts:
            return
        self._deltas += texts
        self._characters += sum(map(len, texts))
        ms = self.elapsed_ms
        if self.first_delta_ms is None:
            self.first_delta_ms = ms
        if self._marks and ms - self._marks[-1][0] < _MARK_MS:
            self._marks[-1] = (self._marks[-1][0], self._characters)
        else:
            self._marks.append((ms, self._characters))

    def confirm(self) -> None:
        """All that was taken has been sent."""
        self._confirmed = len(self._deltas)

    def withdraw(self) -> None:
        """What was taken last did not reach anybody."""
        del self._deltas[self._confirmed :]
