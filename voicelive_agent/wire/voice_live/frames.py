"""Frames of Voice Live: JSON text in and out, and the ids that it holds."""

import json
import math
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
        return json.dumps(_replace_non_finite(event), allow_nan=False)


def _replace_non_finite(value: Any) -> Any:
    """NaN and infinities, which are no JSON, as null: as orjson writes them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _replace_non_finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_non_finite(item) for item in value]
    return value
