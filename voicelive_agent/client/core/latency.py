"""Turns and their latency: when the person's turns ended, what followed, and percentiles of it.

Times are those of the event loop's clock. The end of speech is where the service heard it, on
the timeline of the audio that was sent (``audio_end_ms``), not when its event arrived.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LATENCIES = {
    "transcript_ms": "transcript",
    "first_text_ms": "first text",
    "first_audio_ms": "first audio",
    "first_sound_ms": "first sound",
}
"""The fields of ``TurnTimes`` that are times, and what a person calls them.

All begin at the end of speech; the emulator's ``STAGES`` last from one of its marks to the next.
"""


@dataclass(frozen=True, slots=True)
class TurnTimes:
    """One turn's latency, in ms after the end of the person's speech; None where unknown."""

    transcript_ms: float | None = None
    first_text_ms: float | None = None
    first_audio_ms: float | None = None
    first_sound_ms: float | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class StageLatency:
    """Of the turns for which it is known; ms after the end of the person's speech."""

    turns: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a whole conversation came to, for its end."""

    turns: Sequence[TurnTimes] = ()
    seconds: float = 0.0
    reconnects: int = 0
    dropped_input_ms: int = 0

    @property
    def interruptions(self) -> int:
        return sum(turn.interrupted for turn in self.turns)

    @property
    def latencies(self) -> dict[str, StageLatency]:
        """By the names of ``LATENCIES``; stages that no turn reached are left out."""
        measured = {}
        for stage in LATENCIES:
            values = [ms for turn in self.turns if (ms := getattr(turn, stage)) is not None]
            if values:
                measured[stage] = StageLatency(
                    len(values), percentile(values, 50), percentile(values, 95)
                )
        return measured


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


class Turn:
    """One turn of the person and what was answered to it."""

    def __init__(self, ended_s: float, item_id: str | None) -> None:
        self.item_id = item_id
        self.responses: set[str] = set()
        self._ended_s = ended_s
        self._stages: dict[str, float] = {}

    @property
    def is_answered(self) -> bool:
        """Whether a response to it has begun."""
        return bool(self.responses)

    def mark(self, stage: str, now_s: float) -> None:
        """Note the first time that ``stage`` (one of ``LATENCIES``) is reached."""
        self._stages.setdefault(stage, round(max(0.0, now_s - self._ended_s) * 1000, 1))

    def times(self, *, interrupted: bool = False) -> TurnTimes:
        """The latency so far."""
        return TurnTimes(**self._stages, interrupted=interrupted)


class Turns:
    """The turns of a conversation; at most one is open. ``on_over`` gets the times of each."""

    def __init__(self, now: Callable[[], float], on_over: Callable[[TurnTimes], None]) -> None:
        self._now = now
        self._on_over = on_over
        self.open: Turn | None = None

    @property
    def is_unanswered(self) -> bool:
        """Whether a turn is open to which no response has begun."""
        return self.open is not None and not self.open.is_answered

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
        if turn is not None and turn.is_answered:
            self._on_over(turn.times(interrupted=interrupted))
