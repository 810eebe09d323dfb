"""Agents, seen from the emulator: who answers a turn, behind a small protocol.

An ``AgentBackend`` (an agent, a chat model or an offline script) is shared by all sessions and
opens one ``AgentSession`` for each, which answers one request at a time with a stream of events::

    TextDelta | VoicePatch | ScreenEvent | ToolWaiting   in any order and number
    TextDone                                             at most once: no TextDelta after it
    FunctionCallBegan, ArgumentsDelta..., FunctionCall   one call after another, never interleaved
    AnswerFinished                                       exactly once, last, unless AnswerError

Closing the generator, or cancelling the task that iterates over it, closes the connection to the
agent at once. ``emulator.agents.opening`` opens the backends by name.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

RequestKind = Literal["speech", "action", "greeting", "offer"]


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """What a response has to answer.

    An agent needs ``kind``, ``text`` and ``action`` alone and keeps its own history. A model
    needs the rest: ``items`` are the session's conversation items as they stand on the wire
    (``{"type": "message", "role": "user", "content": [...]}``, ``function_call``,
    ``function_call_output``), oldest first, the one to answer included.
    """

    kind: RequestKind = "speech"
    text: str = ""
    """What the person said or typed; empty for an action or a greeting."""
    action: Mapping[str, Any] | None = None
    """The client's ``invoke_input``, verbatim; None unless ``kind`` is ``action``."""
    offer_id: str = ""
    """Which ``Offer`` is taken; empty unless ``kind`` is ``offer``."""
    items: Sequence[Mapping[str, Any]] = ()
    instructions: str = ""
    model: str = ""
    """The session's model name; an engine with a model of its own ignores it."""
    tools: Sequence[Mapping[str, Any]] = ()
    """As in ``session.tools``: ``{"type": "function", "name", "description", "parameters"}``."""
    tool_choice: str | Mapping[str, Any] = "auto"
    parallel_tool_calls: bool = True
    temperature: float | None = None
    max_output_tokens: int | None = None
    """None is unlimited (``"inf"`` on the wire)."""
    reasoning_effort: str | None = None
    language: str = "en-US"
    response_id: str = field(default="", compare=False)
    """Names the answer, for ``note_heard``."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text that will be spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDone:
    """The text is whole, though the answer may go on with events; sent where it is known."""


@dataclass(frozen=True, slots=True)
class VoicePatch:
    """Changes to the session's voice from here on; null takes a member back."""

    patch: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ScreenEvent:
    """A JSON object for the client: the ``delta`` of ``response.invocation.delta``."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolWaiting:
    """The agent runs a tool of its own, so an answer may take a while."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class FunctionCallBegan:
    """The model calls one of the client's functions; its arguments follow."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    """A piece of the JSON text of a call's arguments."""

    call_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call is complete; ``arguments`` is the concatenation of its deltas."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as far as the agent counts them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """The answer is complete."""

    usage: Usage = Usage()
    incomplete_reason: Literal["max_output_tokens", "content_filter"] | None = None
    """Set where the answer ends before its end; becomes the status ``incomplete``."""
    breaches: tuple[str, ...] = ()
    """Clauses of its contract that the agent broke, though the text is clear: all of it is
    spoken, and the response fails."""
    warnings: tuple[str, ...] = ()
    """What the agent should do otherwise."""


AgentEvent = (
    TextDelta
    | TextDone
    | VoicePatch
    | ScreenEvent
    | ToolWaiting
    | FunctionCallBegan
    | ArgumentsDelta
    | FunctionCall
    | AnswerFinished
)


class AnswerError(Exception):
    """No answer, or an answer that breaks off; becomes ``error`` and a failed response.

    ``code`` is one of

    - ``agent_unreachable``: nothing listens, or the connection could not be made in time
    - ``agent_timeout``: connected, and then silent for too long
    - ``agent_error``: an HTTP status other than 200, or an error that the agent itself reports
    - ``agent_contract_violation``: an answer that is not what the protocol asks for
    - ``agent_disconnected``: the stream ended in mid-answer

    and the same with ``model_`` for a model. ``message`` is for the developer: it names the
    clause that was broken and what to do. It is never spoken.
    """

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        """``status`` is the HTTP status, where that is what was wrong."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How long an agent or a model may take for an answer, and how large that may be."""

    silence_s: float = 60.0
    """``--agent-timeout``: how long it may send nothing."""
    whole_s: float = 180.0
    """``--answer-timeout``: how long it may be waited for in all."""
    body_bytes: int = 16 * 1024 * 1024
    """``--max-answer-bytes``, of the decoded body."""


DEFAULT_LIMITS = AnswerLimits()


class AgentSession(Protocol):
    """One session's side of an agent; keeps what ties its requests together."""

    def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        """Answer one request. Raises AnswerError, before or after the first event."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class ListeningAgentSession(AgentSession, Protocol):
    """A session whose agent is told what was heard of an answer that was interrupted."""

    def note_heard(self, response_id: str, text: str) -> None:
        """So much was heard of an answer, mostly the last; comes before its generator is closed."""
        ...


# An agent that is called, and so may speak by itself.


@dataclass(frozen=True, slots=True)
class Offer:
    """The agent wants to say something that no turn asks for."""

    id: str
    supersede_key: str | None = None
    """It replaces one of the same key that still waits."""
    wait_ms: int | None = None
    """How long it may wait until it can be said; None: as long as the session likes."""
    is_reply: bool = False
    """It answers a silence: it is said now or never."""


@dataclass(frozen=True, slots=True)
class OfferWithdrawn:
    """The agent doesn't want to say it any more, or has gone."""

    id: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """The agent ends the call, when what it said has been played or at once."""

    reason: str
    is_immediate: bool


CallEvent = Offer | OfferWithdrawn | HangUp


@dataclass(frozen=True, slots=True)
class CallBegan:
    """The session is set up; ``greeting`` is what it has greeted the person with, or empty."""

    greeting: str


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The person begins to speak, and nothing is being said."""


@dataclass(frozen=True, slots=True)
class SilenceLasts:
    """Nobody has said anything for a while, for the ``count``-th time in a row."""

    count: int


@dataclass(frozen=True, slots=True)
class OfferDropped:
    """An offer will not be said."""

    offer_id: str
    reason: str


CallNote = SpeechBegan | SilenceLasts | OfferDropped


@runtime_checkable
class CallingAgentSession(ListeningAgentSession, Protocol):
    """A session whose agent is called: it is told of more than turns, and may speak first."""

    def call(self, greeting: str) -> AsyncGenerator[CallEvent, None]:
        """Call it, and hold the call while this is iterated: what the agent wants unasked."""
        ...

    def note(self, note: CallNote) -> None: ...


@runtime_checkable
class CallingAgentBackend(Protocol):
    """A backend whose sessions may be calls."""

    no_input_ms: int | None
    """After so long a silence the agent is told of it; None is never."""
    greeting: str
    """What a call begins with, spoken by Voice Live and told to the agent; empty for nothing."""


class AgentBackend(Protocol):
    """An agent, a model or a script that answers, shared by all sessions."""

    name: str

    async def start(self) -> None:
        """Get ready; does not need the agent to be up yet."""

    async def stop(self) -> None: ...

    def open_session(self, session_id: str, *, conversation_id: str = "") -> AgentSession:
        """The agent for one session.

        ``conversation_id`` is the session's thread, begun by it or resumed; where it is empty,
        the session stands for it. Both ids are ``[A-Za-z0-9._:-]``, at most 256 characters.
        """
        ...
