"""What is written out for an engine can be followed back to the clause."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelive_agent.emulator.tts.text.spoken_form import write_out
from voicelive_agent.emulator.tts.text.words import WordAligner

LANGUAGES = ["en-US", "en-GB", "de-DE", "de-CH", "fr-FR", "es-ES", "es-MX", "it-IT", "ja-JP"]
PIECES = (
    "1 12 3.5 1,5 1.234 2026 $ € - – / : . , M k Uhr h pm a.m. Oktober Nov de mai °C km ½ IV XIV "
    "Louis Dr. No. # @ + (206) 555 0100 1st º er % x = Sa St. v2.0 A1B2 ' \" 1/2 0 the e"
)
FORMS = st.lists(
    st.sampled_from([*PIECES.split(), " ", " ", "\u00a0"]),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("clause", "spoken"),
    [
        ("a\x01b\x00c\x7fd\x9fe\ud800f", "a b c d e f"),
        ("<speak>x</speak> [[h@l]] so", "<speak>x</speak> [[h@l]] so"),
        ("Nothing to write out here, is there?", "Nothing to write out here, is there?"),
        ("It is 5. Fine", "It is five. Fine"),
        ("See you on Nov. 28.", "See you on November twenty-eighth."),
        ("5kg,5kg", "five kilograms,five kilograms"),
    ],
)
def test_english(clause: str, spoken: str) -> None:
    assert write_out(clause, "en-US").text == spoken


@pytest.mark.parametrize(
    ("language", "clause", "spoken"),
    [
        ("en-US", "on 3/4", "on March fourth"),
        ("en-GB", "on 3/4", "on April third"),
        ("es-ES", "1.234,50 $", "mil doscientos treinta y cuatro dólares con cincuenta centavos"),
        ("es-MX", "$1,234.50", "mil doscientos treinta y cuatro pesos con cincuenta centavos"),
        ("de-DE", "3,5", "drei Komma fünf"),
        ("de-CH", "1'000.50", "eintausend Punkt fünf null"),
    ],
)
def test_regions_of_a_language_write_otherwise(language: str, clause: str, spoken: str) -> None:
    assert write_out(clause, language).text == spoken


def test_a_language_without_a_table_is_left_to_the_engine() -> None:
    assert write_out("Kost 5 €, Dr. Jansen", "nl-NL").text == "Kost 5 €, Dr. Jansen"


def test_positions_lead_back() -> None:
    form = write_out("It is 52°F for Dr. Smith.")
    assert 6 <= form.origin(form.text.index("degrees")) < 10
    assert form.origin(form.text.index("Smith")) == 19
    assert form.origin(10_000) == 24
    assert form.origin(-1) == 0


def test_words_of_a_form_are_spread_over_its_words() -> None:
    """All of "November 28, 2026" was timed as its first word, and the others took no time."""
    clause = "On November 28, 2026 we met."
    form = write_out(clause)
    assert form.text == "On November twenty-eighth, twenty twenty-six we met."
    aligner = WordAligner(clause)
    starts = [match.start() for match in re.finditer(r"\S+", form.text)]
    words = aligner.add([(form.origin(start), 100 * at) for at, start in enumerate(starts)])
    words += aligner.finish(100 * len(starts))
    assert [word.text for word in words] == clause.split()
    assert all(word.duration_ms for word in words)
    assert form.origin(form.text.rindex("we")) == clause.index("we")


@given(st.one_of(st.text(), st.text("$1.50°F, Dr \x01"), FORMS), st.sampled_from(LANGUAGES))
@settings(deadline=None)
def test_any_text_keeps_its_order_and_can_be_encoded(clause: str, language: str) -> None:
    form = write_out(clause, language)
    form.text.encode()
    assert len(form.origins) == len(form.text)
    assert list(form.origins) == sorted(form.origins)
    assert all(0 <= origin < len(clause) for origin in form.origins)
    assert "\x00" not in form.text


@given(
    st.lists(
        st.sampled_from(
            ["we", "went", "to", "the", "house", "and", "saw", "nothing", "but", "rain"]
        ),
        max_size=20,
    )
)
def test_plain_words_stay_as_they_are(words: list[str]) -> None:
    clause = " ".join(words)
    assert write_out(clause).text == clause


@given(st.integers(0, 10**9), st.sampled_from(LANGUAGES[:-1]))
@settings(deadline=None)
def test_no_digit_of_a_number_is_left(number: int, language: str) -> None:
    assert not any(map(str.isdigit, write_out(f"x {number} y", language).text))
