"""Numbers as words."""

import pytest

from voicelive_agent.emulator.stt.numerals import spell_number


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("13", "thirteen"),
        ("20", "twenty"),
        ("99", "ninety nine"),
        ("100", "one hundred"),
        ("115", "one hundred fifteen"),
        ("2026", "two thousand twenty six"),
        ("9999", "nine thousand nine hundred ninety nine"),
        ("00", "zero zero"),
        ("5551234", "five five five one two three four"),
    ],
)
def test_spelled(digits: str, words: str) -> None:
    assert spell_number(digits) == words
