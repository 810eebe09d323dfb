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

    Both share a timer. What expires ends the other.
    """

    def __init__(self, on_expired: Callable[[T], None]) -> None:
        self._on_expired = on_expired
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._deadline: float | None = None
        self._reason: T | None = None
        self._last = math.inf
        self._last_reason: T | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        """When the timer looks; kept here, as each delta of an answer asks for it."""

    def limit(self, reason: T, seconds: float) -> None:
        """Call ``on_expired(reason)`` in ``seconds``, however the other deadline is moved."""
        self._last, self._last_reason = self._now() + seconds, reason
        if self._last < self._due:
            self._arm(self._last)

    def expect(self, reason: T, seconds: float) -> None:
        """Call ``on_expired(reason)`` unless this is moved or cleared within ``seconds``."""
        self._reason = reason
        self._deadline = deadline = self._now() + seconds
        if deadline < self._due:
            self._arm(deadline)

    def clear(self) -> None:
        self._deadline = None

    def close(self) -> None:
        self._deadline, self._last = None, math.inf
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
        if self._deadline is not None and self._deadline < deadline:
            deadline, reason = self._deadline, self._reason
        if self._now() >= deadline:
            self._deadline, self._last = None, math.inf
            self._on_expired(cast(T, reason))
        elif deadline < math.inf:
            self._arm(deadline)
