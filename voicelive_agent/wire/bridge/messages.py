"""Messages of the Bridge: what it sends to an agent, and what an agent sends to it.

``read_for_agent`` and ``read_for_bridge`` read what one side receives; ``encode`` writes either
side's. An optional field that is there must not be null. Sources: azure-ai-agentserver-invocations
1.2.0 (``voice``), whose codec is the oracle of the tests, and its design notes in
azure-sdk-for-python ("Voice Live Bridge SDK design").
"""

import random
import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from voicelive_agent.wire.bridge.credentials import find_credential
from voicelive_agent.wire.bridge.frames import (
    MAX_FRAME_BYTES,
    UNSUPPORTED,
    FrameError,
    decode_frame,
)
from voicelive_agent.wire.bridge.voice import check_voice

PATHS: Final = ("/voice_conversation_engine", "/invocations_ws")
"""Where an agent takes the Bridge: the name of today, and the older one."""
PROTOCOL_VERSION: Final = "1.0"
MAX_ID_BYTES: Final = 256
MAX_ADMISSION_MS: Final = 60_000
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_T = TypeVar("_T")


def _check_id(value: str) -> str:
    if len(value.encode()) > MAX_ID_BYTES:
        raise ValueError(f"an id has more than {MAX_ID_BYTES} bytes")
    return value


def _check_time(value: str) -> str:
    match = _TIME.fullmatch(value)
    if match is None:
        raise ValueError("ts is no time such as 2026-11-28T08:00:00.000Z")
    datetime.fromisoformat(match[1])  # For its errors alone.
    return value


def _check_unique(value: list[str]) -> list[str]:
    if len(set(value)) != len(value):
        raise ValueError("an id stands there twice")
    return value


_ON_THE_WIRE: Final = "on the wire"


def _refuse_null(value: object, info: ValidationInfo) -> object:
    if value is None and info.context == _ON_THE_WIRE:
        raise ValueError("null is none of its values: leave the field out")
    return value


def _refuse_credentials(value: dict[str, Any]) -> dict[str, Any]:
    if name := find_credential(value):
        raise ValueError(f"caller must not hold a credential, and has {name!r}")
    return value


Id = Annotated[str, Field(min_length=1), AfterValidator(_check_id)]
InputId = Annotated[Id, Field(pattern=r"^in_(?s:.)")]
ResponseId = Annotated[Id, Field(pattern=r"^r_(?s:.)")]
ItemId = Annotated[Id, Field(pattern=r"^it_(?s:.)")]
InputIds = Annotated[list[InputId], Field(min_length=1), AfterValidator(_check_unique)]
Name = Annotated[str, Field(min_length=1)]
Whole = Annotated[int, Field(gt=0)]
IfGiven = Annotated[_T | None, BeforeValidator(_refuse_null)]
Voice = Annotated[dict[str, Any], AfterValidator(check_voice)]
"""Changes to the session's voice from here on: a merge patch, in which null takes back."""


# Ids need to be unlike each other and no secret: each from the system costs 2 us more.
_random = random.Random(secrets.randbits(256))


def new_id(prefix: str) -> str:
    """A fresh id, such as ``r_`` and 32 hexadecimal digits."""
    return f"{prefix}{_random.getrandbits(128):032x}"


def write_now() -> str:
    """The time as ``ts`` tells it."""
    ms = int(1000 * time.time())
    return f"{_write_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=1)
def _write_second(second: int) -> str:
    """Of Unix time; written anew for each message it would cost 2 us more."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Message(BaseModel):
    """One message; subclasses are the messages that there are."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    type: str
    id: Id = Field(default_factory=lambda: new_id("m_"))
    ts: Annotated[str, AfterValidator(_check_time)] = Field(default_factory=write_now)


# Bridge -> agent


class ResponseTimeouts(BaseModel):
    """Deadlines that the Bridge keeps, in ms."""

    model_config = Message.model_config

    first_output_ms: Whole
    idle_ms: Whole
    max_duration_ms: Whole


class SessionStart(Message):
    """The first message: what the session is, and what was said before the agent was there."""

    type: Literal["session.start"] = "session.start"
    protocol_version: Name
    reconnect: bool
    response_timeouts: ResponseTimeouts
    greeting: IfGiven[str] = None
    """What the caller is greeted with, spoken by the Bridge itself; never on a reconnection."""
    no_input_timeout_ms: IfGiven[Whole] = None
    caller: IfGiven[Annotated[dict[str, Any], AfterValidator(_refuse_credentials)]] = None


class InputText(BaseModel):
    """A part of what was said."""

    model_config = Message.model_config

    type: Literal["input_text"] = "input_text"
    text: str


class UserMessage(Message):
    """What a person said; parts that are no text are left out."""

    type: Literal["user.message"] = "user.message"
    item_id: InputId
    content: Annotated[list[InputText], Field(min_length=1)]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.content)


class UserNoInput(Message):
    """Nobody has said anything for ``no_input_timeout_ms``, for the ``count``-th time in a row."""

    type: Literal["user.no_input"] = "user.no_input"
    item_id: InputId
    count: Whole


class UserSpeechStarted(Message):
    """A person begins to speak while no response is open."""

    type: Literal["user.speech_started"] = "user.speech_started"


class BargeIn(Message):
    """A person interrupted a response; ``heard_text`` is all that was played of its item."""

    type: Literal["barge_in"] = "barge_in"
    response_id: ResponseId
    item_id: IfGiven[ItemId] = None
    heard_text: str


class ResponseAccepted(Message):
    """A proactive response may now be spoken."""

    type: Literal["response.accepted"] = "response.accepted"
    response_id: ResponseId


class ResponseDropped(Message):
    """A proactive response will not be spoken."""

    type: Literal["response.dropped"] = "response.dropped"
    response_id: ResponseId
    reason: Name


class ResponseCancelled(Message):
    """The outcome of the agent's ``response.cancel``."""

    type: Literal["response.cancelled"] = "response.cancelled"
    response_id: ResponseId
    item_id: IfGiven[ItemId] = None
    heard_text: str


class ResponseTimeout(Message):
    """A deadline has passed: of a response that began, or of inputs that none answered."""

    type: Literal["response.timeout"] = "response.timeout"
    stage: Name
    response_id: IfGiven[ResponseId] = None
    item_ids: IfGiven[InputIds] = None


class SessionEnd(Message):
    """The session is over."""

    type: Literal["session.end"] = "session.end"
    reason: Name


# Agent -> Bridge


class SessionReady(Message):
    """The answer to ``session.start``."""

    type: Literal["session.ready"] = "session.ready"


class SessionRejected(Message):
    """The other answer to it."""

    type: Literal["session.rejected"] = "session.rejected"
    code: Name
    retriable: bool
    message: IfGiven[str] = None


class ResponseCreated(Message):
    """A response begins: to inputs, or of the agent's own accord (without ``in_reply_to``)."""

    type: Literal["response.created"] = "response.created"
    response_id: ResponseId
    in_reply_to: IfGiven[InputIds] = None
    admission_timeout_ms: IfGiven[Annotated[Whole, Field(le=MAX_ADMISSION_MS)]] = None
    supersede_key: IfGiven[Name] = None


class ResponseNone(Message):
    """Inputs that get no response."""

    type: Literal["response.none"] = "response.none"
    in_reply_to: InputIds
    reason: IfGiven[str] = None


class OutputTextDelta(Message):
    """A piece of what is spoken."""

    type: Literal["response.output_text.delta"] = "response.output_text.delta"
    response_id: ResponseId
    item_id: ItemId
    delta: Name
    voice: IfGiven[Voice] = None


class OutputTextDone(Message):
    """An item's whole text: the concatenation of its deltas, or all of it where there were none."""

    type: Literal["response.output_text.done"] = "response.output_text.done"
    response_id: ResponseId
    item_id: ItemId
    text: str
    voice: IfGiven[Voice] = None


class ResponseDone(Message):
    """All items of a response are done."""

    type: Literal["response.done"] = "response.done"
    response_id: ResponseId


class ResponseCancel(Message):
    """The agent gives a response up."""

    type: Literal["response.cancel"] = "response.cancel"
    response_id: ResponseId
    reason: IfGiven[str] = None


class EndCall(Message):
    """The agent hangs up: ``drain`` when what it said has been played, ``immediate`` now."""

    type: Literal["end_call"] = "end_call"
    reason: Name
    mode: Literal["drain", "immediate"] = "drain"


class AgentError(Message):
    """Something failed; an item is named with its response only."""

    type: Literal["error"] = "error"
    code: Name
    message: str
    response_id: IfGiven[ResponseId] = None
    item_id: IfGiven[ItemId] = None


ForAgent = (
    SessionStart
    | UserMessage
    | UserNoInput
    | UserSpeechStarted
    | BargeIn
    | ResponseAccepted
    | ResponseDropped
    | ResponseCancelled
    | ResponseTimeout
    | SessionEnd
)
ForBridge = (
    SessionReady
    | SessionRejected
    | ResponseCreated
    | ResponseNone
    | OutputTextDelta
    | OutputTextDone
    | ResponseDone
    | ResponseCancel
    | EndCall
    | AgentError
)
EXCLUDED: Final = frozenset(
    {
        "conversation.item.create",
        "conversation.item.delete",
        "dtmf",
        "dtmf.collect.cancelled",
        "dtmf.collect.rejected",
        "handoff.failed",
    }
)
"""Messages of the Bridge that are no part of the text profile."""


def _by_type(messages: Any) -> dict[str, type[Any]]:
    return {each.model_fields["type"].default: each for each in messages.__args__}


_FOR_AGENT: Final[Mapping[str, type[ForAgent]]] = _by_type(ForAgent)
_FOR_BRIDGE: Final[Mapping[str, type[ForBridge]]] = _by_type(ForBridge)


def read_for_agent(frame: str) -> ForAgent | None:
    """What an agent receives; None for a type, or content, that this version doesn't know.

    Raises FrameError.
    """
    payload, kind = _read_payload(frame, _FOR_AGENT)
    if kind is None:
        if payload["type"] in EXCLUDED:
            raise FrameError("a message of the Bridge that agents of text don't take", UNSUPPORTED)
        if payload["type"] in _FOR_BRIDGE:
            raise FrameError("a message that an agent sends was sent to an agent")
        return None
    if kind is UserMessage and not _has_texts_alone(payload.get("content")):
        _validate(_Envelope, payload)
        payload["content"] = _read_content(payload.get("content"))
        if not payload["content"]:
            return None
    message = _validate(kind, payload)
    if isinstance(message, SessionStart) and message.reconnect and message.greeting is not None:
        raise FrameError("session.start: a reconnection has no greeting")
    if isinstance(message, ResponseTimeout) and bool(message.response_id) == bool(message.item_ids):
        raise FrameError("response.timeout: either response_id or item_ids is needed")
    return message


def read_for_bridge(frame: str) -> ForBridge | None:
    """What the Bridge receives; None for a type that this version doesn't know.

    Raises FrameError.
    """
    payload, kind = _read_payload(frame, _FOR_BRIDGE)
    if kind is None:
        if payload["type"] in _FOR_AGENT:
            raise FrameError("a message that the Bridge sends was sent to the Bridge")
        return None
    message = _validate(kind, payload)
    if isinstance(message, ResponseCreated) and message.in_reply_to and _waits(message):
        raise FrameError("response.created: a reply waits for no admission")
    if isinstance(message, AgentError) and message.item_id and not message.response_id:
        raise FrameError("error: item_id needs response_id")
    return message


def encode(message: ForAgent | ForBridge) -> str:
    """The frame of a message. Raises FrameError where it would be too long."""
    return check_length(message.model_dump_json(exclude_none=True), message.type)


def check_length(frame: str, kind: str) -> str:
    """The frame of a ``kind`` of message. Raises FrameError where it is too long."""
    if len(frame) * 4 > MAX_FRAME_BYTES and len(frame.encode()) > MAX_FRAME_BYTES:
        raise FrameError(f"{kind}: the frame would be longer than {MAX_FRAME_BYTES:,} bytes")
    return frame


class _Envelope(Message):
    """What every message has, of types that nobody knows too."""

    type: Name
    id: Id
    ts: Annotated[str, AfterValidator(_check_time)]
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, strict=True, extra="ignore")


_M = TypeVar("_M", bound=BaseModel)


def _read_payload(
    frame: str, kinds: Mapping[str, type[_M]]
) -> tuple[dict[str, Any], type[_M] | None]:
    """The object in a frame, and the message that it is; None for a type that is not there."""
    payload = decode_frame(frame)
    name = payload.get("type")
    kind = kinds.get(name) if isinstance(name, str) else None
    # What is made here has an id and a time by itself, what comes must bring both.
    if kind is None or "id" not in payload or "ts" not in payload:
        _validate(_Envelope, payload)
    return payload, kind


def _waits(created: ResponseCreated) -> bool:
    return created.admission_timeout_ms is not None or created.supersede_key is not None


def _validate(model: type[_M], payload: dict[str, Any]) -> _M:
    try:
        return model.model_validate(payload, context=_ON_THE_WIRE)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        kind = payload.get("type") if model is not _Envelope else "a message"
        raise FrameError(f"{kind}: {where}: {first['msg']}") from None


def _has_texts_alone(content: Any) -> bool:
    return isinstance(content, list) and all(
        isinstance(part, dict) and part.get("type") == "input_text" for part in content
    )


def _read_content(content: Any) -> list[Any]:
    """The parts of a ``user.message`` that are text; others may come with a later version."""
    if not isinstance(content, list) or not content:
        raise FrameError("user.message: content is no array of parts")
    known = []
    for part in content:
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise FrameError("user.message: a part of content has no type")
        if part["type"] == "input_image":
            raise FrameError("user.message: images are no part of the text profile", UNSUPPORTED)
        if part["type"] == "input_text":
            known.append(_validate(InputText, part))
    return known
