"""Phrase list of speech to text: what a session expects to hear, and numbers as words.

A phrase is plain text ("opening hours"). It may hold parts that can be left out and parts to
choose from, in the notation of JSGF: ``[please] book a table for (two | four) [people]``.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PHRASES_LIMIT = 1000
"""More phrases are left out: so long a list is no longer quick."""
TEXT_LIMIT = 500
BRACKETS_LIMIT = 60
_BRACKETS = re.compile(r"[\[\]()|]")
_CLOSING_BRACKETS = {"[": "]", "(": ")"}
_PART = re.compile(r"[\[\]()|]|[^\s\[\]()|]+")
# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on
_SPOKEN_SIGNS = {"&": " and ", "+": " plus ", "%": " percent ", "@": " at ", "’": "'"}


@dataclass(frozen=True, slots=True)
class Phrase:
    expression: str
    """In the notation of JSGF."""
    words: tuple[str, ...]
    """All that it can hold, in order, each once."""
    readings: tuple[str, ...]
    """As plain text: the whole with the first of each choice, then the other choices alone."""


def parse_phrases(texts: Sequence[str]) -> list[Phrase]:
    """The phrases in which there is something to say, without repetitions."""
    phrases: dict[str, Phrase] = {}
    for text in texts:
        phrase = parse_phrase(text)
        if phrase is not None and len(phrases) < PHRASES_LIMIT:
            phrases.setdefault(phrase.expression, phrase)
    return list(phrases.values())


def parse_phrase(text: str) -> Phrase | None:
    """None where nothing of it can be said.

    Brackets are read as spaces where they don't match, or leave nothing that must be said.
    """
    phrase = _parse(text[:TEXT_LIMIT]) or _parse(_BRACKETS.sub(" ", text[:TEXT_LIMIT]))
    return phrase if phrase is not None and phrase.words else None


def list_readings(texts: Sequence[str]) -> list[str]:
    """The phrases in plain text, for engines that are told words and know no grammar."""
    return list(
        dict.fromkeys(reading for phrase in parse_phrases(texts) for reading in phrase.readings)
    )


def split_words(text: str) -> list[str]:
    """Text as a recogniser writes it: lower case, numbers as words, no punctuation."""
    for sign, spoken in _SPOKEN_SIGNS.items():
        text = text.replace(sign, spoken)
    text = re.sub(r"\d+", lambda number: f" {spell_number(number.group())} ", text)
    # Decomposed first: a letter such as a mathematical A becomes a plain one that has a case.
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()
    words = (word.strip("'") for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", letters))
    return [word for word in words if word]


def _parse(text: str) -> Phrase | None:
    """None where the brackets don't match, or the whole can be left out."""
    if len(_BRACKETS.findall(text)) > BRACKETS_LIMIT:
        return None
    parser = _Parser(text)
    node = parser.read_choices()
    if parser.rest or node.can_be_empty:
        return None
    words = tuple(dict.fromkeys(node.words))
    return Phrase(node.expression, words, node.readings)


@dataclass(frozen=True, slots=True)
class _Node:
    expression: str = ""
    words: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    can_be_empty: bool = True


class _Parser:
    """Choices of sequences of words and bracketed choices."""

    def __init__(self, text: str) -> None:
        self.rest = list(reversed(_PART.findall(text)))
        """What is not read yet, the next one last; not empty at the end where brackets differ."""

    def read_choices(self) -> _Node:
        choices = [self._read_sequence()]
        while self.rest and self.rest[-1] == "|":
            self.rest.pop()
            choices.append(self._read_sequence())
        choices = [choice for choice in choices if choice.words]
        if len(choices) < 2:
            return choices[0] if choices else _Node()
        return _Node(
            "( " + " | ".join(choice.expression for choice in choices) + " )",
            tuple(word for choice in choices for word in choice.words),
            tuple(reading for choice in choices for reading in choice.readings),
            any(choice.can_be_empty for choice in choices),
        )

    def _read_sequence(self) -> _Node:
        parts = [part for part in self._read_parts() if part.words]
        return _Node(
            " ".join(part.expression for part in parts),
            tuple(word for part in parts for word in part.words),
            _join_readings(parts),
            all(part.can_be_empty for part in parts),
        )

    def _read_parts(self) -> Iterator[_Node]:
        while self.rest and self.rest[-1] not in ("|", "]", ")"):
            part = self.rest.pop()
            if part not in ("[", "("):
                words = tuple(split_words(part))
                yield _Node(" ".join(words), words, (part,), not words)
                continue
            inner = self.read_choices()
            if not self.rest or self.rest.pop() != _CLOSING_BRACKETS[part]:
                self.rest = [part]
                return
            if part == "[" and inner.words:
                inner = _Node(f"[ {inner.expression} ]", inner.words, inner.readings)
            yield inner


def _join_readings(parts: list[_Node]) -> tuple[str, ...]:
    if not parts:
        return ()
    others = (reading for part in parts for reading in part.readings[1:])
    return " ".join(part.readings[0] for part in parts), *others


def spell_number(digits: str) -> str:
    """Up to 9999 as a number, longer ones and those with a leading zero digit by digit."""
    value = int(digits)
    if len(digits) > 4 or digits != str(value):
        return " ".join(_SMALL[int(digit)] for digit in digits)
    return _spell(value)


def _spell(value: int) -> str:
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        return _TENS[tens - 2] + (f" {_SMALL[rest]}" if rest else "")
    unit, name = (1000, "thousand") if value >= 1000 else (100, "hundred")
    count, rest = divmod(value, unit)
    return f"{_spell(count)} {name}" + (f" {_spell(rest)}" if rest else "")
