"""Characters that steer a terminal, or make a line read as something else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.client.ui.shown_text import escape_json, show_lines, show_text

STEERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\x1b\x9b\x7f\r"


@pytest.mark.parametrize("character", STEERING)
def test_they_never_reach_a_terminal(character: str) -> None:
    assert show_text(f"pay {character}01 $") == "pay 01 $"
    encoded = escape_json(json.dumps({"text": character}, ensure_ascii=False))
    assert character not in encoded
    assert json.loads(encoded) == {"text": character}


@pytest.mark.parametrize("text", ["👩\u200d👩\u200d👧", "می\u200cخواهم", "שלום", "naïve — 東京"])
def test_what_a_language_needs_stays(text: str) -> None:
    assert show_text(text) == text


@given(st.text())
def test_json_stays_the_same(text: str) -> None:
    assert json.loads(escape_json(json.dumps(text, ensure_ascii=False))) == text


def test_lines_stay_lines() -> None:
    assert show_lines("one\u202e\ntwo\u2028three") == "one\ntwo\nthree"
