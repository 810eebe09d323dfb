"""Listed phrases take the place of what was misheard for them, and of nothing else."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.moonshine.biasing import (
    BONUS,
    SCORED_AT_MOST,
    Guess,
    bias,
    read_list,
)

GUESSED, KNOWN = 0.3, 0.99


def guess(text: str, probability: float = GUESSED) -> list[Guess]:
    return [Guess(word, probability) for word in text.split()]


def agree(text: str) -> float:
    return 0.0


def apply(
    words: Sequence[Guess],
    phrases: Sequence[str],
    score: Callable[[str], float] = agree,
) -> str:
    texts: list[str | None] = [word.text for word in words]
    for start, end, text in bias(words, read_list(phrases), score):
        texts[start:end] = [text, *[None] * (end - start - 1)]
    return " ".join(text for text in texts if text)


@pytest.mark.parametrize(
    ("heard", "listed", "written"),
    [
        ("Put me through to Kintoso, please.", "Contoso", "Put me through to Contoso, please."),
        ("Put me through to con toso.", "Contoso", "Put me through to Contoso."),
        ("Is Kintoso's shop open?", "Contoso", "Is Contoso's shop open?"),
        ("North win Traitors is open.", "Northwind Traders", "Northwind Traders is open."),
        ("It is about Cuban eats.", "Kubernetes", "It is about Kubernetes."),
        ("My number is Qx47.", "QX47", "My number is QX47."),
        ("My number is see our nine hundred.", "ZR900", "My number is ZR900."),
        ("It runs on Engin X?", "Nginx", "It runs on Nginx?"),
        ("We use power by.", "Power BI", "We use Power BI."),
        ("Corner stable is nice.", "corner table", "Corner table is nice."),
    ],
)
def test_what_sounds_like_a_phrase_becomes_it(heard: str, listed: str, written: str) -> None:
    assert apply(guess(heard), [listed]) == written


@pytest.mark.parametrize(
    ("heard", "listed", "written"),
    [
        ("Make it for people.", "make it four people", "Make it four people."),
        ("Table too", "table two", "Table two"),
        ("At ate", "at eight", "At eight"),
        ("Is it for people?", "four people", "Is it for people?"),
        ("Won for all.", "five for all", "Won for all."),
    ],
)
def test_an_utterance_that_sounds_the_same_as_a_phrase_is_it(
    heard: str, listed: str, written: str
) -> None:
    """The demo's caller said "Make it four people", listed so, and was heard as "for people"."""
    assert apply(guess(heard, KNOWN), [listed]) == written


def test_words_that_the_model_is_sure_of_stay() -> None:
    """With "Brooke" and "Neil" listed, "we kneel by the brook" is about neither."""
    said = "We kneel by the brook."
    assert apply(guess(said, KNOWN), ["Brooke", "Neil"]) == said


def test_case_and_spaces_of_a_phrase_are_kept_though_the_words_are_sure() -> None:
    assert apply(guess("We use power bi.", KNOWN), ["Power BI"]) == "We use Power BI."
    assert apply(guess("It is north wind.", KNOWN), ["Northwind"]) == "It is Northwind."


def test_the_model_has_the_last_word() -> None:
    said = "I have a question about Kintoso."

    def refuse(text: str) -> float:
        return -BONUS - 1 if "Contoso" in text else 0.0

    assert apply(guess(said), ["Contoso"], refuse) == said


def test_what_is_unlike_any_phrase_is_not_even_scored() -> None:
    scored: list[str] = []

    def note(text: str) -> float:
        scored.append(text)
        return 0.0

    said = "What are your opening hours?"
    assert apply(guess(said), ["Kowalczyk", "QX47"], note) == said
    assert not scored


def test_a_long_list_costs_no_more_than_a_few_looks_of_the_model() -> None:
    looks = 0

    def count(text: str) -> float:
        nonlocal looks
        looks += 1
        return 0.0 if "Kint" in text else -100.0

    apply(guess("Kintoso Kintesa Kantosa"), [f"Contos{end}" for end in "abcdefghij"], count)
    assert 0 < looks <= SCORED_AT_MOST + 2


WORDS = st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=8)


@given(words=WORDS, phrases=st.lists(st.text(max_size=20), max_size=5))
def test_any_words_and_phrases_are_taken(words: list[str], phrases: list[str]) -> None:
    heard = [Guess(word, GUESSED) for text in words for word in text.split()]
    chosen = bias(heard, read_list(phrases), agree)
    assert all(0 <= start < end <= len(heard) and text.strip() for start, end, text in chosen)
    assert all(one[1] <= other[0] for one, other in pairwise(chosen))
