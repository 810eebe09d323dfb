"""Numbers by themselves: fractions, ordinals, Roman numbers, ranges, years, and signs."""

import re
import unicodedata
from functools import partial

from voicelive_agent.emulator.tts.text.normalization.amounts import (
    DASH,
    SPACE,
    find_unit,
    say_quantity,
    unit_names,
)
from voicelive_agent.emulator.tts.text.normalization.number_words import (
    noun_behind,
    number_pattern,
    parse_number,
    say_cardinal,
    say_counted,
    say_decimal,
    say_digits,
    say_year,
    word_before,
)
from voicelive_agent.emulator.tts.text.normalization.roman import read_roman
from voicelive_agent.emulator.tts.text.normalization.table import LanguageTable, Rules

_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_START = r"(?<![\w$€£])(?<!\d[.,/:])"
_LONG = 7
"""So many digits without grouping are said one by one."""


def list_rules(table: LanguageTable) -> Rules:
    number = number_pattern(table)
    fraction = rf"(?:(?P<num>\d{{1,2}})[/⁄](?P<den>\d{{1,3}})|(?P<vulgar>[{_VULGAR}]))"
    return [
        (
            rf"{_START}(?P<sign>[-−]?)(?:(?P<whole>\d+)(?:{SPACE}|-|(?=[{_VULGAR}])))?{fraction}(?![\w/]|[.,]\d)"
            rf"(?P<tail>[\s-](?P<noun>[^\W\d_]+)\.?)?",
            partial(_say_fraction, table),
        ),
        (rf"{_START}(?P<n>\d{{1,4}})(?P<mark>{table.ordinal_mark})", partial(_say_ordinal, table)),
        *_list_roman(table),
        (
            rf"{_START}(?P<a>\d{{4}}){SPACE}?{DASH}{SPACE}?(?P<b>\d{{4}}|\d\d)(?![\w%/-]|[.,]\d)",
            partial(_say_years, table),
        ),
        (
            rf"{_START}(?<!{DASH})(?P<a>{number})(?P<left>{SPACE}?){DASH}(?P<right>{SPACE}?)(?P<b>{number})"
            rf"(?![\w/-]|[.,:]\d)",
            partial(_say_range, table),
        ),
        (
            rf"{_START}(?P<a>{number}){SPACE}?(?P<by>[x×]){SPACE}?(?P<b>{number})(?!\w)",
            partial(_say_product, table),
        ),
        (rf"{_START}(?P<a>\d{{1,3}})[x×](?!\w)", partial(_say_times, table)),
        (rf"{_START}(?P<a>\d{{1,2}}):(?P<b>\d{{1,2}})(?![\w:])", partial(_say_ratio, table)),
        (
            rf"\b(?:{table.year_context})\s(?P<said>(?P<year>1[1-9]\d\d|20\d\d))(?![\w%°-]|[.,]\d|{SPACE}\d)",
            partial(_say_year_in_context, table),
        ),
        (
            rf"\b(?:{table.code_context})\s?#?(?P<said>\d{{3,}})(?![\w%]|[.,]\d)",
            partial(_say_code, table),
        ),
        (r"(?<=[^\W\d_])-(?P<n>\d+)(?!\w|[.,]\d)", partial(_say_suffix, table)),
        (
            rf"{_START}(?P<sign>(?:(?<![^\s(]))[-−–](?=\d)|[−])?(?P<n>{number})(?!\w)",
            partial(_say_plain, table),
        ),
    ]


def _say_fraction(table: LanguageTable, match: re.Match[str]) -> str | None:
    num, den = _read_fraction(match)
    whole = int(match["whole"] or 0)
    tail, noun = match["tail"] or "", match["noun"] or ""
    if den < 2 or (whole and num >= den):
        return None
    if not match["vulgar"] and not whole and (den in (10, 100) or num >= den):
        said = f"{say_cardinal(table, num)} {table.words['of']} {say_cardinal(table, den)}"
        return said + tail
    unit = find_unit(table, tail.strip()) or find_unit(table, noun)
    if unit is not None and noun:
        one, many = unit_names(table, unit)
        noun = one if not whole or (whole == 1 and table.code in ("fr", "it")) else many
        tail = f" {noun}"
    sign = f"{table.words['-']} " if match["sign"] else ""
    return sign + (
        _say_mixed(table, whole, num, den, noun, tail)
        if whole
        else _say_and_half(table, match, num, den) or _say_part(table, num, den, noun, tail)
    )


def _say_and_half(table: LanguageTable, match: re.Match[str], num: int, den: int) -> str:
    """What follows "un'ora e": the half of what was said before; empty where it does not."""
    found = re.search(r"([^\W\d_]+)\s(?:e|y|et)\s$", match.string[: match.start()])
    if not found or (num, den) != (1, 2):
        return ""
    return table.halves(found[1])[1] + (match["tail"] or "")


def _read_fraction(match: re.Match[str]) -> tuple[int, int]:
    if match["vulgar"]:
        num, _, den = unicodedata.normalize("NFKD", match["vulgar"]).partition("⁄")
        return int(num), int(den)
    return int(match["num"]), int(match["den"])


def _say_part(table: LanguageTable, num: int, den: int, noun: str, tail: str) -> str:
    """Less than one: "half a cup", "three quarters of a cup"."""
    if (num, den) == (1, 2):
        half = table.halves(noun)[0]
        return f"{half}{tail.lstrip()}" if half.endswith("-") else f"{half}{tail}"
    names = table.fractions.get(den)
    if names is None:
        return f"{say_cardinal(table, num)} {table.words['over']} {say_cardinal(table, den)}{tail}"
    name = names[num > 1]
    said = f"{table.agree(num, say_cardinal(table, num), 'm', name, '')} {name}"
    return f"{said}{table.part_of(noun)}{' ' if noun and not tail[:1].isspace() else ''}{tail}"


def _say_mixed(table: LanguageTable, whole: int, num: int, den: int, noun: str, tail: str) -> str:
    """One and more: "two and a half cups", "une heure et demie"."""
    if whole == 1 and table.code in ("fr", "es") and noun.endswith("s"):
        noun, tail = noun[:-1], tail.rstrip(".").removesuffix("s")
    said = say_counted(table, whole, noun)
    if (num, den) == (1, 2):
        part = table.halves(noun)[1]
    elif den in table.fractions:
        name = table.fractions[den][num > 1]
        part = f"{table.agree(num, say_cardinal(table, num), 'm', name, '')} {name}"
    else:
        part = f"{say_cardinal(table, num)} {table.words['over']} {say_cardinal(table, den)}"
    if not table.mixed:
        said = table.agree(whole, say_cardinal(table, whole), "m", "Halb", "")
        return f"{said}{part.replace(' ', '').lower()}{tail}"
    if table.code in ("fr", "es", "it") and noun and den == 2 and table.gender(noun):
        return f"{said}{tail.rstrip('.')} {table.mixed} {part}"
    if table.code == "en" and num == 1:
        part = part.replace("one ", "an " if part[4:5] in "aei" else "a ")
    return f"{said} {table.mixed} {part}{tail}"


def _say_ordinal(table: LanguageTable, match: re.Match[str]) -> str | None:
    return table.ordinal(int(match["n"]), match["mark"], match.string[: match.start()])


def _list_roman(table: LanguageTable) -> Rules:
    roman = r"(?P<roman>[IVXLC]+)"
    rules: Rules = [
        (
            rf"\b(?P<name>{table.rulers})\s(?P<said>(?P<roman>[IVX]+)(?P<mark>er|re|\.)?)(?!\w)",
            partial(_say_regnal, table),
        ),
        (rf"\b(?:{table.numbered})\s(?P<said>{roman})\b", partial(_say_roman, table, 1)),
        (
            r"\b[A-ZÀ-Þ][\w'’-]+\s(?P<said>(?P<roman>[IVX]{2,6}))\b(?!\.\w)",
            partial(_say_roman, table, 2),
        ),
    ]
    if table.roman_ordinals:
        rules.insert(0, (table.roman_ordinals, partial(_say_roman_ordinal, table)))
    return rules


def _say_regnal(table: LanguageTable, match: re.Match[str]) -> str | None:
    number = read_roman(match["roman"])
    if number is None:
        return None
    return table.regnal(match["name"], number)


def _say_roman(table: LanguageTable, least: int, match: re.Match[str]) -> str | None:
    number = read_roman(match["roman"])
    return say_cardinal(table, number) if number is not None and number >= least else None


def _say_roman_ordinal(table: LanguageTable, match: re.Match[str]) -> str | None:
    number = read_roman(match["roman"])
    if number is None:
        return None
    return table.ordinal(number, match.groupdict().get("mark") or "", match.string[: match.start()])


def _say_years(table: LanguageTable, match: re.Match[str]) -> str | None:
    first, written = int(match["a"]), match["b"]
    last = int(written) if len(written) == 4 else first // 100 * 100 + int(written)
    if not (1000 <= first < last <= 2200):
        return None
    return f"{say_year(table, first)} {table.words['to']} {say_year(table, last)}"


def _say_range(table: LanguageTable, match: re.Match[str]) -> str | None:
    if _is_code(match["a"]) or _is_code(match["b"]):
        return None
    middle = table.words["to"]
    if match["left"] and match["right"] and re.match(r"\s?=", match.string[match.end() :]):
        middle = table.words["-"]
    noun = noun_behind(table, match.string, match.end())
    first = say_quantity(table, match["a"], None, "")
    return f"{first} {middle} {say_quantity(table, match['b'], None, noun)}"


def _say_product(table: LanguageTable, match: re.Match[str]) -> str:
    middle = table.words["by" if match["by"] == "x" else "×"]
    first, last = (say_quantity(table, match[group], None, "") for group in "ab")
    return f"{first} {middle} {last}"


def _say_times(table: LanguageTable, match: re.Match[str]) -> str:
    return table.times(int(match["a"]), say_cardinal(table, int(match["a"])))


def _say_ratio(table: LanguageTable, match: re.Match[str]) -> str:
    first, last = (say_cardinal(table, int(match[group])) for group in "ab")
    return f"{first} {table.words['ratio']} {last}"


def _say_year_in_context(table: LanguageTable, match: re.Match[str]) -> str | None:
    if re.match(r"\s(?!is\b|was\b|has\b|his\b|as\b|its\b)[a-z]+s\b", match.string[match.end() :]):
        return None  # "in 2000 steps"
    return say_year(table, int(match["year"]))


def _say_code(table: LanguageTable, match: re.Match[str]) -> str:
    return say_digits(table, match["said"])


def _say_suffix(table: LanguageTable, match: re.Match[str]) -> str:
    """COVID-19, GPT-4."""
    digits = match["n"]
    if _is_code(digits) or len(digits) > 4:
        return " " + say_digits(table, digits)
    return " " + say_cardinal(table, int(digits))


def _say_plain(table: LanguageTable, match: re.Match[str]) -> str | None:
    written = match["n"]
    sign = f"{table.words['-']} " if match["sign"] else ""
    if _is_code(written):
        return sign + say_digits(table, written)
    whole, fraction = parse_number(table, written)
    if fraction:
        return sign + say_decimal(table, whole, fraction)
    noun = noun_behind(table, match.string, match.end())
    if not sign and written.isdigit() and _is_bare_year(table, whole, noun):
        return say_year(table, whole)
    before = word_before(match.string, match.start())
    return sign + say_quantity(table, written, None, noun, before)


def _is_code(written: str) -> bool:
    """Whether digits are no quantity: they begin with 0, or are many and not grouped."""
    if not written.isdigit():
        return False
    return (written[0] == "0" and len(written) > 1) or (
        len(written) >= _LONG and not written.endswith("000")
    )


def _is_bare_year(table: LanguageTable, number: int, noun: str) -> bool:
    if table.code == "de":
        return 1500 <= number < 2000 and not noun
    return table.code == "en" and 1900 <= number < 2100 and not noun.endswith("s")


def list_signs(table: LanguageTable) -> Rules:
    """What is left of signs, once numbers have taken theirs."""

    def constant(said: str) -> partial[str]:
        return partial(lambda said, match: said, f" {said} ")

    words = table.words
    rules: Rules = [
        (re.escape(sign), constant(words[sign]))
        for sign in ("×", "÷", "±", "≈", "≤", "≥", "≠", "√", "∞", "→", "π", "&", "%", "‰")
    ]
    return [
        *rules,
        (r"\+", constant(words["+"])),
        (r"(?<=[\w)])\s?=\s?(?=[-\w(])", constant(words["="])),
        (r"(?<=[\w)])\s(?:−|-)\s(?=\d)(?=[^=]*=)", constant(words["-"])),
        (r"(?<![\w<])<\s?(?=\d)", constant(words["<"])),
        (r"(?<![\w>-])>\s?(?=\d)", constant(words[">"])),
        (r"~(?=\d)", constant(words["~"])),
        (r"§+", constant(words["§"])),
        (r"#(?=\d)", constant(words["#"])),
        (r"(?<=\s)@(?=\s)", constant(words["@"])),
        (r"(?<=[\w)])²", constant(words["squared"])),
        (r"(?<=[\w)])³", constant(words["cubed"])),
        (r"(?<=[\w)])\^(?=[-−]?\w)", constant(words["power"])),
        (r"(?<=[^\W\d_])/(?=[^\W\d_])", constant("")),
        (r"[™®©]", constant("")),
    ]
