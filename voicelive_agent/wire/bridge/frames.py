"""Frames of the Bridge: one JSON object in each text frame, within the protocol's limits.

Whoever breaks a rule loses the connection: ``FrameError.close_code`` says with which code, and no
reason is sent with it. Sources: the framing rules of azure-ai-agentserver-invocations 1.2.0
(``voice``), measured frame by frame.
"""

import json
import math
from typing import Any, Final, NoReturn

MAX_FRAME_BYTES: Final = 1_048_576
"""Of a frame as UTF-8; a frame of exactly so many is taken."""
MAX_DEPTH: Final = 32
"""Of nested values; the message itself is the first level."""
MAX_VALUES: Final = 8_192
"""In one message, itself included; keys aren't counted."""
MAX_DIGITS: Final = 128
"""Of an integer."""

PROTOCOL_ERROR: Final = 1002
UNSUPPORTED: Final = 1003
TOO_BIG: Final = 1009


class FrameError(ValueError):
    """A frame or message that breaks the protocol; ``close_code`` ends the connection."""

    def __init__(self, message: str, close_code: int = PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.close_code = close_code


def decode_frame(frame: str) -> dict[str, Any]:
    """The object in a text frame. Raises FrameError, whose text quotes nothing of the frame."""
    if len(encode_text(frame)) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame is longer than {MAX_FRAME_BYTES:,} bytes", TOO_BIG)
    try:
        value = _DECODER.decode(frame)
    except FrameError:
        raise
    except (RecursionError, ValueError):
        raise FrameError("a frame is not valid JSON") from None
    if not isinstance(value, dict):
        raise FrameError("a frame is no JSON object")
    if _may_break_limits(frame):
        check_tree(value)
    return value


def _may_break_limits(frame: str) -> bool:
    """Whether a frame may be too deep, too full, or hold half of a surrogate pair.

    The marks of most frames show that it can't be, for a tenth of what a look at each value costs.
    """
    nested = frame.count("{") + frame.count("[")
    return nested > MAX_DEPTH or nested + frame.count(",") >= MAX_VALUES or "\\u" in frame


def encode_text(text: str) -> bytes:
    """A text as UTF-8. Raises FrameError for half of a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FrameError("a text holds half of a surrogate pair") from None


def check_tree(value: Any) -> None:
    """Raises FrameError for more values, more levels or other texts and numbers than may be."""
    pending, count = [(value, 1)], 0
    while pending:
        current, depth = pending.pop()
        count += 1
        if count > MAX_VALUES:
            raise FrameError(f"a message holds more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise FrameError(f"a message is nested deeper than {MAX_DEPTH} levels")
        if isinstance(current, dict):
            for key in current:
                encode_text(key)
            pending += [(each, depth + 1) for each in current.values()]
        elif isinstance(current, list):
            pending += [(each, depth + 1) for each in current]
        elif isinstance(current, str):
            encode_text(current)
        elif isinstance(current, float) and not math.isfinite(current):
            raise FrameError("a number is too large")


def _join_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    joined = dict(pairs)
    if len(joined) != len(pairs):
        raise FrameError("a key stands twice in one object")
    return joined


def _refuse_constant(name: str) -> NoReturn:
    raise FrameError(f"{name} is no JSON")


def _read_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise FrameError(f"an integer has more than {MAX_DIGITS} digits")
    return int(digits)


def _read_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise FrameError("a number is too large")
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_join_pairs,
    parse_constant=_refuse_constant,
    parse_int=_read_integer,
    parse_float=_read_float,
)
