"""The screen's events: everything that a conversation shows, one dataclass each.

A screen takes them all by one method and handles the types that it cares for: ``ui.terminal``
draws with rich, ``ui.json_lines`` prints one JSON object a line, ``client.recording`` keeps them,
``check.observer`` remembers them. A new thing to show is one class here, and a case in each
screen that shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from voicelive_agent.client.core.cards import Card
from voicelive_agent.client.core.latency import Summary, TurnTimes

Who = Literal["you", "agent"]


@dataclass(frozen=True, slots=True)
class Status:
    """What the client is doing: connecting, listening, reconnecting in 2 s."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the person should know and may act on."""

    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the person asked to see: help, or what was said."""

    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Something failed; the text says what to do next."""

    text: str
    code: str = ""
    """Of an error that the agent itself reports (``agent.error``)."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What ``who`` says so far (``text`` is the whole of it), or has said."""

    who: Who
    item_id: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Speaking:
    """What is played right now: the text up to its word, and behind it. Both empty: nothing."""

    heard: str
    rest: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The agent was interrupted; ``heard`` is what was played of the item."""

    item_id: str
    heard: str


@dataclass(frozen=True, slots=True)
class Level:
    """Level of the microphone in dBFS, full scale is 0."""

    dbfs: float
    muted: bool


@dataclass(frozen=True, slots=True)
class ProtocolEvent:
    """Any event of the protocol, without keys of other servers: for scripts and recordings."""

    direction: Literal["sent", "received"]
    event: Mapping[str, Any]


ScreenEvent = (
    Status
    | Notice
    | Told
    | Failure
    | Transcript
    | Speaking
    | Interrupted
    | Card
    | Level
    | TurnTimes
    | ProtocolEvent
    | Summary
)


class Screen(Protocol):
    """Where a conversation is shown."""

    def show(self, event: ScreenEvent) -> None:
        """Show it, or pass over it. Never blocks."""


class Screens:
    """Several screens as one."""

    def __init__(self, *screens: Screen) -> None:
        self._screens = screens

    def show(self, event: ScreenEvent) -> None:
        for screen in self._screens:
            screen.show(event)
