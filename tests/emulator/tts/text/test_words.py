"""Marks of an engine become one spoken word for each token, in the order of time."""

from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts import SpokenWord
from voicelive_agent.emulator.tts.text.words import WordAligner, estimate_marks


def test_a_word_is_given_when_the_next_begins() -> None:
    aligner = WordAligner("Hello there. ")
    assert aligner.add([(0, 0)]) == []
    assert aligner.add([(6, 300)]) == [SpokenWord("Hello", 5, 0, 300)]
    assert aligner.finish(900) == [SpokenWord("there.", 12, 300, 600)]


def test_a_pause_ends_a_word_before_the_next_begins() -> None:
    aligner = WordAligner("one, two")
    words = aligner.add(
        [(0, 0), (5, 500)], [("w", 10), ("n", 200), ("", 300), ("t", 510), ("", 900)]
    )
    assert words == [SpokenWord("one,", 4, 0, 300)]
    assert aligner.finish(1000) == [SpokenWord("two", 8, 500, 400)]


def test_a_pause_within_a_word_is_part_of_it() -> None:
    aligner = WordAligner("12/25 x")
    words = aligner.add([(0, 0), (2, 400), (3, 700)], [("t", 0), ("", 350), ("s", 400), ("t", 700)])
    assert words == []
    assert aligner.add([(6, 1000)]) == [SpokenWord("12/25", 5, 0, 1000)]


def test_a_token_without_a_mark_takes_no_time() -> None:
    aligner = WordAligner("a — b")
    assert aligner.add([(0, 0), (4, 100)]) == [
        SpokenWord("a", 1, 0, 100),
        SpokenWord("—", 3, 100, 0),
    ]
    assert aligner.finish(200) == [SpokenWord("b", 5, 100, 100)]


def test_a_mark_on_the_space_before_a_word_is_its_own() -> None:
    aligner = WordAligner("a b")
    aligner.add([(0, 0)])
    assert aligner.add([(1, 100)]) == [SpokenWord("a", 1, 0, 100)]


@given(
    st.text("ab ,.\n—😀", max_size=60),
    st.lists(st.tuples(st.integers(-3, 70), st.integers(0, 5000)), max_size=40),
    st.lists(st.tuples(st.sampled_from(["", "a"]), st.integers(0, 5000)), max_size=40),
    st.integers(1, 10),
)
def test_any_marks_give_each_token_once_and_in_order(
    clause: str, words: list[tuple[int, int]], phonemes: list[tuple[str, int]], chunk: int
) -> None:
    aligner = WordAligner(clause)
    spoken = []
    for index in range(0, 40, chunk):
        spoken += aligner.add(words[index : index + chunk], phonemes[index : index + chunk])
    spoken += aligner.finish(5000)
    assert [word.text for word in spoken] == clause.split()
    assert [clause[: word.text_end].split()[-1] for word in spoken] == clause.split()
    end = 0
    for word in spoken:
        assert word.offset_ms >= end
        assert word.duration_ms >= 0
        end = word.offset_ms + word.duration_ms


def test_estimated_words_share_the_time_by_their_length() -> None:
    marks = estimate_marks("a bcdefg h", 1200)
    assert marks == [(0, 0), (2, 218), (9, 982)]
    assert estimate_marks("  ", 100) == []
