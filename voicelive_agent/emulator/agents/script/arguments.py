"""Arguments of scripted function calls, made from the function's JSON schema alone."""

import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"\b(?:in|at|for|from|to|near)\s+((?:[A-Z][\w'-]*)(?:\s+[A-Z][\w'-]*)*)")
_NAME = re.compile(r"(?<=[a-z,] )(?!I\b)[A-Z][\w'-]*(?:\s+[A-Z][\w'-]*)*")
"""What is written as a name within a sentence."""
_NO_PLACES = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|celsius|fahrenheit|please|january|february|march|"
    r"april|may|june|july|august|september|october|november|december",
    re.I,
)
_NUMBER = re.compile(r"\b\d+(?:\.\d+)?\b")
_EXAMPLES = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T10:00:00Z",
    "time": "10:00:00",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_NAMED = (
    (re.compile(r"city|location|place|town|address|destination", re.I), "Seattle"),
    (re.compile(r"time_?zone|tz", re.I), "UTC"),
    (re.compile(r"e-?mail", re.I), "ada@example.com"),
    (re.compile(r"phone", re.I), "+1 555 0100"),
    (re.compile(r"date|day", re.I), "2026-01-15"),
    (re.compile(r"time|hour", re.I), "10:00"),
    (re.compile(r"name|customer|user|person", re.I), "Ada"),
    (re.compile(r"unit", re.I), "celsius"),
    (re.compile(r"language|locale", re.I), "en-US"),
)
_PLACES = re.compile(r"city|location|place|town|destination|address", re.I)
_TEXTS = re.compile(r"query|question|text|message|prompt|search|topic|note", re.I)
_DEPTH = 8


def fill_arguments(
    schema: Any, said: str, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Arguments that satisfy an object schema: what is given, what was said, or an example.

    Of what isn't given, only required properties are filled in; all, where none is required.
    """
    schema = schema if isinstance(schema, Mapping) else {}
    value = _fill_object(schema, schema, said, given or {}, _DEPTH)
    return value if isinstance(value, dict) else {}


def _fill_object(
    schema: Mapping[str, Any], root: Mapping[str, Any], said: str, given: Mapping[str, Any],
    depth: int,
) -> dict[str, Any]:  # fmt: skip
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    wanted = required if isinstance(required, list) and required else list(properties)
    arguments = {
        name: value for name, value in given.items() if not properties or name in properties
    }
    for name in wanted:
        if name not in arguments:
            arguments[name] = _fill(properties.get(name), root, said, str(name), depth - 1)
    return arguments


def _fill(schema: Any, root: Mapping[str, Any], said: str, name: str, depth: int) -> Any:
    schema = _resolve(schema, root)
    if depth <= 0:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if isinstance(choices := schema.get("enum"), list) and choices:
        spoken = (one for one in choices if isinstance(one, str) and _is_said(one, said))
        return next(spoken, choices[0])
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(key), list) and options:
            known = [one for one in options if _resolve(one, root).get("type") != "null"]
            return _fill((known or options)[0], root, said, name, depth - 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    match kind:
        case "object":
            return _fill_object(schema, root, said, {}, depth)
        case "array":
            count = schema.get("minItems", 1)
            count = min(max(count, 1), 10) if isinstance(count, int) else 1
            return [_fill(schema.get("items"), root, said, name, depth - 1)] * count
        case "integer" | "number":
            return _fill_number(schema, said, whole=kind == "integer")
        case "boolean":
            return True
        case "null":
            return None
    return _fill_text(schema, said, name)


def _fill_number(schema: Mapping[str, Any], said: str, *, whole: bool) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    spoken = _NUMBER.search(said)
    value = float(spoken.group()) if spoken else 1.0
    if isinstance(low, (int, float)):
        value = max(value, low)
    if isinstance(high, (int, float)):
        value = min(value, high)
    return round(value) if whole else value


def _fill_text(schema: Mapping[str, Any], said: str, name: str) -> str:
    examples = schema.get("examples")
    if _PLACES.search(name) and (place := _find_place(said)):
        return place
    if isinstance(examples, list) and examples:
        return str(examples[0])
    if example := _EXAMPLES.get(str(schema.get("format"))):
        return example
    for pattern, example in _NAMED:
        if pattern.search(name):
            return example
    if said and _TEXTS.search(name):
        return said
    return "example"


def _find_place(said: str) -> str:
    """A name behind a preposition, or any: prepositions are what is misheard first."""
    names = [*_PLACE.findall(said), *_NAME.findall(said)]
    return next((name for name in names if not _NO_PLACES.fullmatch(name)), "")


def _resolve(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(_DEPTH):
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return schema
        schema = root
        for part in filter(None, reference[1:].split("/")):
            schema = schema.get(part) if isinstance(schema, Mapping) else None
    return {}


def _is_said(word: str, said: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", said, re.IGNORECASE) is not None
