"""German grammar: genders, and the endings of numbers, ordinals and rulers."""

import re

from voicelive_agent.emulator.tts.text.full_stops import FIRST_WORDS, ORDINAL_NOUNS
from voicelive_agent.emulator.tts.text.normalization.roman import read_roman
from voicelive_agent.emulator.tts.text.normalization.table import say_number

_FEMININE = re.compile(
    r".*(?:ung|heit|keit|schaft|ion|tät|ik|enz|anz|in)(?:en|innen)?|"
    r".*(?<!am)(?<!äs)(?<!jung)(?<!leg)(?<!kund)(?<!ed)e|"
    r"(?i:.*(?:nacht|zeit|karte|fahrt|nummer|nachricht|stadt|tür|antwort|person|wahl|app|kraft))|"
    r"Nacht|Person|Personen|Uhrzeit|Zahl|Mail|E-Mail|SMS|Bar|Tür|Hand|Stadt|Wahl|Zeit|Art|Fahrt|"
    r"Antwort|App|Nummer|Nummern|Kammer|Feder|Mauer|Schulter|Tochter|Mutter|Schwester|Tonnen|"
    r"Stunden|Minuten|Sekunden|Millionen|Milliarden|Meilen|Unzen|Wochen|Kalorie|Portion|Milch"
)
_NEUTER = re.compile(
    r".*(?:chen|lein|um|ment|tum)|Jahr|Jahre|Kind|Pfund|Kilo|Kilogramm|Gramm|Glas|Haus|Bett|Zimmer|"
    r"Ticket|Tickets|Auto|Buch|Bild|Mal|Dutzend|Brot|Bier|Wasser|Stück|Prozent|Kapitel|Quartal|"
    r"Semester|Viertel|Drittel|Geschoss|Obergeschoss|Halbjahr|Jahrhundert|Spiel|Gleis|Ei|Paket|Grad"
)
_MASCULINE = re.compile(
    r"Euro|Dollar|Cent|Franken|Tag|Monat|Meter|Liter|Kilometer|Zentimeter|Millimeter|Termin|Platz|"
    r"Tisch|Gast|Mann|Kaffee|Tee|Esslöffel|Teelöffel|Löffel|Becher|Schritt|Punkt|Stock|Oktober|"
    r"Januar|Februar|März|April|Mai|Juni|Juli|August|September|November|Dezember|Montag|Dienstag|"
    r"Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|Advent|Weltkrieg|Versuch|Name|Käse|Junge|Kollege"
)
_DATIVE = re.compile(r"in|mit|von|nach|seit|aus|bei|zu|vor|ab|an|auf|unter|über")
_WEAK = re.compile(
    r"am|im|vom|zum|beim|dem|den|des|zur|einem|einen|einer|eines|ihrem|ihren|"
    r"ihrer|seinem|seinen|meinem|meinen|meiner|unserem|unseren|unserer|jedem|jeden|"
    r"jeder|diesem|diesen|dieses|bis|ab|seit|ins|ans|und|kommenden|nächsten|"
    r"letzten"
)
_DEFINITE = re.compile(
    r"der|die|das|diese|dieser|dieses|jede|jedes|welche|welcher|ihre|seine|meine"
)
_BEFORE_DER = re.compile(
    r"\b(?:in|auf|an|von|mit|zu|bei|nach|seit|aus|vor|ab|hinter|während|trotz)\sder\s$"
)


def gender_of(noun: str) -> str:
    if _MASCULINE.fullmatch(noun):
        return "m"
    if _NEUTER.fullmatch(noun):
        return "n"
    return "f" if noun[:1].isupper() and _FEMININE.fullmatch(noun) else ""


def agree(number: int, said: str, gender: str, noun: str, before: str) -> str:
    if number == 1:
        if noun in ("Euro", "Dollar", "Cent", "Uhr", "Prozent", "Grad", "Franken"):
            return "ein"
        if gender == "f":
            return "einer" if _DATIVE.fullmatch(before) else "eine"
        return "einem" if _DATIVE.fullmatch(before) and gender else "ein"
    return said.removesuffix("s") if said.endswith("eins") else said


def decline_ordinal(number: int, mark: str, before: str) -> str:
    """With the ending that the word before it asks for: "der dritte", "am dritten"."""
    said = say_number("de", number, "ordinal")
    match = re.search(r"([^\W\d_]+)\s*$", before)
    word = match[1].lower() if match else ""
    if _WEAK.fullmatch(word) or _BEFORE_DER.search(before.lower()):
        return f"{said}n"
    return said if _DEFINITE.fullmatch(word) else f"{said}r"


def say_ordinal_before_noun(match: re.Match[str]) -> str | None:
    """3. before a noun: "im dritten Stock"; None where the stop ends a sentence."""
    before = match.string[: match.start()]
    if FIRST_WORDS.fullmatch(match["noun"].split()[-1]):
        return None
    said = decline_ordinal(int(match["n"]), ".", before)
    if said.endswith("r"):
        gender = gender_of(match["noun"])
        is_owned = re.search(rf"\b(?:{_OWNERS})\s$", before, re.IGNORECASE)
        if not (is_owned or ORDINAL_NOUNS.fullmatch(match["noun"])):
            return None
        return said[:-1] + {"f": "", "n": "s"}.get(gender, "r")
    return said


_OWNERS = r"mein|dein|sein|ihr|unser|euer|ein|kein"
MONTHS = {
    "jan": 1, "feb": 2, "mär": 3, "mrz": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "sept": 9, "okt": 10, "nov": 11, "dez": 12,
}  # fmt: skip


def say_date(day: str, month: int, name: str, year: str, before: str) -> str:
    if not day:
        return f"{name} {year}".strip()
    return " ".join(filter(None, (decline_ordinal(int(day), ".", before), name, year)))


def say_group_of(match: re.Match[str]) -> str:
    """The decade in "die 90er-Jahre", or a pack or bus of so many."""
    number = int(match["n"])
    return say_number("de", number, "year" if 1100 <= number < 2000 else "cardinal") + "er"


def say_clock(hour: int, minute: int, mark: str, before: str) -> str:
    said = f"{agree(hour, say_number('de', hour), '', 'Uhr', '')} Uhr"
    return f"{said} {say_number('de', minute)}" if minute > 0 else said


def say_halves(noun: str) -> tuple[str, str]:
    halves = {"f": "eine halbe", "n": "ein halbes", "m": "einen halben"}
    return halves.get(gender_of(noun) if noun[:1].isupper() else "", "ein halb"), "einhalb"


def say_regnal(name: str, number: int) -> str:
    return f"der {say_number('de', number, 'ordinal').capitalize()}"


RULERS = (
    r"Heinrich|Karl|Ludwig|Friedrich|Wilhelm|Otto|Georg|Franz|Joseph|Josef|Leopold|Maximilian|"
    r"Ferdinand|Philipp|Rudolf|Konrad|Johannes|Paul|Pius|Benedikt|Leo|Gregor|Alexander|Nikolaus|"
    r"Napoleon|Eduard|Richard|Jakob|Peter|Iwan|Gustav|Christian|Elisabeth|Katharina|Charles|Albert"
)


def say_ruler(match: re.Match[str]) -> str | None:
    number = read_roman(match["roman"])
    if number is None:
        return None
    said = say_number("de", number, "ordinal").capitalize()
    if re.match(r"Elisabeth|Katharina", match[0]):
        return f"die {said}"
    before = re.search(r"(\w+)\s$", match.string[: match.start()])
    word = before[1].lower() if before else ""
    if word in ("von", "mit", "unter", "bei", "nach", "seit", "zu"):
        return f"dem {said}n"
    return f"der {said}"
