"""Phonemes have the mouth shapes that Azure Speech gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts import Viseme
from voicelive_agent.emulator.tts.text.visemes import find_viseme, read_visemes


@pytest.mark.parametrize(
    ("phoneme", "viseme"),
    [
        ("", 0), ("æ", 1), ("ə", 1), ("ˈɑː", 2), ("ɔː", 3), ("ˌɛ", 4), ("ʊ", 4), ("ɚ", 5),
        ("ˈiː", 6), ("j", 6), ("w", 7), ("ˈuː", 7), ("ˈoʊ", 8), ("aʊ", 9), ("ɔɪ", 10), ("ˈaɪ", 11),
        ("h", 12), ("ɹ", 13), ("l", 14), ("s", 15), ("z", 15), ("tʃ", 16), ("dʒ", 16), ("ʃ", 16),
        ("ð", 17), ("f", 18), ("v", 18), ("t", 19), ("θ", 19), ("k", 20), ("ŋ", 20), ("ɡ", 20),
        ("p", 21), ("b", 21), ("m", 21), ("ɔːɹ", 3), ("əl", 14), ("†", 0),
    ],
)  # fmt: skip
def test_phonemes(phoneme: str, viseme: int) -> None:
    assert find_viseme(phoneme) == viseme


@given(st.text(max_size=6))
def test_any_phoneme_has_an_id_that_azure_knows(phoneme: str) -> None:
    assert 0 <= find_viseme(phoneme) <= 21


def test_offsets_stay() -> None:
    assert read_visemes([("m", 10), ("", 80)]) == [Viseme(21, 10), Viseme(0, 80)]
