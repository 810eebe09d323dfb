"""Chat messages and tools, made of a session's items, tools and tool choice."""

from collections.abc import Mapping, Sequence
from typing import Any

NO_OUTPUT = "(no result: the caller's program has not answered)"
NOTHING_SAID = "You are a helpful voice assistant. Greet the caller in one short sentence."


def write_messages(instructions: str, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages for a model, the instructions first.

    A chat endpoint wants each function call answered at once, so an output follows its call
    directly, wherever it stands among the items, and a call without one is given a stand-in.
    """
    outputs = {
        item.get("call_id"): str(item.get("output", ""))
        for item in items
        if item.get("type") == "function_call_output"
    }
    messages: list[dict[str, Any]] = []
    if instructions:
        messages.append({"role": "system", "content": instructions})
    calls: list[Mapping[str, Any]] = []
    for item in items:
        kind = item.get("type", "message")
        if kind == "function_call":
            calls.append(item)
            continue
        if kind == "function_call_output":
            continue
        messages += _write_calls(calls, outputs)
        calls = []
        if kind == "message":
            messages += _write_message(item)
    messages += _write_calls(calls, outputs)
    return messages or [{"role": "system", "content": NOTHING_SAID}]


def write_tools(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The functions among a session's tools; others are run by nobody here."""
    return [
        {
            "type": "function",
            "function": {
                key: tool[key]
                for key in ("name", "description", "parameters", "strict")
                if tool.get(key) is not None
            },
        }
        for tool in tools
        if tool.get("type", "function") == "function" and tool.get("name")
    ]


def write_tool_choice(choice: str | Mapping[str, Any]) -> str | dict[str, Any]:
    if isinstance(choice, str):
        return choice
    return {"type": "function", "function": {"name": choice.get("name", "")}}


def read_text(item: Mapping[str, Any]) -> str:
    """What a message item says, whether the person or the agent said it, typed or spoken."""
    return " ".join(text for part in _read_parts(item) if (text := _read_part(part)))


def _write_calls(
    calls: Sequence[Mapping[str, Any]], outputs: Mapping[Any, str]
) -> list[dict[str, Any]]:
    if not calls:
        return []
    asked = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": call.get("call_id"),
                "type": "function",
                "function": {
                    "name": call.get("name", ""),
                    "arguments": call.get("arguments") or "{}",
                },
            }
            for call in calls
        ],
    }
    answered = [
        {
            "role": "tool",
            "tool_call_id": call.get("call_id"),
            "content": outputs.get(call.get("call_id"), NO_OUTPUT),
        }
        for call in calls
    ]
    return [asked, *answered]


def _write_message(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    role = item.get("role", "user")
    images = [part for part in _read_parts(item) if part.get("type") == "input_image"]
    text = read_text(item)
    if images and role == "user":
        content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        for image in images:
            url = {"url": image.get("image_url") or image.get("url") or ""}
            if image.get("detail"):
                url["detail"] = image["detail"]
            content.append({"type": "image_url", "image_url": url})
        return [{"role": "user", "content": content}]
    return [{"role": role, "content": text}] if text else []


def _read_parts(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    content = item.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content or () if isinstance(part, Mapping)]


def _read_part(part: Mapping[str, Any]) -> str:
    text = part.get("text") or part.get("transcript")
    return text if isinstance(text, str) else ""
