"""Voice Live's wire: frames, ids, errors, and the shapes of the client's events.

The official SDK's models don't check anything (a missing field reads as None), so the shapes that
a client's events must have stand here. Server events are plain objects, built where they arise.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

MAX_APPEND_BYTES = 16 * 1024 * 1024
"""Audio that one append may carry, decoded: the documented 15 MiB, however MiB are counted."""

_MAX_DEPTH = 64


class ProtocolError(Exception):
    """The client asked for what can't be done; becomes an ``error`` event, changes nothing.

    ``message`` says what to do; ``param`` is the path of what is wrong, such as
    ``session.turn_detection.threshold``.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.type = type

    def describe(self, client_event_id: str | None = None) -> dict[str, Any]:
        """The ``error`` member of an ``error`` event."""
        return {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": client_event_id,
        }


def new_id(prefix: str) -> str:
    """A fresh id, such as ``event_`` and 22 characters."""
    return f"{prefix}_{uuid.uuid4().hex[:22]}"


def decode_frame(frame: str | bytes | bytearray | memoryview) -> Any:
    """The JSON value of a frame; an object that was encoded twice is decoded twice.

    Raises ProtocolError.
    """
    try:
        value = orjson.loads(frame)
        if isinstance(value, str):
            value = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ProtocolError(
            f"The frame is not valid JSON ({error}): send one JSON object in each frame.",
            code="invalid_json",
        ) from None
    return value


def encode_event(event: Mapping[str, Any]) -> str:
    """The text of a frame."""
    try:
        return orjson.dumps(event).decode()
    except orjson.JSONEncodeError:
        # Integers of more than 64 bits and half surrogates, which a client's own data may hold.
        return json.dumps(event)


# Shapes.


def _whole(value: object) -> object:
    """JSON has one kind of number: 500.0 is a whole one, true and "500" are none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (bool, str, bytes)):
        raise ValueError("a whole number is needed here")  # noqa: TRY004 - pydantic's own signal
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
Object = dict[str, Any]

ShapeT = TypeVar("ShapeT", bound=BaseModel)


class Shape(BaseModel):
    """A JSON object with fields of these kinds; others are kept as they come."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


def check_shape(shape: type[ShapeT], value: Any, param: str = "") -> ShapeT:
    """``value`` as ``shape``. Raises ProtocolError with the path of the first thing wrong."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _as_protocol_error(first, value, param) from None


_REASONS = {
    "missing": "it is required",
    "union_tag_not_found": "it is required",
    "dict_type": "it must be an object",
    "model_type": "it must be an object",
    "model_attributes_type": "it must be an object",
    "list_type": "it must be a list",
    "string_type": "it must be a string",
    "bool_type": "it must be true or false",
    "too_short": "it must not be empty",
    "string_too_short": "it must not be empty",
}
"""In JSON's words, where pydantic's are Python's."""


def _as_protocol_error(error: ErrorDetails, value: Any, param: str) -> ProtocolError:
    kind, location = error["type"], error["loc"]
    path = param
    for position, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif _has(value, part) or (kind == "missing" and position == len(location) - 1):
            path += f".{part}" if path else part
        else:
            # The name of a member of a union: not a part of what the client wrote.
            continue
        value = _step(value, part)
    if kind.startswith("union_tag"):
        path += ".type" if path else "type"
    if kind in ("missing", "union_tag_not_found"):
        code = "missing_required_parameter"
    elif kind.endswith("_type"):
        code = "invalid_type"
    else:
        code = "invalid_value"
    if kind == "union_tag_invalid":
        reason = f"must be one of {error['ctx']['expected_tags']}"
    else:
        reason = _REASONS.get(kind, error["msg"].removeprefix("Value error, "))
    return ProtocolError(
        f"Invalid '{path or 'event'}': {reason[:1].lower()}{reason[1:]}.",
        code=code,
        param=path or None,
    )


def _has(value: Any, part: str) -> bool:
    return isinstance(value, dict) and part in value


def _step(value: Any, part: int | str) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


# The client's events.


class ClientEvent(Shape):
    type: Text


class SessionUpdate(ClientEvent):
    session: Object


class AppendAudio(ClientEvent):
    audio: Text


class NameTurn(ClientEvent):
    turn_id: Annotated[str, Field(strict=True, min_length=1, max_length=256)]


class AppendToTurn(NameTurn):
    audio: Text


class CreateItem(ClientEvent):
    item: Object
    previous_item_id: Text | None = None


class NameItem(ClientEvent):
    item_id: Text


class TruncateItem(NameItem):
    content_index: Annotated[Whole, Field(ge=0, le=2**31)]
    audio_end_ms: Annotated[Whole, Field(ge=0, le=2**31)]


class CreateResponse(ClientEvent):
    response: Object | None = None
    additional_instructions: Text | None = None


class CancelResponse(ClientEvent):
    response_id: Text | None = None


class InputText(ClientEvent):
    id: Text
    content_index: Annotated[Whole, Field(ge=0, le=2**31)] | None = None


class InputTextDelta(InputText):
    delta: Text


_EVENT_SHAPES: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "transcription_session.update": SessionUpdate,
    "input_audio_buffer.append": AppendAudio,
    "input_audio_buffer.commit": ClientEvent,
    "input_audio_buffer.clear": ClientEvent,
    "input_audio.turn.start": NameTurn,
    "input_audio.turn.append": AppendToTurn,
    "input_audio.turn.end": NameTurn,
    "input_audio.turn.cancel": NameTurn,
    "input_audio.clear": ClientEvent,
    "conversation.item.create": CreateItem,
    "conversation.item.retrieve": NameItem,
    "conversation.item.truncate": TruncateItem,
    "conversation.item.delete": NameItem,
    "response.create": CreateResponse,
    "response.cancel": CancelResponse,
    "output_audio_buffer.clear": ClientEvent,
    "input_text.delta": InputTextDelta,
    "input_text.done": InputText,
}

_NOT_DONE_HERE = {
    "session.avatar.connect": ("avatar_not_supported", "avatars and their video"),
    "mcp_approval_response": ("mcp_not_supported", "MCP tools"),
    "rtc.call.sdp.create": ("webrtc_not_supported", "calls over WebRTC"),
}


def parse_client_event(event: Any) -> ClientEvent:
    """The client's event in its shape. Raises ProtocolError, also for an unknown type."""
    if not isinstance(event, dict):
        raise ProtocolError(
            "A client event is a JSON object with a type: send one in each frame.",
            code="invalid_type",
        )
    if _is_too_deep(event):
        raise ProtocolError(
            f"The event is nested more than {_MAX_DEPTH} levels deep: flatten it.",
            code="invalid_value",
        )
    type_ = event.get("type")
    if not isinstance(type_, str):
        raise ProtocolError(
            "Missing 'type': name the event, such as 'session.update'.",
            code="missing_required_parameter",
            param="type",
        )
    if type_ in _NOT_DONE_HERE:
        code, what = _NOT_DONE_HERE[type_]
        raise ProtocolError(
            f"The emulator doesn't do {what}: leave '{type_[:100]}' out, or use Voice Live itself.",
            code=code,
            param="type",
        )
    shape = _EVENT_SHAPES.get(type_)
    if shape is None:
        raise ProtocolError(
            f"Unknown event type '{type_[:100]}': the known ones are {', '.join(_EVENT_SHAPES)}.",
            code="invalid_value",
            param="type",
        )
    return check_shape(shape, event)


def client_event_id(event: Any) -> str | None:
    """The id that errors about this event repeat, if it has one."""
    event_id = event.get("event_id") if isinstance(event, dict) else None
    return event_id if isinstance(event_id, str) else None


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True
