"""Budget of partial text: how much of the processors all sessions together may spend on it.

Final text is what is answered. Where many speak at once, it stays prompt, and partial text comes
less often.
"""

import time
from collections.abc import Callable

from voicelive_agent.emulator.stt.recognition import count_processors

SHARE = 0.05
"""Of the processors. A session by itself takes less."""


class PartialBudget:
    """Told of all hearing, and asked before any for partial text."""

    def __init__(
        self,
        now_s: Callable[[], float] = time.monotonic,
        processors: Callable[[], int] = count_processors,
    ) -> None:
        self._now_s = now_s
        self._processors = processors
        self._at_work = 0
        self._free_from_s = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether every processor is at work, or the share is used up."""
        return self._at_work >= self._processors() or self._now_s() < self._free_from_s

    def begin(self) -> None:
        """Something is heard, for partial text or for good."""
        self._at_work += 1

    def end(self) -> None:
        self._at_work -= 1

    def spend(self, cost_s: float) -> None:
        """So much CPU time went into partial text."""
        begin_s = max(self._free_from_s, self._now_s())
        self._free_from_s = begin_s + cost_s / (SHARE * self._processors())
