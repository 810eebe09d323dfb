"""What Moonshine heard in a piece of speech: its words, where they stand, and how sure it is."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.stt.moonshine.biasing import Guess, ListedPhrase, bias
from voicelive_agent.emulator.stt.moonshine.doubt import find_doubt
from voicelive_agent.emulator.stt.moonshine.model import Decoding, Encoding, MoonshineModel

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


def hear(
    model: MoonshineModel, pcm: bytes, offset_ms: int = 0, phrases: Sequence[ListedPhrase] = ()
) -> Heard:
    """What was said in PCM16; ``offset_ms`` is where it stands in the utterance. It blocks."""
    began_s = time.thread_time()
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    duration_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
    encoding = model.encode(np.pad(samples, PADDING_MS * SAMPLE_RATE_HZ // 1000))
    decoding = model.decode(encoding)
    text = model.spell(decoding.tokens).strip()
    start_ms, end_ms = find_span(samples)
    doubt = find_doubt(decoding, text, end_ms - start_ms)
    words: tuple[HeardWord, ...] = ()
    if not doubt:
        words = tuple(place_words(model, decoding, offset_ms + start_ms, offset_ms + end_ms))
        words = tuple(put_phrases(model, encoding, words, phrases))
    return Heard(words, duration_ms, time.thread_time() - began_s, doubt)


def put_phrases(
    model: MoonshineModel,
    encoding: Encoding,
    words: Sequence[HeardWord],
    phrases: Sequence[ListedPhrase],
) -> Iterator[HeardWord]:
    """The words, with listed phrases in place of what was misheard for them."""
    guesses = [Guess(word.text, word.probability) for word in words]
    chosen = bias(guesses, phrases, partial(model.score, encoding)) if phrases else []
    at = 0
    for start, end, text in chosen:
        yield from words[at:start]
        yield from _share(text, words[start:end])
        at = end
    yield from words[at:]


def _share(text: str, words: Sequence[HeardWord]) -> Iterator[HeardWord]:
    """The words of a text, which share evenly the time of those that were heard for it."""
    texts = text.split()
    start_ms, last = words[0].offset_ms, words[-1]
    each_ms = (last.offset_ms + last.duration_ms - start_ms) / len(texts)
    sure = min(word.probability for word in words)
    for number, one in enumerate(texts):
        yield HeardWord(one, sure, round(start_ms + number * each_ms), round(each_ms))


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
