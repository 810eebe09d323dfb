"""Marks of a session: when things happened in it, which is what ``GET /sessions/{id}`` shows.

All marks are ms since the session began, by the machine's clock. What is counted in bytes of
audio (the end of speech) is the moment at which the client had it, as far as its pieces tell.
"""

import itertools
import time
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import Any

TITLES = {
    "speech_end": "speech end",
    "end_of_turn": "end of turn",
    "transcript": "transcript",
    "post": "POST",
    "first_delta": "first delta",
    "first_clause": "first clause",
    "first_audio_byte": "first audio",
    "first_audible_sample": "audible",
    "end": "end",
    "barge_in": "barge-in",
}
"""The marks, as ``marks_ms`` spells them and in the order of a turn, and what they are called."""

MARKS = tuple(f"{name}_ms" for name in TITLES)

STAGES = tuple(
    (TITLES[mark], before, mark) for before, mark in itertools.pairwise(list(TITLES)[:-2])
)
"""What a turn's time is spent on until it is audible: from which mark to which."""

_KEPT_TURNS = 1000
_KEPT_ARRIVALS = 20_000


@dataclass(slots=True)
class MarkedTurn:
    """One turn's marks, and what was said in it as far as it is known."""

    number: int
    kind: str = "speech"
    item_id: str | None = None
    response_id: str | None = None
    status: str | None = None
    user_text: str | None = None
    agent_text: str | None = None
    marks: dict[str, float] = field(default_factory=dict)
    changed: "dict[int, MarkedTurn]" = field(default_factory=dict, repr=False, compare=False)
    """Where the turn stands since something of it became known, by its number."""

    def mark(self, name: str, at_ms: float) -> None:
        """Keep the first occurrence of ``name``."""
        if name not in MARKS:
            raise ValueError(f"{name!r} is no mark: one of {', '.join(MARKS)}")
        if name not in self.marks:
            self.marks[name] = round(at_ms, 1)
            self.changed[self.number] = self

    def note(self, **known: str | None) -> None:
        """Set some of the texts: ``kind``, ids, ``status``, what was said."""
        for name, value in known.items():
            setattr(self, name, value)
        self.changed[self.number] = self

    def voice_to_voice_ms(self) -> float | None:
        """From the end of speech to the first audible sample of the answer."""
        speech_end = self.marks.get("speech_end_ms")
        audible = self.marks.get("first_audible_sample_ms")
        if speech_end is None or audible is None:
            return None
        return round(audible - speech_end, 1)

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "kind": self.kind,
            "item_id": self.item_id,
            "response_id": self.response_id,
            "status": self.status,
            "user_text": self.user_text,
            "agent_text": self.agent_text,
            "marks_ms": {name.removesuffix("_ms"): self.marks.get(name) for name in MARKS},
            "voice_to_voice_ms": self.voice_to_voice_ms(),
        }


class SessionMarks:
    """The turns of one session, oldest first, and the clock that their marks are read from."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self.began_at = time.time()
        self.turns: deque[MarkedTurn] = deque(maxlen=_KEPT_TURNS)
        self.turn_count = 0
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=_KEPT_ARRIVALS)
        self._changed: dict[int, MarkedTurn] = {}

    def take_changed(self) -> list[MarkedTurn]:
        """The turns of which something new is known since the last time."""
        if not self._changed:
            return []
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def now_ms(self) -> float:
        return (time.monotonic() - self._began_s) * 1000

    def begin_turn(self, kind: str) -> MarkedTurn:
        self.turn_count += 1
        turn = MarkedTurn(self.turn_count, kind, changed=self._changed)
        self._changed[turn.number] = turn
        self.turns.append(turn)
        return turn

    def of_item(self, item_id: str) -> MarkedTurn | None:
        return next((turn for turn in reversed(self.turns) if turn.item_id == item_id), None)

    def of_response(self, response_id: str) -> MarkedTurn | None:
        return next(
            (turn for turn in reversed(self.turns) if turn.response_id == response_id), None
        )

    def unanswered(self) -> MarkedTurn | None:
        """The last turn that has ended and has no response yet."""
        return next(
            (
                turn
                for turn in reversed(self.turns)
                if turn.response_id is None and "end_of_turn_ms" in turn.marks
            ),
            None,
        )

    def audio_arrived(self, audio_end_ms: float, waited_ms: float = 0.0) -> None:
        """Audio up to ``audio_end_ms`` of the session's audio clock arrived ``waited_ms`` ago."""
        self._arrivals.append((audio_end_ms, self.now_ms() - waited_ms))

    def arrival_ms(self, audio_ms: float) -> float:
        """When the sample at ``audio_ms`` of the audio clock was there; now, if it is not known.

        A client in real time sends a piece once its last sample was said; what is appended faster
        was not there before the piece before it.
        """
        index = bisect_left(self._arrivals, audio_ms, key=lambda arrival: arrival[0])
        if index == len(self._arrivals):
            return self.now_ms()
        end_ms, at_ms = self._arrivals[index]
        before_ms = self._arrivals[index - 1][1] if index else at_ms
        return max(at_ms - (end_ms - audio_ms), min(before_ms, at_ms))
