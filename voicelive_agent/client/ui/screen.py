"""What the person sees: the protocol that the conversation draws on.

``client.ui.terminal`` draws with rich, ``client.ui.json_lines`` prints one JSON object a line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Who = Literal["you", "agent"]


@dataclass(slots=True)
class TurnTimes:
    """One turn's latency, in ms after the end of the person's speech; None where unknown."""

    transcript_ms: float | None = None
    first_text_ms: float | None = None
    first_audio_ms: float | None = None
    first_sound_ms: float | None = None
    interrupted: bool = False


@dataclass(slots=True)
class Summary:
    """A whole conversation, for its end."""

    turns: list[TurnTimes] = field(default_factory=list)
    seconds: float = 0.0
    reconnects: int = 0
    dropped_input_ms: int = 0


class Screen(Protocol):
    """Everything that the conversation shows. No method blocks."""

    def status(self, text: str) -> None:
        """What the client is doing: connecting, listening, reconnecting in 2 s."""

    def notice(self, text: str) -> None:
        """Something the person should know and may act on."""

    def tell(self, text: str) -> None:
        """What the person asked to see: help, or what was said."""

    def error(self, text: str) -> None:
        """Something failed; the text says what to do next."""

    def transcript(self, who: Who, item_id: str, text: str, *, final: bool) -> None:
        """What ``who`` says so far (``text`` is the whole of it), or has said."""

    def speaking(self, heard: str, rest: str) -> None:
        """What is played right now: the text up to its word, and behind it. Both empty: nothing."""

    def cut(self, item_id: str, heard: str) -> None:
        """The agent was interrupted; ``heard`` is what was played of the item."""

    def card(self, event: Mapping[str, Any]) -> None:
        """A client event of the agent; its buttons get numbers."""

    def choose(self, number: int) -> dict[str, Any] | None:
        """The action of the button with this number, if there is one."""
        ...

    def level(self, dbfs: float, *, muted: bool) -> None:
        """Level of the microphone, full scale is 0."""

    def turn(self, times: TurnTimes) -> None:
        """A turn is over."""

    def event(self, direction: Literal["sent", "received"], event: Mapping[str, Any]) -> None:
        """Any event of the protocol, for JSON lines and recordings; audio left out."""

    def summary(self, summary: Summary) -> None:
        """The end."""

    def close(self) -> None: ...
