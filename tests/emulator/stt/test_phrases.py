"""Phrases as people write them, and as engines are told them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.phrases import (
    list_readings,
    parse_phrase,
    parse_phrases,
    spell_number,
    split_words,
)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("opening hours", "opening hours"),
        ("Opening Hours!", "opening hours"),
        ("a table for 24", "a table for twenty four"),
        ("Café", "cafe"),
        ("fish & chips", "fish and chips"),
        ("seven o'clock", "seven o'clock"),
        ("[please] book (two|four) [of them]", "[ please ] book ( two | four ) [ of them ]"),
        ("(a|)", "a"),
        ("[[very] good] day", "[ [ very ] good ] day"),
        ("(unmatched [x", "unmatched x"),
        ("wrong (a]", "wrong a"),
        ("[nothing]", "nothing"),
        ("(one|[two])", "one two"),
        ("( " * 5000 + "deep", "deep"),
    ],
)
def test_expressions(text: str, expression: str) -> None:
    phrase = parse_phrase(text)
    if text.startswith("( ( "):
        assert phrase is None or phrase.expression == expression
        return
    assert phrase is not None
    assert phrase.expression == expression


@pytest.mark.parametrize("text", ["", " ", "()", "[]", "|", "!?", "--"])
def test_nothing_to_say(text: str) -> None:
    assert parse_phrase(text) is None


def test_a_phrase_has_the_words_of_all_its_choices() -> None:
    (choice,) = parse_phrases(["table for (two|four)"])
    assert choice.words == ("table", "for", "two", "four")


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("Contoso Café", ["Contoso Café"]),
        (
            "(what is|how is) the weather in (Seattle|London) [today]",
            ["what is the weather in Seattle today", "how is", "London"],
        ),
        ("(one|[or] two) people", ["one people", "or two"]),
        ("[nothing]", ["nothing"]),
        ("--", []),
    ],
)
def test_engines_that_know_no_grammar_are_told_every_word(text: str, readings: list[str]) -> None:
    """Whisper was prompted with "(what is|how is) the weather", brackets and all."""
    assert list_readings([text]) == readings


def test_a_phrase_counts_once() -> None:
    assert len(parse_phrases(["Yes.", "yes", "", "no"])) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's 7:30 at AT&T", "it's seven thirty at at and t"),
        ("1990 and 10000 and 007", "one thousand nine hundred ninety and one zero zero zero zero "
         "and zero zero seven"),
        ("re-book", "re book"),
        ("'quoted'", "quoted"),
    ],
)  # fmt: skip
def test_words_are_those_a_recogniser_writes(text: str, words: str) -> None:
    assert split_words(text) == words.split()


@given(st.text(max_size=100))
@example("𝕬")
def test_any_text_is_a_phrase_or_none(text: str) -> None:
    """Words were lower-cased before they were decomposed: a mathematical A stayed upper case."""
    phrase = parse_phrase(text)
    if phrase is not None:
        assert phrase.words
        assert all(word == word.lower() and " " not in word for word in phrase.words)


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("13", "thirteen"),
        ("20", "twenty"),
        ("99", "ninety nine"),
        ("100", "one hundred"),
        ("115", "one hundred fifteen"),
        ("2026", "two thousand twenty six"),
        ("9999", "nine thousand nine hundred ninety nine"),
        ("00", "zero zero"),
        ("5551234", "five five five one two three four"),
    ],
)
def test_a_number_is_spelled_as_words(digits: str, words: str) -> None:
    assert spell_number(digits) == words
