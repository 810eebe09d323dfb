"""Table of a language: how its written forms are recognised and what is said for them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from num2words import num2words

Gender = str
"""``m``, ``f`` or ``n``; empty where nobody knows."""


@dataclass(frozen=True, slots=True)
class Currency:
    one: str
    many: str
    small_one: str = ""
    """The hundredth of it; empty where there is none."""
    small_many: str = ""
    gender: Gender = "m"


@dataclass(frozen=True, slots=True)
class Magnitude:
    """A million and the like; ``one`` is empty for what is simply multiplied."""

    exponent: int
    one: str = ""
    many: str = ""
    gender: Gender = "m"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageTable:
    code: str
    """As num2words and babel call it."""
    decimal: str
    groups: str
    """Characters that may part thousands."""
    day_first: bool = True
    """Whether 3/4 is the third of April."""
    words: Mapping[str, str]
    """What is said for a sign or between numbers, by the sign or a short name."""
    currencies: Mapping[str, Currency]
    """By ISO code; others are named by babel."""
    dollar: str = "USD"
    """The ISO code of ``$``."""
    magnitudes: Mapping[str, Magnitude]
    """By what is written behind the number."""
    link: Callable[[str], str] = lambda noun: ""
    """What stands between a million and what is counted."""
    units: Mapping[str, str]
    """Units that only this language writes so: babel's id, or ``one|many``."""
    halves: Callable[[str], tuple[str, str]]
    """For the noun behind ½: what is said for ½ before it, and for "and a half"."""
    fractions: Mapping[int, tuple[str, str]]
    """By denominator: one, many."""
    part_of: Callable[[str], str]
    """What stands between "three quarters" and the noun."""
    mixed: str
    """Between the number and the fraction in 3 1/4."""
    abbreviations: Mapping[str, str]
    """By regular expression, matched between words; the first that fits."""
    months: Mapping[str, int]
    """Abbreviated months, lower case, without the stop."""
    weekdays: Mapping[str, str]
    """Abbreviated days, without the stop."""
    gender: Callable[[str], Gender]
    agree: Callable[[int, str, Gender, str, str], str]
    """A cardinal before a noun: number, its words, gender, noun, the word before."""
    noun: re.Pattern[str]
    """What follows a number and is counted by it; group 1 is the noun."""
    ordinal: Callable[[int, str, str], str]
    """A number, the mark it is written with, the text before; "first"."""
    ordinal_mark: str
    """What makes digits an ordinal, as a pattern."""
    date: Callable[[str, int, str, str, str], str]
    """Day as digits, month as number, its name, the year said (may be empty), the text before."""
    day_month: Callable[[int, str, str, str], str] | None = None
    """A date that is written with the day before the month, where that is said otherwise."""
    clock: Callable[[int, int, str, str], str]
    """Hour, minute, mark of the time of day (``am``, ``pm``, ``h`` or none), the text before."""
    clock_marks: str
    """What may follow a time, as a pattern with the groups ``am``, ``pm`` or ``h``."""
    hour_context: str = ""
    """Words before a number that make it a time, as a pattern."""
    date_context: str
    """Words before 3/4 that make it a date, as a pattern."""
    year_context: str
    """Words before a number that make it a year, as a pattern."""
    times: Callable[[int, str], str]
    """How often, with its words: "three times"."""
    regnal: Callable[[str, int], str]
    """A ruler's name and number: "the eighth"."""
    rulers: str
    numbered: str
    """Nouns that a Roman number follows: chapter; as a pattern."""
    code_context: str
    """Words before digits that are said one by one, as a pattern."""
    phone_context: str
    roman_ordinals: str = ""
    """What follows a Roman number that is an ordinal: century."""
    per: Mapping[str, str] = field(default_factory=dict)
    """What is said for "/month" where it is not regular."""
    phone_pairs: bool = False
    """Whether the digits of phone numbers are said as numbers of two."""
    year_said: Callable[[int], str] | None = None
    extra: Mapping[str, Callable[[re.Match[str]], str | None]] = field(default_factory=dict)
    """Rules that no other language has, by their pattern."""


def say_number(code: str, number: int, to: str = "cardinal") -> str:
    """Words for a number by num2words, without the commas that would be heard."""
    said = str(num2words(number, lang=code, to=to))
    return said.replace(",", "")


Say = Callable[[re.Match[str]], str | None]
Rules = list[tuple[str, Say]]
"""Patterns, and what is said for a match; None leaves it to the rules that follow."""
