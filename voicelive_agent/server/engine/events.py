"""What a wire and the engine say to each other: a request in, events out."""

from dataclasses import dataclass
from typing import Any

from voicelive_agent.agent import TurnKind
from voicelive_agent.server.conversations import ConversationKey, TurnRecord


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A turn as a wire received it."""

    key: ConversationKey
    invocation_id: str
    kind: TurnKind
    text: str = ""
    action: dict[str, Any] | None = None
    call_id: str = ""


@dataclass(slots=True)
class Delta:
    """Text to be spoken."""

    text: str


@dataclass(slots=True)
class Shown:
    """A JSON object for the client's screen."""

    payload: dict[str, Any]


@dataclass(slots=True)
class CallEnded:
    """The agent ends the call once everything before this was spoken."""

    reason: str


@dataclass(slots=True)
class SpeechDone:
    """Nothing more is spoken in this turn; ``text`` is the concatenation of its deltas."""

    text: str


@dataclass(slots=True)
class Finished:
    """The last event: the turn as it was stored."""

    record: TurnRecord


EngineEvent = Delta | Shown | CallEnded | SpeechDone | Finished
