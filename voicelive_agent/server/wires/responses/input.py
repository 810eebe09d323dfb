"""Input of a response: the body of POST /responses, checked, and the turn that it asks for."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from voicelive_agent.agent import TurnKind
from voicelive_agent.server.platform.ids import is_valid_id
from voicelive_agent.server.wires.responses.errors import ResponsesError, wrong_field
from voicelive_agent.wire.invocations import SESSION_QUERY
from voicelive_agent.wire.json_values import find_excess
from voicelive_agent.wire.responses import DEFAULT_AGENT, is_response_id, without_internals

# JSON's names of what Python reads.
_TYPE_NAMES = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)
_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("stream", "store", "background", "parallel_tool_calls"), "boolean"),
    **dict.fromkeys(("model", "instructions", "previous_response_id", "response_id"), "string"),
    **dict.fromkeys((SESSION_QUERY, "session_id", "user", "truncation"), "string"),
    **dict.fromkeys(("temperature", "top_p"), "number"),
    **dict.fromkeys(("max_output_tokens", "max_tool_calls", "top_logprobs"), "integer"),
    **dict.fromkeys(("tools", "include"), "array"),
    **dict.fromkeys(("metadata", "stream_options", "reasoning", "text"), "object"),
}
_ROLES = frozenset(
    ("unknown", "user", "assistant", "system", "critic", "discriminator", "developer", "tool")
)
_MOST_METADATA, _LONGEST_KEY, _LONGEST_VALUE = 16, 64, 512


class Said(NamedTuple):
    """What the caller says or does in a turn, and earlier turns that came with it."""

    kind: TurnKind
    text: str = ""
    action: dict[str, Any] | None = None
    told: tuple[tuple[str, str], ...] = ()


def parse_request(body: bytes) -> dict[str, Any]:
    """The body of POST /responses; fields that are null are absent. Raises ResponsesError (400).

    What is not known here is left as it is: the protocol has many parameters for models.
    """
    value = _read_json(body)
    if not isinstance(value, dict):
        raise ResponsesError(400, "invalid_request", "request body must be a JSON object")
    if "input" in value and not isinstance(value["input"], str | list):
        raise _wrong_type("input", "one of: string, array", value["input"])
    asked = {name: field for name, field in value.items() if field is not None}
    for name in asked.keys() & _FIELDS.keys():
        _check_type(asked[name], _FIELDS[name], name)
    _check_modes(asked)
    _check_metadata(asked.get("metadata", {}))
    _check_agent(asked.get("agent_reference"))
    _check_ids(asked)
    return asked


def _read_json(body: bytes) -> Any:
    fault = "it is nested too deeply"
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_reject_constant)
        if not find_excess(value):
            return value
    except ValueError as error:
        fault = str(error)
    except RecursionError:
        pass
    raise ResponsesError(400, "invalid_request_error", f"The body is no valid JSON: {fault}")


def _check_modes(asked: Mapping[str, Any]) -> None:
    if asked.get("background") and asked.get("store") is False:
        raise ResponsesError(
            400, "unsupported_parameter", "background=true requires store=true", param="background"
        )
    if "stream_options" in asked and not asked.get("stream"):
        raise ResponsesError(
            400, "invalid_mode", "stream_options requires stream=true", param="stream"
        )


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    def refuse(message: str) -> ResponsesError:
        return ResponsesError(400, "invalid_request", message, param="metadata")

    if len(metadata) > _MOST_METADATA:
        raise refuse(f"metadata must have at most {_MOST_METADATA} key-value pairs")
    for key, value in metadata.items():
        _check_type(value, "string", f"metadata.{key}")
        if len(key) > _LONGEST_KEY:
            raise refuse(f"metadata key '{key[:_LONGEST_KEY]}…' is longer than {_LONGEST_KEY}")
        if len(value) > _LONGEST_VALUE:
            raise refuse(f"metadata value for key '{key}' is longer than {_LONGEST_VALUE}")


def _check_agent(agent: object) -> None:
    def refuse(message: str, param: str) -> ResponsesError:
        return ResponsesError(400, "invalid_request", f"{param} {message}", param=param)

    if agent is None:
        return
    if not isinstance(agent, dict):
        raise refuse("must be an object", "agent_reference")
    if agent.get("type") != DEFAULT_AGENT["type"]:
        raise refuse("must be 'agent_reference'", "agent_reference.type")
    if not isinstance(agent.get("name"), str) or not agent["name"].strip():
        raise refuse("must be a non-empty string", "agent_reference.name")


def _check_ids(asked: Mapping[str, Any]) -> None:
    previous = asked.get("previous_response_id")
    if previous and not is_response_id(previous):
        raise malformed_id("previous_response_id")
    for name in (SESSION_QUERY, "session_id"):
        if asked.get(name) and not is_valid_id(asked[name]):
            raise wrong_field("1 to 256 of the characters a-z A-Z 0-9 - _ . and : are needed", name)
    conversation = asked.get("conversation")
    if conversation is not None and not isinstance(conversation, str | dict):
        raise _wrong_type("conversation", "one of: string, object", conversation)
    if isinstance(conversation, dict) and not isinstance(conversation.get("id"), str):
        raise wrong_field("Required property 'id' is missing", "conversation.id")
    named = read_conversation(asked)
    if named and not is_valid_id(named):
        raise wrong_field(
            "1 to 256 of the characters a-z A-Z 0-9 - _ . and : are needed", "conversation"
        )


def malformed_id(param: str) -> ResponsesError:
    return ResponsesError(400, "invalid_parameters", "Malformed identifier.", param=param)


def read_conversation(asked: Mapping[str, Any]) -> str:
    """The id of the conversation that a request names; empty for none."""
    conversation = asked.get("conversation", "")
    return str(conversation["id"] if isinstance(conversation, dict) else conversation)


def read_turn(value: str | list[Any]) -> Said:
    """What a request's ``input`` says. Raises ResponsesError (400).

    The user's messages at its end are what is said now, and messages before them are earlier turns.
    Without a word it is a greeting, or an action where the last item is something else: a tool's
    result, a picture.
    """
    if isinstance(value, str):
        text = _clean(value)
        return Said("speech", text) if text.strip() else Said("greeting")
    messages = [_read_item(item, f"input[{place}]") for place, item in enumerate(value)]
    said, answered = "", ""
    turns: list[tuple[str, str]] = []
    for role, text in messages:
        if role == "user" and answered:
            turns.append((said, answered))
            said = answered = ""
        if role == "user":
            said = "\n".join(filter(None, (said, text)))
        elif role == "assistant":
            answered = "\n".join(filter(None, (answered, text)))
    if answered:
        turns.append((said, answered))
        said = ""
    told = tuple(turns)
    if said.strip():
        return Said("speech", said, told=told)
    if value and value[-1].get("role") not in ("assistant", "system", "developer"):
        has_content = value[-1].get("type", "message") != "message" or _has_parts(value[-1])
        if has_content:
            return Said("action", action=without_internals(value[-1]), told=told)
    return Said("greeting", told=told)


def _has_parts(item: Mapping[str, Any]) -> bool:
    """Whether a message without words has something else."""
    return any("text" not in part for part in item["content"] if isinstance(part, dict))


def _read_item(item: object, place: str) -> tuple[str, str]:
    """The role and text of a message; empty for what is none."""
    if not isinstance(item, dict):
        raise _wrong_type(place, "object", item)
    kind = item.get("type", "message")
    if not isinstance(kind, str) or not kind:
        raise _wrong_type(f"{place}.type", "string", kind)
    if kind != "message":
        return "", ""
    role = item.get("role")
    if role not in _ROLES:
        allowed = ", ".join(sorted(_ROLES))
        raise wrong_field(f"Invalid value {role!r}. Allowed: {allowed}", f"{place}.role")
    if "content" not in item:
        raise wrong_field("Required property 'content' is missing", f"{place}.content")
    return role, _read_content(item["content"], f"{place}.content")


def _read_content(content: object, place: str) -> str:
    if isinstance(content, str):
        return _clean(content)
    if not isinstance(content, list):
        raise _wrong_type(place, "one of: string, array", content)
    texts = []
    for number, part in enumerate(content):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise _wrong_type(f"{place}[{number}]", "object with a type", part)
        text = part.get("text", "")
        _check_type(text, "string", f"{place}[{number}].text")
        texts.append(_clean(text))
    return "\n".join(filter(None, texts))


def _clean(text: str) -> str:
    # Half a surrogate pair is no text: it could be neither stored nor sent on.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _check_type(value: object, name: str, param: str) -> None:
    found = _name_type(value)
    if found != name and not (name == "number" and found == "integer"):
        raise _wrong_type(param, name, value)


def _wrong_type(param: str, expected: str, value: object) -> ResponsesError:
    return wrong_field(f"Expected {expected}, got {_name_type(value)}", param)


def _name_type(value: object) -> str:
    return next((name for kind, name in _TYPE_NAMES if isinstance(value, kind)), "null")


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
