"""Dates, days and times of day, in the forms that are written."""

import re
from collections.abc import Iterable
from functools import cache, partial

from babel import Locale

from voicelive_agent.emulator.tts.text.normalization.amounts import DASH, SPACE, unit_names
from voicelive_agent.emulator.tts.text.normalization.number_words import (
    say_cardinal,
    say_counted,
    say_year,
)
from voicelive_agent.emulator.tts.text.normalization.table import LanguageTable, Rules

_START = r"(?<![\w$€£])(?<!\d[.,/:-])"
_HOUR = r"[01]?\d|2[0-4]"
HOUR_ONLY = -1
"""Stands for the minutes of a time that has none."""


def list_rules(table: LanguageTable) -> Rules:
    return [*_list_dates(table), *_list_times(table)]


# Dates.


@cache
def _month_names(code: str) -> dict[str, int]:
    return {name.lower(): number for number, name in Locale(code).months["format"]["wide"].items()}


def _find_month(table: LanguageTable, written: str) -> int:
    bare = written.lower().rstrip(".")
    return _month_names(table.code).get(bare) or table.months[bare]


def _month_pattern(table: LanguageTable) -> str:
    """Full names and abbreviations; a capital where the language writes one."""

    def join(names: Iterable[str]) -> str:
        capital = [name.capitalize() for name in names]
        some = capital if table.code in ("en", "de") else [*names, *capital]
        return "|".join(sorted(some, key=len)[::-1])

    return rf"(?:(?:{join(_month_names(table.code))})(?!\w)|(?:{join(table.months)})(?!\w)\.?)"


def _list_dates(table: LanguageTable) -> Rules:
    month = _month_pattern(table)
    mark = rf"(?:{table.ordinal_mark})?\.?"
    year = rf"(?:,?{SPACE}?(?:del?{SPACE})?(?P<y>\d{{4}})(?!\w|[.,]\d|{SPACE}?[-–]))?"
    day = r"\d{1,2}"
    days = sorted(table.weekdays, key=len)[::-1]
    weekday = "(?:" + "|".join(map(re.escape, days)) + r")(?!\w)"
    say = partial(_say_date, table)
    rules: Rules = [
        (
            rf"{_START}(?P<y>\d{{4}})(?P<sep>[-/.])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}})"
            r"(?:(?:T|\s)(?P<hour>\d\d):(?P<minute>\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?)?(?![\w-])",
            partial(_say_iso, table),
        ),
        (
            rf"{_START}(?P<a>{day})(?P<sep>[./-]){SPACE}?(?P<b>{day})(?P=sep){SPACE}?(?P<y>\d{{4}}|\d\d)"
            r"(?!\w|[./-]\d)",
            partial(_say_numeric, table),
        ),
        (
            rf"{_START}(?P<m>0?[1-9]|1[0-2])/(?P<y>(?:19|20)\d\d)(?![\w/])",
            partial(_say_month, table),
        ),
        (
            rf"\b(?:{table.date_context})\s(?P<said>(?P<a>{day})/(?P<b>{day}))(?![\w/]|[.,]\d)",
            partial(_say_numeric, table),
        ),
        (
            rf"{_START}(?P<d>{day}){mark}(?:{SPACE}?(?:{DASH}|{table.words['to']}){SPACE}?(?P<d2>{day}){mark})?"
            rf"{SPACE}?(?:(?:of|de){SPACE})?(?P<month>{month}){year}",
            say,
        ),
        (
            rf"\b(?P<month>{month}){SPACE}(?P<d>{day}){mark}(?:{SPACE}?{DASH}{SPACE}?(?P<d2>{day}){mark})?"
            rf"(?!\w|[:/.,]?\d|{SPACE}?[%°]){year}",
            say if table.code == "en" else lambda match: None,
        ),
        (rf"\b(?P<month>{month}){SPACE}(?P<y>\d{{4}})(?!\w|[.,]\d)", partial(_say_month, table)),
        (
            rf"(?<!\w)(?P<first>{weekday})\.?{SPACE}?{DASH}{SPACE}?(?P<last>{weekday})\.?",
            partial(_say_weekdays, table),
        ),
        (
            rf"(?<!\w)(?P<said>(?P<first>{weekday})\.?)(?=,?{SPACE}(?:the{SPACE})?(?:\d|{month}))",
            partial(_say_weekdays, table),
        ),
        (
            r"(?<!\w)(?P<abbreviated>(?:"
            + "|".join(sorted(table.months, key=len)[::-1])
            + r"))\.(?!\w)",
            partial(_say_month_name, table),
        ),
    ]
    if table.code == "de":
        rules.insert(
            2,
            (rf"{_START}(?P<a>{day})\.{SPACE}?(?P<b>{day})\.(?!\d)", partial(_say_numeric, table)),
        )
    return rules


def _say_day(
    table: LanguageTable, day: str, month: int, year: str | None, match: re.Match[str]
) -> str | None:
    if not (0 < month <= 12 and (not day or 0 < int(day) <= 31)):
        return None
    name = Locale(table.code).months["format"]["wide"][month]
    before = match.string[: match.start("said") if "said" in match.groupdict() else match.start()]
    said_year = say_year(table, _full_year(year)) if year else ""
    return table.date(day, month, name, said_year, before)


def _full_year(written: str) -> int:
    year = int(written)
    if len(written) > 2:
        return year
    return 2000 + year if year < 70 else 1900 + year


def _say_iso(table: LanguageTable, match: re.Match[str]) -> str | None:
    said = _say_day(table, match["d"], int(match["m"]), match["y"], match)
    if said is None or not match["hour"]:
        return said
    return f"{said}, {table.clock(int(match['hour']), int(match['minute']), '', '')}"


def _say_numeric(table: LanguageTable, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    first, second, year = found["a"], found["b"], found.get("y")
    dotted = found.get("sep") == "." or table.code == "de"
    if dotted and year and len(year) == 2 and (table.code == "en" or _is_version(match)):
        return None
    day_first = table.day_first or dotted
    if day_first == (int(second) > 12):
        day_first = int(first) > 12 or (day_first and int(second) <= 12)
    day, month = (first, second) if day_first else (second, first)
    return _say_day(table, day, int(month), year, match)


def _is_version(match: re.Match[str]) -> bool:
    return bool(re.search(r"(?i)\bv(?:ersion)?\.?\s?$", match.string[: match.start()]))


def _say_month(table: LanguageTable, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    month = _find_month(table, found["month"]) if found.get("month") else int(found["m"])
    return _say_day(table, "", month, match["y"], match)


def _say_month_name(table: LanguageTable, match: re.Match[str]) -> str:
    name = Locale(table.code).months["format"]["wide"][table.months[match["abbreviated"].lower()]]
    return str(name)


def _say_date(table: LanguageTable, match: re.Match[str]) -> str | None:
    month = _find_month(table, match["month"])
    if not match["d2"]:
        if table.day_month is not None and match[0][0].isdigit() and 0 < int(match["d"]) <= 31:
            name = Locale(table.code).months["format"]["wide"][month]
            year = say_year(table, int(match["y"])) if match["y"] else ""
            return table.day_month(int(match["d"]), name, year, match.string[: match.start()])
        return _say_day(table, match["d"], month, match["y"], match)
    last = _say_day(table, match["d2"], month, match["y"], match)
    if last is None or _say_day(table, match["d"], month, None, match) is None:
        return None
    name = Locale(table.code).months["format"]["wide"][month]
    first = table.date(match["d"], month, "", "", match.string[: match.start()]).strip()
    first = first.removesuffix(" de")
    if last.startswith(name):  # the month comes first
        return f"{name} {first} {table.words['to']} {last.removeprefix(name).strip()}"
    return f"{first} {table.words['to']} {last}"


def _say_weekdays(table: LanguageTable, match: re.Match[str]) -> str:
    said = table.weekdays[match["first"]]
    if "last" in match.groupdict():
        said += f" {table.words['to']} {table.weekdays[match['last']]}"
    return said


# Times of day.


def _list_times(table: LanguageTable) -> Rules:
    mark = table.clock_marks
    second = mark.replace("(?P<", "(?P<last_")
    start = rf"(?P<hour>{_HOUR})(?:[:.](?P<m>[0-5]\d))?"
    end = rf"(?P<h2>{_HOUR})(?:[:.](?P<m2>[0-5]\d))?"
    colon = rf"(?P<hour>{_HOUR}):(?P<m>[0-5]\d)"
    say = partial(_say_time, table)
    rules: Rules = [
        (
            rf"{_START}{start}{mark}?{SPACE}?{DASH}{SPACE}?{end}{second}(?!\w)",
            partial(_say_span, table),
        ),
        (
            rf"{_START}{colon}{SPACE}?{DASH}{SPACE}?(?P<h2>{_HOUR}):(?P<m2>[0-5]\d)(?![\w:])",
            partial(_say_span, table),
        ),
        (rf"{_START}{start}{mark}(?!\w)", say),
        (rf"{_START}{colon}(?::(?P<s>[0-5]\d))?(?![\w:])", say),
    ]
    if table.hour_context:
        rules.append(
            (
                rf"\b(?:{table.hour_context})\s?(?P<said>{start.replace('[:.]', '[.]')})"
                rf"(?![\w%°]|[.,:]\d|{SPACE}?[%€$°])",
                say,
            )
        )
    return rules


def _say_time(table: LanguageTable, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    hour, minute = int(found["hour"]), int(found["m"]) if found["m"] else HOUR_ONLY
    mark = next((name for name in ("am", "pm", "h") if found.get(name)), "")
    if mark in ("am", "pm") and not 0 < hour <= 12:
        mark = ""
    before = match.string[: match.start("said") if "said" in found else match.start()]
    said = table.clock(hour, minute, mark, before)
    if found.get("s"):
        one, many = unit_names(table, "duration-second")
        name = one if int(found["s"]) == 1 else many
        said += f" {table.words['and']} {say_counted(table, int(found['s']), name)} {name}"
    return said


def _say_span(table: LanguageTable, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    before = match.string[: match.start()]
    first_mark = next((name for name in ("am", "pm", "h") if found.get(name)), "")
    last_mark = next((name for name in ("am", "pm", "h") if found.get(f"last_{name}")), "")
    first_hour = int(found["hour"])
    if found["m"] or first_mark:
        minute = int(found["m"]) if found["m"] else HOUR_ONLY
        first = table.clock(first_hour, minute, first_mark or "range", before)
    else:
        first = say_cardinal(table, first_hour)
    last_minute = int(found["m2"]) if found["m2"] else HOUR_ONLY
    last = table.clock(int(found["h2"]), last_minute, last_mark or "range", "")
    return f"{first} {table.words['to']} {last}"
