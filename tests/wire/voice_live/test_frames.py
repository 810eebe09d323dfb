"""Frames of Voice Live: what is no JSON stays out, whatever else an event holds."""

import json
from typing import Any

import pytest

from voicelive_agent.wire.voice_live.frames import encode_event

LONG = 1 << 70


@pytest.mark.parametrize(
    ("event", "written"),
    [
        ({"a": float("nan")}, {"a": None}),
        ({"a": float("nan"), "b": LONG}, {"a": None, "b": LONG}),
        ({"a": [1.5, {"b": float("-inf")}, LONG]}, {"a": [1.5, {"b": None}, LONG]}),
        ({"a": (float("inf"), LONG)}, {"a": [None, LONG]}),
        ({"a": {"b": {"c": float("nan")}}, "half": "\ud83d"}, {"a": {"b": {"c": None}}}),
    ],
)
def test_numbers_that_are_no_json_are_null(event: dict[str, Any], written: dict[str, Any]) -> None:
    """With an integer of more than 64 bits beside it, NaN was written as NaN."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} was written")

    read = json.loads(encode_event(event), parse_constant=refuse)
    read.pop("half", None)
    assert read == written
