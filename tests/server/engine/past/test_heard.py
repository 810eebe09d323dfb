"""The estimate of what was heard, from delivery times and a speaking rate."""

from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.server.engine.events import SpeakingRate
from voicelive_agent.server.engine.past.heard import estimate_heard, estimate_onset_ms

RATE = SpeakingRate(characters_per_second=10, start_ms=200, end_of_turn_ms=600)
REPLY = "one two three four five"


def test_all_of_it_was_heard_once_there_was_time_to_speak_it() -> None:
    assert estimate_heard(RATE, REPLY, [(0, len(REPLY))], 200 + 100 * len(REPLY)) is None


def test_it_ends_after_a_whole_word() -> None:
    assert estimate_heard(RATE, REPLY, [(0, len(REPLY))], 200 + 100 * 9) == "one two"
    assert estimate_heard(RATE, REPLY, [(0, len(REPLY))], 200 + 100 * 7) == "one two"
    assert estimate_heard(RATE, REPLY, [(0, len(REPLY))], 100) == ""


def test_text_is_not_spoken_before_it_was_delivered() -> None:
    marks = [(0, 8), (5000, len(REPLY))]
    assert estimate_heard(RATE, REPLY, marks, 4900) == "one two"
    assert estimate_heard(RATE, REPLY, marks, 5600) == "one two three"


def test_a_clause_is_spoken_once_it_is_complete() -> None:
    """Words that trickled in were taken for spoken while the voice waited for their clause."""
    reply = "One two three, four five"
    marks = [(300 * number, end) for number, end in enumerate((4, 8, 15, 20, 24))]
    assert estimate_heard(RATE, reply, marks, 600) == ""
    assert estimate_heard(RATE, reply, marks, 600 + 100 * 7) == "One two"
    assert estimate_heard(RATE, reply, marks[:4], 600 + 100 * 14) == "One two three,"


def test_words_that_nothing_follows_are_spoken_without_their_clause() -> None:
    marks = [(0, 8), (300, 14), (5000, len(REPLY))]
    assert estimate_heard(RATE, REPLY, marks, 300 + 100 * 14) == "one two three"


def test_the_caller_began_to_speak_before_the_turn_arrived() -> None:
    assert estimate_onset_ms(RATE, 5000, "speech", "x" * 10) == 5000 - 600 - 1000
    assert estimate_onset_ms(RATE, 5000, "action", "") == 5000


def test_a_sentence_is_followed_by_a_pause() -> None:
    letters = len("One. Two")
    assert estimate_heard(RATE, "One. Two three", [(0, 14)], 200 + 100 * letters) == "One."
    assert estimate_heard(RATE, "One two three", [(0, 13)], 200 + 100 * letters) == "One two"
    assert estimate_heard(RATE, "One, two three", [(0, 14)], 200 + 100 * letters) == "One,"


def test_a_digit_is_spoken_as_a_word() -> None:
    assert estimate_heard(RATE, "4711 more", [(0, 9)], 200 + 100 * 19) == ""
    assert estimate_heard(RATE, "4711 more", [(0, 9)], 200 + 100 * 20) == "4711"


def test_a_script_without_spaces_is_cut_between_signs() -> None:
    assert estimate_heard(RATE, "你好吗", [(0, 3)], 200 + 100 * 11) == "你好"


@given(
    st.text(max_size=200),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 200)), max_size=10),
    st.floats(-1000, 60_000),
    st.floats(0, 5000),
)
def test_the_heard_part_is_a_start_of_the_reply_and_grows_with_time(
    reply: str, pieces: list[tuple[int, int]], until_ms: float, more_ms: float
) -> None:
    ms = sorted(ms for ms, _ in pieces)
    ends = sorted(min(end, len(reply)) for _, end in pieces)
    marks = [*zip(ms, ends, strict=True), (ms[-1] if ms else 0, len(reply))]
    heard = estimate_heard(RATE, reply, marks, until_ms)
    later = estimate_heard(RATE, reply, marks, until_ms + more_ms)
    assert heard is None or reply.startswith(heard)
    assert later is None or (heard is not None and later.startswith(heard))
