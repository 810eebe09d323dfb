"""Italian: its table of written forms."""

import re

from voicelive_agent.emulator.tts.text.normalization.roman import read_roman
from voicelive_agent.emulator.tts.text.normalization.table import (
    Currency,
    LanguageTable,
    Magnitude,
    say_number,
)

_FEMININE = re.compile(
    r".*(?:[^m]a|zione|zioni|sione|sioni|gione|gioni|tà|tù|ice|ici)|"
    r"notte|notti|parte|parti|volta|volte|chiave|chiavi|classe|classi|mano|mani|ore|persone|"
    r"settimane|tonnellate|libbre|sterline|pagine|camere|stanze|piazze|miglia|once|moglie|madre|"
    r"carne|fame|voce|voci|luce|luci|legge|leggi|rete|reti|foto|auto|moto|radio|e-mail|mail|email|"
    r"firma|mamma|fiamma|crema|somma|gomma|lima|lama|rima|estate|neve|frase|base|fase|serie|specie"
)
_MASCULINE = re.compile(
    r"(?:euro|pianeta|poeta|cinema|giga|mega|delta|sofa|.*ista|papa|gorilla|boa)"
)


def _gender(noun: str) -> str:
    if _MASCULINE.fullmatch(noun):
        return "m"
    return "f" if _FEMININE.fullmatch(noun) else "m"


def _agree(number: int, said: str, gender: str, noun: str, before: str) -> str:
    if number != 1:
        return said
    if gender == "f":
        return "un'" if noun[:1].lower() in "aeiou" else "una"
    return "uno" if re.match(r"s[^aeiou]|z|gn|ps|pn|x|y", noun, re.IGNORECASE) else "un"


def _ordinal(number: int, mark: str, before: str) -> str:
    said = say_number("it", number, "ordinal")
    return f"{said[:-1]}a" if "a" in mark or "ª" in mark else said


def _date(day: str, month: int, name: str, year: str, before: str) -> str:
    said = ("primo" if int(day) == 1 else say_number("it", int(day))) if day else ""
    return " ".join(filter(None, (said, name, year)))


def _clock(hour: int, minute: int, mark: str, before: str) -> str:
    said = "una" if hour == 1 else say_number("it", hour)
    if mark == "h" and minute < 0:
        return "un'ora" if hour == 1 else f"{said} ore"
    said = f"{said} e {say_number('it', minute)}" if minute > 0 else said
    if mark == "am":
        return f"{said} di mattina"
    if mark == "pm":
        return f"{said} di sera" if hour > 5 and hour != 12 else f"{said} di pomeriggio"
    return said


def _halves(noun: str) -> tuple[str, str]:
    if not noun or noun in ("di", "del", "della", "e", "o", "in", "per"):
        return ("la metà" if noun in ("di", "del", "della") else "un mezzo"), "mezzo"
    feminine = _gender(noun) == "f"
    return ("mezza" if feminine else "mezzo"), ("mezza" if feminine else "mezzo")


def _part_of(noun: str) -> str:
    return "" if not noun or noun in ("di", "del", "della", "e", "o", "in", "per", "è") else " di"


def _regnal(name: str, number: int) -> str:
    said = say_number("it", number, "ordinal")
    return f"{said[:-1]}a" if re.match(r"Elisabetta|Caterina|Maria|Isabella", name) else said


ITALIAN = LanguageTable(
    code="it",
    decimal=",",
    groups=".\u00a0\u202f\u2009 '’",
    words={
        "decimal": "virgola",
        "decimals": "number",
        "-": "meno",
        "+": "più",
        "to": "a",
        "per": "al",
        "×": "per",
        "by": "per",
        "%": "per cento",
        "‰": "per mille",
        "÷": "diviso",
        "=": "uguale",
        "±": "più o meno",
        "≈": "circa",
        "~": "circa",
        "<": "meno di",
        ">": "più di",
        "≤": "al massimo",
        "≥": "almeno",
        "≠": "diverso da",
        "&": "e",
        "@": "chiocciola",
        "§": "paragrafo",
        "√": "radice di",
        "∞": "infinito",
        "→": "a",
        "#": "numero",
        "hashtag": "hashtag",
        "dot": "punto",
        "/": "barra",
        "_": "trattino basso",
        "dash": "trattino",
        "?": "punto interrogativo",
        "version": "versione",
        "of": "su",
        "and": "e",
        "π": "pi greco",
        "squared": "al quadrato",
        "cubed": "al cubo",
        "power": "elevato alla",
        "over": "su",
        "equals": "uguale",
        "ratio": "a",
        "version dot": "punto",
        "money": "{whole} e {small} {cents}",
    },
    currencies={
        "USD": Currency("dollaro", "dollari", "centesimo", "centesimi"),
        "EUR": Currency("euro", "euro", "centesimo", "centesimi"),
        "GBP": Currency("sterlina", "sterline", "penny", "penny", "f"),
        "CHF": Currency("franco svizzero", "franchi svizzeri", "centesimo", "centesimi"),
        "JPY": Currency("yen", "yen"),
        "INR": Currency("rupia", "rupie", gender="f"),
    },
    magnitudes={
        "k|K|mila": Magnitude(3),
        "mln\\.?|mil\\.|M|Mio|milioni|milione": Magnitude(6, "milione", "milioni"),
        "mld\\.?|Mld|mrd|miliardi|miliardo": Magnitude(9, "miliardo", "miliardi"),
        "bilioni|bilione": Magnitude(12, "bilione", "bilioni"),
    },
    link=lambda noun: " di",
    units={
        "sec\\.?": "duration-second",
        "mins?\\.?": "duration-minute",
        "gr\\.?": "mass-gram",
        "kili?": "chilo|chili",
        "km/h": "chilometro orario|chilometri orari",
        "gg\\.?": "giorno|giorni",
        "mq": "area-square-meter",
        "mc": "volume-cubic-meter",
        "lt\\.?": "volume-liter",
        "CV": "cavallo|cavalli",
        "ab\\.": "abitante|abitanti",
        "t": "tonnellata|tonnellate",
        "hg": "etto|etti",
    },
    halves=_halves,
    fractions={
        2: ("mezzo", "mezzi"),
        3: ("terzo", "terzi"),
        4: ("quarto", "quarti"),
        5: ("quinto", "quinti"),
        6: ("sesto", "sesti"),
        7: ("settimo", "settimi"),
        8: ("ottavo", "ottavi"),
        9: ("nono", "noni"),
        10: ("decimo", "decimi"),
        12: ("dodicesimo", "dodicesimi"),
        16: ("sedicesimo", "sedicesimi"),
    },
    part_of=_part_of,
    mixed="e",
    abbreviations={
        r"[Ss]ig\.ra": "Signora",
        r"[Ss]ig\.na": "Signorina",
        r"[Ss]igg\.": "Signori",
        r"[Ss]ig\.": "Signor",
        r"[Dd]ott\.\s?ssa": "dottoressa",
        r"[Pp]rof\.\s?ssa": "professoressa",
        r"[Dd]ott\.(?=\s[A-ZÀ-Þ])": "dottor",
        r"[Dd]ott\.|Dr\.": "dottor",
        r"[Pp]rof\.(?=\s[A-ZÀ-Þ])": "professor",
        r"[Pp]rof\.": "professore",
        r"[Ii]ng\.": "ingegner",
        r"[Aa]vv\.": "avvocato",
        r"[Aa]rch\.": "architetto",
        r"[Gg]eom\.": "geometra",
        r"[Rr]ag\.": "ragionier",
        r"[Oo]n\.(?=\s[A-ZÀ-Þ])": "onorevole",
        r"ecc\.": "eccetera",
        r"etc\.": "eccetera",
        r"ad\s?es\.": "ad esempio",
        r"p(?:er)?\.?\s?es\.|[Ee]s\.": "per esempio",
        r"[Nn][°º](?=\s?\d)|[Nn]r?\.(?=\s?\d)|№": "numero",
        r"[Pp]agg\.": "pagine",
        r"[Pp]ag\.": "pagina",
        r"pp\.(?=\s?\d)": "pagine",
        r"p\.(?=\s?\d)": "pagina",
        r"[Tt]el\.": "telefono",
        r"[Cc]ell\.": "cellulare",
        r"[Cc]\.a\.|ca\.": "circa",
        r"[Cc]ap\.(?=\s?\d|\s[IVX])": "capitolo",
        r"[Ff]ig\.": "figura",
        r"[Aa]rtt\.": "articoli",
        r"[Aa]rt\.(?=\s?\d)": "articolo",
        r"[Vv]ol\.(?=\s?\d)": "volume",
        r"a\.\s?C\.": "avanti Cristo",
        r"d\.\s?C\.": "dopo Cristo",
        r"P\.zza|p\.zza": "piazza",
        r"V\.le|v\.le": "viale",
        r"C\.so|c\.so": "corso",
        r"S\.\s(?=[AEIOUÀ-Ý][a-z])": "Sant'",
        r"S\.(?=\sS[tp])": "Santo",
        r"S\.(?=\s(?!Luca|Nicola|Gianluca|Battista)[A-Z][a-z]+a\b)": "Santa",
        r"S\.(?=\s[A-ZÀ-Þ][a-z])": "San",
        r"h\.?(?=\s\d{1,2}\b)": "ore",
        r"SS\.(?=\s[A-ZÀ-Þ])": "Santi",
        r"[Mm]ax\.": "massimo",
        r"[Mm]in\.(?=\s\D)": "minimo",
        r"[Cc]fr\.": "confronta",
        r"vs\.?": "contro",
        r"[Ii]ncl\.": "incluso",
        r"[Ss]cad\.": "scadenza",
        r"F\.lli": "fratelli",
        r"[Ss]oc\.": "società",
        r"S\.p\.A\.|SpA": "S P A",
        r"S\.r\.l\.": "S R L",
        r"[Mm]in\.": "minuti",
        r"[Gg]g\.": "giorni",
        r"U\.?S\.?A\.": "U S A",
        r"[Uu]\.s\.": "ultimo scorso",
        r"P\.\s?S\.": "post scriptum",
        r"d\.\s?h\.": "cioè",
        r"c/o": "presso",
        r"N\.B\.": "nota bene",
    },
    months={
        "gen": 1,
        "genn": 1,
        "feb": 2,
        "febbr": 2,
        "mar": 3,
        "apr": 4,
        "mag": 5,
        "giu": 6,
        "lug": 7,
        "ago": 8,
        "set": 9,
        "sett": 9,
        "ott": 10,
        "nov": 11,
        "dic": 12,
    },
    weekdays={
        name: day
        for short, day in (
            ("lun", "lunedì"),
            ("mar", "martedì"),
            ("mer", "mercoledì"),
            ("gio", "giovedì"),
            ("ven", "venerdì"),
            ("sab", "sabato"),
            ("dom", "domenica"),
        )
        for name in (short, short.capitalize())
    },
    gender=_gender,
    agree=_agree,
    noun=re.compile(
        r"\s+(?!(?:e|o|a|ad|al|alla|di|del|della|dei|in|è|sono|per|con|su|da|dal|il|la|lo|i|gli|le|un|"
        r"una|che|se|non|si|ma|più|meno|fino|tra|fra|era|ha)\b)([^\W\d_]{3,})"
    ),
    ordinal=_ordinal,
    ordinal_mark=r"[°ºª](?!\s?[CF]\b)",
    date=_date,
    clock=_clock,
    clock_marks=r"(?:\s?(?:(?P<am>[aA]\.?[mM]\b\.?)|(?P<pm>[pP]\.?[mM]\b\.?)|(?P<h>h\b)))",
    date_context=(
        r"(?:[Ii]l|[Dd]al|[Aa]l|[Dd]el|[Ee]ntro il|[Pp]rima del|lunedì|martedì|mercoledì|giovedì|"
        r"venerdì|sabato|domenica)(?:\sgiorno)?"
    ),
    hour_context=r"[Oo]re|[Aa]lle|[Dd]alle|[Ff]ino alle|[Ss]ono le|[Vv]erso le|[Pp]er le",
    year_context=r"(?:[Nn]el|[Dd]al|[Aa]l|[Dd]el|[Aa]nno|[Ii]l)",
    times=lambda number, said: "una volta" if number == 1 else f"{said} volte",
    regnal=_regnal,
    rulers=(
        r"Luigi|Enrico|Carlo|Elisabetta|Giorgio|Guglielmo|Edoardo|Giacomo|Riccardo|Filippo|Francesco|"
        r"Pietro|Federico|Caterina|Napoleone|Paolo|Pio|Benedetto|Leone|Alessandro|Nicola|Giovanni|"
        r"Gregorio|Clemente|Innocenzo|Urbano|Emanuele|Umberto|Vittorio|Cosimo|Ferdinando|Isabella|Maria"
    ),
    numbered=(
        r"[Cc]apitolo|[Pp]arte|[Tt]omo|[Aa]tto|[Ss]cena|[Vv]olume|[Ll]ibro|[Gg]uerra|[Aa]rticolo|"
        r"[Ff]ase|[Tt]itolo|[Tt]ipo|[Ll]ivello|[Aa]llegato|[Ss]ezione|[Ff]igura|[Mm]ondiale"
    ),
    code_context=(
        r"(?:[Cc]odice|PIN|[Pp]assword|[Rr]iferimento|[Cc]onferma|[Cc]onto|[Pp]renotazione|CAP|"
        r"[Oo]rdine|[Pp]ratica)(?:\s(?:è|numero|n\.|PIN|il|la|di))*:?"
    ),
    phone_context=(
        r"(?:[Cc]hiami|[Cc]hiama|[Cc]hiamate|[Tt]el\.?|[Tt]elefono|[Ff]ax|[Cc]ellulare|[Cc]ell\.?|"
        r"[Nn]umero di telefono|WhatsApp)(?:\s(?:il|al|lo|è|numero|ci))*:?"
    ),
    roman_ordinals=r"(?<!\w)(?P<said>(?P<roman>[IVX]+))(?=\s(?:secolo|secoli|edizione|piano)\b)",
    per={
        "mese": "al mese",
        "giorno": "al giorno",
        "ora": "all'ora",
        "h": "all'ora",
        "anno": "all'anno",
        "settimana": "alla settimana",
        "notte": "a notte",
        "persona": "a persona",
        "kg": "al chilo",
        "testa": "a testa",
        "m²": "al metro quadrato",
        "mq": "al metro quadrato",
        "s": "al secondo",
        "l": "al litro",
        "min": "al minuto",
    },
    extra={
        r"(?<![\w.,/])1\s(?P<noun>[aeiou][^\W\d_]{2,})(?!\w)": lambda match: (
            f"un'{match['noun']}" if _gender(match["noun"]) == "f" else None
        ),
        r"(?<![\w.,/-])(?P<n>\d{1,3})°(?=\s(?!oggi|domani|con|all|per|nella|nel)[a-z]{3,})"
        r"|(?<![\w.,/-])(?P<first>1)°(?!\w)": lambda match: say_number(
            "it", int(match["n"] or match["first"]), "ordinal"
        ),
        r"(?<![\d/])24/7(?![\d/])": lambda match: "ventiquattro ore su ventiquattro",
        r"\b(?P<said>[Ss]ecolo\s(?P<roman>[IVX]+))\b": lambda match: _century(match),
        r"(?<![\w.,:])(?P<h>[01]?\d|2[0-4])\s?h\s?(?P<m>[0-5]\d)(?!\w)": lambda match: _clock(
            int(match["h"]), int(match["m"]), "h", ""
        ),
    },
)


def _century(match: re.Match[str]) -> str | None:
    number = read_roman(match["roman"])
    return None if number is None else f"secolo {say_number('it', number, 'ordinal')}"
