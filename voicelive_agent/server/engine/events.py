"""What a wire and the engine say to each other: a request and its limits in, events out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from voicelive_agent.agent import TurnKind
from voicelive_agent.server.conversations import ConversationKey, TurnRecord
from voicelive_agent.server.engine.ending import Ending


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A turn as a wire received it.

    A wire that knows what callers hear sets ``heard_is_known``; then nothing is estimated.
    """

    key: ConversationKey
    invocation_id: str
    kind: TurnKind
    text: str = ""
    action: dict[str, Any] | None = None
    call_id: str = ""
    typed: bool = False
    """Whether its input was text from the beginning, so that nobody speaks or listens here."""
    heard_is_known: bool = False
    no_input_count: int = 0
    announcement: str | None = None
    """What is said without asking the agent, which decided on it before (``announce``)."""
    told: Sequence[tuple[str, str]] = ()
    """Earlier turns that the request brings along, as (said, answered), oldest first."""
    follows: int | None = None
    """``sequence`` of the turn of this conversation that it goes on from; None: the newest."""
    opens: bool = False
    """Whether nothing can come before it in its conversation."""
    kept: bool = True
    """Whether it is stored; one that is not can be neither found nor remembered."""
    request: dict[str, Any] | None = None
    """What the wire keeps of the request (``TurnRecord.request``)."""
    named_session: bool = True
    """Whether the caller named the session; else its id was made for this request."""


@dataclass(frozen=True, slots=True)
class SpeakingRate:
    """How fast text becomes sound, in both directions."""

    characters_per_second: float = 21.0
    """Within a clause: pauses, digits and signs that stand for a word count as several.
    0 stands for a text that is never spoken: then nothing is estimated."""
    start_ms: float = 250.0
    """From the delivery of the first text to its first sound."""
    end_of_turn_ms: float = 650.0
    """From the end of the caller's speech to the arrival of the turn: silence and recognition."""


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Times in seconds, sizes in bytes of UTF-8."""

    first_delta_seconds: float = 10.0
    idle_seconds: float = 15.0
    total_seconds: float = 120.0
    closing_seconds: float = 3.0
    max_active_turns: int = 12_000
    tell_why: bool = False
    """Whether callers of this machine are told why a turn failed: they are its developer."""
    max_active_turns_per_session: int = 8
    max_active_turns_per_user: int = 100
    answer_bytes: int = 512 * 1024
    """Of all that an agent yields in one turn."""
    speakable: bool = True
    """Whether Markdown and the like are made speakable (``server.speakable``)."""
    starts_in_thought: bool = False
    """Whether the text of an answer begins within the model's thought."""
    language: str = "en-US"
    apology: str = ""
    closing: str = ""
    speaking_rate: SpeakingRate = field(default_factory=SpeakingRate)


Delta = str
"""Text to be spoken. No class of its own: of these an answer has dozens, of others a few."""


@dataclass(slots=True)
class Shown:
    """A JSON object for the client's screen, as the text that it was when it was yielded."""

    text: str

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.text)
        return payload


@dataclass(slots=True)
class VoiceChanged:
    """The voice of what is spoken from here on; ``patch`` is the Bridge's."""

    patch: dict[str, Any]


@dataclass(slots=True)
class CallEnded:
    """The agent ends the call once everything before this was spoken."""

    reason: str


@dataclass(slots=True)
class Failed:
    """The turn failed; ``ending`` says how, ``why`` tells the developer (elsewhere it is empty)."""

    ending: Ending
    why: str = ""


@dataclass(slots=True)
class SpeechDone:
    """Nothing more is spoken in this turn; ``text`` is the concatenation of its deltas."""

    text: str


@dataclass(slots=True)
class Finished:
    """The last event: the turn as it was stored."""

    record: TurnRecord


EngineEvent = Delta | Shown | VoiceChanged | CallEnded | Failed | SpeechDone | Finished
