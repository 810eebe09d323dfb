"""Contextual biasing: words that sound like a listed phrase become it, where the model agrees.

A phrase takes the place of words that the model is not sure of and that it resembles, by its
letters and by how they are spoken; but only if the model, asked for it, holds it for nearly as
probable as what it wrote.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jellyfish import levenshtein_distance, metaphone

from voicelive_agent.emulator.stt.phrases import list_readings, split_words

LIKENESS_AT_LEAST = 0.35
"""Of 1, which is the same letters."""
BONUS = 12.0
"""So much less probable than what the model wrote, as a logarithm, the same letters may be.

Of 120 names, products and codes that three voices said, the right ones lost 0 to 10 mostly, and
wrong ones 10 and more; of people's sentences without any, no likeness lost less than 14.
"""
SCORED_AT_MOST = 5
"""Of the likest; each takes the model 17 ms."""
SURE = 0.65
"""Words that are this probable stay, other than in case and spaces."""
_ALIKE_AT_MOST = 0.99
_SHORTEST_KEY = 3
_SHORTEST_SHARE = 0.4
"""What has so few of the letters of a phrase is not compared."""
_MORE_WORDS = 2
"""A phrase may be heard as so many more words than it has."""
_NUMBERS = {"for": "four", "fore": "four", "to": "two", "too": "two", "ate": "eight", "won": "one"}
"""What sounds the same as a number, letter by letter, and is a word of its own."""
_WORD = re.compile(r"(\W*)(.*?)('s|’s)?(\W*)")
_SPELLED = re.compile(r"[A-Z]{1,4}(?![a-z])")
# fmt: off
_LETTERS = (
    "ay", "bee", "see", "dee", "ee", "eff", "gee", "aitch", "eye", "jay", "kay", "ell", "em",
    "en", "oh", "pee", "cue", "are", "ess", "tea", "you", "vee", "doubleyou", "ex", "why", "zee",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Guess:
    """A word as the model wrote it, and the probability of its least probable token."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Key:
    """How a text is compared: its letters and figures, numbers as words, and consonants."""

    compact: str
    letters: str
    sound: str
    homophone: str
    """The letters, where what sounds like a number is the number."""


@dataclass(frozen=True, slots=True)
class Span:
    """Words ``start`` to ``end`` (exclusive) that were heard."""

    start: int
    end: int
    keys: tuple[Key, ...]
    is_sure: bool
    is_all: bool
    """Whether nothing else was heard."""


@dataclass(frozen=True, slots=True)
class ListedPhrase:
    text: str
    words: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words ``start`` to ``end`` (exclusive) may be ``text``."""

    start: int
    end: int
    text: str
    likeness: float


def read_list(phrases: Sequence[str]) -> tuple[ListedPhrase, ...]:
    """Phrases in the notation of ``stt.phrases``, ready to be compared."""
    return tuple(
        ListedPhrase(text, len(split_words(text)), keys)
        for text in list_readings(phrases)
        if len((keys := _list_keys(text))[0].letters) >= _SHORTEST_KEY
    )


def bias(
    words: Sequence[Guess], phrases: Sequence[ListedPhrase], score: Callable[[str], float]
) -> list[tuple[int, int, str]]:
    """Which words (start, end) are which text of a phrase, from left to right.

    ``score`` tells how probable a text is, as a logarithm.
    """
    found = sorted(find_candidates(words, phrases), key=lambda one: -one.likeness)
    chosen: list[Candidate] = []
    scores: dict[str, float] = {}

    def score_once(text: str) -> float:
        if text not in scores:
            scores[text] = score(text)
        return scores[text]

    for candidate in found:
        if any(candidate.start < one.end and one.start < candidate.end for one in chosen):
            continue
        now, then = write(words, chosen), write(words, [*chosen, candidate])
        if now == then or (
            len(scores) <= SCORED_AT_MOST
            and score_once(then) >= score_once(now) - BONUS * candidate.likeness
        ):
            chosen.append(candidate)
    return sorted((one.start, one.end, one.text) for one in chosen)


def write(words: Sequence[Guess], chosen: Sequence[Candidate]) -> str:
    """The text with the candidates in place of what was heard."""
    texts: list[str] = []
    starts = {one.start: one for one in chosen}
    at = 0
    while at < len(words):
        one = starts.get(at)
        texts.append(one.text if one else words[at].text)
        at = one.end if one else at + 1
    return " ".join(texts)


def find_candidates(words: Sequence[Guess], phrases: Sequence[ListedPhrase]) -> Iterator[Candidate]:
    """Where the phrases may have been said; of the spans of a phrase that overlap, the likest."""
    most = max((phrase.words for phrase in phrases), default=0) + _MORE_WORDS
    spans = [
        Span(
            *(start, end),
            _list_keys(" ".join(word.text for word in heard)),
            _is_sure(heard),
            len(heard) == len(words),
        )
        for start in range(len(words))
        for end in range(start + 1, min(start + most, len(words)) + 1)
        if (heard := words[start:end])
    ]
    for phrase in phrases:
        alike = [
            Candidate(
                *(span.start, span.end),
                _fit(phrase.text, words[span.start], words[span.end - 1]),
                likeness,
            )
            for span in spans
            if span.end - span.start <= phrase.words + _MORE_WORDS
            and (likeness := _compare(span, phrase)) >= LIKENESS_AT_LEAST
        ]
        alike.sort(key=lambda one: (-one.likeness, one.end - one.start))
        while alike:
            best = alike[0]
            yield best
            alike = [one for one in alike if one.start >= best.end or one.end <= best.start]


def _is_sure(words: Sequence[Guess]) -> bool:
    return all(word.probability >= SURE for word in words)


def _compare(span: Span, phrase: ListedPhrase) -> float:
    """The likeness; of words that are sure, 1 or 0.

    "Make it for people", alone, is the listed "make it four people": no ear tells them apart.
    """
    pairs = [(one, other) for one in span.keys for other in phrase.keys]
    if any(one.compact == other.compact or one.letters == other.letters for one, other in pairs):
        return 1.0
    if span.is_all and any(one.homophone == other.homophone for one, other in pairs):
        return 1.0
    return 0.0 if span.is_sure else max(_compare_keys(one, other) for one, other in pairs)


def _compare_keys(one: Key, other: Key) -> float:
    sizes = sorted((len(one.letters), len(other.letters)))
    if sizes[0] < sizes[1] * _SHORTEST_SHARE:
        return 0.0
    likeness = (_liken(one.letters, other.letters) + _liken(one.sound, other.sound)) / 2
    return min(_ALIKE_AT_MOST, likeness)


def _liken(one: str, other: str) -> float:
    longest = max(len(one), len(other))
    return 1 - levenshtein_distance(one, other) / longest if longest else 0.0


def _list_keys(text: str) -> tuple[Key, ...]:
    """Of the text as it is read, and with its capitals spelled, where that differs."""
    spelled = _SPELLED.sub(lambda code: _spell_letters(code.group()), text)
    return tuple(_make_key(read) for read in dict.fromkeys((text, spelled)))


def _make_key(text: str) -> Key:
    words = split_words(text)
    letters = "".join(words)
    compact = re.sub(r"[\W_]", "", text.lower())
    homophone = "".join(_NUMBERS.get(word, word) for word in words)
    return Key(compact, letters, metaphone(letters).replace(" ", ""), homophone)


def _spell_letters(code: str) -> str:
    return "".join(f" {_LETTERS[ord(letter) - ord('A')]} " for letter in code)


def _fit(phrase: str, first: Guess, last: Guess) -> str:
    """The phrase with the signs around the words, and a capital where it has none of its own."""
    before = _split(first.text)[0]
    _, _, genitive, after = _split(last.text)
    begins_sentence = _split(first.text)[1][:1].isupper() and phrase == phrase.lower()
    text = phrase[:1].upper() + phrase[1:] if begins_sentence else phrase
    return f"{before}{text}{genitive}{after}"


def _split(word: str) -> tuple[str, str, str, str]:
    found = _WORD.fullmatch(word)
    return (found[1], found[2], found[3] or "", found[4]) if found else ("", word, "", "")
