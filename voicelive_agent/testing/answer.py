"""What an agent answered in a test, and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class AgentFailed(Exception):
    """The agent failed in a turn: ``code`` says how; its own exception is the cause, if any."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoAnswer(Exception):
    """No answer came; the text says what was heard and what came instead."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Where the time of a turn went; None for what did not happen, as in a typed turn."""

    marks_ms: Mapping[str, float | None] = field(default_factory=dict)
    """The emulator's marks of the turn, in ms since the session began."""

    @property
    def voice_to_voice_ms(self) -> float | None:
        """From the end of the caller's speech to the first audible sample of the answer."""
        return self._between("speech_end", "first_audible_sample")

    @property
    def agent_ms(self) -> float | None:
        """From the request to the agent to the first text of its answer."""
        return self._between("post", "first_delta")

    def _between(self, start: str, end: str) -> float | None:
        began, ended = self.marks_ms.get(start), self.marks_ms.get(end)
        return None if began is None or ended is None else ended - began


@dataclass(slots=True)
class Answer:
    """An answer of the agent.

    One that was not listened to until its end (``listen_ms``) goes on while the test does, and is
    settled by the next thing that the caller says or does.
    """

    heard: str = ""
    """What the agent was told that the caller said; empty for a click or a greeting."""
    text: str = ""
    """What the agent said; where the caller interrupted, what was heard of it."""
    cards: list[dict[str, Any]] = field(default_factory=list)
    """The client events of the answer, in their order."""
    interrupted: bool = False
    ends_call: bool = False
    """Whether the agent ended the call with it."""
    error: AgentFailed | None = None
    latency: Latency = field(default_factory=Latency)
