"""Days and times of day, as people say them."""

from collections.abc import Sequence
from datetime import date, time, timedelta

from examples.front_desk.words import read_number, read_ordinal, stands, word_at

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH_NUMBERS = {month: number for number, month in enumerate(MONTHS, 1)} | {
    month[:3]: number for number, month in enumerate(MONTHS, 1)
}
_WEEKDAY_NUMBERS = (
    {day: number for number, day in enumerate(WEEKDAYS)}
    | {f"{day}s": number for number, day in enumerate(WEEKDAYS)}
    | {f"{day}'s": number for number, day in enumerate(WEEKDAYS)}
    | {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thurs": 3, "fri": 4}
)
_HOLIDAYS = (
    (("christmas", "eve"), (12, 24)),
    (("christmas", "day"), (12, 25)),
    (("christmas",), (12, 25)),
    (("new", "year's", "eve"), (12, 31)),
    (("new", "years", "eve"), (12, 31)),
    (("new", "year's", "day"), (1, 1)),
    (("new", "years", "day"), (1, 1)),
    (("valentine's", "day"), (2, 14)),
    (("valentines", "day"), (2, 14)),
    (("valentine's",), (2, 14)),
    (("valentines",), (2, 14)),
    (("halloween",), (10, 31)),
)
_RELATIVE = (
    (("day", "after", "tomorrow"), 2),
    (("this", "evening"), 0),
    (("this", "afternoon"), 0),
    (("today",), 0),
    (("tonight",), 0),
    (("tomorrow",), 1),
    (("yesterday",), -1),
)


def read_date(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """The day named at ``at``, and where its name ends; days without a year lie ahead."""
    for name, days in _RELATIVE:
        if stands(name, words, at):
            return today + timedelta(days=days), at + len(name)
    for name, (month, day) in _HOLIDAYS:
        if stands(name, words, at):
            return _next_date(today, month, day), at + len(name)
    return (
        _read_interval(words, at, today)
        or _read_weekday(words, at, today)
        or _read_month_and_day(words, at, today)
        or _read_day_of_month(words, at, today)
        or _read_written_date(words, at, today)
    )


def _read_interval(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """``in three days``, ``in a week``, ``a week from friday``."""
    starts_with_in = word_at(words, at) == "in"
    first = at + starts_with_in
    count = (1, first + 1) if word_at(words, first) == "a" else read_number(words, first)
    if not count or count[0] > 60:
        return None
    number, unit = count
    days = {"day": 1, "days": 1, "week": 7, "weeks": 7}.get(word_at(words, unit))
    if not days:
        return None
    if starts_with_in:
        return today + timedelta(days=number * days), unit + 1
    if word_at(words, unit + 1) in ("from", "after") and unit + 2 < len(words):
        later = 1 if word_at(words, unit + 2) == "now" else 0
        start = (today, unit + 3) if later else read_date(words, unit + 2, today)
        if start:
            return start[0] + timedelta(days=number * days), start[1]
    return None


def _read_weekday(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """``friday``, ``this friday``, ``next friday`` (of next week), ``friday next week``."""
    which = word_at(words, at) if word_at(words, at) in ("this", "next", "last", "coming") else ""
    at += bool(which)
    if word_at(words, at) == "weekend":
        number = WEEKDAYS.index("saturday")
    elif word_at(words, at) in _WEEKDAY_NUMBERS:
        number = _WEEKDAY_NUMBERS[words[at]]
    else:
        return None
    at += 1
    if stands(("next", "week"), words, at):
        which, at = "next", at + 2
    ahead = (number - today.weekday()) % 7
    if which == "last":
        return today + timedelta(days=ahead - 7), at
    if which == "next":
        # Of next week, where weeks begin on Monday.
        return today + timedelta(days=number - today.weekday() + 7), at
    return today + timedelta(days=ahead), at


def _read_month_and_day(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """``december twenty fifth``, ``the 25th of december``, each with a year or without."""
    if word_at(words, at) in _MONTH_NUMBERS:
        month = _MONTH_NUMBERS[words[at]]
        day_at = at + 1 + (word_at(words, at + 1) == "the")
        day = read_ordinal(words, day_at) or read_number(words, day_at)
        end = day[1] if day else at
    else:
        day_at = at + (word_at(words, at) == "the")
        day = read_ordinal(words, day_at) or read_number(words, day_at)
        month_at = day[1] + (word_at(words, day[1]) == "of") if day else at
        month = _MONTH_NUMBERS.get(word_at(words, month_at), 0)
        end = month_at + 1
        if month_at == (day[1] if day else at) and read_ordinal(words, end):
            # The number before "december twenty fifth" counts something else.
            return None
    if not day or not month or not 1 <= day[0] <= 31:
        return None
    year = word_at(words, end)
    if len(year) == 4 and year.isascii() and year.isdigit() and 2000 <= int(year) <= 2999:
        return _valid(int(year), month, day[0], end + 1)
    try:
        return _next_date(today, month, day[0]), end
    except ValueError:
        return None


def names_impossible_day(words: Sequence[str], today: date) -> bool:
    """Whether a day is named that no year has, as the thirtieth of February."""
    for month_at, word in enumerate(words):
        if word not in _MONTH_NUMBERS:
            continue
        last = month_at - (word_at(words, month_at - 1) == "of")
        before = (read_ordinal(words, at) for at in (last - 2, last - 1) if at >= 0)
        after_at = month_at + 1 + (word_at(words, month_at + 1) == "the")
        day = next((one[0] for one in before if one and one[1] == last), 0)
        after = read_ordinal(words, after_at) or read_number(words, after_at)
        day = day or (after[0] if after else 0)
        try:
            if 28 < day <= 99:
                _next_date(today, _MONTH_NUMBERS[word], day)
        except ValueError:
            return True
    return False


def _read_day_of_month(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """``the twenty fifth``, ``25th``; but not ``the second one``."""
    has_article = word_at(words, at) == "the"
    day = read_ordinal(words, at + has_article)
    if not day or not 1 <= day[0] <= 31:
        return None
    if not has_article and not words[at][0].isdigit():
        return None
    if word_at(words, day[1]) in ("one", "option", "time", "slot", "table", "booking", "two"):
        return None
    month = today.replace(day=1)
    for _ in range(3):
        found = _valid(month.year, month.month, day[0], day[1])
        if found and found[0] >= today:
            return found
        month = (month + timedelta(days=32)).replace(day=1)
    return None


def _read_written_date(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    """``2026-12-25``, ``12/25``, ``25/12/2026``."""
    word = word_at(words, at)
    if word.count("-") == 2:
        year, month, day = map(int, word.split("-"))
        return _valid(year, month, day, at + 1)
    if "/" not in word:
        return None
    month, day, *years = map(int, word.split("/"))
    if month > 12:
        month, day = day, month
    if years:
        return _valid(years[0] + (2000 if years[0] < 100 else 0), month, day, at + 1)
    try:
        return _next_date(today, month, day), at + 1
    except ValueError:
        return None


def _valid(year: int, month: int, day: int, end: int) -> tuple[date, int] | None:
    try:
        return date(year, month, day), end
    except ValueError:
        return None


def _next_date(today: date, month: int, day: int) -> date:
    """The next such day from today on; ValueError if no year has it."""
    for year in range(today.year, today.year + 5):
        found = _valid(year, month, day, 0)
        if found and found[0] >= today:
            return found[0]
    raise ValueError(f"no year has a day {month}-{day}")


def read_time(words: Sequence[str], at: int) -> tuple[time, int] | None:
    """The time of day at ``at``, and where it ends; not a number that may mean anything else.

    An hour from one to eleven without more is one of the afternoon or evening.
    """
    if word_at(words, at) in ("noon", "midday"):
        return time(12, 0), at + 1
    if word_at(words, at) == "midnight":
        return time(0, 0), at + 1
    found = _read_relative_time(words, at) or _read_clock_time(words, at)
    if found:
        hour, minute, end = found
        return _in_day(words, hour, minute, end)
    hour_and_end = read_number(words, at)
    if hour_and_end and hour_and_end[0] <= 24:
        hour, end = hour_and_end
        explicit = word_at(words, end) in ("oclock", "am", "pm", "ish", "sharp")
        if explicit or _names_part_of_day(words, end):
            return _in_day(words, hour, 0, end)
    return None


def read_bare_hour(words: Sequence[str], at: int) -> tuple[time, int] | None:
    """A number or its sound-alike, where the words before it say that it is an hour."""
    hour = read_number(words, at, sounds=True)
    return _in_day(words, hour[0], 0, hour[1]) if hour else None


def hour_of(number: int) -> time | None:
    """The time of day that a bare number means, if it can be one."""
    found = _in_day([], number, 0, 0)
    return found[0] if found else None


def _read_relative_time(words: Sequence[str], at: int) -> tuple[int, int, int] | None:
    """``half past seven``, ``a quarter to eight``, ``ten minutes past six``."""
    at += word_at(words, at) == "a" and word_at(words, at + 1) in ("quarter", "half")
    if word_at(words, at) == "half":
        hour_at = at + 1 + (word_at(words, at + 1) in ("past", "passed"))
        hour = read_number(words, hour_at, sounds=hour_at == at + 2)
        return (hour[0], 30, hour[1]) if hour and 1 <= hour[0] <= 23 else None
    if word_at(words, at) == "quarter":
        minutes: tuple[int, int] | None = (15, at + 1)
    else:
        minutes = read_number(words, at)
    if not minutes or not 1 <= minutes[0] <= 59:
        return None
    end = minutes[1] + (word_at(words, minutes[1]) in ("minutes", "minute"))
    relation = word_at(words, end)
    hour = read_number(words, end + 1, sounds=word_at(words, at) == "quarter")
    if not hour or not 1 <= hour[0] <= 23:
        return None
    if relation in ("past", "passed", "after"):
        return hour[0], minutes[0], hour[1]
    if relation in ("to", "too", "two", "till", "before", "of") and minutes[0] in (
        5,
        10,
        15,
        20,
        25,
    ):
        return (hour[0] - 1 or 12), 60 - minutes[0], hour[1]
    return None


def _read_clock_time(words: Sequence[str], at: int) -> tuple[int, int, int] | None:
    """``7:30``, ``seven thirty``, ``seven oh five``, ``730``, ``nineteen thirty``."""
    word = word_at(words, at)
    if ":" in word or ("." in word and word.replace(".", "").isdigit()):
        hour, minute = map(int, word.replace(".", ":").split(":"))
        return (hour, minute, at + 1) if hour <= 24 and minute <= 59 else None
    number = read_number(words, at)
    if not number:
        return None
    if number[0] >= 100:
        hour, minute = divmod(number[0], 100)
        return (hour, minute, number[1]) if hour <= 23 and minute <= 59 else None
    minute_at = number[1] + (word_at(words, number[1]) in ("o", "zero"))
    minutes = read_number(words, minute_at)
    if not minutes or not 1 <= number[0] <= 23:
        return None
    is_minute = 10 <= minutes[0] <= 59 or (minute_at > number[1] and 1 <= minutes[0] <= 9)
    ends_number = word_at(words, minutes[1]) not in ("people", "persons", "guests", "of")
    return (number[0], minutes[0], minutes[1]) if is_minute and ends_number else None


def _names_part_of_day(words: Sequence[str], at: int) -> str:
    if stands(("in", "the"), words, at) and word_at(words, at + 2) in (
        "morning",
        "afternoon",
        "evening",
    ):
        return words[at + 2]
    return "evening" if stands(("at", "night"), words, at) else ""


def _in_day(words: Sequence[str], hour: int, minute: int, end: int) -> tuple[time, int] | None:
    end += word_at(words, end) in ("oclock", "ish", "sharp")
    half = word_at(words, end)
    if half in ("am", "pm"):
        end += 1
    elif part := _names_part_of_day(words, end):
        half = "am" if part == "morning" else "pm"
        end += 3 if words[end] == "in" else 2
    if hour > 24 or (hour == 24 and minute):
        return None
    if half == "am":
        hour = 0 if hour == 12 else hour
    elif 1 <= hour <= 11:
        hour += 12
    return time(hour % 24, minute), end
