"""What the benchmark of invented words counts, and which clips chose the bounds it measures."""

import numpy as np
import pytest

from benchmarks.invented_words import Count, is_hesitation, mix
from benchmarks.sounds import Clip
from voicelive_agent.emulator.stt import Transcript


@pytest.mark.parametrize("text", ["", "Um.", "Uh-huh.", "Mhm", "Oh, yeah."])
def test_a_hesitation_is_not_invented(text: str) -> None:
    assert is_hesitation(text)


def test_words_where_there_are_none_are_invented_and_words_without_text_missed() -> None:
    murmurs, words = Count(), Count()
    for text in ("", "Uh.", "I say."):
        murmurs.add(Clip("murmur", "slt", "aha", b""), [Transcript(text)])
    words.add(Clip("word", "prompts", "seven", b""), [Transcript("Seven.")])
    words.add(Clip("word", "prompts", "eighty", b""), [Transcript("80.")])
    words.add(Clip("word", "prompts", "ninth", b""), [Transcript("Night.")])
    words.add(Clip("word", "prompts", "eight", b""), [])
    assert (murmurs.clips, murmurs.texts, murmurs.invented) == (3, 2, 1)
    assert (words.clips, words.turns, words.texts, words.right) == (4, 3, 3, 2)
    assert words.invented == 0
    assert words.examples == ["prompts 'eight' -> ''"]


@pytest.mark.parametrize(
    ("source", "is_held_out"),
    [
        ("hedgewars:Default_pl", False),
        ("hibari:heart", False),
        ("teeworlds-data", True),
        ("en-gb+m3", True),
        ("fillets-ng-data-nl", True),
        ("it", False),
        ("klettres:en", False),
        ("klettres:en_GB", True),
    ],
)
def test_held_out_is_what_chose_no_bound(source: str, is_held_out: bool) -> None:
    assert Clip("murmur", source, "", b"").is_held_out is is_held_out


def test_a_background_lies_under_a_sound_from_end_to_end() -> None:
    pcm, other = np.zeros(5, "<i2").tobytes(), np.array([100, 200], "<i2").tobytes()
    assert np.frombuffer(mix(pcm, other, 0.5), "<i2").tolist() == [50, 100, 50, 100, 50]
