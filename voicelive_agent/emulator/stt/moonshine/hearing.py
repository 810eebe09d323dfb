"""What Moonshine heard in a piece of speech: its words, where they stand, and how sure it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.stt.moonshine.doubt import find_doubt
from voicelive_agent.emulator.stt.moonshine.model import Decoding, MoonshineModel

PADDING_MS = 300
"""Silence put around the sound; the model errs more where speech touches an end."""
_BLOCK_SAMPLES = SAMPLE_RATE_HZ // 100
_AUDIBLE = 0.1
"""A block this loud, of the loudest, belongs to what was said."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    text: str
    probability: float
    offset_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of speech, ``duration_ms`` long; without words where nothing is to be believed."""

    words: tuple[HeardWord, ...]
    duration_ms: int
    cost_s: float
    doubt: str = ""
    """Why it isn't believed, as ``find_doubt`` says."""

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def hear(model: MoonshineModel, pcm: bytes, offset_ms: int = 0) -> Heard:
    """What was said in PCM16; ``offset_ms`` is where it stands in the utterance. It blocks."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    duration_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
    decoding = model.decode(np.pad(samples, PADDING_MS * SAMPLE_RATE_HZ // 1000))
    text = model.spell(decoding.tokens).strip()
    start_ms, end_ms = find_span(samples)
    if doubt := find_doubt(decoding, text, end_ms - start_ms):
        return Heard((), duration_ms, decoding.cost_s, doubt)
    words = tuple(place_words(model, decoding, offset_ms + start_ms, offset_ms + end_ms))
    return Heard(words, duration_ms, decoding.cost_s)


def find_span(samples: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Where in the samples something is audible, in ms."""
    whole = len(samples) - len(samples) % _BLOCK_SAMPLES
    if not whole:
        return 0, 0
    levels = np.sqrt(np.mean(samples[:whole].reshape(-1, _BLOCK_SAMPLES) ** 2, axis=1))
    loud = np.flatnonzero(levels >= levels.max() * _AUDIBLE)
    return int(loud[0]) * 10, int(loud[-1] + 1) * 10


def place_words(
    model: MoonshineModel, decoding: Decoding, start_ms: int, end_ms: int
) -> Iterator[HeardWord]:
    """The words; the model doesn't tell when, so letters share the time evenly."""
    starts = [
        at
        for at, token in enumerate(decoding.tokens)
        if at == 0 or model.vocabulary[token].startswith(b" ")
    ]
    spans = list(pairwise([*starts, len(decoding.tokens)]))
    texts = [model.spell(decoding.tokens[start:end]).strip() for start, end in spans]
    letters = sum(len(text) + 1 for text in texts)
    at_ms = float(start_ms)
    for text, (start, end) in zip(texts, spans, strict=True):
        duration_ms = (end_ms - start_ms) * (len(text) + 1) / letters
        if text:
            sure = min(decoding.probabilities[start:end])
            yield HeardWord(text, sure, round(at_ms), round(duration_ms))
        at_ms += duration_ms
