"""What is said in relation to something else: ``an hour later``, ``one more person``."""

from collections.abc import Sequence
from dataclasses import dataclass

from examples.front_desk.words import read_number, stands, word_at, word_set

_PEOPLE = word_set("person people persons guest guests")
_LESS = word_set("less fewer")


@dataclass(slots=True)
class Shift:
    """How far from what is known; 0 where nothing was said."""

    people: int = 0
    minutes: int = 0
    from_now_minutes: int = 0

    def __bool__(self) -> bool:
        return bool(self.people or self.minutes or self.from_now_minutes)


def take_shift(words: Sequence[str]) -> tuple[Shift, list[str]]:
    """What is said in relation, and the words that are left without it."""
    shift = Shift()
    rest: list[str] = []
    at = 0
    while at < len(words):
        end = _read_people(words, at, shift) or _read_minutes(words, at, shift)
        if not end:
            rest.append(words[at])
        at = end or at + 1
    return shift, rest


def _read_people(words: Sequence[str], at: int, shift: Shift) -> int:
    """``one more person``, ``two people less``; where it ends, 0 if it isn't there."""
    count = _read_count(words, at)
    if not count:
        return 0
    number, end = count
    first, second = word_at(words, end), word_at(words, end + 1)
    if first == "more" or first in _LESS:
        relation, length = first, 1 + (second in _PEOPLE)
    elif first in _PEOPLE and (second == "more" or second in _LESS):
        relation, length = second, 2
    else:
        return 0
    shift.people = -number if relation in _LESS else number
    return end + length


def _read_minutes(words: Sequence[str], at: int, shift: Shift) -> int:
    """``half an hour later``, ``in two hours``, ``an hour from now``; likewise."""
    starts_with_in = word_at(words, at) == "in"
    span = _read_span(words, at + starts_with_in)
    if not span:
        return 0
    minutes, end = span
    if starts_with_in:
        shift.from_now_minutes = minutes
        return end
    if stands(("from", "now"), words, end):
        shift.from_now_minutes = minutes
        return end + 2
    if word_at(words, end) not in ("later", "earlier"):
        return 0
    shift.minutes = minutes if words[end] == "later" else -minutes
    return end + 1


def _read_span(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """A length of time in minutes, and where it ends."""
    if stands(("half", "an", "hour"), words, at):
        return 30, at + 3
    if stands(("a", "half", "hour"), words, at):
        return 30, at + 3
    if stands(("a", "quarter", "of", "an", "hour"), words, at):
        return 15, at + 5
    count = _read_count(words, at)
    if not count:
        return None
    number, unit_at = count
    unit = {"hour": 60, "hours": 60, "minute": 1, "minutes": 1}.get(word_at(words, unit_at))
    return (number * unit, unit_at + 1) if unit and number <= 600 else None


def _read_count(words: Sequence[str], at: int) -> tuple[int, int] | None:
    return (1, at + 1) if word_at(words, at) in ("a", "an") else read_number(words, at)
