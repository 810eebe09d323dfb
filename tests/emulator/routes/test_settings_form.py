from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.emulator.conversing import open_desk
from voicelive_agent.emulator.routes.settings_form import describe_settings
from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.wire.voice_live.session import SessionFields
from voicelive_agent.wire.voice_live.shapes import ProtocolError

FIELDS: dict[str, Any] = {field["path"]: field for field in describe_settings()["fields"]}


def examples(field: dict[str, Any]) -> Iterator[Any]:
    """Values that the form would let a person choose: each choice, each bound, each variant."""
    match field["type"]:
        case "choice":
            yield from field["choices"]
        case "flag":
            yield from (True, False)
        case "whole" | "number":
            yield from (field.get(bound, 1) for bound in ("minimum", "maximum"))
        case "text":
            yield "x" * max(1, field.get("minimum", 0))
        case "list":
            yield from ([one] for one in examples(field["items"]))
        case "one_of":
            for option in field["options"]:
                yield from examples(option)
        case "variants":
            for variant in field["variants"]:
                yield from objects(variant["fields"], {"type": variant["type"]})
        case "object":
            yield from objects(field["fields"], {})


def objects(fields: list[dict[str, Any]], given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The least that is valid, and each field of it in each way beside that."""
    least = given | {one["path"]: next(examples(one)) for one in fields if one["required"]}
    yield least
    for one in fields:
        for value in examples(one):
            yield least | {one["path"]: value}


def make(mode: str) -> Configuration:
    return Configuration(model=None if mode == "agent" else "local", echo_reference=True)


def test_the_form_has_every_setting() -> None:
    assert list(FIELDS) == list(SessionFields.model_fields)


@pytest.mark.parametrize("name", list(FIELDS))
def test_what_the_form_lets_choose_is_taken(name: str) -> None:
    tried = 0
    for value in examples(FIELDS[name]):
        SessionFields.model_validate({name: value})
        tried += 1
    assert tried or FIELDS[name]["type"] == "object"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 1.3),
        ("max_response_output_tokens", 0),
        ("output_audio_format", "mp3"),
        ("voice", {"type": "azure-custom", "name": "x"}),
        ("turn_detection", {"type": "server_vad", "threshold": 2}),
    ],
)
def test_bounds_and_demands_of_the_form_are_those_of_the_shapes(name: str, value: Any) -> None:
    with pytest.raises(ValueError):
        SessionFields.model_validate({name: value})
    assert value not in list(examples(FIELDS[name]))


@pytest.mark.parametrize("mode", ["agent", "model"])
def test_defaults_are_what_a_new_session_has(mode: str) -> None:
    described = make(mode).describe()
    assert {name: field["default"][mode] for name, field in FIELDS.items()} == described


@pytest.mark.parametrize("name", list(FIELDS))
def test_what_applies_at_the_next_call_is_refused_in_one_that_runs(name: str) -> None:
    """A console that offers it now shows an error, and one that doesn't hides what would work."""
    refused = 0
    for value in examples(FIELDS[name]):
        fresh, running = make("model"), make("model")
        try:
            fresh.merge({name: value}, voice_is_fixed=False, input_is_fixed=False)
        except ProtocolError:
            # What no field can tell alone: two fields that don't fit together.
            continue
        try:
            running.merge({name: value}, voice_is_fixed=True, input_is_fixed=True)
        except ProtocolError:
            refused += 1
    assert (refused > 0) is (FIELDS[name]["applies"] == "next_call")


@pytest.mark.parametrize("name", list(FIELDS))
def test_what_the_agent_owns_and_what_is_never_done_is_warned_of(name: str) -> None:
    codes = set()
    for value in examples(FIELDS[name] | {"fields": []}):
        try:
            warnings = make("agent").merge(
                {name: value or {"x": 1}}, voice_is_fixed=False, input_is_fixed=False
            )
        except ProtocolError:
            continue
        codes |= {warning.code for warning in warnings}
    assert ("ignored_in_agent_mode" in codes) is FIELDS[name]["ignored_in_agent_mode"]
    if FIELDS[name]["applies"] == "never":
        assert codes == {"avatar_not_supported"}


async def test_a_page_can_ask_for_it() -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        assert (await http.get("/settings")).json() == describe_settings()
