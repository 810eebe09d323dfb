"""Word timings: from the marks of an engine to the spoken words of a clause.

A word is a whitespace-separated token of the clause. An engine marks more than that ("$7.50" has
five marks) or less ("—" has none); a token begins at its first mark and ends where the next one
begins, or where the engine pauses before that.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from voicelive_agent.emulator.tts import SpokenWord
from voicelive_agent.emulator.tts.worker import PhonemeMark, WordMark

_TOKEN = re.compile(r"\S+")


class WordAligner:
    """Collects the marks of one clause; gives each word once its end is known."""

    def __init__(self, clause: str) -> None:
        self._tokens = [match.group() for match in _TOKEN.finditer(clause)]
        self._ends = [match.end() for match in _TOKEN.finditer(clause)]
        self._given = 0
        """How many tokens were given out."""
        self._began_ms: int | None = None
        """Where the token after those began, once it has."""
        self._pause_ms: int | None = None
        """Where the engine fell silent, unless it has spoken since."""
        self._end_ms = 0

    def add(
        self, words: Iterable[WordMark], phonemes: Iterable[PhonemeMark] = ()
    ) -> list[SpokenWord]:
        """Take marks, in the order of time; the words that are complete by now."""
        marks = [(offset, 2 if ipa.strip() else 0, 0) for ipa, offset in phonemes]
        marks += [(offset, 1, start) for start, offset in words]
        spoken: list[SpokenWord] = []
        # At one offset, a pause ends what was before, and a phoneme belongs to what follows.
        for offset, kind, start in sorted(marks):
            if kind == 0:
                self._pause_ms = offset if self._pause_ms is None else self._pause_ms
                continue
            if kind == 1:
                token = bisect_right(self._ends, start)
                if token > self._given or (token == self._given and self._began_ms is None):
                    spoken += self._give_until(token, offset)
                    self._began_ms = max(offset, self._end_ms)
            self._pause_ms = None
        return spoken

    def finish(self, end_ms: int) -> list[SpokenWord]:
        """The clause's audio ends: the words that are left, marked or not."""
        return self._give_until(len(self._tokens), max(end_ms, self._end_ms))

    def _give_until(self, token: int, offset_ms: int) -> list[SpokenWord]:
        """Words before ``token``, which begins at ``offset_ms``."""
        spoken = []
        for index in range(self._given, min(token, len(self._tokens))):
            begin = self._end_ms
            if self._began_ms is not None:
                begin, self._began_ms = self._began_ms, None
                end = offset_ms if self._pause_ms is None else self._pause_ms
                self._end_ms = max(begin, end)
            spoken.append(
                SpokenWord(self._tokens[index], self._ends[index], begin, self._end_ms - begin)
            )
            self._given = index + 1
        return spoken


def estimate_marks(clause: str, duration_ms: float) -> Sequence[WordMark]:
    """Marks for an engine that tells none: time is shared out by the length of the tokens."""
    tokens = [(match.start(), len(match.group()) + 1) for match in _TOKEN.finditer(clause)]
    total = sum(length for _, length in tokens) or 1
    marks, elapsed = [], 0
    for start, length in tokens:
        marks.append((start, round(duration_ms * elapsed / total)))
        elapsed += length
    return marks
