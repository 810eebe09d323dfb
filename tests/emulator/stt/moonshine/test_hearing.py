"""Where the model repeats itself, each half is heard alone; a stand-in repeats what is long."""

from typing import Any

import numpy as np
import pytest

from voicelive_agent.emulator.stt.moonshine.consensus import AGREED
from voicelive_agent.emulator.stt.moonshine.hearing import (
    HALVED_MS,
    SURE_BEGINNING,
    Heard,
    hear,
)
from voicelive_agent.emulator.stt.moonshine.model import Decoding, Encoding, Samples

TEXTS = [b"", b" A.", b" good", b" morning"]
GOOD_MORNING = (2, 3)


class Model:
    """Writes "good morning" for what isn't longer than it can hear, else a letter without end."""

    vocabulary = TEXTS

    def __init__(self, longest_s: float, repeated: tuple[int, ...] = (1,) * 40) -> None:
        self._longest_s = longest_s
        self._repeated = repeated
        self.heard_s: list[float] = []

    def encode(self, samples: Samples) -> Encoding:
        return Encoding(samples[None], len(samples))

    def decode(self, encoding: Encoding, draft: Any = ()) -> Decoding:
        padded_s = encoding.samples / 16_000
        self.heard_s.append(padded_s)
        is_lost = padded_s - 0.6 > self._longest_s
        tokens = self._repeated if is_lost else GOOD_MORNING
        return Decoding(tokens, (0.95,) * (len(tokens) + 1), is_lost, {})

    def spell(self, tokens: tuple[int, ...]) -> str:
        return b"".join(self.vocabulary[token] for token in tokens).decode()


def talk(*parts_s: float) -> bytes:
    """Somebody who talks for so long each time, with pauses of half a second."""
    noise = np.random.default_rng(1).normal(0, 3000, 16_000 * 30).astype("<i2").tobytes()
    return bytes(16_000).join(noise[: int(seconds * 16_000) * 2] for seconds in parts_s)


def hear_of(model: Any, pcm: bytes, **given: Any) -> Heard:
    return hear(model, pcm, 1000, **given)


@pytest.mark.parametrize("seconds", [(6.0, 7.0), (9.0, 8.0), (5.0, 6.5)])
def test_where_the_model_repeats_itself_each_half_is_heard_alone(
    seconds: tuple[float, float],
) -> None:
    """Of 26 s on the telephone "A.A.A.A." was written, and with it all that was said was lost."""
    heard = hear_of(Model(10), talk(*seconds))
    assert heard.text == "good morning good morning"
    assert (heard.doubt, heard.is_final) == ("", True)
    offsets = [word.offset_ms for word in heard.words]
    assert offsets == sorted(offsets)
    assert offsets[0] == 1000
    assert abs(offsets[2] - 1000 - seconds[0] * 1000 - 500) <= 500


def test_a_half_is_halved_again() -> None:
    heard = hear_of(Model(6), talk(4.5, 4.5, 4.5, 4.5))
    assert heard.text == " ".join(["good morning"] * 4)


def test_what_is_short_is_no_speech_if_the_model_repeats_itself() -> None:
    model = Model(0.1)
    heard = hear_of(model, talk(HALVED_MS / 1000 - 0.1))
    assert (heard.text, len(model.heard_s)) == ("", 1)


def test_partial_text_waits_for_what_is_heard_for_good() -> None:
    """Nothing is taken back in the meantime, and the same is not kept as the final text."""
    model = Model(10)
    heard = hear_of(model, talk(6, 6), is_partial=True)
    assert (heard.text, heard.doubt, heard.is_final) == ("", "unsure", False)
    assert len(model.heard_s) == 1


class UnsureModel:
    """Writes one sentence for a sound and another for the same a little faster; neither surely."""

    vocabulary = (b"", b" I'm", b" a", b" doctor", b" an", b" actor", b" not", b" lawyer")
    _texts: tuple[tuple[int, ...], ...] = ((1, 2, 3, 6, 2, 7), (1, 4, 5, 6, 2, 7))

    def __init__(self, agreement: float, beginnings: tuple[float, float] = (0.6, 0.6)) -> None:
        self._agreement = agreement
        self._beginnings = beginnings
        self._attempts = 0

    def encode(self, samples: Samples) -> Encoding:
        return Encoding(samples[None], len(samples))

    def decode(self, encoding: Encoding, draft: Any = ()) -> Decoding:
        at, self._attempts = self._attempts, self._attempts + 1
        probabilities = (self._beginnings[at],) * 3 + (0.3,) * 4
        return Decoding(self._texts[at], probabilities, False, {})

    def force(self, decoding: Decoding, text: str) -> Decoding:
        return Decoding(decoding.tokens, (self._agreement,) * 7, False, {})

    def score(self, decoding: Decoding, text: str) -> float:
        return -1.0 if "doctor" in text else -2.0

    def spell(self, tokens: tuple[int, ...]) -> str:
        return b"".join(self.vocabulary[token] for token in tokens).decode()


@pytest.mark.parametrize(
    ("agreement", "text"), [(AGREED + 0.01, "I'm a doctor not a lawyer"), (AGREED - 0.01, "")]
)
def test_a_sentence_that_both_hearings_speak_for_is_believed(agreement: float, text: str) -> None:
    """Neither hearing of a whole sentence was sure, and 8 words were lost as another language."""
    heard = hear_of(UnsureModel(agreement), talk(2))
    assert heard.text == text
    assert bool(heard.doubt) is not bool(text)


class UnknownNameModel(UnsureModel):
    """Writes the same beginning each time, and another name behind it."""

    vocabulary = (b"", b" My", b" name", b" is", b" Dax", b" van", b" Hoibry", b" Hobread")
    _texts = ((1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 7))


@pytest.mark.parametrize(
    ("beginnings", "is_believed"),
    [
        ((0.95, SURE_BEGINNING + 0.01), True),
        ((0.95, SURE_BEGINNING - 0.01), False),
        ((SURE_BEGINNING - 0.01, 0.95), False),
    ],
)
def test_an_unknown_name_takes_nothing_of_a_sentence_that_begins_surely(
    beginnings: tuple[float, float], is_believed: bool
) -> None:
    """ "My name is Siobhan Nguyen." had no transcript, by each voice and though both names were
    listed: what the names were taken for was so improbable that all of it seemed foreign."""
    heard = hear_of(UnknownNameModel(0.3, beginnings), talk(2))
    assert heard.text.startswith("My name is") == is_believed
    assert bool(heard.doubt) is not is_believed


def test_beginnings_that_differ_are_not_sure() -> None:
    assert hear_of(UnsureModel(AGREED - 0.01, (0.95, 0.95)), talk(2)).text == ""
