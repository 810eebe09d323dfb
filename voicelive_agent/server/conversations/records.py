"""Turn records as JSON text: the one form in which every store keeps them."""

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    StoreError,
    TurnRecord,
    TurnStatus,
)

_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SURROGATES = re.compile("[\ud800-\udfff]")
# Known from where the text is kept.
_OUTSIDE = frozenset({"key", "sequence"})
# Kept beside the record: few ask for them, and history is loaded without.
_BESIDE = frozenset({"events"})
_STORED = frozenset(field.name for field in fields(TurnRecord)) - _OUTSIDE - _BESIDE
_NOT_JSON = (TypeError, ValueError, RecursionError)
_TOO_LONG = "is longer than a conversation may be (VOICELIVE_CONVERSATION_MAX_BYTES)"
_KEEP_ONLY = "keep only str, int, float, bool, None, lists and dicts in it, and few of them"


def encode_json(value: Any) -> str:
    """Compact JSON, encodable as UTF-8. Raises TypeError, ValueError or RecursionError."""
    return clean_text(_encode_json(value))


def clean_text(text: str) -> str:
    """The text with U+FFFD in place of lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text


def encode_record(record: TurnRecord) -> str:
    """What ``decode_record`` reads. Raises StoreError for an action or notes that are no JSON."""
    stored: dict[str, Any] = {
        # First, and followed by the kind: the script of the Redis store compares the two's start.
        "invocation_id": record.invocation_id,
        "kind": record.kind,
        "text": record.text,
        "status": record.status,
        "reason": record.reason,
        "reply": record.reply,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
    }
    if record.action is not None:
        stored["action"] = record.action
    if record.heard is not None:
        stored["heard"] = record.heard
    if record.heard_is_known:
        stored["heard_is_known"] = True
    if record.marks:
        # A string costs a fraction of a list of pairs, and most are never read again.
        stored["marks"] = " ".join([f"{ms} {characters}" for ms, characters in record.marks])
    if record.untried:
        stored["untried"] = True
    if record.notes:
        stored["notes"] = record.notes
    if record.told:
        stored["told"] = record.told
    if record.follows is not None:
        stored["follows"] = record.follows
    if record.request is not None:
        stored["request"] = record.request
    if record.interrupted:
        stored["interrupted"] = True
    try:
        return encode_json(stored)
    except _NOT_JSON as error:
        raise StoreError(f"a turn's action and notes must be JSON: {_describe(error)}") from error


def encode_events(record: TurnRecord) -> str:
    """A record's ``events``; empty where there are none."""
    events = ",".join([f"[{at},{text}]" for at, text in record.events])
    return clean_text(f"[{events}]") if events else ""


def decode_events(text: str) -> list[tuple[int, str]]:
    """What ``encode_events`` wrote."""
    return [(at, _encode_json(value)) for at, value in json.loads(text)] if text else []


def count_bytes(text: str) -> int:
    """The size of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def encode_settled(
    record: TurnRecord, conversation: Conversation, most_bytes: int
) -> tuple[str, str | None, StoreError | None]:
    """An ended turn and its conversation's state, as far as they are JSON within ``most_bytes``.

    Returns the record, the state or None to keep the one before, and what to raise in the end.
    """
    problem: StoreError | None = None
    encoded = ""
    fault = "is no JSON"
    with suppress(StoreError):
        encoded = encode_record(record)
        fault = _TOO_LONG
    if not encoded or (record.notes and count_bytes(encoded) > most_bytes):
        encoded = encode_record(replace(record, notes={}))
        problem = StoreError(
            f"Turn.notes of invocation {record.invocation_id} {fault} and was not stored: "
            f"{_KEEP_ONLY}"
        )
    try:
        state = encode_json(conversation.state)
        if count_bytes(state) <= most_bytes:
            return encoded, state, problem
        fault = _TOO_LONG
    except _NOT_JSON as error:
        fault = f"is no JSON ({_describe(error)})"
    return (
        encoded,
        None,
        StoreError(
            f"Turn.state after invocation {record.invocation_id} {fault} "
            f"and stays as it was before: {_KEEP_ONLY}"
        ),
    )


def decode_record(
    text: str | bytes, key: ConversationKey, sequence: int, events: str = ""
) -> TurnRecord:
    """The record that ``encode_record`` wrote. Fields of a newer version are ignored."""
    record = _build_record(json.loads(text), key, sequence)
    record.events = decode_events(events)
    return record


def decode_history(key: ConversationKey, turns: Sequence[tuple[int, str]]) -> list[TurnRecord]:
    """Turns of a conversation from (sequence, text), ascending; only the last has its marks."""
    return build_history(key, [(sequence, json.loads(text)) for sequence, text in turns])


def build_history(
    key: ConversationKey, turns: Sequence[tuple[int, dict[str, Any]]]
) -> list[TurnRecord]:
    """Likewise, from texts that were parsed already."""
    for _, stored in turns[:-1]:
        stored.pop("marks", None)
    return [_build_record(stored, key, sequence) for sequence, stored in turns]


def _build_record(stored: dict[str, Any], key: ConversationKey, sequence: int) -> TurnRecord:
    if marks := stored.get("marks"):
        numbers = iter(map(int, marks.split()))
        stored["marks"] = list(zip(numbers, numbers, strict=True))
    if told := stored.get("told"):
        stored["told"] = list(map(tuple, told))
    try:
        return TurnRecord(key=key, sequence=sequence, **stored)
    except TypeError:
        known = {name: value for name, value in stored.items() if name in _STORED}
        return TurnRecord(key=key, sequence=sequence, **known)


def end_record(record: TurnRecord, status: TurnStatus, reason: str, now: float) -> str:
    """End a turn that nobody settled; return it encoded."""
    record.status = status
    record.reason = reason
    record.ended_at = now
    record.interrupted = status == "cancelled"
    # Nobody knows.
    record.untried = False
    return encode_record(record)


def describe_record(record: TurnRecord) -> dict[str, Any]:
    """A turn as a JSON object for export, every field present."""
    described: dict[str, Any] = {
        "user_id": record.key.user_id,
        "session_id": record.key.session_id,
        "sequence": record.sequence,
    }
    for field in fields(TurnRecord):
        if field.name not in _OUTSIDE:
            described[field.name] = _without_non_finite(getattr(record, field.name))
    described["events"] = [[at, json.loads(text)] for at, text in record.events]
    return described


def _without_non_finite(value: Any) -> Any:
    """JSON has no NaN and no infinity, but Python reads ``1e999`` as one."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _without_non_finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_non_finite(item) for item in value]
    return value


def _describe(error: Exception) -> str:
    # The message of a ValueError could quote what was said.
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
