"""What callers say is preferred, and what they don't say is left alone."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.speech import needs_flite, pieces, utter
from voicelive_agent.emulator.stt import TranscriptWord
from voicelive_agent.emulator.stt.phrases import split_words
from voicelive_agent.emulator.stt.pocketsphinx.familiarity import (
    Familiarity,
    place_words,
    read_talk,
)
from voicelive_agent.emulator.stt.pocketsphinx.recogniser import SphinxDecoder

TALK = read_talk()


def measure(text: str) -> float:
    return TALK.measure(text.split())


@pytest.mark.parametrize(
    ("familiar", "other"),
    [
        ("i would like to book a table", "i would like to but the table"),
        ("a table for four tomorrow", "a table for for tomorrow"),
        ("thank you goodbye", "and you could buy"),
        ("we are six people", "we are sixty pill"),
    ],
)
def test_what_callers_say_is_familiar(familiar: str, other: str) -> None:
    assert measure(familiar) > measure(other)


def test_what_nobody_knows_is_not() -> None:
    known = Familiarity(["good morning"])
    assert known.measure(["good", "morning"]) > known.measure(["good"]) > 0
    assert known.measure(["quantum", "gravity"]) < known.measure(["good"])
    assert Familiarity([]).measure(["good"]) == 0


def test_words_that_follow_nothing_add_nothing() -> None:
    """ "your table" was heard as "a a a pure table": each known word counted for itself."""
    assert measure("there are a a a pure table") == measure("there are a pure table")


def test_the_talk_is_written_as_a_recogniser_writes() -> None:
    for words in TALK._followers:
        for word in words:
            assert word == "<s>" or split_words(word) == [word]


SAID = [
    TranscriptWord("but", 100, 200, 0.5),
    TranscriptWord("the", 300, 100, 0.6),
    TranscriptWord("table", 400, 300, 1.0),
]


def test_words_take_the_place_of_those_they_stand_for() -> None:
    assert place_words(["book", "a", "table"], SAID) == [
        TranscriptWord("book", 100, 240),
        TranscriptWord("a", 340, 60),
        SAID[2],
    ]
    assert place_words(["table", "please"], SAID) == [SAID[2], TranscriptWord("please", 700, 0)]
    assert place_words(["oh", *(word.text for word in SAID)], SAID)[0] == TranscriptWord("oh", 0, 0)


@given(st.lists(st.sampled_from(["a", "but", "the", "table", "book"]), max_size=8))
def test_every_word_has_a_place_in_time(texts: list[str]) -> None:
    placed = place_words(texts, SAID)
    assert [word.text for word in placed] == texts
    assert all(
        one.offset_ms + one.duration_ms <= other.offset_ms
        for one, other in itertools.pairwise(placed)
    )


@needs_flite
def test_a_sentence_is_heard_as_one_says_it() -> None:
    """It was heard as "his breakfast included", which is as good as any in the news."""
    recogniser = SphinxDecoder()
    recogniser.begin(None, ())
    for piece in pieces(utter("is breakfast included", "slt"), 200):
        recogniser.feed(piece)
    assert recogniser.finish().text == "is breakfast included"
