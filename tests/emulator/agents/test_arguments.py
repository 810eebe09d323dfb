"""Arguments that a schema allows, for functions that nothing else is known of."""

from typing import Any

import pytest

from voicelive_agent.emulator.agents.script.arguments import fill_arguments


@pytest.mark.parametrize(
    ("properties", "said", "arguments"),
    [
        ({"city": {"type": "string"}}, "the weather in San Diego please", {"city": "San Diego"}),
        ({"city": {"type": "string"}}, "the weather", {"city": "Seattle"}),
        ({"unit": {"enum": ["celsius", "fahrenheit"]}}, "in Fahrenheit", {"unit": "fahrenheit"}),
        ({"unit": {"enum": ["celsius", "fahrenheit"]}}, "", {"unit": "celsius"}),
        ({"n": {"type": "integer"}}, "a table for 4", {"n": 4}),
        ({"n": {"type": "integer", "minimum": 10}}, "4", {"n": 10}),
        ({"n": {"type": "number", "maximum": 2}}, "3.5", {"n": 2}),
        ({"n": {"type": ["null", "integer"]}}, "", {"n": 1}),
        ({"b": {"type": "boolean"}}, "", {"b": True}),
        ({"d": {"type": "string", "format": "date"}}, "", {"d": "2026-01-15"}),
        ({"query": {"type": "string"}}, "find me", {"query": "find me"}),
        ({"x": {"default": 7}}, "", {"x": 7}),
        ({"x": {"const": "k"}}, "", {"x": "k"}),
        ({"x": {"anyOf": [{"type": "null"}, {"type": "boolean"}]}}, "", {"x": True}),
        ({"x": {"type": "array", "items": {"enum": [1]}, "minItems": 2}}, "", {"x": [1, 1]}),
        ({"x": {"type": "string", "examples": ["e"]}}, "", {"x": "e"}),
        ({"x": {"$ref": "#/$defs/c"}}, "", {"x": {"name": "Ada"}}),
        ({"x": {"$ref": "#/$defs/missing"}}, "", {"x": "example"}),
    ],
)  # fmt: skip
def test_properties(properties: Any, said: str, arguments: Any) -> None:
    schema = {
        "type": "object",
        "properties": properties,
        "$defs": {"c": {"type": "object", "properties": {"name": {"type": "string"}}}},
    }
    assert fill_arguments(schema, said) == arguments


def test_what_is_given_comes_first_and_the_optional_is_left_out() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "integer"}},
        "required": ["a", "c"],
    }
    given = {"a": "x", "other": 1}
    assert fill_arguments(schema, "", given) == {"a": "x", "c": 1}
    assert fill_arguments({}, "", given) == given


def test_schemas_that_are_none_and_that_hold_themselves() -> None:
    assert fill_arguments(None, "") == {}
    assert fill_arguments({"type": "string"}, "") == {}
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    value: Any = fill_arguments(node, "")
    for _ in range(6):
        value = value["next"]
    assert fill_arguments({"properties": {"x": {"$ref": "#/properties/x"}}}, "") == {"x": "example"}


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("Can you tell me the weather and Beijing today? Please.", "Beijing"),
        ("What is the weather in Celsius, on Monday, New York?", "New York"),
        ("I think I need the weather.", "Seattle"),
        ("How is the weather in Paris, in Celsius?", "Paris"),
        ("Will it rain on Sunday?", "Seattle"),
    ],
)
def test_a_place_is_found_though_its_preposition_was_misheard(said: str, place: str) -> None:
    """ "in Beijing" was heard as "and Beijing", and the function was called with Seattle."""
    assert fill_arguments({"properties": {"location": {}}}, said) == {"location": place}
