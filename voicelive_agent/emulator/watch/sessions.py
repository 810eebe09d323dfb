"""The sessions that a service has and had, for ``GET /sessions``."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from voicelive_agent.emulator.watch.feed import Feed
from voicelive_agent.emulator.watch.marks import SessionMarks
from voicelive_agent.emulator.watch.recording import SessionRecording
from voicelive_agent.emulator.watch.session_feed import SessionFeed

_KEPT_CLOSED = 100


@dataclass(slots=True)
class SessionReport:
    """One session as the pages show it."""

    id: str
    agent_name: str | None
    model: str | None
    conversation_id: str
    recording: SessionRecording | None = None
    marks: SessionMarks = field(default_factory=SessionMarks)
    feed: SessionFeed = field(default_factory=SessionFeed)
    state: str = "open"
    ended_ms: float | None = None

    def __post_init__(self) -> None:
        self.feed.open(self.summary())

    def close(self) -> None:
        self.state = "closed"
        self.ended_ms = self.marks.now_ms()
        self.feed.close(self.summary())

    @property
    def answers(self) -> str:
        """Who answers, in words."""
        return f"agent {self.agent_name}" if self.agent_name else f"model {self.model}"

    def summary(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "state": self.state,
            "answers": self.answers,
            "agent_name": self.agent_name,
            "model": self.model,
            "conversation_id": self.conversation_id,
            "began_at": datetime.fromtimestamp(self.marks.began_at, UTC).isoformat(
                timespec="milliseconds"
            ),
            "duration_ms": round(
                self.marks.now_ms() if self.ended_ms is None else self.ended_ms, 1
            ),
            "turn_count": self.marks.turn_count,
            "recorded": self.recording is not None,
        }

    def as_json(self) -> dict[str, Any]:
        return {
            **self.summary(),
            "recording": str(self.recording.wav_path) if self.recording else None,
            "turns": [turn.as_json() for turn in self.marks.turns],
        }


class Sessions:
    """All open sessions and the last closed ones, oldest first."""

    def __init__(self) -> None:
        self.feed = Feed()
        """What happens beside sessions: they open and close, the agent is started anew."""
        self._reports: OrderedDict[str, SessionReport] = OrderedDict()

    def __iter__(self) -> Iterator[SessionReport]:
        return iter(list(self._reports.values()))

    def add(self, report: SessionReport) -> None:
        self._reports[report.id] = report
        self.feed.add("opened", report.summary())
        closed = [one.id for one in self._reports.values() if one.state == "closed"]
        for old in closed[: max(0, len(closed) - _KEPT_CLOSED)]:
            del self._reports[old]

    def close(self, report: SessionReport) -> None:
        report.close()
        self.feed.add("closed", report.summary())

    def find(self, session_id: str) -> SessionReport | None:
        return self._reports.get(session_id)

    @property
    def open_count(self) -> int:
        return sum(report.state == "open" for report in self._reports.values())
