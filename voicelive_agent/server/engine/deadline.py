"""A deadline that can be moved: for the first delta, for quiet, for sending.

A module of its own: the agent's part of a turn has one, and so has the stream to its caller.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Watchdog(Generic[T]):
    """One deadline that can be moved cheaply: moving it later costs no timer."""

    def __init__(self, on_expired: Callable[[T], None]) -> None:
        self._on_expired = on_expired
        self._loop = asyncio.get_running_loop()
        self._deadline: float | None = None
        self._reason: T | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        """When the timer looks; kept here, as each delta of an answer asks for it."""

    def expect(self, reason: T, seconds: float) -> None:
        """Call ``on_expired(reason)`` unless this is moved or cleared within ``seconds``."""
        self._reason = reason
        self._deadline = deadline = self._loop.time() + seconds
        if deadline < self._due:
            self._arm(deadline)

    def clear(self) -> None:
        self._deadline = None

    def close(self) -> None:
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._due = None, math.inf

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due = self._loop.call_at(when, self._check), when

    def _check(self) -> None:
        self._timer, self._due = None, math.inf
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._arm(self._deadline)
        else:
            self._deadline = None
            self._on_expired(cast(T, self._reason))
