"""English: its table of written forms."""

import re

from voicelive_agent.emulator.tts.text.normalization.table import (
    Currency,
    LanguageTable,
    Magnitude,
    say_number,
)

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "sept": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_COUNTABLES = (
    r"cups?|teaspoons?|tablespoons?|tsps?|tbsps?|miles?|pounds?|lbs?|inch|inches|ounces?|oz|"
    r"gallons?|pints?|quarts?|liters?|litres?|kilos?|days?|years?|dozen|pages?|points?|months?|"
    r"weeks?|minutes?|seconds?|meters?|metres?|feet|foot|yards?|tons?|slices?|bottles?|glass|"
    r"percent|acres?|hours?|stick|sticks|scoops?|bags?|can|cans|bunch"
)
_SINGULARS = {"tsp": "teaspoon", "tbsp": "tablespoon", "lb": "pound", "oz": "ounce", "feet": "foot"}


def _article(noun: str) -> str:
    return "an" if noun[:4] == "hour" or noun[:1] in "aeio" else "a"


def _singular(noun: str) -> str:
    bare = noun.lower()
    bare = bare[:-2] if bare == "inches" else bare.removesuffix("s") if bare != "glass" else bare
    return _SINGULARS.get(bare, bare)


def _halves(noun: str) -> tuple[str, str]:
    if re.fullmatch(_COUNTABLES, noun, re.IGNORECASE):
        return f"half {_article(_singular(noun))}", "a half"
    return ("half" if noun in ("of", "a", "an", "the") else "one half"), "a half"


def _part_of(noun: str) -> str:
    if re.fullmatch(_COUNTABLES, noun, re.IGNORECASE):
        return f" of {_article(_singular(noun))}"
    return ""


def _ordinal(number: int, mark: str, before: str) -> str:
    return say_number("en", number, "ordinal")


def _date(day: str, month: int, name: str, year: str, before: str) -> str:
    said = f"{name} {say_number('en', int(day), 'ordinal')}" if day else name
    return f"{said} {year}".strip() if not day else f"{said}{', ' if year else ''}{year}"


def _clock(hour: int, minute: int, mark: str, before: str) -> str:
    said = say_number("en", hour)
    if minute > 0:
        said += f" oh {say_number('en', minute)}" if minute < 10 else f" {say_number('en', minute)}"
    elif not mark and minute == 0:
        said = f"{said} o'clock" if 0 < hour <= 12 else f"{said or 'zero'} hundred"
    return said + {"am": " a.m.", "pm": " p m"}.get(mark, "")


def _year(year: int) -> str:
    if 2000 <= year < 2010:
        return say_number("en", year)
    said = say_number("en", year, "year")
    return said.replace("oh-", "oh ")


def _agree(number: int, said: str, gender: str, noun: str, before: str) -> str:
    return said


def _day_month(day: int, name: str, year: str, before: str) -> str:
    """As it is written: "28 November", "the 28th of November"."""
    article = "" if re.search(r"\bthe\s$", before, re.IGNORECASE) else "the "
    said = f"{article}{say_number('en', day, 'ordinal')} of {name}"
    return f"{said}, {year}" if year else said


def _say_in_pairs(match: re.Match[str]) -> str:
    """Room 1205: "twelve oh five"."""
    head, tail = divmod(int(match["said"]), 100)
    if not tail:
        return f"{say_number('en', head)} hundred"
    oh = "oh " if tail < 10 else ""
    return f"{say_number('en', head)} {oh}{say_number('en', tail)}"


def _regnal(name: str, number: int) -> str:
    return f"the {say_number('en', number, 'ordinal')}"


_IN_DECADE = re.compile(r"\b(?:the|his|her|their|my|early|mid|late)[\s-]+$", re.IGNORECASE)


def _decade(match: re.Match[str]) -> str | None:
    century, decade = match["century"], int(match["decade"])
    if not century and not match["mark"] and not _IN_DECADE.search(match.string[: match.start()]):
        return None
    tens = {0: "hundreds", 10: "tens"}.get(decade, say_number("en", decade)[:-1] + "ies")
    if not century:
        return tens
    if decade == 0:
        tens = "thousands" if century == "20" else "hundreds"
        return f"two {tens}" if century == "20" else f"{say_number('en', int(century))} {tens}"
    return f"{say_number('en', int(century))} {tens}"


_STREETS = {
    "Dr": "Drive", "St": "Street", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard",
    "Ln": "Lane", "Ct": "Court", "Pl": "Place", "Hwy": "Highway", "Pkwy": "Parkway",
    "Sq": "Square", "Ter": "Terrace",
}  # fmt: skip


_STREET = (
    r"(?:\b\d+\w*|\b(?:[Oo]n|[Aa]t|[Tt]o|[Ff]rom|[Nn]ear|[Dd]own|[Uu]p|[Aa]long|and|of|off|[Ii]s))\s"
    r"(?:[NSEW]\.?\s)?(?:(?!Dr\b|St\b|Mt\b)[A-Z0-9][\w'’-]*\s){1,3}"
    r"(?P<said>(?P<street>" + "|".join(_STREETS) + r")\b\.?+)"
    r"(?!\s(?!NE|NW|SE|SW|N|S|E|W|Apt|Suite|Ste)[A-Z][a-z])"
)


def _street(match: re.Match[str]) -> str:
    return _STREETS[match["street"]]


# Behind these, five digits are a postal code.
_STATES = (
    r"A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|"
    r"T[NX]|UT|V[AT]|W[AIVY]"
)


def _inches(match: re.Match[str]) -> str:
    number = int(match["inches"])
    return f"{say_number('en', number)} {'inch' if number == 1 else 'inches'}"


def _zip(match: re.Match[str]) -> str:
    return " ".join(say_number("en", int(digit)) for digit in match["said"])


ENGLISH = LanguageTable(
    code="en",
    decimal=".",
    groups=",\u00a0\u202f\u2009",
    day_first=False,
    words={
        "decimal": "point",
        "-": "minus",
        "+": "plus",
        "to": "to",
        "per": "per",
        "×": "times",
        "by": "by",
        "%": "percent",
        "‰": "per mille",
        "÷": "divided by",
        "=": "equals",
        "±": "plus or minus",
        "≈": "about",
        "~": "about",
        "<": "less than",
        ">": "more than",
        "≤": "at most",
        "≥": "at least",
        "≠": "is not equal to",
        "&": "and",
        "@": "at",
        "§": "section",
        "√": "the square root of",
        "∞": "infinity",
        "→": "to",
        "#": "number",
        "hashtag": "hashtag",
        "dot": "dot",
        "/": "slash",
        "_": "underscore",
        "dash": "dash",
        "?": "question mark",
        "version": "version",
        "of": "out of",
        "and": "and",
        "°": "degrees",
        "π": "pi",
        "squared": "squared",
        "cubed": "cubed",
        "power": "to the power of",
        "over": "over",
        "equals": "equals",
        "ratio": "to",
        "version dot": "point",
        "money": "{whole} and {small} {cents}",
    },
    currencies={
        "USD": Currency("dollar", "dollars", "cent", "cents"),
        "EUR": Currency("euro", "euros", "cent", "cents"),
        "GBP": Currency("pound", "pounds", "penny", "pence"),
        "CHF": Currency("Swiss franc", "Swiss francs", "centime", "centimes"),
        "JPY": Currency("yen", "yen"),
        "INR": Currency("rupee", "rupees", "paisa", "paise"),
        "CAD": Currency("Canadian dollar", "Canadian dollars", "cent", "cents"),
        "AUD": Currency("Australian dollar", "Australian dollars", "cent", "cents"),
    },
    magnitudes={
        "k|K|thousand|grand": Magnitude(3),
        "millions?|mn|mln|mil|mio|MM|M|m": Magnitude(6, "million", "million"),
        "billions?|bn|bln|B|b": Magnitude(9, "billion", "billion"),
        "trillions?|tn|trn|T": Magnitude(12, "trillion", "trillion"),
    },
    units={
        "mph": "speed-mile-per-hour",
        "mi": "length-mile",
        "ft": "length-foot",
        "in\\.": "length-inch",
        "yds?": "length-yard",
        "lbs?\\.?": "mass-pound",
        "oz\\.?": "mass-ounce",
        "fl\\.? ?oz\\.?": "volume-fluid-ounce",
        "gal\\.?": "volume-gallon",
        "qts?": "volume-quart",
        "pts?": "volume-pint",
        "tsps?\\.?": "teaspoon|teaspoons",
        "tbsps?\\.?": "tablespoon|tablespoons",
        "hrs?\\.?|h": "duration-hour",
        "mins?\\.?": "duration-minute",
        "secs?\\.?|s": "duration-second",
        "sq\\.? ?ft\\.?|ft²|ft2": "area-square-foot",
        "sq\\.? ?mi\\.?|mi²": "area-square-mile",
        "wks?": "week|weeks",
        "yrs?\\.?": "year|years",
        "mpg": "mile per gallon|miles per gallon",
        "psi": "pound per square inch|pounds per square inch",
        "hp": "horsepower|horsepower",
        "rpm": "revolution per minute|revolutions per minute",
        "bpm": "beat per minute|beats per minute",
        "ac": "area-acre",
        "¢|cts\\.?": "cent|cents",
    },
    halves=_halves,
    fractions={
        2: ("half", "halves"),
        3: ("third", "thirds"),
        4: ("quarter", "quarters"),
        5: ("fifth", "fifths"),
        6: ("sixth", "sixths"),
        7: ("seventh", "sevenths"),
        8: ("eighth", "eighths"),
        9: ("ninth", "ninths"),
        10: ("tenth", "tenths"),
        12: ("twelfth", "twelfths"),
        16: ("sixteenth", "sixteenths"),
        32: ("thirty-second", "thirty-seconds"),
    },
    part_of=_part_of,
    mixed="and",
    abbreviations={
        r"Drs\.": "Doctors",
        r"Dr\.?(?=\s[A-Z])|Dr\.": "Doctor",
        r"Mr\.?(?=\s[A-Z])|Mr\.": "Mister",
        r"Mrs\.?(?=\s[A-Z])|Mrs\.": "Missus",
        r"Ms\.": "Miz",
        r"Prof\.": "Professor",
        r"St\.?(?=\s[A-Z])": "Saint",
        r"St\.": "Street",
        r"Rte\.?(?=\s\d)": "route",
        r"Mt\.?(?=\s[A-Z])": "Mount",
        r"Ft\.(?=\s[A-Z])": "Fort",
        r"Ave\.": "Avenue",
        r"Blvd\.?": "Boulevard",
        r"Rd\.": "Road",
        r"Hwy\.?": "Highway",
        r"Apt\.?(?=\s?#?\d)": "apartment",
        r"Ste\.?(?=\s\d)": "suite",
        r"Jr\.?(?=\W|$)": "Junior",
        r"Sr\.?(?=\W|$)": "Senior",
        r"[Nn]os\.(?=\s?\d)": "numbers",
        r"N[o0]\.(?=\s?\d)|no\.(?=\s?\d)|№": "number",
        r"[Ff]igs\.(?=\s?\d)": "figures",
        r"[Ff]ig\.(?=\s?\w)": "figure",
        r"[Ee]q\.(?=\s?\d)": "equation",
        r"[Cc]h\.(?=\s?\d)": "chapter",
        r"[Ss]ec\.(?=\s?\d)": "section",
        r"pp\.(?=\s?\d)": "pages",
        r"p\.(?=\s?\d)": "page",
        r"[Vv]ol\.(?=\s?\d)": "volume",
        r"[Ee]xt\.(?=\s?\d)": "extension",
        r"[Tt]el\.": "telephone",
        r"[Rr]m\.(?=\s?\d)": "room",
        r"[Aa]rt\.(?=\s?\d)": "article",
        r"e\.\s?g\.|eg\.(?=,)": "for example",
        r"i\.\s?e\.": "that is",
        r"etc\.": "et cetera",
        r"et al\.": "and others",
        r"vs\.?": "versus",
        r"[Aa]pprox\.": "approximately",
        r"[Ee]st\.(?=\s\d)": "established",
        r"[Dd]ept\.": "department",
        r"[Gg]ovt\.": "government",
        r"[Ii]ncl\.": "including",
        r"[Mm]ax\.(?=\s)": "maximum",
        r"[Mm]in\.(?=\s[a-z])": "minimum",
        r"[Cc]a\.(?=\s?\d)|c\.(?=\s?\d)": "circa",
        r"cf\.": "compare",
        r"viz\.": "namely",
        r"w/o": "without",
        r"w/(?=\s?\w)": "with ",
        r"b/c": "because",
        r"N/A|n/a": "not applicable",
        r"c/o": "care of",
        r"a\.k\.a\.|a/k/a|aka": "also known as",
        r"Inc\.": "Incorporated",
        r"Ltd\.?": "Limited",
        r"Corp\.": "Corporation",
        r"Co\.(?=\W|$)": "Company",
        r"Bros\.": "Brothers",
        r"Gov\.": "Governor",
        r"Sen\.": "Senator",
        r"Rep\.": "Representative",
        r"Gen\.": "General",
        r"Col\.": "Colonel",
        r"Lt\.": "Lieutenant",
        r"Capt\.": "Captain",
        r"Sgt\.": "Sergeant",
        r"Rev\.": "Reverend",
        r"Hon\.": "Honorable",
        r"Pres\.": "President",
        r"Ph\.\s?D\.?": "P H D",
        r"M\.\s?D\.": "M D",
        r"B\.\s?A\.": "B A",
        r"M\.\s?A\.": "M A",
        r"D\.\s?C\.": "D C",
        r"B\.\s?Sc\.": "B S C",
        r"M\.\s?Sc\.": "M S C",
        r"U\.\s?S\.\s?A\.": "U S A",
        r"U\.\s?S\.": "U S",
        r"U\.\s?K\.": "U K",
        r"U\.\s?N\.": "U N",
        r"E\.\s?U\.": "E U",
        r"B\.\s?C\.": "B C",
        r"A\.\s?D\.": "A D",
        r"R\.S\.V\.P\.": "R S V P",
        r"P\.\s?S\.": "P S",
        r"hrs\.": "hours",
        r"mins\.": "minutes",
        r"a\.\s?m\.": "a.m.",
        r"p\.\s?m\.": "p m",
    },
    months=_MONTHS,
    weekdays={
        "Mon": "Monday",
        "Tue": "Tuesday",
        "Tues": "Tuesday",
        "Wed": "Wednesday",
        "Thu": "Thursday",
        "Thur": "Thursday",
        "Thurs": "Thursday",
        "Fri": "Friday",
        "Sat": "Saturday",
        "Sun": "Sunday",
    },
    gender=lambda noun: "",
    agree=_agree,
    noun=re.compile(r"[\s-]+([^\W\d_][\w'’-]*)"),
    ordinal=_ordinal,
    ordinal_mark=r"(?:st|nd|rd|th|ST|ND|RD|TH)\b",
    date=_date,
    day_month=_day_month,
    clock=_clock,
    clock_marks=r"(?:\s?(?:(?P<am>[aA](?:\.\s?)?[mM]\b\.?)|(?P<pm>[pP](?:\.\s?)?[mM]\b\.?)))",
    date_context=(
        r"(?:[Oo]n|[Bb]y|until|till|before|after|since|[Ff]rom|due|dated|date|born|of|through|"
        r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Mon|Tue|Wed|Thu|Fri|Sat|Sun)[,:]?"
    ),
    year_context=(
        r"(?:in|since|from|until|till|by|of|year|years|before|after|during|early|late|mid|circa|"
        r"spring|summer|fall|autumn|winter|to|through|and|©|founded|established|copyright|class of|"
        r"born|between|around|back in|the)"
    ),
    times=lambda number, said: {1: "once", 2: "twice"}.get(number, f"{said} times"),
    regnal=_regnal,
    rulers=(
        r"Henry|Charles|Louis|Elizabeth|George|William|Edward|James|Richard|Philip|Francis|Peter|"
        r"Frederick|Catherine|Napoleon|Paul|Pius|Benedict|Leo|Alexander|Nicholas|Ivan|Ferdinand|"
        r"Mary|John|Robert|Gregory|Clement|Innocent|Urban|Victoria|Felipe|Harald|Gustav|Christian|"
        r"Rama|Ramses|Ptolemy|Otto|Wilhelm|Joseph|Leopold|Albert|Baldwin|Margaret|Stephen|Alfonso"
    ),
    numbered=(
        r"[Cc]hapter|[Pp]art|[Ss]ection|[Aa]ct|[Ss]cene|[Vv]olume|[Bb]ook|[Ww]ar|[Aa]rticle|"
        r"[Pp]hase|[Tt]itle|[Ss]tage|[Tt]ype|[Ll]evel|[Aa]ppendix|[Cc]lass|[Bb]owl|[Ee]pisode|"
        r"[Ff]igure|[Tt]able|[Vv]ersion|[Mm]ark|[Ss]tep|[Ss]eason|[Uu]nit"
    ),
    code_context=(
        r"(?:code|PIN|pin|ID|id|passcode|password|reference|ref\.?|confirmation|account|booking|"
        r"order|ticket|tracking|serial|zip|ZIP|postcode|card|policy|invoice|case|extension|ext\.)"
        r"(?:\s(?:code|number|no\.|id|ID|is))*:?"
    ),
    phone_context=r"(?:[Cc]all|[Pp]hone|[Tt]el\.?|[Tt]elephone|[Ff]ax|[Dd]ial|[Tt]ext|[Rr]ing|"
    r"[Mm]obile|[Cc]ell|WhatsApp|[Hh]otline|[Nn]umber is|at)(?:\s(?:us|me|at|on|number))*:?",
    year_said=_year,
    extra={
        _STREET: _street,
        r"(?<![\d/])24/7(?![\d/])": lambda match: "twenty-four seven",
        r"(?<![\d/])9/11(?![\d/])": lambda match: "nine eleven",
        r"(?<![\d/-])50[/-]50(?![\d/-])": lambda match: "fifty fifty",
        r"\b(?:ft|feet|foot)\.?\s?(?P<said>(?P<inches>1?\d)\s?in)\b(?!\s[a-z])": _inches,
        rf"\b(?:{_STATES})\s(?P<said>\d{{5}})(?![\w,.]?\d)": _zip,
        r"\b(?:[Rr]oom|[Ff]light|[Ss]uite|[Aa]partment|[Bb]us|[Tt]rain|[Rr]oute|[Hh]ighway|[Gg]ate)"
        r"\s(?P<said>[1-9]\d{2,3})(?![\w.,-]\d|\w)": _say_in_pairs,
        r"(?<![\w.])(?P<mark>['’]?)(?P<century>1[1-9]|20|)(?P<decade>\d0)['’]?s\b": _decade,
    },
)
