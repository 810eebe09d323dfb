"""A deadline that can be moved: for the first delta, for quiet, for sending.

A module of its own: the agent's part of a turn has one, and so has the stream to its caller.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Watchdog(Generic[T]):
    """A deadline that can be moved cheaply, moving it later costs no timer; and a last one.

    Both share a timer. What expires ends the other. What is expected is due so many seconds after
    ``seen_at``: to set that, for each delta of an answer, costs a tenth of another ``expect``.
    """

    def __init__(self, on_expired: Callable[[T], None]) -> None:
        self._on_expired = on_expired
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self.seen_at = 0.0
        """When the last sign of life came, by the event loop's clock."""
        self._seconds = math.inf
        self._reason: T | None = None
        self._last = math.inf
        self._last_reason: T | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        """When the timer looks."""

    def limit(self, reason: T, seconds: float) -> None:
        """Call ``on_expired(reason)`` in ``seconds``, however the other deadline is moved."""
        self._last, self._last_reason = self._now() + seconds, reason
        if self._last < self._due:
            self._arm(self._last)

    def expect(self, reason: T, seconds: float) -> None:
        """Call ``on_expired(reason)`` unless this is moved or cleared within ``seconds``."""
        self._reason, self._seconds = reason, seconds
        self.seen_at = self._now()
        if self.seen_at + seconds < self._due:
            self._arm(self.seen_at + seconds)

    def clear(self) -> None:
        self._seconds = math.inf

    def close(self) -> None:
        """Nothing expires any more. Who is told of it may have this: it is let go."""
        self._on_expired = _ignore
        self._seconds = self._last = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._due = None, math.inf

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due = self._loop.call_at(when, self._check), when

    def _check(self) -> None:
        self._timer, self._due = None, math.inf
        deadline, reason = self._last, self._last_reason
        if self.seen_at + self._seconds < deadline:
            deadline, reason = self.seen_at + self._seconds, self._reason
        if self._now() >= deadline:
            self._seconds = self._last = math.inf
            self._on_expired(cast(T, reason))
        elif deadline < math.inf:
            self._arm(deadline)


def _ignore(_: object) -> None:
    pass
