"""Notices an agent that blocks the event loop: while one function waits without ``await``, no
turn of any caller goes on, and nothing else on the loop could say so.
"""

import asyncio
import logging
import sys
import threading

from voicelive_agent.diagnostics import Place, find_place_of

logger = logging.getLogger(__name__)

_BLOCKED_SECONDS = 5.0
# An author waits for such a call at each turn, so it is named early where only they listen.
_BLOCKED_BY_AUTHOR_SECONDS = 2.0
_PERIOD_SECONDS = 1.0
# A process that was paused as a whole finds all its deadlines passed at once.
_SECOND_CHANCE_SECONDS = 0.5


class LoopWatch:
    """A thread that asks the running event loop for signs of life, and logs where there is none."""

    def __init__(
        self, blocked_seconds: float = _BLOCKED_SECONDS, *, is_development: bool = False
    ) -> None:
        self._blocked_seconds = blocked_seconds
        self._author_seconds = (
            min(_BLOCKED_BY_AUTHOR_SECONDS, blocked_seconds) if is_development else blocked_seconds
        )
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._over = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="loop-watch", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_PERIOD_SECONDS):
            alive = threading.Event()
            try:
                self._loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # The loop is closed.
                return
            waited = self._author_seconds
            if alive.wait(waited + _SECOND_CHANCE_SECONDS):
                continue
            if self._find_authors() is None:
                waited = self._blocked_seconds
                if alive.wait(waited - self._author_seconds):
                    continue
            logger.error(
                "the event loop has been blocked for %.0f s, so no turn goes on, by %s."
                " Agents must await; run what can't be awaited with asyncio.to_thread.",
                waited,
                self._find_place(),
            )
            alive.wait()
            logger.warning("the event loop goes on")

    def _find_authors(self) -> Place | None:
        return find_place_of(sys._current_frames().get(self._watched))

    def _find_place(self) -> str:
        """The function that runs, and the innermost one that is no library's."""
        frame = sys._current_frames().get(self._watched)
        if frame is None:
            return "its thread is gone"
        code, place = frame.f_code, find_place_of(frame)
        if place is not None and (place.file, place.function) == (code.co_filename, code.co_name):
            return f"{code.co_name} ({place})"
        called = f", called at {place}" if place else ""
        return f"{code.co_name} ({code.co_filename}:{frame.f_lineno}){called}"
