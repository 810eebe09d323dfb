"""Events of a Voice Live client: their names and shapes, and which of them are refused."""

from typing import Annotated, Any

from pydantic import Field

from voicelive_agent.wire.json_values import MAX_DEPTH, find_excess
from voicelive_agent.wire.voice_live.shapes import (
    Object,
    ProtocolError,
    Shape,
    Text,
    Whole,
    check_shape,
)

MAX_APPEND_BYTES = 16 * 1024 * 1024
"""Audio that one append may carry, decoded: the documented 15 MiB, however MiB are counted."""

DEFAULT_MAX_MEMBERS = 100_000
"""Members and elements of one event, of all levels."""


class ClientEvent(Shape):
    type: Text


class SessionUpdate(ClientEvent):
    session: Object


class AppendAudio(ClientEvent):
    audio: Text


class TurnReference(ClientEvent):
    turn_id: Annotated[str, Field(strict=True, min_length=1, max_length=256)]


class AppendToTurn(TurnReference):
    audio: Text


class CreateItem(ClientEvent):
    item: Object
    previous_item_id: Text | None = None


class ItemReference(ClientEvent):
    item_id: Text


class TruncateItem(ItemReference):
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
    "input_audio.turn.start": TurnReference,
    "input_audio.turn.append": AppendToTurn,
    "input_audio.turn.end": TurnReference,
    "input_audio.turn.cancel": TurnReference,
    "input_audio.clear": ClientEvent,
    "conversation.item.create": CreateItem,
    "conversation.item.retrieve": ItemReference,
    "conversation.item.truncate": TruncateItem,
    "conversation.item.delete": ItemReference,
    "response.create": CreateResponse,
    "response.cancel": CancelResponse,
    "output_audio_buffer.clear": ClientEvent,
    "input_text.delta": InputTextDelta,
    "input_text.done": InputText,
}

_APPENDED = frozenset(("type", "audio", "event_id"))

_NOT_DONE_HERE = {
    "session.avatar.connect": ("avatar_not_supported", "avatars and their video"),
    "mcp_approval_response": ("mcp_not_supported", "MCP tools"),
    "rtc.call.sdp.create": ("webrtc_not_supported", "calls over WebRTC"),
}


def parse_client_event(event: Any, max_members: int = DEFAULT_MAX_MEMBERS) -> ClientEvent:
    """The client's event in its shape. Raises ProtocolError, also for an unknown type.

    ``max_members`` bounds its members and elements, of all levels.
    """
    if not isinstance(event, dict):
        raise ProtocolError(
            "A client event is a JSON object with a type: send one in each frame.",
            code="invalid_type",
        )
    match find_excess(event, max_members=max_members):
        case "depth":
            raise ProtocolError(
                f"The event is nested more than {MAX_DEPTH} levels deep: flatten it.",
                code="invalid_value",
            )
        case "members":
            raise ProtocolError(
                f"The event has more than {max_members} members: send less at once, or start the "
                "emulator with a higher --max-event-members.",
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


def is_plain_append(event: Any) -> bool:
    """Whether it is what comes fifty times a second from a microphone, in its shape.

    To make an ``AppendAudio`` of it takes longer than to look at it.
    """
    return (
        isinstance(event, dict)
        and event.get("type") == "input_audio_buffer.append"
        and isinstance(event.get("audio"), str)
        and event.keys() <= _APPENDED
        and isinstance(event.get("event_id", ""), str)
    )


def client_event_id(event: Any) -> str | None:
    """The id that errors about this event repeat, if it has one."""
    event_id = event.get("event_id") if isinstance(event, dict) else None
    return event_id if isinstance(event_id, str) else None
