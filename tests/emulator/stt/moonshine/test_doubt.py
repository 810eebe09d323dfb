"""What is believed of one hearing, and of two; texts and probabilities as the model gave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.moonshine.doubt import (
    HUMS,
    MURMURS,
    Hearing,
    choose,
    doubt_partial,
    find_doubt,
    is_loop,
    is_settled,
    measure_likeness,
)


def hearing(text: str, mean: float, first: float = 0.5) -> Hearing:
    """Eight tokens, of which the first is so probable and all are on average."""
    rest = (mean**8 / first) ** (1 / 7)
    return Hearing(text, (first, *[min(rest, 1.0)] * 7))


def judge(one: Hearing, other: Hearing | None, lead: float = 0, voice_ms: int = 0) -> str:
    """``find_doubt`` with what is measured as values; far from any hum."""
    return find_doubt(one, other, lambda texts: 99.0 if texts == HUMS else lead, lambda: voice_ms)


def believe(one: Hearing, other: Hearing, lead: float = 0, voice_ms: int = 0) -> str:
    """The text that is believed of two hearings; empty where none is."""
    doubt = judge(one, other, lead, voice_ms)
    return "" if doubt else (one, other)[choose(one, other)].text


@pytest.mark.parametrize(
    ("first", "mean", "text"),
    [(0.97, 0.96, "Um."), (0.9, 0.88, "Uh?"), (0.67, 0.72, "Oh,"), (0.25, 0.61, "Huh?")],
)
def test_a_hesitation_says_nothing(first: float, mean: float, text: str) -> None:
    """Each "um" of somebody who listens was a turn, and was answered."""
    heard = hearing(text, mean, first)
    assert judge(heard, None if is_settled(heard) else heard, 20, 900) == "murmur"


def test_an_affirmation_is_an_answer() -> None:
    for text in ("Uh-huh.", "Mm-hmm."):
        heard = hearing(text, 0.9, 0.95)
        assert is_settled(heard)
        assert find_doubt(heard, None) == ""


@pytest.mark.parametrize(
    ("lead", "one", "other"),
    [
        # "uh huh", "aha", "mm", "oh", "mhm", "hmm" and "hm" of synthetic voices.
        (6.4, ("Further.", 0.6), ("Other.", 0.52)),
        (7.1, ("Offer.", 0.45), ("Pata.", 0.45)),
        (5.9, ("Amen.", 0.67), ("And then.", 0.65)),
        (7.4, ("Ever.", 0.6), ("Ever.", 0.61)),
        (6.9, ("Other.", 0.75), ("Other.", 0.7)),
        (4.6, ("No.", 0.74), ("So?", 0.6)),
        (10.8, ("Then I came.", 0.77), ("N. A. Kem.", 0.58)),
        (5.4, ("Anytime, huh?", 0.5), ("A. J. M.", 0.48)),
        (8.8, ("A. Kim.", 0.56), ("A. Kim.", 0.56)),
        # Czech, and the beginning of an Italian sentence.
        (8.5, ("Robotase.", 0.47), ("Robotase.", 0.38)),
        (9.1, ("Passor de Rata.", 0.45), ("Passor de Rata.", 0.46)),
        # A jump, a groan and a laugh in games, and a chord.
        (7.2, ("T.", 0.57), ("Two.", 0.6)),
        (4.1, ("Good.", 0.52), ("Good.", 0.52)),
        (6.1, ("Vagaburn!", 0.35), ("\"God's a poor!", 0.4)),
        (-2.0, ("Oh, yeah.", 0.54), ("Oh, yeah.", 0.41)),
    ],
)
def test_what_a_murmur_is_written_as_is_not_believed(
    lead: float, one: tuple[str, float], other: tuple[str, float]
) -> None:
    """Backchannels became words that nobody had said, and an agent that spoke fell silent."""
    assert judge(hearing(*one), hearing(*other), lead, 500) == "murmur"


@pytest.mark.parametrize(
    ("lead", "one", "other", "text"),
    [
        (9.6, ("Stool.", 0.49), ("Stole.", 0.51), "Stole."),
        (9.2, ("Pabba.", 0.48), ("Papa.", 0.55), "Papa."),
        (7.6, ("Don.", 0.53), ("Done.", 0.57), "Done."),
        (7.9, ("Onion.", 0.71), ("Onion.", 0.71), "Onion."),
        (8.9, ("Melf.", 0.51), ("Melf.", 0.51), "Melf."),
        (9.6, ("Forty s.", 0.66), ("Fortieth.", 0.76), "Fortieth."),
        (9.8, ("When?", 0.7), ("Win.", 0.7), "When?"),
        (8.2, ("Blast.", 0.55), ("Left.", 0.65), "Left."),
        (6.1, ("No.", 0.89), ("No.", 0.84), "No."),
    ],
)
def test_a_word_that_is_no_murmur_is_believed(
    lead: float, one: tuple[str, float], other: tuple[str, float], text: str
) -> None:
    """Of what people say in a word, all that no list of answers held had no transcript; it leads
    by more than an answer has to.
    """
    assert believe(hearing(*one), hearing(*other), lead) == text


@pytest.mark.parametrize(
    ("lead", "of_hums", "text"),
    [
        # Letters, as synthesisers read "mm", "hm", "mhm" and "mm-hmm".
        (8.2, 5.9, "Amen."),
        (8.3, 5.7, "It came."),
        (9.2, 8.1, "I can."),
        (7.5, 6.5, "And they came."),
        (6.2, 7.4, "He means him."),
        (5.6, 2.4, "M. A. Kim."),
    ],
)
def test_what_a_hum_is_written_as_is_not_believed(lead: float, of_hums: float, text: str) -> None:
    """Of murmurs by 23 voices that no bound knew, 16 of 266 became words, most of them these."""
    leads = {MURMURS: lead, HUMS: of_hums}
    heard = hearing(text, 0.75)
    assert find_doubt(heard, heard, lambda texts: leads[texts]) == "murmur"
    said = hearing("Moonwalker.", 0.75)
    assert find_doubt(said, said, lambda texts: {MURMURS: 7.9, HUMS: 12.3}[texts]) == ""
    long = hearing("Message undelated.", 0.75)
    leads = {MURMURS: 9.0, HUMS: 7.0}
    assert find_doubt(long, long, lambda texts: leads[texts], lambda: 700) == "murmur"
    assert find_doubt(long, long, lambda texts: leads[texts], lambda: 900) == ""
    answer = hearing("May.", 0.75)
    assert find_doubt(answer, answer, lambda texts: {MURMURS: 9.0, HUMS: 3.8}[texts]) == ""


@pytest.mark.parametrize(
    ("lead", "one", "other", "text"),
    [
        (9.8, ("Book a table.", 0.68), ("Vocatable.", 0.53), "Book a table."),
        (10.0, ("Where are you?", 0.78), ("Where are you?", 0.83), "Where are you?"),
        (8.8, ("See ya!", 0.76), ("See ya!", 0.74), "See ya!"),
        (9.9, ("Hang on.", 0.8), ("Hang on.", 0.85), "Hang on."),
        (3.6, ("Vocatavah.", 0.37), ("Look a table.", 0.47), ""),
    ],
)
def test_a_short_sentence_is_believed(
    lead: float, one: tuple[str, float], other: tuple[str, float], text: str
) -> None:
    """ "Book a table." by the bright voice was a murmur: its third word is heard as "-able"."""
    assert believe(hearing(*one), hearing(*other), lead) == text


@pytest.mark.parametrize("text", ["You.", "If.", "The.", "So?", "I.", "Well,"])
def test_a_function_word_alone_was_said_if_a_voice_is_sure(text: str) -> None:
    """The model writes "You." for a hum and "If." for a groan, and is sure of it; but somebody who
    spells a name says "U", and was not heard."""
    heard = hearing(text, 0.9, 0.95)
    assert not is_settled(heard)
    assert judge(heard, heard, 12, 224) == "noise"
    assert judge(heard, hearing("Hat.", 0.9), 12, 400) == "noise"
    assert believe(heard, heard, 12, 400) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("The conference is in it.", 0.38), ("The conference", 0.44)),
        (("Parasalir de la Conferences.", 0.538), ("Para salir de la", 0.518)),
        (("I can't do sweet words over you, Cine says.", 0.6), ("I can't do seeds wash.", 0.61)),
        (("Marquet of numero uno para te", 0.52), ("Marquet of numero uno para te", 0.52)),
    ],
)
def test_fluent_nonsense_is_not_believed(one: tuple[str, float], other: tuple[str, float]) -> None:
    """Spanish became English of the same length, without a word that anybody had said."""
    assert judge(hearing(*one), hearing(*other), 20, 3000)


def test_a_sentence_in_noise_is_believed() -> None:
    one = Hearing("That pen is invalid to this conference.", (0.9, 0.3, 0.9, 0.9, 0.3, 0.9, 0.8))
    other = Hearing("That pin is invalid for this conference.", (0.9, 0.4, 0.9, 0.9, 0.3, 0.9, 0.9))
    assert max(one.mean, other.mean) < 0.7
    assert believe(one, other) == other.text


def test_a_sentence_with_a_name_is_believed() -> None:
    """Of "My order is with Okonkwo." nothing was left, though all but the name was sure."""
    probabilities = (0.97, 0.95, 0.98, 0.93, 0.12, 0.2, 0.3, 0.7, 0.9)
    heard = Hearing("My order is with Akonquo.", probabilities)
    assert heard.mean < 0.6
    assert believe(heard, heard) == heard.text
    guessed = Hearing(heard.text, (heard.mean,) * len(probabilities))
    assert believe(guessed, guessed) == ""


def test_likeness_is_of_what_is_spoken() -> None:
    assert measure_likeness(hearing("60.", 0.5), hearing("Sixty!", 0.5)) == 1
    assert measure_likeness(hearing("Amen.", 0.5), hearing("", 0.5)) == 0
    assert 0.6 < measure_likeness(hearing("Done.", 0.5), hearing("Don.", 0.5)) < 0.9


def test_a_second_hearing_that_is_no_text_is_not_chosen() -> None:
    """A loop is as probable as the loop is long."""
    assert choose(hearing("One moment.", 0.6), hearing("One. " * 9, 0.9)) == 0
    assert choose(hearing("One moment.", 0.6), hearing("One moment, please.", 0.9)) == 1


def test_a_loop_is_words_said_again_and_again() -> None:
    """Of a person who said "words, words, words, words" nothing was left."""
    assert is_loop("no no no no no no no")
    assert not is_loop("And here are some more words, words, words, words.")
    assert not is_loop("no, no, no, no, no!")
    assert is_loop("I think it is. The end of. The end of. The end of. The end of")
    assert not is_loop("one two one two three")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (hearing("Amen.", 0.3), hearing("Amen.", 0.3)),
        (hearing("Oh.", 0.9, 0.95), hearing("Oh.", 0.9, 0.95)),
        (hearing("Book a table at eight.", 0.7), hearing("Book a table at eight.", 0.7)),
        (hearing("Stop.", 0.9, 0.95), None),
        (hearing("You.", 0.9), hearing("Are.", 0.9)),
    ],
)
def test_nothing_is_measured_where_it_decides_nothing(one: Hearing, other: Hearing | None) -> None:
    """A quarter of the time that hearing took was Silero's and the murmurs', and seldom decided."""

    def fail(texts: tuple[str, ...] = ()) -> int:
        raise AssertionError("it was measured")

    find_doubt(one, other, fail, fail)


def test_the_beginning_of_a_sentence_is_told_if_it_was_heard_before() -> None:
    begun = hearing("I would like to bo", 0.7)
    assert doubt_partial(hearing("I would like to book a table.", 0.7), None) == "unsure"
    assert doubt_partial(hearing("I would like to book a table.", 0.7), begun) == ""
    assert doubt_partial(hearing("The conference is in it.", 0.7), begun) == "unsure"
    assert doubt_partial(hearing("I would like to book a table.", 0.5), begun) == "unsure"


@pytest.mark.parametrize("text", ["Amen.", "And then.", "You.", "Oh, yeah."])
def test_few_words_that_are_not_sure_are_told_when_they_have_ended(text: str) -> None:
    """Each of them stood on the screen for a moment while somebody coughed."""
    assert doubt_partial(hearing(text, 0.8), hearing(text, 0.8)) == "unsure"
    if text != "You.":
        assert doubt_partial(hearing(text, 0.95, 0.95), None) == ""


PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(tuple)
HEARINGS = st.builds(Hearing, st.text(max_size=30), PROBABILITIES, st.booleans())


@given(
    one=HEARINGS, other=HEARINGS, lead=st.floats(-100, 100), voice_ms=st.integers(0, 30_000)
)  # fmt: skip
def test_any_two_hearings_are_judged(
    one: Hearing, other: Hearing, lead: float, voice_ms: int
) -> None:
    """More evidence takes nothing away that was believed."""
    doubt = judge(one, other, lead, voice_ms)
    assert doubt in ("", "noise", "murmur", "loop")
    assert choose(one, other) in (0, 1)
    if not doubt:
        assert judge(one, other, lead + 1, voice_ms + 100) == ""
    assert doubt_partial(one, other) in ("", "noise", "murmur", "loop", "unsure")
    if not one.words:
        assert judge(one, one, lead, voice_ms)
