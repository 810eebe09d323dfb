"""Identifiers: addresses of the web, phone numbers, versions, and codes that are spelled."""

import re
from functools import partial

from voicelive_agent.emulator.tts.text.normalization.number_words import (
    number_pattern,
    say_cardinal,
    say_digits,
)
from voicelive_agent.emulator.tts.text.normalization.table import LanguageTable, Rules

_DOMAINS = (
    "com|org|net|io|ai|dev|de|fr|es|it|eu|uk|co\\.uk|gov|edu|info|app|ch|at|us|ca|au|nl|be|tv|me"
)
_SPELLED_DOMAINS = re.compile(r"io|ai|de|fr|es|it|eu|uk|ch|at|us|ca|au|nl|be|tv")
_PIECES = re.compile(r"[^\W\d_]+|\d+|.", re.DOTALL)
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|_")


def list_addresses(table: LanguageTable) -> Rules:
    say = partial(_say_address, table)
    end = r"[^\s<>\"”’)\],;!?]*[\w/]"
    return [
        (rf"(?:https?://|www\.)[^\s<>\"”)]{end}(?:\?{end})?", say),
        (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", say),
        (rf"(?<![\w@.])[a-zA-Z][\w-]*(?:\.[\w-]+)*\.(?:{_DOMAINS})\b(?![\w@])(?:/{end})?", say),
        (r"(?<!\w)#(?P<tag>[^\W\d]\w*)", partial(_say_tag, table, "hashtag")),
        (r"(?<!\w)@(?P<tag>[^\W\d]\w*)", partial(_say_tag, table, "@")),
        (r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]*\d)", partial(_say_ip, table)),
    ]


def _say_address(table: LanguageTable, match: re.Match[str]) -> str:
    """Word by word, with its signs: "example dot com slash help"."""
    address = re.sub(r"^https?://", "", match[0]).rstrip("/")
    signs = {
        ".": table.words["dot"], "/": table.words["/"], "-": table.words["dash"],
        "_": table.words["_"], "@": table.words["@"], "?": table.words["?"],
        "=": table.words["equals"], "&": table.words["&"], "#": table.words["hashtag"],
        "+": table.words["+"], "%": table.words["%"],
    }  # fmt: skip
    said = []
    for piece in _PIECES.findall(address):
        if piece.isdecimal():
            said.append(_say_short(table, piece))
        elif piece.isalpha():
            is_spelled = piece.lower() == "www" or (
                _SPELLED_DOMAINS.fullmatch(piece) and said[-1:] == [table.words["dot"]]
            )
            said.append(" ".join(piece.upper()) if is_spelled else piece)
        else:
            said.append(signs.get(piece, ""))
    return " ".join(filter(None, said))


def _say_short(table: LanguageTable, digits: str) -> str:
    if len(digits) > 2 or digits[0] == "0":
        return say_digits(table, digits)
    return say_cardinal(table, int(digits))


def _say_tag(table: LanguageTable, sign: str, match: re.Match[str]) -> str:
    words = [word for word in _CAMEL.split(match["tag"]) if word]
    said = [say_cardinal(table, int(word)) if word.isdecimal() else word for word in words]
    return " ".join([table.words[sign], *said])


def _say_ip(table: LanguageTable, match: re.Match[str]) -> str:
    address, _, port = match[0].partition(":")
    dot = f" {table.words['dot']} "
    said = dot.join(say_digits(table, part) for part in address.split("."))
    return said + (f", {say_digits(table, port)}" if port else "")


# Phone numbers.

_GAP = r"[ \u00a0\u202f.\-–/]?\s?"


def list_phones(table: LanguageTable) -> Rules:
    say = partial(_say_phone, table)
    start, end = r"(?<![\w$€£.,/:-])(?<!\d[ \u00a0\u202f])", r"(?!\w|[.,:/-]\d|\s?[%€$°])"
    groups = rf"(?:{_GAP}\(?\d{{1,8}}\)?){{1,7}}"
    rules: Rules = [
        (rf"{start}\+\d{{1,3}}{groups}{end}", say),
        (rf"{start}\+\d{{7,15}}{end}", say),
        (rf"{start}(?:1[ .-])?\(?\d{{3}}\)?[ .-]\s?\d{{3}}[ .-]\d{{4}}{end}", say),
        (rf"{start}(?:1[-.])?8\d\d[ .-][A-Z]{{3,}}(?:[ -][A-Z]+)*{end}", say),
        (rf"{start}\(0\d{{1,5}}\)\s?\d{{2,4}}(?:[ -]?\d{{2,4}}){{1,3}}{end}", say),
        (rf"{start}0\d{{1,4}}(?:\s?[/–-]\s?|\s)\d{{2,8}}(?:[ -]\d{{2,5}}){{0,4}}{end}", say),
        (
            rf"\b(?:{table.phone_context})\s?"
            rf"(?P<said>\(?\d{{2,}}\)?(?:[ .\-/]\d{{2,}})+|\d{{5,}}){end}",
            say,
        ),
        (
            rf"\b(?:{table.phone_context})\s?(?P<said>112|110|911|999|988|118|113|115|116117|15|17|18){end}",
            say,
        ),
    ]
    if table.code == "en":
        rules.append((rf"{start}\d{{3}}-\d{{4}}{end}", say))
    if table.code == "fr":
        rules.insert(0, (rf"{start}0\d(?:([ .\u00a0\u202f-]?)\d\d)(?:\1\d\d){{3}}{end}", say))
    if table.code == "es":
        rules += [
            (rf"{start}[6789]\d\d (?:\d{{3}} \d{{3}}|\d\d \d\d \d\d){end}", say),
        ]
    if table.code == "it":
        rules.append((rf"{start}8\d\d[ -]\d{{3}}[ -]\d{{3}}{end}", say))
        rules.append(
            (rf"{start}3\d\d[ -](?:\d{{3}}[ -]?\d{{4}}|\d{{6,7}}|\d\d \d\d \d{{3}}){end}", say)
        )
    return rules


def _say_phone(table: LanguageTable, match: re.Match[str]) -> str | None:
    written = match.groupdict().get("said") or match[0]
    if not 2 <= sum(map(str.isdigit, written)) <= 17:
        return None
    groups = re.findall(r"[A-Z]+|\d+", written)
    said = [group if group.isalpha() else _say_group(table, group, len(groups)) for group in groups]
    plus = f"{table.words['+']} " if written.startswith("+") else ""
    return plus + ", ".join(said)


def _say_group(table: LanguageTable, digits: str, count: int) -> str:
    if not table.phone_pairs or (len(digits) != 2 and (count > 1 or len(digits) != 10)):
        return say_digits(table, digits)
    pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    return ", ".join(
        say_digits(table, pair) if pair[0] == "0" else say_cardinal(table, int(pair))
        for pair in pairs
    )


# Versions and codes.


def list_codes(table: LanguageTable) -> Rules:
    grouped = re.compile(number_pattern(table))
    return [
        (r"(?<!\w)[vV](?P<n>\d+(?:\.\d+)*)(?![\w])", partial(_say_version, table, True)),
        (
            r"\b(?:[Vv]ersion|[Vv]ersione|[Vv]ersión|Release|[Pp]ython|Node|Java|iOS|Android|Ubuntu|Windows)"
            r"\s(?P<said>(?P<n>\d+(?:\.\d+)+))(?!\w)",
            partial(_say_version, table, False),
        ),
        (
            r"(?<![\w.,])(?P<n>\d+(?:\.\d+){2,})(?!\w)",
            lambda match: (
                None if grouped.fullmatch(match[0]) else _say_version(table, False, match)
            ),
        ),
        (
            r"(?<![\w.])(?!\d+x\d+(?!\w))(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{2,40}(?:-[A-Za-z\d]+)*(?![\w])",
            partial(_say_code, table),
        ),
        (r"(?<![\w.])[A-Z]{2,4}-?\d{3,}(?:-\d+)*(?!\w)", partial(_spell, table)),
    ]


def _say_version(table: LanguageTable, named: bool, match: re.Match[str]) -> str:
    mark = f" {table.words['version dot']} "
    said = mark.join(
        say_digits(table, part) if part[0] == "0" else say_cardinal(table, int(part))
        for part in match["n"].split(".")
    )
    return f"{table.words['version']} {said}" if named else said


def _say_code(table: LanguageTable, match: re.Match[str]) -> str | None:
    """Letters and digits together: A1B2 is spelled; MP3 and 3D are a word and a number."""
    code = match[0]
    runs = re.findall(r"\d+|[A-Za-z]+", code)
    capitals = code.upper() == code or bool(re.fullmatch(r"[0-9a-f-]{6,}", code))
    if len(runs) > 2 or (len(runs) == 2 and capitals and len(code) >= 5) or len(code) > 12:
        return _spell(table, match)
    if "-" in code or not all(run.isdecimal() or len(run) <= 4 or run.istitle() for run in runs):
        return None
    if not any(run.isupper() for run in runs):
        return None
    return " ".join(
        (say_digits(table, run) if run[0] == "0" or len(run) > 4 else say_cardinal(table, int(run)))
        if run.isdecimal()
        else run
        for run in runs
    )


def _spell(table: LanguageTable, match: re.Match[str]) -> str:
    groups = [group for group in match[0].split("-") if group]
    return ", ".join(
        " ".join(say_digits(table, char) if char.isdecimal() else char.upper() for char in group)
        for group in groups
    )
