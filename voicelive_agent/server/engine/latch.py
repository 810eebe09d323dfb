"""Latch: an event that is set once, for as many as wait for it.

An ``asyncio.Event`` takes 700 bytes before anybody waits for it, and each open stream had three.
To wait for one with ``asyncio.wait_for`` takes a task.
"""

import asyncio


class Latch:
    """``set`` it once; ``wait`` returns True from then on."""

    __slots__ = ("_is_set", "_waiters")

    def __init__(self) -> None:
        self._is_set = False
        self._waiters: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        waiters, self._waiters = self._waiters, ()
        for waiter in waiters:
            _wake(waiter)

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, for ``timeout`` seconds at most; whether it is."""
        if not self._is_set:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters = (*self._waiters, waiter)
            timer = None if timeout is None else loop.call_later(timeout, _wake, waiter)
            try:
                await waiter
            finally:
                if timer is not None:
                    timer.cancel()
                    self._waiters = tuple(one for one in self._waiters if one is not waiter)
        return self._is_set


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
