"""What is written out for an engine can be followed back to the clause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts.text.spoken_form import write_out


@pytest.mark.parametrize(
    ("clause", "spoken"),
    [
        ("It is 52°F now.", "It is 52 degrees Fahrenheit now."),
        ("It is -3 °C.", "It is -3 degrees Celsius."),
        ("Ask Dr. Smith or Mrs. Jones.", "Ask Dr Smith or Mrs Jones."),
        ("That is $7.50, please.", "That is 7 dollars and 50 cents, please."),
        ("$1, $1.01, $1,200", "1 dollar, 1 dollar and 1 cent, 1,200 dollars"),
        ("£2.01 and €20", "2 pounds and 1 penny and 20 euros"),
        ("$3.5 million", "$3.5 million"),
        ("<speak>x</speak> [[h@l]] & so", "<speak>x</speak> [[h@l]] & so"),
        ("a\x01b\x00c\x7fd\x9fe\ud800f", "a b c d e f"),
        ("Version 5°Free", "Version 5°Free"),
    ],
)
def test_english(clause: str, spoken: str) -> None:
    assert write_out(clause, "en-US").text == spoken


def test_other_languages_are_left_to_the_engine() -> None:
    assert (
        write_out("Es sind 5°C, Dr. Maier: $7.50", "de-DE").text == "Es sind 5°C, Dr. Maier: $7.50"
    )


def test_positions_lead_back() -> None:
    form = write_out("It is 52°F for Dr. Smith.")
    assert form.origin(form.text.index("degrees")) == 8
    assert form.origin(form.text.index("Smith")) == 19
    assert form.origin(10_000) == 24
    assert form.origin(-1) == 0


@given(st.one_of(st.text(), st.text("$1.50°F, Dr \x01")))
def test_any_text_keeps_its_order_and_can_be_encoded(clause: str) -> None:
    form = write_out(clause)
    form.text.encode()
    assert len(form.origins) == len(form.text)
    assert list(form.origins) == sorted(form.origins)
    assert all(0 <= origin < len(clause) for origin in form.origins)
    assert "\x00" not in form.text
