"""The sessions that a service has and had, for ``GET /sessions``."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from voicelive_agent.emulator.watch.marks import SessionMarks

_KEPT_CLOSED = 100


@dataclass(slots=True)
class SessionReport:
    """One session as the pages show it."""

    id: str
    answers: str
    """Who answers: ``agent NAME`` or ``model NAME``."""
    marks: SessionMarks = field(default_factory=SessionMarks)
    state: str = "open"
    ended_ms: float | None = None
    recording: str | None = None

    def close(self) -> None:
        self.state = "closed"
        self.ended_ms = self.marks.now_ms()

    def summary(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "state": self.state,
            "answers": self.answers,
            "began_at": datetime.fromtimestamp(self.marks.began_at, UTC).isoformat(
                timespec="milliseconds"
            ),
            "duration_ms": round(
                self.marks.now_ms() if self.ended_ms is None else self.ended_ms, 1
            ),
            "turn_count": self.marks.turn_count,
        }

    def as_json(self) -> dict[str, Any]:
        return {
            **self.summary(),
            "recording": self.recording,
            "turns": [turn.as_json() for turn in self.marks.turns],
        }


class Sessions:
    """All open sessions and the last closed ones, oldest first."""

    def __init__(self) -> None:
        self._reports: OrderedDict[str, SessionReport] = OrderedDict()

    def __iter__(self) -> Iterator[SessionReport]:
        return iter(list(self._reports.values()))

    def add(self, report: SessionReport) -> None:
        self._reports[report.id] = report
        closed = [one.id for one in self._reports.values() if one.state == "closed"]
        for old in closed[: max(0, len(closed) - _KEPT_CLOSED)]:
            del self._reports[old]

    def find(self, session_id: str) -> SessionReport | None:
        return self._reports.get(session_id)

    @property
    def open_count(self) -> int:
        return sum(report.state == "open" for report in self._reports.values())
