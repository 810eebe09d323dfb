"""What is believed of one hearing, and of two; texts and probabilities as the model gave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.moonshine.doubt import (
    Hearing,
    choose,
    find_doubt,
    find_word,
    is_loop,
    is_sure,
)


def hearing(text: str, first: float, mean: float) -> Hearing:
    """Eight tokens, of which the first is so probable and all are on average."""
    rest = (mean**8 / first) ** (1 / 7)
    return Hearing(text, (first, *[min(rest, 1.0)] * 7))


def believe(*hearings: Hearing, duration_ms: int = 700) -> str:
    """The text that is believed of one hearing or two; empty where none is."""
    one, other = (*hearings, None)[:2]
    assert one is not None
    if find_doubt(one, other, duration_ms):
        return ""
    return one.text if other is None else hearings[choose(one, other)].text


@pytest.mark.parametrize(
    ("first", "mean", "text"),
    [(0.97, 0.96, "Um."), (0.9, 0.88, "Uh?"), (0.67, 0.72, "Oh,"), (0.25, 0.61, "Huh?")],
)
def test_a_hesitation_says_nothing(first: float, mean: float, text: str) -> None:
    """Each "um" of somebody who listens was a turn, and was answered."""
    heard = hearing(text, first, mean)
    assert find_doubt(heard, None if is_sure(heard) else heard, 600) == "murmur"


def test_an_affirmation_is_an_answer() -> None:
    for text in ("Uh-huh.", "Mm-hmm."):
        assert believe(hearing(text, 0.95, 0.9)) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # "uh huh", "mhm", "um" and "hm" of synthetic voices, twice heard.
        (hearing("Other.", 0.75, 0.86), hearing("Further.", 0.18, 0.47)),
        (hearing("Don't hurt.", 0.39, 0.67), hearing("Don't hurt.", 0.41, 0.74)),
        (hearing("Hello?", 0.34, 0.50), hearing("Hello?", 0.50, 0.60)),
        (hearing("And?", 0.38, 0.70), hearing("Then?", 0.65, 0.74)),
        (hearing("Amen.", 0.34, 0.72), hearing("Amen.", 0.39, 0.75)),
        (hearing("Yeah.", 0.32, 0.66), hearing("You", 0.62, 0.60)),
        (hearing("Oh,", 0.52, 0.63), hearing("Old.", 0.32, 0.56)),
        # A shout, and a chord.
        (hearing("Good.", 0.25, 0.54), hearing("Good.", 0.44, 0.64)),
        (hearing("Oh, yeah.", 0.21, 0.54), hearing("Oh, yeah.", 0.10, 0.41)),
    ],
)
def test_what_a_murmur_is_written_as_is_not_believed(one: Hearing, other: Hearing) -> None:
    """Backchannels became words that nobody had said, and an agent that spoke fell silent."""
    assert find_doubt(one, other, 600) in ("murmur", "noise")


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (hearing("Thor.", 0.44, 0.61), hearing("Four.", 0.43, 0.67), "Four."),
        (hearing("Nines.", 0.47, 0.67), hearing("Ninth.", 0.39, 0.66), "Ninth."),
        (hearing("No, dear.", 0.46, 0.50), hearing("Okay.", 0.32, 0.60), "Okay."),
        (hearing("Monday.", 0.49, 0.73), hearing("Monday.", 0.43, 0.69), "Monday."),
        (hearing("Eighteenth.", 0.52, 0.78), hearing("Eighteenth.", 0.50, 0.80), "Eighteenth."),
        (hearing("Dollars.", 0.62, 0.7), hearing("Dollars.", 0.58, 0.7), "Dollars."),
    ],
)
def test_a_word_that_people_say_alone_is_believed(one: Hearing, other: Hearing, text: str) -> None:
    """Of people's single words a quarter had no transcript, "four" and "ninth" among them."""
    assert believe(one, other) == text
    assert believe(other, one) == text


def agree(voiced_ms: int, mean: float, *texts: str) -> str:
    """What three hearings of one sound agree on; empty where that is nothing."""
    hearings = [hearing(text, 0.4, mean) for text in texts]
    at = find_word(hearings, voiced_ms)
    return "" if at is None else hearings[at].text


@pytest.mark.parametrize(
    ("voiced_ms", "mean", "texts", "said"),
    [
        (670, 0.63, ("Sixty.", "60.", "Sixty."), "Sixty."),
        (672, 0.62, ("7d.", "7d.", "Seventy."), "Seventy."),
        (576, 0.61, ("A.d.", "80.", "A.d."), "80."),
        (416, 0.71, ("Ours.", "Hours.", "Hours."), "Hours."),
        (416, 0.59, ("Hello.", "Hello.", "Hello."), "Hello."),
        (480, 0.72, ("Onion.", "Onion.", "Onion."), "Onion."),
        (544, 0.71, ("Sinks.", "Sphinx.", "Sphinx."), "Sphinx."),
        (896, 0.63, ("Farewell, good sir!",) * 3, "Farewell, good sir!"),
        (448, 0.79, ("Where are you?",) * 3, "Where are you?"),
        (448, 0.79, ("Where are you?", "Were you?", "Where are you?"), "Where are you?"),
        (448, 0.79, ("Where are you?", "Would you?", "Where are you?"), ""),
        (448, 0.7, ("I can.",) * 3, ""),
    ],
)
def test_a_word_that_three_hearings_agree_on_is_believed(
    voiced_ms: int, mean: float, texts: tuple[str, ...], said: str
) -> None:
    """Two spellings share their probability, so "sixty" was no word, nor what isn't English."""
    assert agree(voiced_ms, mean, *texts) == said


@pytest.mark.parametrize(
    ("voiced_ms", "mean", "texts"),
    [
        # "hm", "uh huh", "mm-hmm" and "oh" of synthetic voices, a groan, and a jump.
        (320, 0.52, ("Hello.", "Hello.", "Hello.")),
        (512, 0.68, ("Other.", "Other.", "Other.")),
        (672, 0.62, ("Imend them.", "Imend them.", "Imend them.")),
        (160, 0.65, ("No.", "No.", "No.")),
        (0, 0.47, ("Hey!", "Hey!", "Hey!")),
        (160, 0.57, ("Spot.", "Spot.", "Spock.")),
        # No two alike, a hesitation among them, and what is no text.
        (608, 0.48, ("Bajam.", "Page M.", "Pageant.")),
        (400, 0.75, ("Uh-huh.", "Uh.", "Uh-huh.")),
        (900, 0.9, ("Thank you", "Stop.", "Stop.")),
    ],
)
def test_a_murmur_that_is_written_as_a_word_is_not_believed(
    voiced_ms: int, mean: float, texts: tuple[str, ...]
) -> None:
    assert agree(voiced_ms, mean, *texts) == ""


def test_nobody_says_a_function_word_alone() -> None:
    """The model writes "You." for a hum and "If." for a groan, and is sure of it."""
    for text in ("You.", "If.", "The.", "So?"):
        assert find_doubt(hearing(text, 0.95, 0.9), None, 600) == "noise"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (hearing("The conference is in it.", 0.93, 0.38), hearing("The conference", 0.93, 0.44)),
        (hearing("Parasalir de la Conferences.", 0.4, 0.538), hearing("Para salir", 0.4, 0.518)),
        (hearing("I have come today.", 0.39, 0.593), hearing("I have come today.", 0.4, 0.607)),
    ],
)  # fmt: skip
def test_fluent_nonsense_is_another_language(one: Hearing, other: Hearing) -> None:
    """Spanish became English of the same length, without a word that anybody had said."""
    assert find_doubt(one, other, 1500) in ("language", "murmur")
    assert find_doubt(one, one, 1500) == "language"


@pytest.mark.parametrize("text", ["Thank you", "You are, you are, you", "La. " * 9, "If."])
def test_long_speech_that_says_nothing_is_another_language(text: str) -> None:
    """A murmur or a loop for the gate, it brought no warning, and nobody knew why nothing came."""
    heard = hearing(text, 0.2, 0.4)
    assert find_doubt(heard, heard, 1500) == "language"
    assert find_doubt(heard, heard, 700) in ("noise", "murmur", "loop")


def test_a_long_hesitation_and_music_are_no_language() -> None:
    for text, doubt in (("Um, uh.", "murmur"), ("\u266a\u266a\u266a", "noise")):
        heard = hearing(text, 0.5, 0.5)
        assert find_doubt(heard, heard, 1500) == doubt


def test_a_sentence_in_noise_is_believed() -> None:
    one = hearing("That minison valid for this conference.", 0.8, 0.646)
    other = hearing("That is not valid for this conference.", 0.8, 0.669)
    assert believe(one, other, duration_ms=2500) == other.text


def test_more_words_than_fit_into_their_time_are_none() -> None:
    """ "Mm-hmm" was heard as "And then each and then." """
    one = hearing("And then each and then.", 0.37, 0.71)
    other = hearing("Amen, each and amen.", 0.25, 0.61)
    assert find_doubt(one, other, 600) == "murmur"


def test_a_loop_is_words_said_again_and_again() -> None:
    """Of a person who said "words, words, words, words" nothing was left."""
    assert is_loop("no no no no no no no")
    assert not is_loop("And here are some more words, words, words, words.")
    assert not is_loop("no, no, no, no, no!")
    assert is_loop("I think it is. The end of. The end of. The end of. The end of")
    assert not is_loop("one two one two three")


PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(tuple)
HEARINGS = st.builds(Hearing, st.text(max_size=30), PROBABILITIES, st.booleans())


@given(one=HEARINGS, other=HEARINGS, duration_ms=st.integers(0, 30_000))
def test_any_two_hearings_are_judged(one: Hearing, other: Hearing, duration_ms: int) -> None:
    """And the order changes nothing where they are equally good."""
    kinds = ("", "noise", "murmur", "loop", "language")
    assert find_doubt(one, other, duration_ms) in kinds
    assert choose(one, other) in (0, 1)
    if not one.words:
        assert find_doubt(one, one, duration_ms)


@given(hearings=st.tuples(HEARINGS, HEARINGS, HEARINGS), voiced_ms=st.integers(0, 30_000))
def test_of_any_three_hearings_one_is_the_word_or_none(
    hearings: tuple[Hearing, ...], voiced_ms: int
) -> None:
    at = find_word(hearings, voiced_ms)
    assert at is None or hearings[at].words
    assert find_word(hearings, 0) is None or at is not None
