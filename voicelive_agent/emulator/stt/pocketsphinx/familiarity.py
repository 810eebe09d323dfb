"""How familiar words are: whether callers say them, one after another.

The recogniser's own language is that of news, where "but the table" is as good as "book a table".
Of the hypotheses that fit a sound, the familiar one is the better guess; where none is familiar,
nothing changes.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from voicelive_agent.emulator.stt import TranscriptWord

TALK = Path(__file__).with_name("desk_talk.txt")
_UNFAMILIAR = 0.02
"""A word this likely after those before it is as good as any other."""
_SHORTER = 0.4
"""What a likelihood is worth that was found with fewer words before it."""
_START, _END = "<s>", "</s>"

Words = tuple[str, ...]


class Familiarity:
    """Pairs and triples of words in sentences, smoothed after Witten and Bell.

    A word by itself is never familiar, or more words would always be better than few.
    """

    def __init__(self, sentences: Iterable[str]) -> None:
        self._followers: defaultdict[Words, Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            words = _frame(sentence.split())
            for at in range(2, len(words)):
                for start in (at - 2, at - 1):
                    self._followers[words[start:at]][words[at]] += 1

    def measure(self, words: Sequence[str]) -> float:
        """0 where nothing is familiar; each word adds to it that is likely after those before."""
        framed = _frame(words)
        return sum(
            math.log1p(self._likelihood(framed[at - 2 : at], framed[at]) / _UNFAMILIAR)
            for at in range(2, len(framed))
        )

    def _likelihood(self, before: Words, word: str) -> float:
        if not before:
            return 0.0
        shorter = self._likelihood(before[1:], word)
        followers = self._followers.get(before)
        if followers is None:
            return _SHORTER * shorter
        total, kinds = followers.total(), len(followers)
        return (followers[word] + kinds * shorter) / (total + kinds)


def read_talk() -> Familiarity:
    """What callers say to a front desk, as far as ``desk_talk.txt`` knows it."""
    lines = TALK.read_text(encoding="utf-8").splitlines()
    return Familiarity(line for line in lines if not line.startswith("#"))


def place_words(texts: Sequence[str], said: Sequence[TranscriptWord]) -> list[TranscriptWord]:
    """Words of another hypothesis, at the places of those in ``said`` that they stand for."""
    placed: list[TranscriptWord] = []
    matcher = SequenceMatcher(None, [word.text for word in said], texts, autojunk=False)
    for tag, first, last, begin, end in matcher.get_opcodes():
        if tag == "equal":
            placed += said[first:last]
        elif tag == "replace":
            placed += _share_out(texts[begin:end], said[first:last])
        elif tag == "insert":
            at_ms = placed[-1].offset_ms + placed[-1].duration_ms if placed else 0
            placed += [TranscriptWord(text, at_ms, 0) for text in texts[begin:end]]
    return placed


def _share_out(texts: Sequence[str], said: Sequence[TranscriptWord]) -> list[TranscriptWord]:
    """Time is shared out by letters; nobody knows how sure each word is."""
    start_ms = said[0].offset_ms
    span_ms = said[-1].offset_ms + said[-1].duration_ms - start_ms
    letters = sum(map(len, texts))
    placed, before = [], 0
    for text in texts:
        begin_ms = start_ms + span_ms * before // letters
        before += len(text)
        end_ms = start_ms + span_ms * before // letters
        placed.append(TranscriptWord(text, begin_ms, end_ms - begin_ms))
    return placed


def _frame(words: Sequence[str]) -> Words:
    return _START, _START, *words, _END
