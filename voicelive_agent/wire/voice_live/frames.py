"""Frames of Voice Live: JSON text in and out, and the ids that it holds."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from voicelive_agent.wire.voice_live.shapes import ProtocolError


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
