"""How days, times, numbers and tables are said and shown."""

import datetime as dt

from examples.front_desk.booking import Booking, Table
from examples.front_desk.when import MONTHS, WEEKDAYS

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def say_party(party: int) -> str:
    return _NUMBERS[party] if 0 <= party < len(_NUMBERS) else str(party)


def say_day(day: dt.date, today: dt.date) -> str:
    """``tomorrow, Saturday, November 21st``."""
    near = {0: "today, ", 1: "tomorrow, "}.get((day - today).days, "")
    year = "" if abs((day - today).days) < 300 else f", {day.year}"
    return (
        f"{near}{say_weekday(day)}, {MONTHS[day.month - 1].capitalize()} {_ordinal(day.day)}{year}"
    )


def say_weekday(day: dt.date) -> str:
    return WEEKDAYS[day.weekday()].capitalize()


def say_time(moment: dt.time) -> str:
    """``7:30 pm``, as voices read it well."""
    if (moment.hour, moment.minute) == (12, 0):
        return "noon"
    hour = moment.hour % 12 or 12
    minute = f":{moment.minute:02d}" if moment.minute else ""
    return f"{hour}{minute} {'am' if moment.hour < 12 else 'pm'}"


def say_code(code: str) -> str:
    """Digit by digit."""
    return " ".join(code)


def say_list(items: list[str], last: str = "and") -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def clauses_of(table: Table | Booking, today: dt.date) -> list[str]:
    """The details of a table in the order in which they are read back."""
    clauses = []
    if table.party is not None:
        clauses.append(f"a table for {say_party(table.party)}")
    if table.date is not None:
        day = say_day(table.date, today)
        clauses.append(day if day.startswith("to") else f"on {day}")
    if table.time is not None:
        clauses.append(f"at {say_time(table.time)}")
    if table.name is not None:
        clauses.append(f"under the name {table.name}")
    return clauses


def lines_of(table: Table | Booking, today: dt.date) -> list[str]:
    """The same for a card."""
    lines = []
    if table.party is not None:
        lines.append(f"{table.party} {'guest' if table.party == 1 else 'guests'}")
    if table.date is not None:
        day = say_day(table.date, today)
        lines.append(day[0].upper() + day[1:])
    if table.time is not None:
        lines.append(say_time(table.time))
    if table.name is not None:
        lines.append(table.name)
    return lines


def _ordinal(number: int) -> str:
    ending = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"
