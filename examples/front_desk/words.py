"""Words as people say them and as a recogniser writes them down."""

import re
import unicodedata
from collections.abc import Sequence

MOST_CHARS = 2000
MOST_WORDS = 120
"""Of a longer speech the end is left out: nobody needs so many words for a table."""


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _count(text: str, start: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(text.split(), start)}


_FILLERS = word_set("um uh uhm er erm ah eh hm hmm mm oh")
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50}
_UNITS = _count("one two three four five six seven eight nine", 1)
_NUMBERS = {
    "zero": 0,
    **_UNITS,
    **_count("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 10),
    **_TENS,
}
_ORDINAL_UNITS = _count("first second third fourth fifth sixth seventh eighth ninth", 1)
_ORDINALS = {
    **_ORDINAL_UNITS,
    **_count("tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth", 10),
    **_count("eighteenth nineteenth twentieth", 18),
    "thirtieth": 30,
}
_SOUND_ALIKES = {
    "won": 1,
    "to": 2,
    "too": 2,
    "tree": 3,
    "free": 3,
    "for": 4,
    "fore": 4,
    "fife": 5,
    "sex": 6,
    "sicks": 6,
    "ate": 8,
}

_TOKEN = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}[:.]\d{2}(?!\d)"
    r"|\d+(?:st|nd|rd|th)?|[^\W\d_]+(?:'[^\W\d_]+)*"
)
_UNIT_CHOICE = "|".join(_UNITS)
_REWRITTEN = (
    (re.compile(r"[’‘`´]"), "'"),
    (re.compile(r"\b([ap])\.? ?m\b\.?"), r"\1m"),
    (re.compile(r"\bo'? ?clock\b"), "oclock"),
    (re.compile(r"\b(?:uh|mm|um)[ -]?hu?m+\b|\bu+h[ -]huh\b|\bmhm\b"), "yes"),
    (
        re.compile(rf"\b((?:{_UNIT_CHOICE}|ten|eleven|twelve) )(?:oh|o) (?=(?:{_UNIT_CHOICE})\b)"),
        r"\1zero ",
    ),
    (re.compile(r"\b(?:have|half|haf) pass?(?:t|ed)?\b"), "half past"),
    (re.compile(r"\bto morrow\b|\btomm?orr?ow\b"), "tomorrow"),
    (re.compile(r"\bto night\b|\btonite\b"), "tonight"),
)


def split_words(text: str) -> list[str]:
    """The words of an utterance: lower case, without punctuation and fillers."""
    text = unicodedata.normalize("NFKC", text[:MOST_CHARS]).lower()
    for pattern, replacement in _REWRITTEN:
        text = pattern.sub(replacement, text)
    return [word for word in _TOKEN.findall(text) if word not in _FILLERS][:MOST_WORDS]


def word_at(words: Sequence[str], at: int) -> str:
    """The word at ``at``; empty outside of the utterance."""
    return words[at] if 0 <= at < len(words) else ""


def stands(phrase: Sequence[str], words: Sequence[str], at: int) -> bool:
    """Whether ``phrase`` stands at ``at``."""
    return tuple(words[at : at + len(phrase)]) == tuple(phrase)


def read_number(words: Sequence[str], at: int, *, sounds: bool = False) -> tuple[int, int] | None:
    """The number from 0 to 9999 at ``at``, and where it ends; with ``sounds``, sound-alikes too."""
    word = word_at(words, at)
    if word.isdecimal():
        return (int(word), at + 1) if len(word) <= 4 else None
    if word in _TENS and word_at(words, at + 1) in _UNITS:
        return _TENS[word] + _UNITS[words[at + 1]], at + 2
    if word in _NUMBERS:
        return _NUMBERS[word], at + 1
    if sounds and word in _SOUND_ALIKES:
        return _SOUND_ALIKES[word], at + 1
    return None


def read_ordinal(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """The ordinal from 1 to 59 at ``at``, and where it ends."""
    word = word_at(words, at)
    if word[:-2].isdecimal() and word[-2:] in ("st", "nd", "rd", "th"):
        return (int(word[:-2]), at + 1) if len(word) <= 4 else None
    if word in _ORDINALS:
        return _ORDINALS[word], at + 1
    if word in _TENS and word_at(words, at + 1) in _ORDINAL_UNITS:
        return _TENS[word] + _ORDINAL_UNITS[words[at + 1]], at + 2
    return None
