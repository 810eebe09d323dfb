"""What an agent is written with: turns, client events, the end of a call, the Agent protocol.

An agent answers turns. The simplest one is an async generator function::

    async def reply(turn: Turn):
        yield "The weather in "
        yield turn.text
        yield ClientEvent("ui.card", title="Weather")

What it yields is spoken (``str``), shown on the client's screen (``ClientEvent``), or ends the
call once everything before it was spoken (``EndCall``). A plain async function that returns text
is an agent too, and so is an object with a ``reply`` method and, where it needs them, async
``start`` and ``stop``.

An agent is cancelled at its current ``await`` when the caller interrupts, so clean up in
``finally`` and don't swallow ``asyncio.CancelledError``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from voicelive_agent.wire.bridge.voice import check_voice
from voicelive_agent.wire.invocations import SPOKEN_EVENT_TYPES

TurnKind = Literal["speech", "action", "greeting", "no_input", "announcement"]
"""What began a turn: words, something done on the screen, the call itself, a silence that lasts
(Bridge only), or the agent of its own accord (``announce``; only found in a history)."""


class ClientEvent:
    """A JSON object for the client's screen, sent at the moment it is yielded and not spoken.

    ``ClientEvent("ui.card", title="Weather")`` reaches the client as the ``delta`` of a
    ``response.invocation.delta`` event: ``{"type": "ui.card", "title": "Weather"}``.

    Raises ValueError for an empty type or one that Voice Live reads as speech.
    """

    __slots__ = ("payload",)

    def __init__(self, type: str, **fields: Any) -> None:
        if not isinstance(type, str) or not type:
            raise ValueError("a client event needs a type: a non-empty string such as 'ui.card'")
        if type in SPOKEN_EVENT_TYPES:
            raise ValueError(f"{type!r} is an event of the protocol itself: yield a str to speak")
        self.payload: dict[str, Any] = {"type": type, **fields}

    @property
    def type(self) -> str:
        """The name that the caller's screen knows the event by."""
        return str(self.payload["type"])

    def __repr__(self) -> str:
        return f"ClientEvent({self.type!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClientEvent) and other.payload == self.payload

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class EndCall:
    """Ends the call after what was yielded before it has been spoken."""

    reason: str = "completed"


class VoiceChange:
    """Changes the voice for what is spoken from here on, where the wire can (the Bridge).

    ``VoiceChange(rate="+10%")`` names fields of the Bridge's voice: type, name, locale, rate,
    pitch, volume, style, temperature and others; None takes one back. Raises ValueError for a
    wrong one.
    """

    __slots__ = ("patch",)

    def __init__(self, **fields: Any) -> None:
        self.patch: dict[str, Any] = check_voice(fields)

    def __repr__(self) -> str:
        return (
            f"VoiceChange({', '.join(f'{name}={value!r}' for name, value in self.patch.items())})"
        )


Output = str | ClientEvent | VoiceChange | EndCall


INTERRUPTION_NOTE = "(About here the caller probably interrupted.)"
"""What a model finds in an earlier answer where an interruption is estimated."""


@dataclass(frozen=True, slots=True)
class PastTurn:
    """An earlier turn. What was delivered of the answer is all there; only a known cut ends it."""

    kind: TurnKind
    text: str
    """What the caller said; empty for an action or a greeting."""
    action: Mapping[str, Any] | None
    reply: str
    """The answer as it was delivered. Where the answer was cut, it ends there."""
    interrupted: bool
    """Whether the caller interrupted: certainly where it was cut, otherwise probably."""
    notes: Mapping[str, Any]
    """What the agent kept of that turn in ``Turn.notes``."""
    heard: str | None = None
    """The start of ``reply`` that the caller heard before they interrupted; None where nothing
    says that they heard less than all of it."""
    heard_is_known: bool = False
    """Whether the wire told what was heard; otherwise ``heard`` is an estimate."""
    cut: bool = False
    """Whether the agent had, or may have had, more to say than was delivered: the stream was
    closed, a newer turn began, the turn was cancelled, or the wire told what was heard."""
    ending: str = "completed"
    """Why the turn ended: ``completed``, ``superseded``, ``cancelled``, …, or an error code."""

    @property
    def marked_reply(self) -> str:
        """``reply`` for a model: with ``INTERRUPTION_NOTE`` where an interruption is estimated."""
        if self.heard is None or self.heard_is_known:
            return self.reply
        rest = self.reply[len(self.heard) :].lstrip()
        return " ".join(part for part in (self.heard, INTERRUPTION_NOTE, rest) if part)


@dataclass(slots=True)
class Turn:
    """One thing that the caller said or did.

    ``state`` (whole conversation) and ``notes`` (this turn) are JSON objects that the agent may
    change; they are stored with the turn, also when the caller interrupts it.
    """

    kind: TurnKind
    text: str = ""
    """What the caller said; empty for an action or a greeting."""
    action: Mapping[str, Any] | None = None
    """The client's JSON object, verbatim (Voice Live's ``invoke_input``); None otherwise."""
    history: tuple[PastTurn, ...] = ()
    """Earlier turns of this conversation, oldest first."""
    state: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    language: str = "en-US"
    """BCP-47 language of the conversation. An agent may set it; it is kept, and the sentences
    that the server itself speaks (an apology, say) follow it."""
    session_id: str = ""
    user_id: str = ""
    """Opaque id of the caller (``x-agent-user-id``): for partitioning only, never forward it."""
    invocation_id: str = ""
    call_id: str = ""
    """``x-agent-foundry-call-id``: send it unchanged with outbound calls to Foundry services."""
    heard_is_known: bool = False
    """Whether this wire tells how much of each answer was heard; otherwise it is estimated."""
    no_input_count: int = 0
    """Of a turn of kind ``no_input``: for the how manieth time in a row nobody said anything. An
    agent that yields nothing then stays silent."""

    def messages(self) -> list[dict[str, str]]:
        """History and this turn as chat messages (``role`` and ``content``), for a model.

        An earlier answer is told as its ``marked_reply``.
        """
        past = [
            message
            for turn in self.history
            for message in (
                {"role": "user", "content": describe_past_input(turn)},
                {"role": "assistant", "content": turn.marked_reply},
            )
            if message["content"]
        ]
        now = describe_input(self.kind, self.text, self.action)
        return [*past, {"role": "user", "content": now}]


_UNSAID: Mapping[TurnKind, str] = {
    "greeting": "(The caller has just connected. Greet them.)",
    "no_input": "(The caller has not said anything for a while.)",
    "announcement": "",
}


def describe_input(kind: TurnKind, text: str, action: Mapping[str, Any] | None) -> str:
    """One line that tells a model what the caller said or did."""
    if kind == "speech":
        return text
    if kind in _UNSAID:
        return _UNSAID[kind]
    import json

    return f"(On the screen, the caller did: {json.dumps(action, ensure_ascii=False)})"


def describe_past_input(past: PastTurn) -> str:
    """Likewise for an earlier turn; what a content filter refused would be refused again."""
    if past.ending == "content_filtered":
        return "(What the caller said here was kept out by a content filter.)"
    return describe_input(past.kind, past.text, past.action)


@runtime_checkable
class Agent(Protocol):
    """An agent as an object. ``async start()`` and ``async stop()`` are called where present."""

    def reply(self, turn: Turn) -> AsyncIterator[Output]:
        """Called for each turn; what it yields is spoken, or shown, at once."""
        ...


ReplyFunction = Callable[[Turn], AsyncIterator[Output] | Awaitable[str]]
