"""What an utterance means to a front desk: topics, yes and no, and the details of a table."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from examples.front_desk import house, vocabulary
from examples.front_desk.details import Details, find_details
from examples.front_desk.shifts import Shift, take_shift
from examples.front_desk.words import read_number, read_ordinal, split_words, word_at


@dataclass(frozen=True, slots=True)
class Understood:
    words: tuple[str, ...] = ()
    topics: frozenset[str] = frozenset()
    """Keys of ``vocabulary.TOPICS``."""
    says_yes: bool = False
    says_no: bool = False
    details: Details = field(default_factory=Details)
    ruled_out: Details = field(default_factory=Details)
    """What the caller said it is not: the Friday of "not friday, saturday"."""
    is_impossible_day: bool = False
    """Whether a day was named that no calendar has."""
    shift: Shift = field(default_factory=Shift)
    number: int | None = None
    """A number that may be anything."""
    position: int | None = None
    """Which of a list: 1 for the first, -1 for the last."""
    city: str | None = None
    """A city, should the weather be the matter: one that the house knows, or as it was said."""


def understand(text: str, *, today: dt.date, asking: str = "") -> Understood:
    """Read an utterance; ``asking`` is the detail that the caller was asked for, or empty."""
    spoken = split_words(text)
    shift, words = take_shift(spoken)
    found = find_details(words, today=today, asking=asking)
    line = " ".join(words)
    topics = {topic for topic, phrases in vocabulary.TOPICS.items() if phrases.search(line)}
    if found.name_is_all:
        if not topics - vocabulary.TOPICS_LIKE_NAMES:
            return Understood(words=tuple(spoken), details=found.details)
        found = find_details(words, today=today)
    decided = vocabulary.UNDECIDED.sub(" ", line)
    says_no = line == "know" or bool(vocabulary.NO.search(vocabulary.POLITE_YES.sub(" ", decided)))
    says_yes = bool(vocabulary.YES.search(decided)) or (
        bool(words) and vocabulary.WEAK_YES.issuperset(words)
    )
    return Understood(
        words=tuple(spoken),
        topics=frozenset(topics),
        says_yes=says_yes and not says_no,
        says_no=says_no,
        details=found.details,
        ruled_out=found.ruled_out,
        is_impossible_day=found.is_impossible_day,
        shift=shift,
        number=found.number,
        position=read_position(words),
        city=read_city(line),
    )


def read_position(words: Sequence[str]) -> int | None:
    """Which of a list is meant: ``the second one``, ``number two``, ``the last``."""
    for at, word in enumerate(words):
        if word == "last" and word_at(words, at - 1) == "the":
            return -1
        if word in ("number", "option") and (number := read_number(words, at + 1, sounds=True)):
            return number[0]
        ordinal = read_ordinal(words, at)
        if ordinal and not word[0].isdigit() and ordinal[0] <= house.BOOKINGS_PER_CALL:
            return ordinal[0]
    return None


_CITY = re.compile(
    r"\b(?:in|for|at|about) (?!(?:the|today|tomorrow|tonight|town|here)\b)"
    r"([^\W\d]+(?: [^\W\d]+){0,2}?)"
    r"(?= (?:today|tomorrow|tonight|right|now|like|please|this|on)\b|$)"
)


def read_city(line: str) -> str | None:
    """The city of a question for the weather; None where none was named."""
    for weather in house.WEATHER:
        names = "|".join(map(re.escape, (weather.city.lower(), *weather.sounds_like)))
        if re.search(rf"\b(?:{names})\b", line):
            return weather.city
    match = _CITY.search(line)
    return match[1].title() if match else None
