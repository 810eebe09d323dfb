"""Which everyday answer a sound may be; the model is a table of how probable each text is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.moonshine.answers import LEADS, find_answer, is_answer
from voicelive_agent.emulator.stt.phrases import split_words

MURMUR = -20.0


class Model:
    """A text's first token is its first letter; the rest takes a tenth of what is probable."""

    def __init__(self, *hearings: Mapping[str, float]) -> None:
        self._hearings = hearings
        self.scored: list[str] = []

    def split(self, text: str) -> list[int]:
        return [ord(text[0]), *text[1:].encode()]

    def score_beginnings(self, hearing: Any) -> npt.NDArray[np.float64]:
        begun = np.full(256, -99.0)
        for text, score in self._hearings[hearing].items():
            begun[ord(text[0])] = max(begun[ord(text[0])], score * 0.9)
        return begun

    def score(self, hearing: Any, text: str) -> float:
        self.scored.append(text)
        scores: Mapping[str, float] = self._hearings[hearing]
        return scores.get(text, -99.0)


def find(*hearings: Mapping[str, float], hum: float = -99.0) -> tuple[str, int]:
    """The answer, and how many texts were scored for it."""
    model: Any = Model(*hearings)
    numbers: Any = range(len(hearings))
    answer = find_answer(model, numbers, [MURMUR] * len(hearings), lambda one: hum)
    return answer, len(model.scored)


def test_what_was_misheard_is_the_answer_that_leads_the_murmurs() -> None:
    """ "Millets." was heard of "minutes", and "Can sort." of "cancelled": neither was told."""
    minutes = {"Minutes.": -4.0, "Minute.": -3.0, "Nine.": -12.0}
    assert find(minutes, minutes)[0] == "Minutes."
    assert find({"Cancelled.": -9.0, "Cancel.": -14.0}, {"Cancelled.": -6.0})[0] == "Cancelled."


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        # Of other voices than those of the bounds: British, Scottish, and on the telephone.
        ("No.", 4.3, 4.2),
        ("No.", 2.6, 4.0),
        ("Seven.", 4.1, 2.7),
        ("Stop.", 4.4, 2.2),
        ("Thousand.", 5.3, 2.0),
        ("Bye.", 4.0, 3.4),
        ("Hello.", 2.6, 2.2),
    ],
)
def test_what_is_often_answered_and_sounds_are_not_like_is_believed_sooner(
    text: str, one: float, other: float
) -> None:
    """ "No" and "seven" of 23 synthetic voices, 14 % of them, were doubted as murmurs, and so was
    each "hello" of flite's Scot."""
    assert find({text: MURMUR + one}, {text: MURMUR + other})[0] == text


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        # A war cry in a game, Czech, pain in Ukrainian, "uh huh", "aha" and "oh".
        ("Yeah.", 3.9, 5.0),
        ("Sorry.", 3.9, 5.4),
        ("Good.", 3.8, 4.8),
        ("Never.", 4.4, 4.5),
        ("Okay.", 2.5, 1.9),
        ("No.", 0.8, 2.0),
        # "ah", and "hmm" of a voice that buzzes.
        ("Hi.", 4.8, 3.9),
        ("Ten.", 4.1, 4.7),
        ("Two.", 5.4, 2.8),
        # A British "uh huh".
        ("Perfect.", 2.6, 4.8),
    ],
)
def test_a_murmur_is_no_answer(text: str, one: float, other: float) -> None:
    assert find({text: MURMUR + one}, {text: MURMUR + other})[0] == ""


def test_a_hum_is_no_answer() -> None:
    """Piper's "hm" was "Eighteen.", and espeak-ng's "Again.": both say its letters. "Mm-hmm." of
    the bright voice was "No.", and "mhm" of the default one "Hello.".
    """
    hums = (("Eighteen.", 0.9), ("Again.", 1.6), ("Seven.", -0.4), ("No.", 7.5), ("Hello.", 5.4))
    for text, score in hums:
        assert find({text: -4.0}, {text: -4.0}, hum=-4.0 - score)[0] == ""
    for text, score in (("Seven.", 2.1), ("Eighteen.", 3.9), ("No.", 8.4), ("Hello.", 6.2)):
        assert find({text: -4.0}, {text: -4.0}, hum=-4.0 - score)[0] == text


def test_of_two_answers_the_more_usual_one_was_said() -> None:
    """A deep voice's "stop" on the telephone was nearly as probable as "Time."."""
    assert find({"Stop.": MURMUR + 4, "Time.": MURMUR + 4.5}, {"Stop.": MURMUR + 4})[0] == "Stop."


def test_an_answer_is_known_however_it_is_written() -> None:
    for text in ("No.", "no", "7", "Seven!", "Yes, please.", "All right."):
        assert is_answer("".join(split_words(text)))
    for text in ("Ever.", "Other.", "Mama.", "Seven people.", ""):
        assert not is_answer("".join(split_words(text)))


def test_what_the_model_guesses_for_anything_is_no_answer() -> None:
    """ "Ninety." of a synthetic voice was "Thank you.", and "H. M." was "Agent."."""
    for text in ("Thank you.", "Agent.", "Later."):
        assert find({text: -1.0}, {text: -1.0})[0] == ""


def test_both_hearings_count() -> None:
    leading, trailing = MURMUR + LEADS["Hello."] + 3, MURMUR + LEADS["Hello."] - 2
    assert find({"Hello.": leading}, {"Hello.": trailing})[0] == "Hello."
    assert find({"Hello.": leading}, {"Hello.": trailing - 2})[0] == ""
    one, other = {"Six.": -5.0, "Sixty.": -6.0}, {"Six.": -9.0, "Sixty.": -5.0}
    assert find(one, other)[0] == "Sixty."


def test_what_cannot_lead_is_not_scored() -> None:
    """Each of 130 texts takes 6 ms in each hearing."""
    assert find({}, {}) == ("", 0)
    answer, scored = find({"Hello.": -3.0}, {"Hello.": -3.0})
    assert answer == "Hello."
    assert scored <= 2 * sum(text.startswith("H") for text in LEADS)


SCORES = st.dictionaries(st.sampled_from(sorted(LEADS)), st.integers(-60, 0), max_size=12)


@given(one=SCORES, other=SCORES)
def test_no_answer_is_overlooked(one: Mapping[str, float], other: Mapping[str, float]) -> None:
    """It is the best of all, though most are never scored."""
    surplus = {
        text: (one.get(text, -99.0) + other.get(text, -99.0)) / 2 - MURMUR - lead
        for text, lead in LEADS.items()
    }
    most = max(surplus.values())
    answer, _ = find(one, other)
    if answer:
        assert surplus[answer] == pytest.approx(most)
        assert most >= 0
    else:
        assert most <= 1e-9
