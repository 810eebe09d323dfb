"""What of an answer counts as heard."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.agent import INTERRUPTION_NOTE, PastTurn, Turn
from voicelive_agent.frameworks.history import (
    cut_to_heard,
    find_kept,
    is_json_object,
    keep,
    name_conversation,
    retell,
)


@pytest.mark.parametrize(
    ("texts", "heard", "parts", "rest"),
    [
        ([], "", [], ""),
        ([], "Hello", [], "Hello"),
        (["One two"], "", [""], ""),
        (["One two"], "One", ["One"], ""),
        (["One two"], "One two", ["One two"], ""),
        (["One two"], "One two three", ["One two"], "three"),
        (["One.", "Two."], "One. Tw", ["One.", "Tw"], ""),
        (["One.", "Two."], "One.", ["One.", ""], ""),
        (["One.", "Two."], "O", ["O", ""], ""),
        # Speech leaves out what can't be spoken; the model keeps its own spelling of it.
        (["**One**, two.", "Three."], "One, two. Thr", ["**One**, two.", "Thr"], ""),
        # It may also say it in other words; then what was heard stands as it was heard.
        (["It is 5 €.", "Yes?"], "It is five euros. Ye", ["It is five euros. Ye", ""], ""),
        (["", "One"], "One", ["", "One"], ""),
        (["Straße"], "STRASSE", ["Straße"], ""),
    ],
)
def test_the_heard_part(texts: list[str], heard: str, parts: list[str], rest: str) -> None:
    assert cut_to_heard(texts, heard) == (parts, rest)


@pytest.mark.parametrize(
    ("heard", "parts", "rest"),
    [
        ("Let me see. One moment. It is", ["Let me see.", "It is"], ""),
        ("Let me see. One mom", ["Let me see.", ""], ""),
        ("One moment. Let", ["Let", ""], ""),
        ("Let me see. It is wet. One moment.", ["Let me see.", "It is wet."], ""),
    ],
)
def test_a_filler_is_not_the_models(heard: str, parts: list[str], rest: str) -> None:
    assert cut_to_heard(["Let me see.", "It is wet."], heard, ["One moment."]) == (parts, rest)


@given(st.lists(st.text(max_size=12), max_size=4), st.integers(0, 60))
def test_any_prefix_of_what_was_said_is_kept(texts: list[str], length: int) -> None:
    said = " ".join(texts)
    heard = said[:length]
    parts, rest = cut_to_heard(texts, heard)
    assert len(parts) == len(texts)

    def letters(text: str) -> str:
        return "".join(c for c in text.casefold() if c.isalnum())

    assert letters("".join(parts) + rest) == letters(heard)


def marked(heard: str, *texts: str, fillers: Sequence[str] = ()) -> list[str]:
    answer = PastTurn("speech", "", None, " ".join(texts), True, {}, heard=heard)
    parts, rest = retell(texts, answer, complete=True, fillers=fillers)
    return [*parts, rest] if rest else parts


NOTE = INTERRUPTION_NOTE


@pytest.mark.parametrize(
    ("heard", "texts", "told"),
    [
        ("One", ["One two"], [f"One {NOTE} two"]),
        ("", ["One two"], [f"{NOTE} One two"]),
        ("One two", ["One two"], ["One two"]),
        ("One.", ["One.", "Two."], ["One.", f"{NOTE} Two."]),
        ("One. Tw", ["One.", "Two."], ["One.", f"Tw {NOTE} o."]),
        # The model's own spelling stays, and so do the marks that belong to a word.
        ("One two", ["**One** _two_, three."], [f"**One** _two_, {NOTE} three."]),
        # What was said in other words is counted by its letters.
        ("It is five", ["It is 5 €.", "And you?"], ["It is 5 €.", f"And {NOTE} you?"]),
        ("你好", ["你好吗"], [f"你好 {NOTE} 吗"]),
    ],
)
def test_where_an_interruption_is_marked(heard: str, texts: list[str], told: list[str]) -> None:
    assert marked(heard, *texts) == told


def test_a_filler_is_not_counted_and_a_mark_stands_once() -> None:
    heard = "Let me see. One moment. It is"
    told = ["Let me see.", f"It is {NOTE} wet."]
    assert marked(heard, "Let me see.", "It is wet.", fillers=["One moment."]) == told
    assert marked(heard, *told) == told


@given(st.lists(st.text(max_size=12), max_size=4), st.text(max_size=40))
def test_a_mark_takes_nothing_away(texts: list[str], heard: str) -> None:
    told = " ".join(marked(heard, *texts))
    assert told.count(NOTE) <= 1
    assert "".join(told.replace(NOTE, "").split()) == "".join("".join(texts).split())


def past(turn: Turn, *, interrupted: bool = False) -> PastTurn:
    return PastTurn(turn.kind, turn.text, None, "", interrupted, turn.notes)


def test_what_is_kept_is_found_by_the_same_framework_only() -> None:
    turn = Turn("speech", "hi")
    keep(turn, "mine", [{"a": 1}], complete=True)
    assert find_kept(past(turn), "mine") == ([{"a": 1}], True)
    assert find_kept(past(turn, interrupted=True), "mine") == ([{"a": 1}], False)
    assert find_kept(past(turn), "other") is None


@pytest.mark.parametrize("note", [None, [], {}, {"messages": None}, "text"])
def test_notes_that_are_no_notes_of_ours_are_nothing(note: object) -> None:
    assert find_kept(PastTurn("speech", "", None, "", False, {"mine": note}), "mine") is None


def test_conversations_have_names_of_their_own() -> None:
    def name(user_id: str, session_id: str) -> str:
        return name_conversation(Turn("speech", user_id=user_id, session_id=session_id))

    assert name("a", "b") == name("a", "b")
    assert (
        len({name("a", "b"), name("b", "a"), name("ab", ""), name("", "ab"), name("1:", "")}) == 5
    )


@pytest.mark.parametrize(
    ("text", "whole"),
    [('{"a": 1}', True), ("", True), (None, True), ({}, True), ('{"a"', False), ("[]", False)],
)
def test_whether_arguments_are_all_there(text: object, whole: bool) -> None:
    assert is_json_object(text) is whole
