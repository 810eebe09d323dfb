"""A session's settings as a form: every field with its kind, choices, bounds, default.

Made from the shapes that check what clients send, so that a form can't ask for what is refused.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from voicelive_agent.emulator.session.configuration import (
    AGENT_OWNS,
    FIXED_ONCE_HEARD,
    FIXED_ONCE_SPOKEN,
    Configuration,
)
from voicelive_agent.wire.voice_live.session import SessionFields

_KINDS = {"string": "text", "integer": "whole", "number": "number", "boolean": "flag"}
_LOWER, _UPPER = ("minimum", "ge", "minLength"), ("maximum", "le", "maxLength")
_NEVER = frozenset(("avatar",))
"""What the emulator takes, warns of, and does nothing with."""

Field = dict[str, Any]


@cache
def describe_settings() -> Field:
    """``fields`` of ``session.update``; ``path`` is the name of a field within its object."""
    schema = SessionFields.model_json_schema()
    form = _Form(schema["$defs"])
    defaults = {
        "agent": Configuration(model=None, echo_reference=False).describe(),
        "model": Configuration(model="local", echo_reference=False).describe(),
    }
    fields = []
    for name, given in schema["properties"].items():
        field = form.describe(given) | {
            "path": name,
            "nullable": True,
            "default": {mode: values[name] for mode, values in defaults.items()},
            "applies": _when(name),
            "ignored_in_agent_mode": name in AGENT_OWNS,
        }
        fields.append(field)
    return {"fields": fields}


def _when(name: str) -> str:
    if name in _NEVER:
        return "never"
    return "next_call" if name in FIXED_ONCE_SPOKEN + FIXED_ONCE_HEARD else "now"


class _Form:
    """Turns JSON schemas, as pydantic writes them, into fields."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def describe(self, schema: Mapping[str, Any]) -> Field:
        schema = self._resolve(schema)
        options = [
            self._resolve(one)
            for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
            if one.get("type") != "null"
        ]
        if not options:
            return self._describe_one(schema)
        if "discriminator" in schema:
            return {"type": "variants", "variants": [self._variant(one) for one in options]}
        if len(options) == 1:
            return self.describe(options[0])
        return {"type": "one_of", "options": [self.describe(one) for one in options]}

    def _describe_one(self, schema: Mapping[str, Any]) -> Field:
        choices = [schema["const"]] if "const" in schema else schema.get("enum")
        if choices is not None:
            return {"type": "choice", "choices": choices}
        kind = schema.get("type")
        if kind == "array":
            return {"type": "list", "items": self.describe(schema["items"])}
        if kind == "object" or kind is None:
            return {"type": "object", "fields": self._fields(schema)}
        field: Field = {"type": _KINDS[kind]}
        for name, keys in (("minimum", _LOWER), ("maximum", _UPPER)):
            for key in keys:
                if key in schema:
                    field[name] = schema[key]
        return field

    def _variant(self, schema: Mapping[str, Any]) -> Field:
        fields = [one for one in self._fields(schema) if one["path"] != "type"]
        return {"type": schema["properties"]["type"]["const"], "fields": fields}

    def _fields(self, schema: Mapping[str, Any]) -> list[Field]:
        required = schema.get("required", ())
        return [
            self.describe(given)
            | {
                "path": name,
                "nullable": any(one.get("type") == "null" for one in given.get("anyOf", ())),
                "required": name in required,
                "default": given.get("default"),
            }
            for name, given in schema.get("properties", {}).items()
        ]

    def _resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        return self._definitions[reference.rsplit("/", 1)[1]] if reference else schema
