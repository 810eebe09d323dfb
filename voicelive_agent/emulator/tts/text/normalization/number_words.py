"""Number words: cardinals, decimals, years and digits of a language."""

import re
from decimal import Decimal

from voicelive_agent.emulator.tts.text.normalization.table import LanguageTable, say_number

LARGEST_DIGITS = 15
"""More digits than these are no number that anybody says as one."""


def number_pattern(table: LanguageTable) -> str:
    """A number as it is written: thousands grouped or not, with decimals or without."""
    groups = re.escape(table.groups)
    decimal = re.escape(table.decimal)
    grouped = rf"\d{{1,3}}(?:[{groups}]\d{{3}})+(?!\d)"
    # A stop with other than three digits behind it parts decimals in any language.
    stop = "" if table.decimal == "." else r"(?:\.\d+)?"
    return rf"(?:(?:{grouped}|\d+)(?:{decimal}\d+)?{stop})"


def parse_number(table: LanguageTable, written: str) -> tuple[int, str]:
    """The integer and its decimals, as digits; of "1.234,5" in German: 1234 and "5"."""
    whole, mark, fraction = written.partition(table.decimal)
    if not mark and "." in whole and table.decimal != ".":
        head, _, tail = whole.rpartition(".")
        if len(tail) != 3 or (len(head) > 3 and "." not in head):
            whole, fraction = head, tail
    return int(re.sub(r"\D", "", whole) or "0"), re.sub(r"\D", "", fraction)


def value_of(table: LanguageTable, written: str) -> Decimal:
    whole, fraction = parse_number(table, written)
    return Decimal(f"{whole}.{fraction or 0}")


def say_cardinal(table: LanguageTable, number: int) -> str:
    if number >= 10**LARGEST_DIGITS:
        return say_digits(table, str(number))
    return say_number(table.code, number)


def say_digits(table: LanguageTable, digits: str) -> str:
    """One by one."""
    return " ".join(say_number(table.code, int(digit)) for digit in digits)


def say_decimal(table: LanguageTable, whole: int, fraction: str) -> str:
    """3.05: "three point zero five"."""
    said = say_cardinal(table, whole)
    return f"{said} {table.words['decimal']} {say_fraction_digits(table, fraction)}"


def say_fraction_digits(table: LanguageTable, fraction: str) -> str:
    # In Romance languages two decimals are said as one number: "tres coma catorce".
    if table.words.get("decimals") == "number" and len(fraction) == 2 and fraction[0] != "0":
        return say_cardinal(table, int(fraction))
    return say_digits(table, fraction)


def say_counted(table: LanguageTable, number: int, noun: str, before: str = "") -> str:
    """A cardinal as it agrees with the noun that it counts."""
    said = say_cardinal(table, number)
    gender = table.gender(noun.split()[0]) if noun else ""
    return table.agree(number, said, gender, noun, before) if noun else said


def say_year(table: LanguageTable, year: int) -> str:
    if table.year_said is not None:
        return table.year_said(year)
    return say_number(table.code, year, "year")


def word_before(text: str, position: int) -> str:
    """The last word before a position, lower case; empty after a mark."""
    match = re.search(r"([^\W\d_]+)['’]?\s*$", text[max(0, position - 40) : position])
    return match[1].lower() if match else ""


def noun_behind(table: LanguageTable, text: str, position: int) -> str:
    """The noun that a number ending at a position counts; empty where there is none."""
    match = table.noun.match(text, position)
    return match[1] if match else ""
