"""Phonemes of hibari: a text in the model's alphabet, and which word each symbol belongs to."""

import difflib
import itertools
import math
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.tts.text.visemes import WORD_GAP
from voicelive_agent.emulator.tts.worker import PhonemeMark, WordMark

LAG_MS = 60
"""The durations put a symbol this much later than it sounds: vowels 35, fricatives 95."""
LONGEST_PIECE = 400
"""Symbols. The model has heard no longer ones."""
_ENDS_SENTENCE = frozenset(".!?…")
_ENDS_CLAUSE = frozenset(",;:—")
_PAUSES = frozenset(';:,.!?—…"()“”')
SILENT = _PAUSES | {" "}
_STRESSES = frozenset("ˈˌ")
_LENGTH = "ː"
# Letters of its alphabet (misaki's) that stand for other sounds than in IPA.
_IPA = {
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "T": "ɾ", "W": "aʊ", "Y": "ɔɪ", "ᵊ": "ə",
    "ʣ": "dz", "ʤ": "dʒ", "ʥ": "dʑ", "ʦ": "ts", "ʧ": "tʃ", "ʨ": "tɕ", " ": WORD_GAP,
}  # fmt: skip
_Mark = TypeVar("_Mark", int, str)
_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Symbol:
    char: str
    origin: int
    """The index in the text of the first character of its word."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What the model speaks in one go: a sentence, or the part of one."""

    symbols: Sequence[Symbol]
    ids: Sequence[int]

    @property
    def text(self) -> str:
        return "".join(symbol.char for symbol in self.symbols)


class Phonemizer:
    """Reads English; ``ids`` has the model's number of each symbol, ``g2p`` is the front end."""

    def __init__(self, ids: Mapping[str, int], g2p: Any) -> None:
        from hibari.g2p.normalize import normalize

        self._ids = ids
        self._g2p = g2p
        self._normalize = normalize

    def read(self, text: str) -> list[Piece]:
        """The pieces of a text; none where there is nothing to say in it."""
        return [
            Piece(symbols, [self._ids[symbol.char] for symbol in symbols])
            for symbols in _cut(list(self._spell(text)))
            if any(symbol.char.isalpha() for symbol in symbols)
        ]

    def _spell(self, text: str) -> Iterator[Symbol]:
        # [text](/phonemes/) would be obeyed; an agent's text is read out.
        said = self._normalize(_write_digits(text).replace("](", "] ("))
        starts = _align(text, said)
        token = 0
        for phonemes, ends_token in self._pronounce(said):
            origin = starts[min(token, len(starts) - 1)] if starts else 0
            for char in phonemes + (" " if ends_token else ""):
                if char in self._ids:
                    yield Symbol(char, origin)
            token += ends_token

    def _pronounce(self, said: str) -> list[tuple[str, bool]]:
        """Phonemes word by word, and whether a token of the text ends with the word."""
        try:
            words = self._g2p.phonemize_tokens(self._g2p.tokenize(said))
        except Exception:
            # Some token is beyond its rules: the others are spoken without it.
            tokens = said.split()
            if len(tokens) < 2:
                return [("", True)]
            return [(spoken, True) for spoken in map(self._pronounce_alone, tokens)]
        return [(word.phonemes or "", bool(word.whitespace)) for word in words]

    def _pronounce_alone(self, token: str) -> str:
        return "".join(phonemes for phonemes, _ in self._pronounce(token))


def _write_digits(text: str) -> str:
    """Digits of other scripts, and small ones, as its number reader knows them."""
    return "".join(
        char if char.isascii() or (digit := unicodedata.digit(char, None)) is None else str(digit)
        for char in text
    )


def _align(text: str, said: str) -> list[int]:
    """For each token of what is said, where the token of the text begins that it stands for."""
    tokens = [(match.group(), match.start()) for match in _TOKEN.finditer(text)]
    words = said.split()
    starts = [0] * len(words)
    matcher = difflib.SequenceMatcher(None, [token for token, _ in tokens], words, autojunk=False)
    for _, first, last, begin, end in matcher.get_opcodes():
        for index in range(begin, end):
            share = (index - begin) * (last - first) // (end - begin)
            starts[index] = tokens[min(first + share, len(tokens) - 1)][1]
    return starts


def _cut(symbols: Sequence[Symbol]) -> Iterator[Sequence[Symbol]]:
    """Sentences; those that are too long, at the last place that is fit for it."""
    while symbols:
        end = _find_end(symbols)
        yield symbols[:end]
        symbols = symbols[end:]
        while symbols and symbols[0].char == " ":
            symbols = symbols[1:]


def _find_end(symbols: Sequence[Symbol]) -> int:
    window = symbols[:LONGEST_PIECE]
    pairs = list(itertools.pairwise(symbol.char for symbol in window))
    for index, (char, following) in enumerate(pairs):
        if char in _ENDS_SENTENCE and following == " ":
            return index + 1
    if len(symbols) <= LONGEST_PIECE:
        return len(symbols)
    for fit in (_ENDS_CLAUSE, frozenset(" ")):
        for index in range(len(window) - 1, 0, -1):
            if window[index].char in fit:
                return index + 1
    return len(window)


class Marks:
    """Where the words and phonemes of a piece begin, told as its audio is made."""

    def __init__(self, piece: Piece, times_ms: npt.NDArray[np.float64], offset_ms: float) -> None:
        """``times_ms`` is where each of its symbols begins, the first being the silence before
        them; the piece begins ``offset_ms`` into the clause."""
        self._offset_ms = offset_ms
        self._words: deque[tuple[int, float]] = deque()
        self._phonemes: deque[tuple[str, float]] = deque()
        stressed_ms: float | None = None
        for symbol, time_ms in zip(piece.symbols, times_ms[1:].tolist(), strict=False):
            if symbol.char in _STRESSES:
                stressed_ms = time_ms if stressed_ms is None else stressed_ms
                continue
            if symbol.char == _LENGTH:
                continue
            at_ms = (time_ms if stressed_ms is None else stressed_ms) - LAG_MS
            stressed_ms = None
            is_pause = symbol.char in _PAUSES
            is_new = not self._words or self._words[-1][0] != symbol.origin
            if not is_pause and symbol.char != " " and is_new:
                self._words.append((symbol.origin, at_ms))
            ipa = "" if is_pause else _IPA.get(symbol.char, symbol.char)
            self._phonemes.append((ipa, at_ms))

    def take(self, to_ms: float, cut_ms: float) -> tuple[list[WordMark], list[PhonemeMark]]:
        """Those before ``to_ms`` of the clause that were not taken; ``cut_ms`` of the piece's
        beginning are not spoken."""
        return self._take(self._words, to_ms, cut_ms), self._take(self._phonemes, to_ms, cut_ms)

    def finish(self, end_ms: float, cut_ms: float) -> tuple[list[WordMark], list[PhonemeMark]]:
        """The rest, none of it after the end, and the silence that begins there."""
        words, phonemes = self.take(math.inf, cut_ms)
        end = round(end_ms)
        return (
            [(origin, min(at_ms, end)) for origin, at_ms in words],
            [*((ipa, min(at_ms, end)) for ipa, at_ms in phonemes), ("", end)],
        )

    def _take(
        self, marks: deque[tuple[_Mark, float]], to_ms: float, cut_ms: float
    ) -> list[tuple[_Mark, int]]:
        taken = []
        while marks and (at_ms := self._offset_ms + max(marks[0][1] - cut_ms, 0.0)) < to_ms:
            taken.append((marks.popleft()[0], round(at_ms)))
        return taken
