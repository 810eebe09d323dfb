"""Conversation items as a client writes them, checked, and as the session keeps them."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from voicelive_agent.emulator.session.heard import SpokenText
from voicelive_agent.wire.voice_live.events import MAX_APPEND_BYTES
from voicelive_agent.wire.voice_live.shapes import (
    Flag,
    Object,
    ProtocolError,
    Shape,
    Text,
    check_shape,
)

ItemId = Annotated[str, Field(strict=True, min_length=1, max_length=128)]


class InputTextPart(Shape):
    type: Literal["input_text"]
    text: Text = ""


class InputAudioPart(Shape):
    type: Literal["input_audio"]
    audio: Text | None = None
    transcript: Text | None = None


class InputImagePart(Shape):
    type: Literal["input_image"]
    image_url: Text | None = None
    detail: Literal["auto", "low", "high"] = "auto"


class OutputTextPart(Shape):
    type: Literal["text", "output_text"]
    text: Text


UserPart = Annotated[InputTextPart | InputAudioPart | InputImagePart, Field(discriminator="type")]
Status = Literal["completed", "incomplete", "in_progress"]


class ClientItem(Shape):
    id: ItemId | None = None
    status: Status | None = None


class SystemMessage(ClientItem):
    role: Literal["system"]
    content: list[InputTextPart]


class UserMessage(ClientItem):
    role: Literal["user"]
    content: Annotated[list[UserPart], Field(min_length=1)]


class AssistantMessage(ClientItem):
    role: Literal["assistant"]
    content: Annotated[list[OutputTextPart], Field(min_length=1)]


class FunctionCallItem(ClientItem):
    name: Annotated[str, Field(strict=True, min_length=1)]
    call_id: ItemId
    arguments: Text


class FunctionCallOutputItem(ClientItem):
    call_id: ItemId
    output: Text


class McpApprovalResponseItem(ClientItem):
    approval_request_id: ItemId
    approve: Flag


class _Typed(Shape):
    type: Literal["message", "function_call", "function_call_output", "mcp_approval_response"]


class _Message(Shape):
    role: Literal["system", "user", "assistant"]


_MESSAGES: dict[str, type[ClientItem]] = {
    "system": SystemMessage,
    "user": UserMessage,
    "assistant": AssistantMessage,
}


class ConversationItem:
    """One item of the conversation."""

    def __init__(self, fields: dict[str, Any], item_id: str) -> None:
        self.id = item_id
        self.fields = fields
        """All but ``id`` and ``object``."""
        self.is_announced = False
        """Whether the client has been told of it with ``conversation.item.created``."""
        self.is_open = False
        """Whether the running response is still writing it."""
        self.awaits_answer = False
        """A user's message that no response has taken up."""
        self.spoken: SpokenText | None = None
        """An assistant's spoken message: its text as far as it was played."""
        self.function_name = ""
        """What the model calls the tool of an ``mcp_call``."""
        self.audio_ms = 0.0
        """How long a spoken user's message is."""
        self.audio: bytes | None = None
        """A recording that came with the item and has no transcript yet."""

    @property
    def role(self) -> str | None:
        return self.fields.get("role")

    def describe(self) -> dict[str, Any]:
        """The item as the client sees it now."""
        fields = dict(self.fields)
        if self.spoken is not None and fields["content"]:
            fields["content"] = [{"type": "audio", "transcript": self.spoken.kept_text()}]
        elif "content" in fields:
            fields["content"] = [dict(part) for part in fields["content"]]
        return {"id": self.id, "object": "realtime.item", **fields}

    def count_characters(self) -> int:
        """How much the client wrote in it, as far as it is text or an image."""
        parts = [self.fields, *(self.fields.get("content") or ())]
        return sum(
            len(value) for part in parts for value in part.values() if isinstance(value, str)
        )

    def text(self) -> str:
        """What a user's message says, typed or spoken."""
        parts = self.fields.get("content") or ()
        texts = (part.get("text") or part.get("transcript") or "" for part in parts)
        return " ".join(filter(None, (text.strip() for text in texts)))


def read_item(value: Any, param: str, new_id: Callable[[str], str]) -> ConversationItem:
    """An item from the client, with an id of its own or a new one. Raises ProtocolError."""
    kind = check_shape(_Typed, value, param).type
    if kind == "mcp_approval_response":
        approval = check_shape(McpApprovalResponseItem, value, param)
        approved: Object = {
            "type": kind,
            "approval_request_id": approval.approval_request_id,
            "approve": approval.approve,
        }
        return ConversationItem(approved, approval.id or new_id("item"))
    if kind == "message":
        role = check_shape(_Message, value, param).role
        return _read_message(role, value, param, new_id)
    if kind == "function_call":
        call = check_shape(FunctionCallItem, value, param)
        fields: Object = {
            "type": kind,
            "name": call.name,
            "call_id": call.call_id,
            "arguments": call.arguments,
            "status": call.status or "completed",
        }
        return ConversationItem(fields, call.id or new_id("item"))
    output = check_shape(FunctionCallOutputItem, value, param)
    fields = {"type": kind, "call_id": output.call_id, "output": output.output}
    return ConversationItem(fields, output.id or new_id("item"))


def _read_message(
    role: str, value: Any, param: str, new_id: Callable[[str], str]
) -> ConversationItem:
    message = check_shape(_MESSAGES[role], value, param)
    content = [_keep_part(part) for part in value["content"]]
    fields = {
        "type": "message",
        "role": role,
        "status": message.status or "completed",
        "content": content,
    }
    item = ConversationItem(fields, message.id or new_id("item"))
    item.awaits_answer = role == "user"
    for index, part in enumerate(value["content"]):
        if part["type"] == "input_audio" and part.get("transcript") is None:
            item.audio = decode_audio(part.get("audio") or "", f"{param}.content[{index}].audio")
    return item


def _keep_part(part: dict[str, Any]) -> dict[str, Any]:
    """A content part as the conversation keeps it: without the recording itself."""
    if part["type"] == "input_audio":
        return {"type": "input_audio", "transcript": part.get("transcript")}
    if part["type"] == "output_text":
        return {"type": "text", "text": part["text"]}
    if part["type"] == "input_text":
        return {"type": "input_text", "text": part.get("text", "")}
    return dict(part)


def decode_audio(text: str, param: str) -> bytes:
    """Audio from its base64. Raises ProtocolError."""
    try:
        audio = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError(
            f"Invalid '{param}': it must be the base64 of raw audio.",
            code="invalid_value",
            param=param,
        ) from None
    if len(audio) > MAX_APPEND_BYTES:
        raise ProtocolError(
            f"'{param}' holds more than {MAX_APPEND_BYTES} bytes of audio: send it in pieces.",
            code="invalid_value",
            param=param,
        )
    return audio
