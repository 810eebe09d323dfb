"""pocketsphinx on one utterance at a time: the large vocabulary and, beside it, the phrases.

pocketsphinx holds the GIL while it works, so this lives in processes of its own
(``emulator.stt.pocketsphinx.process``). What a session's speaker taught it travels with each
utterance as ``cmn``, so that any process can serve any session.

An utterance whose phrases' grammar ended in a final state, with sounds that fit, is what the
grammar heard. Otherwise it is what the large vocabulary heard, the familiar before the unfamiliar,
where words that sound like a phrase are listened to again and replaced if the sound fits the
phrase as well.
"""

import itertools
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pocketsphinx

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, TranscriptWord
from voicelive_agent.emulator.stt.phrases import Phrase, parse_phrases, write_grammar
from voicelive_agent.emulator.stt.pocketsphinx.familiarity import place_words, read_talk
from voicelive_agent.emulator.stt.pocketsphinx.pronunciation import pronounce
from voicelive_agent.emulator.stt.pocketsphinx.spotting import Likeness, find_likenesses

FRAME_MS = 10
GRAMMAR_FIT = -3.2e-3
"""Mean logarithmic score of a speech frame, relative to the best sound of all, from which on a
grammar's result is believed. Measured: -0.7e-3 to -2.6e-3 for sentences of the grammar (-3.7e-3
for the most robotic voice), -3.8e-3 and less for others forced into it."""
SILENCE_FIT = -2e-3
"""What a frame of silence should reach: words may hide in one that doesn't."""
MISFIT = 75e-3
"""How much one word or silence may fall short of these, over all its frames."""
PHRASE_BONUS = 1.2e-3
"""How much worse a phrase may fit a frame than the words that it replaces."""
HYPOTHESES = 50
FAMILIARITY_WEIGHT = 1e-2
"""What familiar words may cost in score. Measured: a front desk's sentences gain from half of it
on (a voice's 18 % of wrong words become 7 %); from half as much more on, others lose."""
LIKENESSES_LIMIT = 3
DOUBTFUL = 0.95
"""Words of a lower posterior may be other words; right ones mostly have 1."""
MARGIN_MS = 100
SEGMENT_MS = 20_000
"""A longer utterance is recognised in parts, cut where it is quiet, to bound memory."""
SEGMENT_LIMIT_MS = 30_000
QUIET_SHARE = 0.2
"""Of the mean level: less is a place to cut at."""
_LEVEL_STEP = 8
GRAMMARS_LIMIT = 8
_MODEL = "en-us/en-us"
_DICTIONARY = "en-us/cmudict-en-us.dict"
_LANGUAGE_MODEL = "en-us/en-us.lm.bin"
_AGAIN = "again"
_NO_WORD = "(NULL)"
_LEAST_SCORE = 1e-300
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000


@dataclass(slots=True)
class Result:
    """What an utterance said, as plain values that travel between processes."""

    text: str = ""
    words: list[TranscriptWord] = field(default_factory=list)
    from_phrases: bool = False
    cmn: str | None = None
    """What was learned of the speaker; None where nothing was recognised."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class SphinxDecoder:
    """Loads on construction: half a second, 130 MB."""

    def __init__(self, *, accurate: bool = False) -> None:
        """``accurate`` adds a second pass: a tenth of a second more at the end."""
        self._decoder = _open_decoder(
            lm=pocketsphinx.get_model_path(_LANGUAGE_MODEL), fwdflat=accurate
        )
        self._fresh_cmn: str = self._decoder.get_cmn()
        self._familiarity = read_talk()
        self._phrases = _PhraseDecoder()
        self._cmn = self._fresh_cmn
        self._segment = _Segment()
        self._done: list[TranscriptWord] = []
        self._offset_ms = 0
        self._listens_for_phrases = False

    def begin(self, cmn: str | None, phrases: Sequence[str]) -> None:
        """Start an utterance. Never raises for phrases that can't be used."""
        self._cmn = cmn or self._fresh_cmn
        _start(self._decoder, self._cmn)
        self._segment = _Segment()
        self._done = []
        self._offset_ms = 0
        self._listens_for_phrases = self._phrases.begin(phrases, self._cmn)

    def feed(self, pcm: bytes) -> str:
        """Add audio; the text so far."""
        self._decoder.process_raw(pcm)
        if self._listens_for_phrases:
            self._phrases.feed(pcm)
        if self._segment.add(pcm):
            self._cut()
        heard = self._decoder.hyp()
        text = [word.text for word in self._done]
        return " ".join([*text, heard.hypstr] if heard and heard.hypstr else text)

    def finish(self) -> Result:
        """The final result; the next utterance may begin."""
        self._decoder.end_utt()
        heard = self._read_words()
        found = None
        if self._listens_for_phrases:
            found = self._phrases.finish()
            if found is None and heard:
                found = self._phrases.listen_again(heard, bytes(self._segment.pcm), self._cmn)
        from_phrases = found is not None
        said = self._done + (self._prefer_familiar(heard) if found is None else found)
        text = " ".join(word.text for word in said)
        return Result(text, said, from_phrases, self._decoder.get_cmn(True) if text else None)

    def discard(self) -> None:
        """End the utterance without a result."""
        self._decoder.end_utt()
        if self._listens_for_phrases:
            self._phrases.discard()

    def _cut(self) -> None:
        """Recognise what came so far for good, and go on with the next part."""
        self._decoder.end_utt()
        self._done += self._prefer_familiar(self._read_words())
        self._offset_ms += self._segment.duration_ms
        self._segment = _Segment()
        self._decoder.start_utt()
        if self._listens_for_phrases:
            self._listens_for_phrases = False
            self._phrases.discard()

    def _read_words(self) -> list[TranscriptWord]:
        segments = self._decoder.seg() or ()
        return list(_read_words(segments, self._offset_ms, lambda segment: segment.prob))

    def _prefer_familiar(self, said: list[TranscriptWord]) -> list[TranscriptWord]:
        """These words, or those of another hypothesis that is the better for being familiar."""
        hypotheses = [
            (hypothesis.hypstr.split(), math.log(max(hypothesis.score, _LEAST_SCORE)))
            for hypothesis in itertools.islice(self._decoder.nbest() or (), HYPOTHESES)
            if hypothesis is not None and hypothesis.hypstr
        ]
        if not hypotheses or not said:
            return said
        words, _ = max(
            hypotheses,
            key=lambda one: one[1] + FAMILIARITY_WEIGHT * self._familiarity.measure(one[0]),
        )
        return said if words == hypotheses[0][0] else place_words(words, said)


class _Segment:
    """The audio of an utterance's current part, and whether to cut after it."""

    def __init__(self) -> None:
        self.pcm = bytearray()
        self._level = 0.0

    @property
    def duration_ms(self) -> int:
        return len(self.pcm) // _BYTES_PER_MS

    def add(self, pcm: bytes) -> bool:
        """Whether the part is long enough and ends quietly, or is too long."""
        self.pcm += pcm
        samples = array("h", pcm[: len(pcm) // 2 * 2])[::_LEVEL_STEP]
        level = sum(map(abs, samples)) / max(len(samples), 1)
        self._level += (level - self._level) * len(pcm) / max(len(self.pcm), 1)
        if self.duration_ms < SEGMENT_MS:
            return False
        return level < self._level * QUIET_SHARE or self.duration_ms >= SEGMENT_LIMIT_MS


class _PhraseDecoder:
    """A decoder that hears phrases only; it takes a thirtieth of real time."""

    def __init__(self) -> None:
        # A lattice of a grammar with repetitions explodes, so there is no second pass over it.
        self._decoder = _open_decoder(bestpath=False, fwdflat=False)
        self._grammars: dict[tuple[str, ...], list[Phrase]] = {}
        self._phrases: list[Phrase] = []
        self._added: set[str] = set()
        """Words that the large vocabulary hasn't, and is sure to hear as others."""

    def begin(self, texts: Sequence[str], cmn: str) -> bool:
        """Listen for these phrases; False where there is none that can be heard."""
        key = tuple(texts)
        phrases = self._grammars.pop(key, None)
        if phrases is None:
            phrases = self._load(key)
        # The one used last is the last one to go.
        self._grammars[key] = phrases
        self._phrases = phrases
        if not phrases:
            return False
        self._decoder.activate_search(_grammar_name(key))
        _start(self._decoder, cmn)
        return True

    def feed(self, pcm: bytes) -> None:
        self._decoder.process_raw(pcm)

    def discard(self) -> None:
        self._decoder.end_utt()

    def finish(self) -> list[TranscriptWord] | None:
        """The words, where the utterance was phrases and nothing else."""
        self._decoder.end_utt()
        fit = self._measure_fit()
        if fit is None or fit < GRAMMAR_FIT:
            return None
        confidence = 1 - fit / GRAMMAR_FIT / 2
        return list(_read_words(self._decoder.seg(), 0, lambda segment: confidence))

    def listen_again(
        self, said: list[TranscriptWord], pcm: bytes, cmn: str
    ) -> list[TranscriptWord] | None:
        """What was said with phrases in the place of words that sound like them, if that fits.

        None where nothing is to be replaced.
        """
        plain = [phrase.plain for phrase in self._phrases if phrase.plain]
        texts = [word.text for word in said]
        doubtful = [(word.confidence or 0) < DOUBTFUL for word in said]
        likenesses = [
            likeness
            for likeness in find_likenesses(texts, plain, self._find_phones)
            if any(doubtful[likeness.start : likeness.end])
            or not self._added.isdisjoint(likeness.phrase)
        ]
        replacements: dict[int, tuple[int, list[TranscriptWord]]] = {}
        taken: set[int] = set()
        for likeness in likenesses[:LIKENESSES_LIMIT]:
            span = range(likeness.start, likeness.end)
            if taken.isdisjoint(span) and (words := self._compare(said, likeness, pcm, cmn)):
                taken.update(span)
                replacements[likeness.start] = likeness.end, words
        if not replacements:
            return None
        result: list[TranscriptWord] = []
        at = 0
        while at < len(said):
            at, words = replacements.get(at, (at + 1, [said[at]]))
            result += words
        return result

    def _compare(
        self, said: list[TranscriptWord], likeness: Likeness, pcm: bytes, cmn: str
    ) -> list[TranscriptWord] | None:
        """The phrase's words, if it fits the audio of the words that it resembles as well."""
        first, last = said[likeness.start], said[likeness.end - 1]
        start_ms = max(first.offset_ms - MARGIN_MS, 0)
        end_ms = last.offset_ms + last.duration_ms + MARGIN_MS
        before = [word.text for word in said[: likeness.start] if _end_ms(word) > start_ms]
        after = [word.text for word in said[likeness.end :] if word.offset_ms < end_ms]
        audio = pcm[start_ms * _BYTES_PER_MS : end_ms * _BYTES_PER_MS]
        heard = tuple(word.text for word in said[likeness.start : likeness.end])
        heard_score, _ = self._fit(audio, cmn, before, heard, after)
        score, found = self._fit(audio, cmn, before, likeness.phrase, after)
        for at in range(len(found) - len(likeness.phrase) + 1):
            words = found[at : at + len(likeness.phrase)]
            if tuple(word.text for word in words) == likeness.phrase:
                span_ms = _end_ms(words[-1]) - words[0].offset_ms
                is_as_good = score >= heard_score - PHRASE_BONUS * span_ms / FRAME_MS
                return [_shift(word, start_ms) for word in words] if is_as_good else None
        return None

    def _fit(
        self, audio: bytes, cmn: str, before: list[str], words: Sequence[str], after: list[str]
    ) -> tuple[float, list[TranscriptWord]]:
        """How well these words fit the audio, as a natural logarithm, and where they are in it."""
        sentence = f"{_optional(before)} {' '.join(words)} {_optional(after)}"
        grammar = f"#JSGF V1.0; grammar again; public <utterance> = {sentence};"
        self._decoder.add_jsgf_string(_AGAIN, grammar)
        self._decoder.activate_search(_AGAIN)
        try:
            _start(self._decoder, cmn)
            self._decoder.process_raw(audio)
            self._decoder.end_utt()
            heard = self._decoder.hyp()
            if heard is None or heard.score <= 0:
                return -math.inf, []
            found = list(_read_words(self._decoder.seg(), 0, lambda segment: None))
            return math.log(heard.score), found
        finally:
            self._decoder.remove_search(_AGAIN)

    def _measure_fit(self) -> float | None:
        """The mean score of a frame of speech; None where the result is not to be believed.

        That is where the grammar's end was not reached, or some word, or a silence that may hide
        words, fits badly for long.
        """
        heard = self._decoder.hyp()
        if heard is None or not heard.hypstr:
            return None
        frames, score = 0, 0.0
        for segment in self._decoder.seg():
            if segment.word == _NO_WORD:
                continue
            size = segment.end_frame - segment.start_frame + 1
            fit = math.log(max(segment.ascore, _LEAST_SCORE))
            is_word = _is_word(segment.word)
            if size * (GRAMMAR_FIT if is_word else SILENCE_FIT) - fit > MISFIT:
                return None
            if is_word:
                frames += size
                score += fit
        return score / frames if frames else None

    def _load(self, texts: tuple[str, ...]) -> list[Phrase]:
        phrases = [phrase for phrase in parse_phrases(texts) if all(map(self._learn, phrase.words))]
        while len(self._grammars) >= GRAMMARS_LIMIT:
            oldest = next(iter(self._grammars))
            if self._grammars.pop(oldest):
                self._decoder.remove_search(_grammar_name(oldest))
        if phrases:
            self._decoder.add_jsgf_string(_grammar_name(texts), write_grammar(phrases))
        return phrases

    def _learn(self, word: str) -> bool:
        """Whether the word can be heard; one that the dictionary hasn't is added to it."""
        if self._decoder.lookup_word(word) is not None:
            return True
        readings = pronounce(word, self._decoder.lookup_word)
        self._added.add(word)
        for number, reading in enumerate(readings, 1):
            self._decoder.add_word(word if number == 1 else f"{word}({number})", reading, False)
        return bool(readings)

    def _find_phones(self, word: str) -> tuple[str, ...]:
        return tuple((self._decoder.lookup_word(word) or "").split())


def _open_decoder(**options: Any) -> Any:
    return pocketsphinx.Decoder(
        pocketsphinx.Config(
            hmm=pocketsphinx.get_model_path(_MODEL),
            dict=pocketsphinx.get_model_path(_DICTIONARY),
            loglevel="FATAL",
            **options,
        )
    )


def _start(decoder: Any, cmn: str) -> None:
    # The running sums behind the mean are no business of the next utterance: it may be
    # another session's.
    decoder.reinit_feat()
    decoder.set_cmn(cmn)
    decoder.start_utt()


def _grammar_name(texts: tuple[str, ...]) -> str:
    return f"phrases {hash(texts)}"


def _optional(words: Sequence[str]) -> str:
    """The words of a sentence's edge, each of which may be cut off."""
    return " ".join(f"[{word}]" for word in words)


def _end_ms(word: TranscriptWord) -> int:
    return word.offset_ms + word.duration_ms


def _shift(word: TranscriptWord, ms: int) -> TranscriptWord:
    return replace(word, offset_ms=word.offset_ms + ms)


def _is_word(text: str) -> bool:
    """Not silence (``<sil>``), noise (``[NOISE]``), a hesitation (``++UM++``) or ``_NO_WORD``."""
    return not text.startswith(("<", "[", "+", "("))


def _read_words(
    segments: Iterable[Any], offset_ms: int, find_confidence: Callable[[Any], float | None]
) -> Iterator[TranscriptWord]:
    for segment in segments:
        if _is_word(segment.word):
            yield TranscriptWord(
                segment.word.partition("(")[0],
                offset_ms + segment.start_frame * FRAME_MS,
                (segment.end_frame - segment.start_frame + 1) * FRAME_MS,
                find_confidence(segment),
            )
