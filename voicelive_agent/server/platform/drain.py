"""Drain at SIGTERM and SIGINT: turns end properly before the server does.

::

    signal ─▶ engine.drain: readiness 503, no new turn, running turns finish or are ended
           ─▶ the server's own shutdown: connections closed, lifespan ended, exit 0
    second signal ─▶ running turns are ended now, then the same; where an agent blocks the event
           loop and nothing of this can happen, exit 1 at once

The listener stays open during the drain, so whoever asks is told. uvicorn would raise the
signal again after its shutdown, and the process would die of it; so it is asked to exit
without having seen the signal.
"""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from types import FrameType
from typing import Any

from voicelive_agent.server.engine.engine import Engine

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# What is left to do after the last line of the lifespan takes milliseconds.
_EXIT_SECONDS = 2.0
# After which a signal that the event loop has not even seen is held up by an agent that blocks it.
_BLOCKED_SECONDS = 2.0
_LAST_WORDS_SECONDS = 0.5


class Drain:
    """Stands before the server's signal handlers while the application runs."""

    def __init__(
        self,
        engine: Engine,
        grace_seconds: float,
        connections: Iterable[Callable[[], Awaitable[None]]],
    ) -> None:
        """``connections`` are to end with the turns, each by what a wire waits for."""
        self._engine = engine
        self._connections = list(connections)
        self._grace_seconds = grace_seconds
        self._server_handlers: dict[int, Any] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._unseen_since: float | None = None

    def install(self) -> None:
        """Take over the signals, where this thread may (the main thread, not in tests)."""
        self._loop = asyncio.get_running_loop()
        try:
            for number in _SIGNALS:
                self._server_handlers[number] = signal.signal(number, self._handle)
        except ValueError:
            return

    def uninstall(self) -> None:
        for number, handler in self._server_handlers.items():
            signal.signal(number, handler)
        self._server_handlers.clear()

    def see_to_exit(self) -> None:
        """End the process soon, if a signal asked for it, whatever an agent has left running.

        asyncio waits for tasks that ignore their cancellation, and Python for threads. All turns
        have ended and all conversations are stored when this is called.
        """
        if self._tasks:
            timer = threading.Timer(_EXIT_SECONDS, _leave)
            timer.daemon = True
            timer.start()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._unseen_since is None:
            self._unseen_since = now
        elif now - self._unseen_since > _BLOCKED_SECONDS:
            # It may be the writing of a log line that blocks.
            timer = threading.Timer(_LAST_WORDS_SECONDS, os._exit, (1,))
            timer.daemon = True
            timer.start()
            logger.error("the event loop is blocked: the server ends without ending its turns")
            os._exit(1)
        # Signal handlers run between any two instructions, of a turn too; the loop may be asleep.
        self._loop.call_soon_threadsafe(self._begin, number, context=Context())

    def _begin(self, number: int) -> None:
        self._unseen_since = None
        grace_seconds = 0.0 if self._tasks else self._grace_seconds
        # Before anything is logged: an agent may have closed what logs are written to.
        self._engine.draining = True
        self._tasks.append(self._loop.create_task(self._drain_and_exit(number, grace_seconds)))
        logger.info(
            "%s: no new turns; %d running have %.0f s to finish",
            signal.Signals(number).name,
            self._engine.active_turns,
            grace_seconds,
        )

    async def _drain_and_exit(self, number: int, grace_seconds: float) -> None:
        try:
            ends = [asyncio.ensure_future(drain()) for drain in self._connections]
            await self._engine.drain(grace_seconds)
            await asyncio.wait(ends, timeout=self._engine.limits.closing_seconds)
        finally:
            self._exit(number)

    def _exit(self, number: int) -> None:
        handler: Callable[[int, FrameType | None], object] | int | None
        handler = self._server_handlers.get(number)
        server = getattr(handler, "__self__", None)
        if server is not None and hasattr(server, "should_exit"):
            server.should_exit = True
        elif callable(handler):
            handler(number, None)
        else:
            self.uninstall()
            signal.raise_signal(number)


def _leave() -> None:
    logger.warning("something that the agent started does not end: the server ends without it")
    logging.shutdown()
    os._exit(0)
