"""Text that a voice has no sounds for is found, and left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts.text.scripts import drop_unsayable, find_unsayable


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [
        ("你好", "en-US", "Chinese or Japanese"),
        ("Say 東京 now", "de", "Chinese or Japanese"),
        ("こんにちは", "en-GB", "Japanese"),
        ("Привет", "it-IT", "Cyrillic"),
        ("한국", "fr-FR", "Korean"),
        ("αβγ", "en", "Greek"),
        ("مرحبا", "es", "Arabic"),
        ("ไทย", "en", "Thai"),
        ("你好", "cmn", None),
        ("你好", "zh-TW", None),
        ("東京です", "ja-JP", None),
        ("Привет", "ru-RU", None),
        ("café naïve Łódź ½ π 😀", "en-US", None),
    ],
)
def test_the_script_is_named(text: str, language: str, script: str | None) -> None:
    assert find_unsayable(text, language) == script


def test_only_those_letters_are_left_out() -> None:
    """A kanji was read as "Chinese letter", and nothing said that the voice can't."""
    assert drop_unsayable("Say 東京 now", "en-US") == "Say    now"
    assert drop_unsayable("2πr", "en-US") == "2πr"


@given(st.text(), st.sampled_from(["en-US", "ja", "ru", "xx-YY", "", "zh-Hant-TW"]))
def test_positions_stay(text: str, language: str) -> None:
    dropped = drop_unsayable(text, language)
    assert len(dropped) == len(text)
    assert find_unsayable(dropped, language) is None
