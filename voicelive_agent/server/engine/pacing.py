"""Pacing of turns that begin together: few at a time, and first words before those that follow.

Where two hundred callers speak in the same moment, each turn would take its first step before any
takes its second, and the first words of all would come when the work of all is done. Those who are
a few at a time have theirs after their own work. CPU is the same; the median of the first words
comes in half the time.
"""

import asyncio
from collections import deque

_AT_ONCE = 4
_PATIENCE_SECONDS = 0.25


class Pacing:
    """Lets ``at_once`` turns begin in each step of the event loop; others wait, in order.

    A turn that has said its first words gives way while there are some who wait to begin, for
    ``patience_seconds`` at most: what it goes on to say is not heard before its first words end.
    """

    def __init__(
        self, at_once: int = _AT_ONCE, patience_seconds: float = _PATIENCE_SECONDS
    ) -> None:
        self._at_once = at_once
        self._patience_seconds = patience_seconds
        self._begun = 0
        """How many began in this step of the event loop."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._giving_way: list[asyncio.Future[None]] = []
        self._patience: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        """Return when a turn may begin: at once, unless many do."""
        loop = asyncio.get_running_loop()
        if self._waiting or self._begun == self._at_once:
            waiter = loop.create_future()
            self._waiting.append(waiter)
            await waiter
            return
        if not self._begun:
            loop.call_soon(self._go_on, loop)
        self._begun += 1

    async def give_way(self) -> None:
        """Return when the first words of this turn were written, and of those who are to begin."""
        if not self._waiting:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        if self._patience is None:
            self._patience = loop.call_later(self._patience_seconds, self._end_giving_way)
        future = loop.create_future()
        self._giving_way.append(future)
        await future

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """The next step of the event loop."""
        self._begun = 0
        while self._waiting and self._begun < self._at_once:
            self._begun += _wake(self._waiting.popleft())
        if self._begun:
            loop.call_soon(self._go_on, loop)
        elif self._giving_way:
            self._end_giving_way()

    def _end_giving_way(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        giving_way, self._giving_way = self._giving_way, []
        for future in giving_way:
            _wake(future)


def _wake(waiter: asyncio.Future[None]) -> bool:
    """Whether anybody waited still."""
    if waiter.done():
        return False
    waiter.set_result(None)
    return True
