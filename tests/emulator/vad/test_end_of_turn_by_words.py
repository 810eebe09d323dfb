"""What seems complete, and what seems to go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.vad.end_of_turn_by_words import (
    COMPLETE,
    LIKELY_OPEN,
    OPEN,
    estimate_completeness,
)


@pytest.mark.parametrize(
    "text",
    [
        "what is the weather in seattle",
        "yes",
        "yes please",
        "no thank you",
        "i would like to book a table for two",
        "what are your opening hours",
        "i think so",
        "how are you",
        "my number is five five five one two three four",
        "Book a table.",
        "Really?",
    ],
)
def test_complete(text: str) -> None:
    assert estimate_completeness(text) == COMPLETE


@pytest.mark.parametrize(
    "text",
    [
        "i would like to book a",
        "i would like to book a table and",
        "i would like to",
        "i would like",
        "my name is",
        "book a table for two um",
        "uh",
        "because",
        "I'd like to go from",
        "Well, I was thinking,",
        "It is...",
    ],
)
def test_open(text: str) -> None:
    assert estimate_completeness(text) == OPEN


@pytest.mark.parametrize("text", ["I would like to.", "My name is.", "The table by the.", "And."])
def test_a_full_stop_does_not_close_what_its_words_leave_open(text: str) -> None:
    """Moonshine writes one after whatever it hears, so each pause for thought ended the turn."""
    assert estimate_completeness(text) == OPEN


@pytest.mark.parametrize("text", ["book a table for", "the number is five five", "i will be in"])
def test_likely_open(text: str) -> None:
    assert estimate_completeness(text) == LIKELY_OPEN


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_to_judge_by(text: str) -> None:
    assert estimate_completeness(text) is None


def test_words_of_another_language_are_not_judged() -> None:
    """A German turn that ended in "an" was held open for a second, as an English article is."""
    assert estimate_completeness("ich rufe sie an", "de-DE") is None
    assert estimate_completeness("Ich rufe Sie an.", "de-DE") == COMPLETE
    assert estimate_completeness("i would like a", "en") == OPEN


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    completeness = estimate_completeness(text)
    assert completeness is None or 0 <= completeness <= 1
