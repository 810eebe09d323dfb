"""Amounts: money, percentages and units, alone, as ranges, with magnitudes and "per"."""

import re
from collections.abc import Mapping
from functools import cache, partial

from babel import Locale
from babel.numbers import get_currency_name

from voicelive_agent.emulator.tts.text.normalization.number_words import (
    noun_behind,
    number_pattern,
    parse_number,
    say_cardinal,
    say_counted,
    say_decimal,
    say_fraction_digits,
    value_of,
    word_before,
)
from voicelive_agent.emulator.tts.text.normalization.table import (
    Currency,
    LanguageTable,
    Magnitude,
    Rules,
)

SPACE = r"[ \u00a0\u202f\u2009]"
DASH = r"[-–—−]"
_SYMBOLS = {
    "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD",
    "HK$": "HKD", "R$": "BRL", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW",
    "₽": "RUB", "₺": "TRY", "₪": "ILS", "₴": "UAH", "฿": "THB", "₫": "VND", "₱": "PHP",
    "zł": "PLN", "Kč": "CZK",
}  # fmt: skip
_CODES = (
    r"USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|BRL|MXN|"
    r"KRW|RUB|TRY|ZAR|SGD|HKD|ILS|AED|SAR|THB"
)
_UNITS = {
    "km": "length-kilometer", "cm": "length-centimeter", "mm": "length-millimeter",
    "m": "length-meter", "µm|μm": "length-micrometer", "nm": "length-nanometer",
    "kg": "mass-kilogram", "mg": "mass-milligram", "µg|μg|mcg": "mass-microgram", "g": "mass-gram",
    "t": "mass-tonne", "l|L|ℓ": "volume-liter", "ml|mL": "volume-milliliter",
    "cl": "volume-centiliter", "dl": "volume-deciliter", "hl": "volume-hectoliter",
    "km/h|kmh|kph": "speed-kilometer-per-hour", "m/s": "speed-meter-per-second",
    "mph": "speed-mile-per-hour", "°\\s?C|℃": "temperature-celsius",
    "°\\s?F|℉": "temperature-fahrenheit", "m²|m2|qm": "area-square-meter",
    "km²|km2": "area-square-kilometer", "cm²|cm2": "area-square-centimeter", "ha": "area-hectare",
    "m³|m3": "volume-cubic-meter", "cm³|cm3": "volume-cubic-centimeter",
    "kB|KB": "digital-kilobyte", "MB": "digital-megabyte", "GB": "digital-gigabyte",
    "TB": "digital-terabyte", "PB": "digital-petabyte", "kbit": "digital-kilobit",
    "Mbit|Mb": "digital-megabit", "Gbit|Gb": "digital-gigabit", "Hz": "frequency-hertz",
    "kHz": "frequency-kilohertz", "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz",
    "W": "power-watt", "kW": "power-kilowatt", "MW": "power-megawatt", "GW": "power-gigawatt",
    "kWh": "energy-kilowatt-hour", "V": "electric-volt", "mA": "electric-milliampere",
    "Ω": "electric-ohm", "kJ": "energy-kilojoule", "kcal": "energy-kilocalorie",
    "hPa": "pressure-hectopascal", "kPa": "pressure-kilopascal", "bar": "pressure-bar",
    "mbar": "pressure-millibar", "min": "duration-minute", "ms": "duration-millisecond",
    "h": "duration-hour", "s": "duration-second", "ft": "length-foot", "mi": "length-mile",
    "dB": "decibel|decibels", "px": "graphics-pixel", "MP": "graphics-megapixel",
    "lm": "light-lumen", "lx": "light-lux", "Nm": "torque-newton-meter",
    "lbs?": "mass-pound", "oz": "mass-ounce",
}  # fmt: skip
# Nouns that a number with a letter names: "Gate 4B" is no four billion.
_LABELLED = re.compile(
    r"\b(?:gate|seat|row|room|suite|flat|apartment|apt\.?|unit|terminal|platform|track|bus|line|"
    r"route|floor|door|block|building|house|hall|section|class|grade|form|type|model|exit|bay|box|"
    r"locker|table|lane|level|zone|gleis|sitz|sitzplatz|platz|reihe|zimmer|raum|wohnung|tor|halle|"
    r"haus|linie|ausgang|tisch|klasse|straße|hausnummer|porte|siège|chambre|salle|voie|quai|"
    r"puerta|asiento|habitación|sala|andén|vía|uscita|posto|camera|sala|binario|porta|"
    r"(?:in|at|is|im) number|nr\.|no\.|nummer)\s#?$",
    re.IGNORECASE,
)
_SPEEDS = {"Mbps": "Mbit", "Gbps": "Gbit", "kbps": "kbit"}


def list_rules(table: LanguageTable) -> Rules:
    number = number_pattern(table)
    symbol = "|".join(map(re.escape, [*_SYMBOLS, "$"]))
    code = _CODES
    words = "|".join(
        sorted({w for c in table.currencies.values() for w in (c.one, c.many) if w}, key=len)[::-1]
    )
    big = "|".join(table.magnitudes)
    start = r"(?<![\w$€£])(?<!\d[.,])"
    per = rf"(?:{SPACE}?/{SPACE}?(?P<per>[^\W\d_]+²?))?"
    prefixed = (
        rf"{start}(?P<sign>[-−+]?)(?P<currency>{symbol}|(?:{code})(?={SPACE}?\d)){SPACE}?(?P<minus>[-−]?)"
        rf"(?P<a>{number})(?:{SPACE}?(?P<big_a>{big})(?!\w))?"
        rf"(?:{SPACE}?{DASH}{SPACE}?(?:{symbol})?(?P<b>{number})(?:{SPACE}?(?P<big_b>{big})(?!\w))?)?"
        rf"(?:{SPACE}(?:{words})\b)?(?:,?[-–—]{{1,2}}(?!\w))?{per}(?!\w)"
    )
    suffixed = (
        rf"{start}(?P<sign>(?:(?<=\s)|^)[-−+])?(?P<a>{number})"
        rf"(?:{SPACE}?{DASH}{SPACE}?(?P<b>{number}))?(?:[.,][-–—]{{1,2}})?"
        rf"(?:{SPACE}?(?P<big_b>{big})\.?)?{SPACE}?(?P<currency>{symbol}|(?:{code}|{words})\b){per}(?!\w)"
    )
    return [
        (prefixed, partial(_say_money, table)),
        (suffixed, partial(_say_money, table)),
        *_list_units(table, number),
        (
            rf"{start}(?P<sign>[-−+]?)(?P<a>{number}){SPACE}?(?P<big>{big})(?!\w|/)",
            partial(_say_big, table),
        ),
    ]


def find_magnitude(table: LanguageTable, written: str | None) -> Magnitude | None:
    for pattern, magnitude in table.magnitudes.items() if written else ():
        if re.fullmatch(pattern, written or ""):
            return magnitude
    return None


def is_one(table: LanguageTable, written: str) -> bool:
    """Whether a noun behind this number is in the singular."""
    value = value_of(table, written)
    return value < 2 if table.code == "fr" else value == 1 and not parse_number(table, written)[1]


def say_quantity(
    table: LanguageTable, written: str, big: Magnitude | None, noun: str, before: str = ""
) -> str:
    """A number before a noun that it counts, without the noun; with what links the two."""
    whole, fraction = parse_number(table, written)
    if big is not None and not big.one:
        value = value_of(table, written) * 10**big.exponent
        whole, fraction, big = int(value), "", None
    if big is not None:
        name = big.one if is_one(table, written) else big.many
        said = (
            say_decimal(table, whole, fraction)
            if fraction
            else table.agree(whole, say_cardinal(table, whole), big.gender, name, before)
        )
        return f"{said} {name}{table.link(noun)}" if noun else f"{said} {name}"
    if fraction:
        return say_decimal(table, whole, fraction)
    said = say_counted(table, whole, noun, before)
    return said + (table.link(noun) if noun and whole and whole % 10**6 == 0 else "")


def _find_currency(table: LanguageTable, written: str) -> Currency:
    name = written.strip()
    for currency in table.currencies.values():
        if name in (currency.one, currency.many):
            return currency
    code = table.dollar if name == "$" else _SYMBOLS.get(name, name)
    if code in table.currencies:
        return table.currencies[code]
    one, many = (get_currency_name(code, count=count, locale=table.code) for count in (1, 2))
    return Currency(one, many, gender=table.gender(one.split()[0]))


def _say_money(table: LanguageTable, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    currency = _find_currency(table, found["currency"])
    before = word_before(match.string, match.start())
    parts = []
    if found["b"]:
        big = find_magnitude(table, found.get("big_a") or found["big_b"])
        first = say_quantity(table, found["a"], big, currency.many)
        if big is not None and big.one and not found.get("big_a"):
            first = say_quantity(table, found["a"], None, "")
        elif table.link(currency.many) and first.endswith(table.link(currency.many)):
            first = first.removesuffix(table.link(currency.many))
        parts += [first, table.words["to"]]
    written = found["b"] or found["a"]
    big = find_magnitude(
        table, found["big_b"] if found["b"] else found.get("big_a") or found["big_b"]
    )
    parts.append(_say_price(table, currency, written, big, before, _is_attribute(table, match)))
    if "-" in (found["sign"] or "") + (found.get("minus") or "") or "−" in (found["sign"] or ""):
        parts.insert(0, table.words["-"])
    elif found["sign"]:
        parts.insert(0, table.words["+"])
    return " ".join(parts) + say_per(table, found["per"])


def _say_price(
    table: LanguageTable,
    currency: Currency,
    written: str,
    big: Magnitude | None,
    before: str,
    attribute: bool,
) -> str:
    whole, fraction = parse_number(table, written)
    one = is_one(table, written) and big is None
    if big is None and len(fraction) == 2 and currency.small_one:
        name = currency.one if whole == 1 or (table.code == "fr" and whole < 2) else currency.many
        small = int(fraction)
        cents = currency.small_one if small == 1 else currency.small_many
        if small and not whole:
            return f"{say_counted(table, small, cents, before)} {cents}"
        said = f"{_count_money(table, currency, whole, name, before)}"
        if not small:
            return said
        return (
            table.words["money"]
            .format(whole=said, small=_say_small(table, small, cents), cents=cents)
            .strip()
        )
    name = currency.one if one or attribute else currency.many
    if big is None and not fraction:
        return _count_money(table, currency, whole, name, before)
    return f"{say_quantity(table, written, big, name, before)} {name}"


def _say_small(table: LanguageTable, small: int, cents: str) -> str:
    if "{cents}" in table.words["money"]:
        return say_counted(table, small, cents)
    return say_fraction_digits(table, f"{small:02}") if small < 10 else say_cardinal(table, small)


def _count_money(
    table: LanguageTable, currency: Currency, whole: int, name: str, before: str
) -> str:
    said = table.agree(whole, say_cardinal(table, whole), currency.gender, name, before)
    link = table.link(name) if whole and whole % 10**6 == 0 else ""
    return f"{said}{link} {name}"


def _is_attribute(table: LanguageTable, match: re.Match[str]) -> bool:
    """Whether the amount stands before a noun as in "a $5 coupon", where it has no plural."""
    if table.code != "en" or word_before(match.string, match.start()) not in ("a", "an", "another"):
        return False
    return bool(re.match(r"\s[a-z]{3,}", match.string[match.end() :])) and not re.match(
        r"\s(?:and|for|per|off|when|each|more|less|but|with|from|that)\b",
        match.string[match.end() :],
    )


def say_per(table: LanguageTable, written: str | None) -> str:
    """ "/kg", "/month": what is said behind the amount."""
    if not written:
        return ""
    if written in table.per:
        return f" {table.per[written]}"
    unit = find_unit(table, written)
    if unit is not None:
        return f" {unit_per(table, unit)}"
    return f" {table.words['per']} {written}"


# Units.


def _list_units(table: LanguageTable, number: str) -> Rules:
    start = r"(?<![\w$€£])(?<!\d[.,])"
    symbols = "|".join(sorted((p for p in _all_units(table)), key=len)[::-1])
    amount = (
        rf"{start}(?P<sign>(?:(?<!\S)–|[-−+±~])?)(?P<a>{number})"
        rf"(?:{SPACE}?(?:{DASH}){SPACE}?(?P<b>{number}))?"
    )
    return [
        (
            rf"{start}(?P<feet>\d{{1,2}}){SPACE}?['′’]{SPACE}?(?P<inches>\d{{1,2}}){SPACE}?(?:[\"″”]|'')",
            partial(_say_height, table),
        ),
        (rf"{amount}{SPACE}?(?P<mark>[%‰])", partial(_say_percent, table)),
        (
            rf"{amount}(?P<space>{SPACE}?-?)(?P<unit>{symbols}|{'|'.join(_SPEEDS)})"
            rf"(?:{SPACE}?/{SPACE}?(?P<per>[^\W\d_]+[²³]?))?(?![\w²³])",
            partial(_say_amount, table),
        ),
        (rf"{amount}{SPACE}?°(?!\w)", partial(_say_degrees, table)),
    ]


@cache
def _units_of(code: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    patterns: Mapping[str, Mapping[str, Mapping[str, str]]] = Locale(code)._data["unit_patterns"]
    return patterns


def _all_units(table: LanguageTable) -> Mapping[str, str]:
    return {**_UNITS, **table.units}


def find_unit(table: LanguageTable, written: str) -> str | None:
    """Babel's id of a unit, or its names; the language's own come first."""
    for units in (table.units, _UNITS):
        for pattern, unit in units.items():
            if re.fullmatch(pattern, written):
                return unit
    return None


def unit_names(table: LanguageTable, unit: str) -> tuple[str, str]:
    """Singular and plural."""
    if "|" in unit:
        one, _, many = unit.partition("|")
        return one, many
    names = _units_of(table.code)[unit]["long"]
    many = names["other"].replace("{0}", "").strip()
    return names.get("one", names["other"]).replace("{0}", "").strip(), many


def unit_per(table: LanguageTable, unit: str) -> str:
    if "|" not in unit:
        per = _units_of(table.code)[unit]["long"].get("per")
        if per is not None:
            return per.replace("{0}", "").strip()
    return f"{table.words['per']} {unit_names(table, unit)[0]}"


def _say_amount(table: LanguageTable, match: re.Match[str]) -> str | None:
    written = _SPEEDS.get(match["unit"], match["unit"])
    unit = find_unit(table, written)
    if unit is None:
        return None
    one, many = unit_names(table, unit)
    last = match["b"] or match["a"]
    attribute = table.code == "en" and match["space"].endswith("-")
    name = one if is_one(table, last) or attribute else many
    said = f"{_say_range(table, match, name)} {name}"
    per = "s" if match["unit"] in _SPEEDS else match["per"]
    return f"{said}{say_per(table, per)}"


def _say_range(table: LanguageTable, match: re.Match[str], noun: str) -> str:
    """One number or two, with their sign, before a noun."""
    sign = {"-": "-", "−": "-", "–": "-", "+": "+", "±": "±", "~": "~"}.get(match["sign"] or "")
    head = f"{table.words[sign]} " if sign else ""
    before = word_before(match.string, match.start())
    if match["b"]:
        head += f"{say_quantity(table, match['a'], None, '')} {table.words['to']} "
    return head + say_quantity(table, match["b"] or match["a"], None, noun, before)


def _say_percent(table: LanguageTable, match: re.Match[str]) -> str:
    name = table.words[match["mark"]]
    return f"{_say_range(table, match, name)} {name}"


def _say_degrees(table: LanguageTable, match: re.Match[str]) -> str:
    one, many = unit_names(table, "angle-degree")
    name = one if is_one(table, match["b"] or match["a"]) else many
    return f"{_say_range(table, match, name)} {name}"


def _say_height(table: LanguageTable, match: re.Match[str]) -> str:
    said = []
    for group, unit in (("feet", "length-foot"), ("inches", "length-inch")):
        one, many = unit_names(table, unit)
        name = one if match[group] == "1" else many
        said.append(f"{say_counted(table, int(match[group]), name)} {name}")
    return " ".join(said)


def _say_big(table: LanguageTable, match: re.Match[str]) -> str | None:
    """A number with a magnitude and no currency: "5 million", "100K"."""
    magnitude = find_magnitude(table, match["big"])
    if magnitude is None or re.match(r"-|['’]", match.string[match.end() :]):
        return None
    if match["big"] == "K" and match["a"] in ("2", "4", "5", "8"):
        return None  # a resolution
    if len(match["big"]) == 1 and _LABELLED.search(match.string, 0, match.start()):
        return None
    sign = "" if match["sign"] in ("", "+") else f"{table.words['-']} "
    noun = noun_behind(table, match.string, match.end())
    return sign + say_quantity(table, match["a"], magnitude, noun)
