"""Items of a GA conversation: what their content parts and states are called, and back."""

from collections.abc import Mapping
from typing import Any

_PARTS = {"audio": "output_audio", "text": "output_text"}
"""What an assistant's message holds, by Voice Live's names."""


def write_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as the client is told of it."""
    if item.get("role") != "assistant":
        return dict(item)
    content = [{**part, "type": _PARTS.get(part["type"], part["type"])} for part in item["content"]]
    # A cascade calls a message that has only begun incomplete, GA in progress.
    status = item["status"] if content else "in_progress"
    return {**item, "content": content, "status": status}


def is_open(written: Mapping[str, Any]) -> bool:
    """Whether more of an item comes, as ``write_item`` gives it."""
    return written.get("status") == "in_progress" and not written.get("content")


def read_item(item: Any) -> Any:
    """A client's item in Voice Live's names; what is no item is left to be refused."""
    if not isinstance(item, Mapping) or not isinstance(item.get("content"), list):
        return item
    # GA lets the type of a message out where its role says it.
    read = {"type": "message", **item} if "role" in item else dict(item)
    if read.get("role") == "assistant":
        read["content"] = [_read_said(part) for part in item["content"]]
    return read


def _read_said(part: Any) -> Any:
    """What an assistant said before, as the text that a conversation keeps of it."""
    if not isinstance(part, Mapping):
        return part
    if part.get("type") == "output_audio":
        return {"type": "text", "text": part.get("transcript")}
    if part.get("type") == "output_text":
        return {**part, "type": "text"}
    return part
