"""Which everyday answer a sound may be; the model is a table of how probable each text is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.moonshine.answers import ANSWERS, LEAD, find_answer

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


def find(*hearings: Mapping[str, float], murmur: float = MURMUR) -> tuple[str, int]:
    """The answer, and how many texts were scored for it."""
    model: Any = Model(*hearings)
    numbers: Any = range(len(hearings))
    return find_answer(model, numbers, [murmur] * len(hearings)), len(model.scored)


def test_what_was_misheard_is_the_answer_that_leads_the_murmurs() -> None:
    """ "Millets." was heard of "minutes", and "Can sort." of "cancelled": neither was told."""
    minutes = {"Minutes.": -4.0, "Minute.": -3.0, "Nine.": -12.0}
    assert find(minutes, minutes)[0] == "Minutes."
    assert find({"Cancelled.": -9.0, "Cancel.": -14.0}, {"Cancelled.": -6.0})[0] == "Cancelled."


def test_a_murmur_is_no_answer() -> None:
    """A war cry in a game is about as probable as "Yeah.", and Czech as "Sorry."."""
    assert find({"Yeah.": MURMUR + 3.9}, {"Yeah.": MURMUR + 5.0})[0] == ""
    assert find({"Sorry.": MURMUR + 3.9}, {"Sorry.": MURMUR + 5.4})[0] == ""


def test_what_the_model_guesses_for_anything_is_no_answer() -> None:
    """ "Ninety." of a synthetic voice was "Thank you.", and "H. M." was "Agent."."""
    for text in ("Thank you.", "Agent.", "Later."):
        assert find({text: -1.0}, {text: -1.0})[0] == ""


def test_both_hearings_count() -> None:
    leading, trailing = MURMUR + LEAD + 3, MURMUR + LEAD - 2
    assert find({"Hello.": leading}, {"Hello.": trailing})[0] == "Hello."
    assert find({"Hello.": leading}, {"Hello.": trailing - 2})[0] == ""
    one, other = {"Six.": -5.0, "Sixty.": -6.0}, {"Six.": -9.0, "Sixty.": -5.0}
    assert find(one, other)[0] == "Sixty."


def test_what_cannot_lead_is_not_scored() -> None:
    """Each of 130 texts takes 6 ms in each hearing."""
    assert find({}, {}) == ("", 0)
    answer, scored = find({"Hello.": -3.0}, {"Hello.": -3.0})
    assert answer == "Hello."
    assert scored <= 2 * sum(text.startswith("H") for text in ANSWERS)


SCORES = st.dictionaries(st.sampled_from(ANSWERS), st.integers(-60, 0), max_size=12)


@given(one=SCORES, other=SCORES)
def test_no_answer_is_overlooked(one: Mapping[str, float], other: Mapping[str, float]) -> None:
    """It is the best of all, though most are never scored."""
    means = {text: (one.get(text, -99.0) + other.get(text, -99.0)) / 2 for text in ANSWERS}
    best = max(means.values())
    answer, _ = find(one, other)
    if answer:
        assert means[answer] == best
        assert best - MURMUR >= LEAD
    else:
        assert best - MURMUR <= LEAD
