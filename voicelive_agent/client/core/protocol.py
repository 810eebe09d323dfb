"""The protocol's events as the client reads and writes them.

What the service sends may lack any member or hold another type than expected, so members are
read by functions that give an empty value then.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

Event = dict[str, Any]
Handler = Callable[[Event], None]


def read_text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def read_mapping(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = mapping.get(key)
    return value if isinstance(value, dict) else {}


def read_mappings(mapping: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list."""
    value = mapping.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def read_number(mapping: Mapping[str, Any], key: str) -> float | None:
    value = mapping.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def read_audio(event: Event) -> bytes:
    """The audio of a ``response.audio.delta``."""
    try:
        return base64.b64decode(read_text(event, "delta"))
    except (binascii.Error, ValueError):
        return b""


def has_output(response: Mapping[str, Any]) -> bool:
    """Whether there is anything in a response as ``response.done`` has it."""
    return any(
        item.get("type") != "message"
        or any(
            read_text(part, "text") or read_text(part, "transcript") or read_text(part, "audio")
            for part in read_mappings(item, "content")
        )
        for item in read_mappings(response, "output")
    )


def without_audio(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event for a person or a script to read."""
    members = {"response.audio.delta": "delta", "input_audio_buffer.append": "audio"}
    member = members.get(str(event["type"]))
    if member is None:
        return event
    return {**event, member: f"<{len(str(event.get(member, '')))} characters of base64>"}


def without_secrets(event: Event) -> Event:
    """The event to be shown or kept, without what only servers may know.

    Keys of MCP and relay servers stand in a session, and the service repeats them.
    """
    if str(event["type"]).startswith("session."):
        return {name: _without_secrets(value) for name, value in event.items()}
    return event


_SECRET = frozenset({"authorization", "headers", "credential", "api_key", "token", "password"})


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    if not isinstance(value, dict):
        return value
    shown = {}
    for name, member in value.items():
        if name in _SECRET and member:
            shown[name] = "***"
        elif name == "server_url" and isinstance(member, str):
            shown[name] = member.partition("?")[0]
        else:
            shown[name] = _without_secrets(member)
    return shown


def create_item(item: Mapping[str, Any]) -> Event:
    return {"type": "conversation.item.create", "item": dict(item)}


def user_message(text: str) -> Event:
    content = [{"type": "input_text", "text": text}]
    return create_item({"type": "message", "role": "user", "content": content})


def said_as_is(text: str) -> dict[str, Any]:
    """The ``response`` of a ``response.create`` that speaks this text."""
    content = [{"type": "text", "text": text}]
    message = {"type": "message", "role": "assistant", "content": content}
    return {"pre_generated_assistant_message": message}
