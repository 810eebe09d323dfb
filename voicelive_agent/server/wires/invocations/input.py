"""Input of a turn: what arrives at POST /invocations, and which kind of turn it is."""

import codecs
import json
import math
from typing import Any, NamedTuple, NoReturn

from voicelive_agent.agent import TurnKind
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.wire.invocations import TRANSCRIPTION
from voicelive_agent.wire.json_values import MAX_DEPTH, find_excess, name_json_type


class ParsedTurn(NamedTuple):
    """What a body says; ``typed`` where it is text that no recogniser has heard."""

    kind: TurnKind
    text: str = ""
    action: dict[str, Any] | None = None
    typed: bool = False


_GREETING = ParsedTurn("greeting")


def parse_turn(content_type: str, body: bytes) -> ParsedTurn:
    """The kind of turn, what was said, the action, and whether it was typed.

    - ``{"type": "input_audio.transcription", "input": "…"}`` is speech; so are
      ``{"message": "…"}``, ``{"input": "…"}`` and ``text/plain``, which were typed;
    - an empty body, ``{}``, and an empty or missing input are a greeting;
    - any other JSON object is an action, verbatim.

    Raises ApiError (400) for anything else.
    """
    try:
        text = body.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise ApiError(400, "invalid_utf8", "The body is not valid UTF-8.") from None
    if not text.strip():
        return _GREETING
    if content_type.split(";")[0].strip().lower() == "text/plain":
        return _parse_plain(text)
    return _classify(_parse_object(text))


def _parse_plain(text: str) -> ParsedTurn:
    """Text is speech, except the payload of Voice Live itself sent from a .txt file."""
    if text.lstrip().startswith("{"):
        try:
            value = _parse_object(text)
        except ApiError:
            return _speech(text, typed=True)
        if value.get("type") == TRANSCRIPTION:
            return _classify(value)
    return _speech(text, typed=True)


def _parse_object(text: str) -> dict[str, Any]:
    try:
        value = _decode_json(text)
    except (ValueError, RecursionError):
        raise ApiError(
            400,
            "invalid_json",
            "The body is not valid JSON. Send an object such as"
            f' {{"type": "{TRANSCRIPTION}", "input": "hello"}}, or text/plain.',
        ) from None
    if not isinstance(value, dict):
        raise ApiError(
            400,
            "invalid_request",
            f"The body must be a JSON object, not {name_json_type(value)}.",
        )
    return value


def _classify(value: dict[str, Any]) -> ParsedTurn:
    if value.get("type") == TRANSCRIPTION:
        return _read_text(value.get("input"), "input", typed=False)
    if not value:
        return _GREETING
    if len(value) == 1:
        for name in ("input", "message"):
            if name in value:
                return _read_text(value[name], name, typed=True)
    if find_excess(value):
        # What an agent sends back of it would be refused by whoever reads its events.
        raise ApiError(
            400, "nested_too_deep", f"The body is nested more than {MAX_DEPTH} levels: flatten it."
        )
    return ParsedTurn("action", action=value)


def _read_text(value: object, name: str, *, typed: bool) -> ParsedTurn:
    if value is None:
        return _GREETING
    if not isinstance(value, str):
        raise ApiError(
            400, "invalid_input", f"`{name}` must be a string, not {name_json_type(value)}."
        )
    return _speech(value, typed=typed)


def _speech(text: str, *, typed: bool) -> ParsedTurn:
    # Half a surrogate pair is no text: it could be neither stored nor sent on.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return ParsedTurn("speech", text, typed=typed) if text.strip() else _GREETING


def _read_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        # Python would take it as infinity, which is no JSON again on the way out.
        raise ValueError("a number is too large")
    return value


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Made once: ``json.loads`` with these makes a decoder each time, which takes as long as a body.
_decode_json = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_read_float).decode
