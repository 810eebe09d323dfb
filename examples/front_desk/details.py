"""The details of a table in an utterance: how many, when, under what name."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from examples.front_desk.names import read_name, read_name_as_answer, read_name_at_end
from examples.front_desk.vocabulary import any_of
from examples.front_desk.when import (
    hour_of,
    names_impossible_day,
    read_bare_hour,
    read_date,
    read_time,
)
from examples.front_desk.words import read_number, read_ordinal, stands, word_at, word_set

PEOPLE = word_set("people persons person guests guest adults adult pax diners folks heads seats")
_CHILDREN = word_set("kids children kid child baby babies toddler toddlers")
_PARTY_WORDS = word_set(
    "party group family table tables reservation booking seat room dinner lunch"
)
_AFTER_A_COUNT = word_set("at on please under tomorrow tonight today of this next in around for")
_BEFORE_A_COUNT = frozenset(
    {"we are", "there are", "we will", "we'll be", "will be", "there's", "there is", "be about"}
)
_BEFORE_AN_HOUR = word_set("at around about by say until after before for")
_RESTARTS = word_set("no sorry i mean meant actually make it wait rather or that's")
"""What stands between a slip of the tongue and what was meant."""
_JUST_ME = (
    ("just", "me"),
    ("only", "me"),
    ("by", "myself"),
    ("myself",),
    ("alone",),
    ("on", "my", "own"),
)
_PAIRS = any_of(
    "me and (?:my|a) \\w+", "(?:my|a) \\w+ and (?:i|me|myself)", "both of us", "a couple of us"
)


@dataclass(slots=True)
class Details:
    """What was said of a table; None where nothing was."""

    party: int | None = None
    date: dt.date | None = None
    time: dt.time | None = None
    name: str | None = None

    @property
    def is_when_and_for_how_many(self) -> bool:
        return None not in (self.party, self.date, self.time)

    def __bool__(self) -> bool:
        return any(value is not None for value in (self.party, self.date, self.time, self.name))


@dataclass(slots=True)
class Found:
    """What an utterance says of a table; of several values of a kind, the last holds."""

    details: Details = field(default_factory=Details)
    ruled_out: Details = field(default_factory=Details)
    """What it is not: the Friday of "not friday, saturday"."""
    number: int | None = None
    """A number that may be anything."""
    is_impossible_day: bool = False
    """Whether a day was named that no calendar has: the thirtieth of February."""
    name_is_all: bool = False
    """Whether the name is all that was said."""


def find_details(words: list[str], *, today: dt.date, asking: str = "") -> Found:
    """Find the details in ``words``; ``asking`` is the one that was asked for, or empty."""
    found = Found()
    at = 0
    last_kind, last_end = "", -1
    while at < len(words):
        taken = _read_detail(words, at, today)
        if taken is None:
            at += 1
            continue
        kind, value, end = taken
        if isinstance(value, int) and kind == "number":
            # After "for four, no," a number counts the same as the one before.
            if last_kind in ("party", "time") and _restarts(words, last_end, at):
                kind = last_kind
                value = hour_of(value) if kind == "time" else value
            elif not _is_ruled_out(words, at):
                found.number = value
        if kind != "number":
            setattr(found.ruled_out if _is_ruled_out(words, at) else found.details, kind, value)
        last_kind, last_end = kind, end
        at = end
    _place_number(found, words, today, asking)
    if found.details.party is None and (pair := _PAIRS.search(line := " ".join(words))):
        end = len(line[: pair.end()].split())
        found.details.party, _ = _add_children(words, 2, end)
    if names_impossible_day(words, today):
        found.details.date = None
        found.is_impossible_day = True
    if found.details.name is None and found.details.is_when_and_for_how_many:
        found.details.name = read_name_at_end(words, last_end, today)
    if asking == "name" and found.details.name is None:
        name = read_name_as_answer(words, today)
        if name:
            found.details = Details(name=name)
            found.name_is_all = True
    return found


def _read_detail(
    words: Sequence[str], at: int, today: dt.date
) -> tuple[str, "int | dt.date | dt.time | str | None", int] | None:
    """The detail that begins at ``at``: its kind, its value, and where it ends."""
    if name := read_name(words, at, today):
        return "name", *name
    if date := read_date(words, at, today):
        return "date", *date
    if party := _read_party(words, at, today):
        return "party", *party
    if time := read_time(words, at) or _read_hour(words, at):
        return "time", *time
    number = None if read_ordinal(words, at) else read_number(words, at)
    if number:
        return "party" if _counts_follow(words, at) else "number", *number
    return None


def _restarts(words: Sequence[str], end: int, at: int) -> bool:
    """Whether only words of correction stand between ``end`` and ``at``."""
    return 0 <= end < at and all(word in _RESTARTS for word in words[end:at])


def _is_ruled_out(words: Sequence[str], at: int) -> bool:
    """Whether ``not`` or ``instead of`` stands before ``at``, but for small words."""
    before = at - 1
    while word_at(words, before) in ("on", "at", "for", "the", "a", "in", "of"):
        before -= 1
    return word_at(words, before) in ("not", "isn't", "instead", "than")


def _read_party(words: Sequence[str], at: int, today: dt.date) -> tuple[int, int] | None:
    for phrase in _JUST_ME:
        if stands(phrase, words, at) and word_at(words, at + len(phrase)) != "and":
            return 1, at + len(phrase)
    if sounding := _read_sounding_party(words, at):
        return sounding
    count_at = _skip_words_before_count(words, at)
    if count_at is None:
        return None
    follows_for = count_at > at
    if follows_for and stands(("a", "couple"), words, count_at):
        return 2, count_at + 2
    count_at += follows_for and word_at(words, count_at) in ("a", "the")
    if word_at(words, count_at) == "dozen":
        return 12, count_at + 1
    sounds = follows_for and _may_follow_count(words, count_at + 1, today)
    number = read_number(words, count_at, sounds=sounds)
    if not number:
        return None
    count, end = number
    if word_at(words, end) in PEOPLE or stands(("of", "us"), words, end):
        return _add_children(words, count, end + (1 if words[end] in PEOPLE else 2))
    if not follows_for or count >= 100:
        return None
    is_other = (
        read_time(words, count_at)
        or read_date(words, count_at, today)
        or read_ordinal(words, count_at)
    )
    return None if is_other else (count, end)


def _read_sounding_party(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """``make it for people``, at the end: "four people", as a recogniser may write it."""
    leads = at == 0 or words[at - 1] in _RESTARTS or _counts_follow(words, at)
    is_last = tuple(words[at + 2 :]) in ((), ("please",)) and word_at(words, at + 1) in PEOPLE
    number = read_number(words, at, sounds=True) if leads and is_last else None
    return number and (number[0], at + 2)


def _counts_follow(words: Sequence[str], at: int) -> bool:
    return f"{word_at(words, at - 2)} {word_at(words, at - 1)}" in _BEFORE_A_COUNT


def _skip_words_before_count(words: Sequence[str], at: int) -> int | None:
    """Where a count may stand: here, or after ``for`` and what a recogniser makes of it."""
    word, link = word_at(words, at), word_at(words, at + 1)
    if word in _PARTY_WORDS:
        return at + 2 if link in ("of", "for", "four", "fore") else None
    if word in ("for", "fore", "of"):
        return at + 1
    if word == "four" and link != "to" and read_number(words, at + 1, sounds=True):
        return None if read_time(words, at) else at + 1
    return at


def _may_follow_count(words: Sequence[str], at: int, today: dt.date) -> bool:
    """Whether a sound-alike of a number may stand before ``at``."""
    return (
        at >= len(words)
        or words[at] in PEOPLE | _AFTER_A_COUNT
        or read_date(words, at, today) is not None
        or read_time(words, at) is not None
    )


def _add_children(words: Sequence[str], count: int, end: int) -> tuple[int, int]:
    """``two adults and two kids`` are four."""
    if word_at(words, end) != "and":
        return count, end
    more_at = end + 1 + (word_at(words, end + 1) in ("our", "my", "the"))
    more = (1, more_at + 1) if word_at(words, more_at) == "a" else read_number(words, more_at)
    if more and word_at(words, more[1]) in _CHILDREN:
        return count + more[0], more[1] + 1
    return count, end


def _read_hour(words: Sequence[str], at: int) -> tuple[dt.time, int] | None:
    """``at seven``, ``at ate``: an hour by the word before it."""
    if word_at(words, at) not in _BEFORE_AN_HOUR:
        return None
    if found := read_time(words, at + 1):
        return found
    if word_at(words, at) == "for":
        return None
    found = read_bare_hour(words, at + 1)
    return None if found and word_at(words, found[1]) in PEOPLE | {"of"} else found


def _place_number(found: Found, words: Sequence[str], today: dt.date, asking: str) -> None:
    """Take a bare number for what was asked, or for what it is instead of."""
    if len(words) == 1 and asking in ("party", "time") and not found.details:
        # "to" and "ate" answer too.
        sound_alike = read_number(words, 0, sounds=True)
        found.number = sound_alike[0] if sound_alike else None
    number, details, ruled_out = found.number, found.details, found.ruled_out
    if asking == "date" and details.date is None:
        details.date = _find_day_of_month(words, number, today)
    elif number is None:
        return
    elif details.party is None and (asking == "party" or ruled_out.party is not None):
        details.party = number
    elif details.time is None and (asking == "time" or ruled_out.time is not None):
        details.time = hour_of(number)
    else:
        return
    found.number = None


def _find_day_of_month(words: Sequence[str], number: int | None, today: dt.date) -> dt.date | None:
    """The day that an ordinal, or a mere number, means where a day was asked for."""
    ordinals = (read_ordinal(words, at) for at in range(len(words)))
    day = next((ordinal[0] for ordinal in ordinals if ordinal), number)
    found = read_date(["the", f"{day}th"], 0, today) if day else None
    return found[0] if found else None
