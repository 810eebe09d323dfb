"""Readings of words that no dictionary has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.pocketsphinx.pronunciation import pronounce

DICTIONARY = {"smart": "S M AA R T", "desk": "D EH S K", "chianti": "K IY AA N T IY"}
PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V "
    "W Y Z ZH"
)


@pytest.mark.parametrize(
    ("word", "reading"),
    [
        ("smartdesk", "S M AA R T D EH S K"),
        ("chianti's", "K IY AA N T IY Z"),
        ("kpmg", "K EY P IY EH M JH IY"),
        ("fabrikam", "F AE B R IH K AE M"),
        ("zava", "Z AE V AH"),
        ("zzyzx", "Z IH Z K S"),
        ("shing", "SH IH NG"),
        ("tate", "T EY T"),
        ("celo", "S EH L OW"),
    ],
)
def test_readings(word: str, reading: str) -> None:
    assert reading in pronounce(word, DICTIONARY.get)


@pytest.mark.parametrize("word", ["", "日本", "'", "naïve", "a1"])
def test_letters_that_english_has_not(word: str) -> None:
    assert pronounce(word, DICTIONARY.get) == ()


@given(st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=20))
def test_phones_are_those_of_the_model(word: str) -> None:
    for reading in pronounce(word, DICTIONARY.get):
        assert set(reading.split()) <= set(PHONES.split())
