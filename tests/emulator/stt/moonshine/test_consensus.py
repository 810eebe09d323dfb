"""What two hearings make of a sentence together; the model is a table of how probable a text is."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.moonshine.consensus import MOST_PLACES, agree, differ

IMPOSSIBLE = -99.0


class Words:
    """A text is as probable as its words are, each by what was heard; others are impossible."""

    def __init__(self, *hearings: Mapping[str, float]) -> None:
        self._hearings = hearings
        self.scored: list[str] = []

    def score(self, hearing: Any, text: str) -> float:
        self.scored.append(text)
        words: Mapping[str, float] = self._hearings[hearing]
        return sum(words.get(word, IMPOSSIBLE) for word in text.split())


def agree_of(model: Any, one: str, other: str) -> str:
    numbers: Any = (0, 1)
    return agree(model, numbers, (one, other))


@pytest.mark.parametrize(
    ("one", "other", "sound", "expected"),
    [
        (
            "I heard of beef, this is Diane in New Jersey",
            "I heard a beep, this is Diane and New Jersey",
            {"of": -4, "beef,": -4, "and": -3},
            "I heard a beep, this is Diane in New Jersey",
        ),
        (
            "Press wire to prepend the message.",
            "Press one to append the message.",
            {"wire": -6, "one": -1, "prepend": -1, "append": -5},
            "Press one to prepend the message.",
        ),
        (
            "Your party's first name whoops",
            "You party's first name",
            {"Your": -1, "You": -5, "whoops": -3},
            "Your party's first name",
        ),
        (
            "The ninth of May at half past ten",
            "The fifth of May, at a half past eleven",
            {"fifth": -2, "ten": -4, "a": -3},
            "The ninth of May at half past eleven",
        ),
    ],
)
def test_each_place_is_decided_by_both_hearings(
    one: str, other: str, sound: dict[str, float], expected: str
) -> None:
    """ "I heard of beef" was one hearing of "I heard a beep", and the other erred elsewhere."""
    table = dict.fromkeys((*one.split(), *other.split()), -1.0) | sound
    model = Words(table, table)
    assert agree_of(model, one, other) == expected
    assert agree_of(model, other, one) == expected


def test_a_hearing_that_is_sure_outweighs_one_that_is_not() -> None:
    unsure, sure = {"peace": -2.0, "patience": -2.5}, {"peace": -7.0, "patience": -0.5}
    same = {"Thank": -0.1, "you": -0.1, "for": -0.1, "your": -0.1}
    one, other = "Thank you for your peace", "Thank you for your patience"
    assert agree_of(Words(unsure | same, sure | same), one, other) == other


def test_what_is_hardly_more_probable_changes_nothing() -> None:
    """ "Diane in New Jersey" became "Diane and New Jersey" for a difference of 0.2."""
    one, other = "I heard of beef, Diane and New Jersey", "I heard a beep, Diane in New Jersey"
    table = dict.fromkeys((*one.split(), *other.split()), -1.0) | {"of": -4.0, "in": -1.1}
    assert agree_of(Words(table, table), one, other) == other


def test_texts_that_have_little_in_common_are_not_mixed() -> None:
    one, other = "a x b x c x d x e x", "a y b y c y d y e y"
    table = dict.fromkeys("abcde", -1.0) | {"x": -1.0, "y": -1.1}
    assert one.count("x") > MOST_PLACES
    model = Words(table, table)
    assert agree_of(model, one, other) == one
    assert set(model.scored) == {one, other}


def test_case_and_punctuation_are_no_difference() -> None:
    assert not differ("Well, all right.", "well all right")
    assert differ("All right.", "Alright.")


NAMES = ["one", "two", "three", "Four", "five.", "six"]
TEXTS = st.lists(st.sampled_from(NAMES), max_size=9).map(" ".join)


@given(TEXTS, TEXTS, st.lists(st.floats(-9, 0), min_size=12, max_size=12))
def test_it_is_never_less_probable_than_either(one: str, other: str, scores: list[float]) -> None:
    hearings = dict(zip(NAMES, scores[:6], strict=True)), dict(zip(NAMES, scores[6:], strict=True))
    model = Words(*hearings)
    text = agree_of(model, one, other)

    def total(of: str) -> float:
        return model.score(0, of) + model.score(1, of)

    assert total(text) >= max(total(one), total(other)) - 1e-9
    assert set(text.split()) <= {*one.split(), *other.split()}
