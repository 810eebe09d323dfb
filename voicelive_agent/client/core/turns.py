"""When the person's turns ended and what followed: the latency of each turn.

Times are those of the event loop's clock. The end of speech is where the service heard it, on
the timeline of the audio that was sent (``audio_end_ms``), not when its event arrived.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable

from voicelive_agent.client.ui.screen import TurnTimes

REMEMBERED_BLOCKS = 6000
"""Two minutes of 20 ms blocks: no turn detection looks back further."""


class Timeline:
    """When each millisecond of the session's audio was sent."""

    def __init__(self) -> None:
        self.sent_ms = 0.0
        self._ends_ms: deque[float] = deque(maxlen=REMEMBERED_BLOCKS)
        self._times_s: deque[float] = deque(maxlen=REMEMBERED_BLOCKS)

    def add(self, duration_ms: float, now_s: float) -> None:
        self.sent_ms += duration_ms
        self._ends_ms.append(self.sent_ms)
        self._times_s.append(now_s)

    def when(self, ms: float) -> float | None:
        """The time at which audio up to ``ms`` had been sent; None before and after memory."""
        if not self._ends_ms or ms > self.sent_ms:
            return None
        index = bisect_left(self._ends_ms, ms)
        return self._times_s[index]


class Turn:
    """One turn of the person and what was answered to it."""

    def __init__(self, ended_s: float, item_id: str | None) -> None:
        self.ended_s = ended_s
        self.item_id = item_id
        self.times = TurnTimes()
        self.responses: set[str] = set()

    def mark(self, stage: str, now_s: float) -> None:
        """Note the first time that ``stage`` (a field of TurnTimes) is reached."""
        if getattr(self.times, stage) is None:
            setattr(self.times, stage, round(max(0.0, now_s - self.ended_s) * 1000, 1))


class Turns:
    """The turns of a conversation; at most one is open."""

    def __init__(self, now: Callable[[], float], on_over: Callable[[TurnTimes], None]) -> None:
        self._now = now
        self._on_over = on_over
        self.open: Turn | None = None

    def begin(self, *, ended_s: float | None = None, item_id: str | None = None) -> None:
        """The person has finished a turn; the one before, if still open, is over."""
        self.close()
        self.open = Turn(self._now() if ended_s is None else ended_s, item_id)

    def transcribed(self, item_id: str) -> None:
        if self.open and self.open.item_id in (None, item_id):
            self.open.mark("transcript_ms", self._now())

    def answered(self, response_id: str) -> None:
        """A response has begun."""
        if self.open:
            self.open.responses.add(response_id)

    def reached(self, stage: str, response_id: str) -> None:
        if self.open and response_id in self.open.responses:
            self.open.mark(stage, self._now())

    def close(self, *, interrupted: bool = False) -> None:
        """End the open turn; one that was not answered at all is no turn."""
        turn, self.open = self.open, None
        if turn is None or not turn.responses:
            return
        turn.times.interrupted = interrupted
        self._on_over(turn.times)
