"""The Responses protocol (container protocol 2.0.0): ids, objects and events of hosted agents.

``POST /responses`` begins a response; with ``stream`` its answer is ``text/event-stream``, each
event ``event: <type>`` and ``data: <JSON object>``. One text answer is, in this order::

    response.created  response.in_progress
    response.output_item.added  response.content_part.added
    response.output_text.delta …  response.output_text.done
    response.content_part.done  response.output_item.done
    response.completed | response.failed | response.incomplete

Source: azure-ai-agentserver-responses 2.3.0, Microsoft's host, which the tests compare this with.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

RESPONSE_HEADER: Final = "x-agent-response-id"
"""The platform's name for a response that is about to begin."""

DELTA: Final = "response.output_text.delta"
TEXT_DONE: Final = "response.output_text.done"
COMPLETED: Final = "response.completed"
FAILED: Final = "response.failed"
INCOMPLETE: Final = "response.incomplete"

Status = Literal["in_progress", "completed", "failed", "incomplete", "cancelled"]

DEFAULT_AGENT: Final[Mapping[str, str]] = {
    "type": "agent_reference",
    "name": "server-default-agent",
}
"""The ``agent_reference`` of a request that has none."""

_ID = re.compile(r"[A-Za-z0-9-]{1,32}_(?P<body>[A-Za-z0-9]{48}(?:[A-Za-z0-9]{2})?)")
_LEGACY_BODY = 48
_LEGACY_KEY, _KEY, _KEY_END = 16, 18, "00"
_ENTROPY = 32
_SESSION_ID_LENGTH = 63

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_string = json.encoder.encode_basestring


# Ids


def is_response_id(value: str) -> bool:
    """Whether an id is well-formed: a prefix, ``_``, and 50 (or, as formerly, 48) characters."""
    return _ID.fullmatch(value) is not None


def find_partition_key(value: str) -> str:
    """The part of an id that all ids of its conversation share; the value itself in others."""
    match = _ID.fullmatch(value)
    if match is None:
        return value
    body = match["body"]
    return body[-_LEGACY_KEY:] if len(body) == _LEGACY_BODY else body[:_KEY]


def make_response_id(beside: str = "") -> str:
    """A new id, in the partition of the response or conversation ``beside`` where it has one."""
    if is_response_id(beside):
        key = find_partition_key(beside).ljust(_KEY, "0")
    else:
        key = secrets.token_hex(_LEGACY_KEY // 2) + _KEY_END
    return f"caresp_{key}{secrets.token_hex(_ENTROPY // 2)}"


# An answer's message is named five times.
@lru_cache(maxsize=256)
def make_item_id(response_id: str, place: str) -> str:
    """The id of the message at a place of a response: the same whenever it is asked for."""
    key = find_partition_key(response_id).ljust(_KEY, "0")
    return f"msg_{key}{hashlib.sha256(f'{response_id} {place}'.encode()).hexdigest()[:_ENTROPY]}"


def derive_session_id(agent: Mapping[str, Any], beside: str) -> str:
    """The agent session of a conversation or a previous response; a new one where there is none."""
    if not beside:
        return secrets.token_hex(_ENTROPY)[:_SESSION_ID_LENGTH]
    seed = f"{agent['name']}:{agent.get('version') or ''}:{find_partition_key(beside)}"
    return hashlib.sha256(seed.encode()).hexdigest()[:_SESSION_ID_LENGTH]


# Objects


def describe_response(
    response_id: str,
    echo: Mapping[str, Any],
    status: Status,
    created_at: float,
    *,
    text: str = "",
    completed_at: float | None = None,
    error: Mapping[str, str] | None = None,
    incomplete: str = "",
) -> dict[str, Any]:
    """The ``response`` object.

    ``echo`` are the fields that come from its request; times are Unix seconds; ``text`` is the
    whole of its one message, which there is none of without.
    """
    response: dict[str, Any] = {
        "id": response_id,
        "object": "response",
        "output": [describe_message(response_id, echo, text)] if text else [],
        "created_at": int(created_at),
        "error": error,
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "instructions": None,
        "parallel_tool_calls": False,
        **echo,
        "status": status,
        "response_id": response_id,
    }
    if status != "in_progress":
        response["usage"] = None
    if completed_at is not None:
        response["completed_at"] = int(completed_at)
    return response


def describe_message(response_id: str, echo: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """The message that is a response's answer; with None, as it begins."""
    agent = echo.get("agent_reference")
    return {
        "type": "message",
        "id": make_item_id(response_id, "output 0"),
        "role": "assistant",
        "content": [] if text is None else [describe_part(text)],
        "status": "in_progress" if text is None else "completed",
        "response_id": response_id,
        "agent_reference": None if agent == DEFAULT_AGENT else agent,
    }


def describe_part(text: str) -> dict[str, Any]:
    """The one part of a message's content."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def without_internals(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without what the platform keeps with it, which is nobody's business."""
    return {name: value for name, value in item.items() if name != "_internal_metadata"}


def list_input_items(
    response_id: str, text: str, items: Sequence[Mapping[str, Any]] | None
) -> list[dict[str, Any]]:
    """The input of a response as ``/input_items`` tells it, in its order."""
    if items is None:
        items = [{"role": "user", "content": text}] if text else []
    return [
        _describe_input(make_item_id(response_id, f"input {place}"), item)
        for place, item in enumerate(items)
    ]


def _describe_input(item_id: str, item: Mapping[str, Any]) -> dict[str, Any]:
    told = without_internals(item)
    described = {"type": "message", "status": "completed", **told}
    if isinstance(content := item.get("content"), str):
        described["content"] = [{"type": "input_text", "text": content}]
    return {"id": item_id, **described}


# Events


class TextResponseWriter:
    """Writes the events of one response, each method some of them; the answer is one text.

    Those up to ``sequence_number`` ``after`` are left out.
    """

    def __init__(
        self, response_id: str, echo: Mapping[str, Any], created_at: float, after: int = -1
    ) -> None:
        self._after = after
        self._response_id = response_id
        self._echo = echo
        self._created_at = created_at
        self._place = {
            "item_id": make_item_id(response_id, "output 0"),
            "output_index": 0,
            "content_index": 0,
        }
        self._next = 0
        self._spoke = False
        start = _encode({"type": DELTA, **self._place})
        self._delta = f'event: {DELTA}\ndata: {start[:-1]},"delta":'

    def write_start(self) -> str:
        response = describe_response(self._response_id, self._echo, "in_progress", self._created_at)
        # Encoded once for both: each JSON object costs as much as five deltas.
        encoded = _encode({"response": response})[1:-1]
        return self._frame("response.created", encoded) + self._frame(
            "response.in_progress", encoded
        )

    def write_delta(self, text: str) -> str:
        start = "" if self._spoke else self._write_item_start()
        number = self._next
        self._next += 1
        if number <= self._after:
            return start
        return (
            f"{start}{self._delta}{_encode_string(text)},"
            f'"logprobs":[],"sequence_number":{number}}}\n\n'
        )

    def _write_item_start(self) -> str:
        self._spoke = True
        item = describe_message(self._response_id, self._echo, None)
        return self._write("response.output_item.added", output_index=0, item=item) + self._write(
            "response.content_part.added", **self._place, part=describe_part("")
        )

    def write_text_end(self, text: str) -> str:
        """The end of the answer's text; nothing where there was no delta."""
        if not self._spoke:
            return ""
        item = describe_message(self._response_id, self._echo, text)
        return (
            self._write(TEXT_DONE, **self._place, text=text, logprobs=[])
            + self._write("response.content_part.done", **self._place, part=describe_part(text))
            + self._write("response.output_item.done", output_index=0, item=item)
        )

    def write_end(self, response: Mapping[str, Any]) -> str:
        """The last event, which the response's status names."""
        status = response["status"]
        kind = status if status in ("completed", "failed") else "incomplete"
        return self._write(f"response.{kind}", response=response)

    def _write(self, kind: str, **fields: Any) -> str:
        return self._frame(kind, _encode(fields)[1:-1])

    def _frame(self, kind: str, fields: str) -> str:
        """An event, whose ``fields`` are members of a JSON object."""
        number = self._next
        self._next += 1
        if number <= self._after:
            return ""
        return f'event: {kind}\ndata: {{"type":"{kind}",{fields},"sequence_number":{number}}}\n\n'
