"""Spanish: its table of written forms."""

import re

from voicelive_agent.emulator.tts.text.normalization.table import (
    Currency,
    LanguageTable,
    Magnitude,
    say_number,
)

_FEMININE = re.compile(
    r".*(?:as?|ción|ciones|sión|siones|dad|dades|tud|tudes|umbre|umbres)|noche|noches|tarde|tardes|"
    r"clase|clases|calle|calles|llave|llaves|parte|partes|vez|veces|mujer|mujeres|flor|flores|"
    r"imagen|imágenes|mano|manos|foto|fotos|gente|leche|nube|nubes|serie|series|red|redes|ley|leyes|"
    r"libra|libras|orden|órdenes|opción|base|bases|frase|frases"
)
_MASCULINE = re.compile(
    r"(?:día|mapa|problema|programa|sistema|tema|idioma|clima|planeta|kilogram|gramo|diagrama|drama|"
    r"poema|esquema|síntoma|telegrama|sofá|yoga|artista|turista|cometa)s?|.*gramas?"
)


def _gender(noun: str) -> str:
    if _MASCULINE.fullmatch(noun):
        return "m"
    return "f" if _FEMININE.fullmatch(noun) else "m"


def _agree(number: int, said: str, gender: str, noun: str, before: str) -> str:
    if gender == "f":
        said = re.sub(r"cientos\b", "cientas", said).replace("quinientos", "quinientas")
        return re.sub(r"uno$", "una", said)
    return re.sub(r"uno$", "un", re.sub(r"veintiuno$", "veintiún", said))


def _ordinal(number: int, mark: str, before: str) -> str:
    feminine = "a" in mark or "ª" in mark
    said = say_number("es", number, "ordinal")
    if feminine:
        return re.sub(r"o\b", "a", said)
    if "r" in mark:  # 1.er, 3er
        return {1: "primer", 3: "tercer"}.get(number, said)
    return said


def _date(day: str, month: int, name: str, year: str, before: str) -> str:
    said = ("primero" if int(day) == 1 else say_number("es", int(day))) if day else ""
    if not name:
        return said
    return " de ".join(filter(None, (said, name, year)))


def _clock(hour: int, minute: int, mark: str, before: str) -> str:
    said = _agree(hour, say_number("es", hour), "f", "hora", "")
    if minute > 0:
        said += (
            f" {say_number('es', minute)}" if minute > 9 else f" cero {say_number('es', minute)}"
        )
    elif mark == "h" and hour == 1:
        said += " hora"
    elif mark == "h" or ((hour > 12 or hour == 0) and mark != "range"):
        said += " horas"
    if mark == "am":
        return f"{said} de la mañana"
    if mark == "pm":
        return said + (
            " del mediodía" if hour == 12 else " de la tarde" if hour < 9 else " de la noche"
        )
    return said


def _halves(noun: str) -> tuple[str, str]:
    feminine = bool(noun) and _gender(noun) == "f"
    if not noun or noun in ("de", "del", "y", "o", "en", "para"):
        return ("la mitad" if noun in ("de", "del") else "un medio"), "medio"
    return ("media", "media") if feminine else ("medio", "medio")


def _part_of(noun: str) -> str:
    return "" if not noun or noun in ("de", "del", "y", "o", "en", "para", "es", "son") else " de"


def _regnal(name: str, number: int) -> str:
    if number > 10:
        return say_number("es", number)
    said = say_number("es", number, "ordinal")
    return re.sub(r"o$", "a", said) if re.match(r"Isabel|Catalina|María|Juana", name) else said


SPANISH = LanguageTable(
    code="es",
    decimal=",",
    groups=".\u00a0\u202f\u2009 '’",
    words={
        "decimal": "coma",
        "decimals": "number",
        "-": "menos",
        "+": "más",
        "to": "a",
        "per": "por",
        "×": "por",
        "by": "por",
        "%": "por ciento",
        "‰": "por mil",
        "÷": "entre",
        "=": "igual a",
        "±": "más menos",
        "≈": "aproximadamente",
        "~": "aproximadamente",
        "<": "menos de",
        ">": "más de",
        "≤": "como máximo",
        "≥": "como mínimo",
        "≠": "distinto de",
        "&": "y",
        "@": "arroba",
        "§": "sección",
        "√": "raíz de",
        "∞": "infinito",
        "→": "a",
        "#": "número",
        "hashtag": "hashtag",
        "dot": "punto",
        "/": "barra",
        "_": "guion bajo",
        "dash": "guion",
        "?": "signo de interrogación",
        "version": "versión",
        "of": "de",
        "and": "y",
        "π": "pi",
        "squared": "al cuadrado",
        "cubed": "al cubo",
        "power": "elevado a",
        "over": "entre",
        "equals": "igual",
        "ratio": "a",
        "version dot": "punto",
        "money": "{whole} con {small} {cents}",
    },
    currencies={
        "USD": Currency("dólar", "dólares", "centavo", "centavos"),
        "EUR": Currency("euro", "euros", "céntimo", "céntimos"),
        "GBP": Currency("libra", "libras", "penique", "peniques", "f"),
        "CHF": Currency("franco suizo", "francos suizos", "céntimo", "céntimos"),
        "JPY": Currency("yen", "yenes"),
        "INR": Currency("rupia", "rupias", gender="f"),
        "MXN": Currency("peso mexicano", "pesos mexicanos", "centavo", "centavos"),
    },
    magnitudes={
        "k|K|mil": Magnitude(3),
        "M|MM|mill\\.?|mln|millones|millón": Magnitude(6, "millón", "millones"),
        "mil\\s?M|mil\\s?millones": Magnitude(9, "mil millones", "mil millones"),
        "billones|billón": Magnitude(12, "billón", "billones"),
    },
    link=lambda noun: " de",
    per={
        "mes": "al mes",
        "día": "al día",
        "año": "al año",
        "semana": "a la semana",
        "kg": "el kilo",
        "h": "por hora",
    },
    extra={
        r"(?<![\w.,/-])(?P<n>[13])\.?[º°]"
        r"(?=\s(?!de\b|del\b|con\b)(?P<noun>[a-záéíóúñ]{3,}))": lambda match: _ordinal(
            int(match["n"]), "r" if _gender(match["noun"]) == "m" else "a", ""
        ),
        r"(?<![\w.,/-])(?P<n>\d{1,3})°(?=\s(?!hoy|con|para|mañana|sobre)[a-z]{3,})": lambda match: (
            _ordinal(int(match["n"]), "", "")
        ),
        r"(?<![\d/])24/7(?![\d/])": lambda match: "veinticuatro siete",
    },
    units={
        "cts?\\.?": "céntimo|céntimos",
        "seg\\.?|sec": "duration-second",
        "hrs?\\.?": "duration-hour",
        "kms?": "length-kilometer",
        "kgs?|kilos": "mass-kilogram",
        "mins?\\.?": "duration-minute",
        "Lts?|lt\\.?": "volume-liter",
        "cda\\.?": "cucharada|cucharadas",
        "cdta\\.?": "cucharadita|cucharaditas",
        "CV": "caballo|caballos",
        "hab\\.": "habitante|habitantes",
        "uds?\\.": "unidad|unidades",
        "gr\\.?|grs\\.?": "mass-gram",
        "min": "duration-minute",
    },
    halves=_halves,
    fractions={
        2: ("medio", "medios"),
        3: ("tercio", "tercios"),
        4: ("cuarto", "cuartos"),
        5: ("quinto", "quintos"),
        6: ("sexto", "sextos"),
        7: ("séptimo", "séptimos"),
        8: ("octavo", "octavos"),
        9: ("noveno", "novenos"),
        10: ("décimo", "décimos"),
        12: ("doceavo", "doceavos"),
        16: ("dieciseisavo", "dieciseisavos"),
    },
    part_of=_part_of,
    mixed="y",
    abbreviations={
        r"Sres\.": "Señores",
        r"Sras\.": "Señoras",
        r"Sr\.": "Señor",
        r"Sra\.": "Señora",
        r"Srta\.": "Señorita",
        r"Dres\.": "Doctores",
        r"Dra\.": "Doctora",
        r"Dr\.": "Doctor",
        r"D\.(?=\s[A-ZÀ-Þ])": "Don",
        r"D[.ª]\s?ª?(?=\s[A-ZÀ-Þ])|Dña\.": "Doña",
        r"[UV]ds\.": "ustedes",
        r"[UV]d\.": "usted",
        r"Profa?\.": "Profesor",
        r"Lic\.": "Licenciado",
        r"Ing\.": "Ingeniero",
        r"Arq\.": "Arquitecto",
        r"Gral\.": "General",
        r"Sto\.": "Santo",
        r"Sta\.": "Santa",
        r"S\.(?=\s[A-ZÀ-Þ][a-z])": "San",
        r"p\.\s?ej\.|P\.\s?ej\.": "por ejemplo",
        r"etc\.": "etcétera",
        r"[Nn]\.?[ºo°](?=\s?\d)|[Nn]úms?\.|[Nn]ro\.|№": "número",
        r"[Pp]ágs\.": "páginas",
        r"[Pp]ág\.|[Pp]g\.": "página",
        r"pp\.(?=\s?\d)": "páginas",
        r"p\.(?=\s?\d)": "página",
        r"[Cc]/(?=\s?[A-ZÀ-Þ])": "calle ",
        r"[Aa]vda\.|[Aa]v\.": "avenida",
        r"[Pp]za\.|[Pp]laz\.|[Pp]zla\.": "plaza",
        r"P\.º": "paseo",
        r"[Cc]tra\.": "carretera",
        r"[Tt]elf?\.|[Tt]fno\.|[Tt]eléf\.": "teléfono",
        r"[Aa]prox\.": "aproximadamente",
        r"EE\.\s?UU\.|EEUU": "Estados Unidos",
        r"a\.\s?C\.": "antes de Cristo",
        r"d\.\s?C\.": "después de Cristo",
        r"[Cc]ap\.": "capítulo",
        r"[Ff]ig\.": "figura",
        r"[Aa]rt\.(?=\s?\d)": "artículo",
        r"[Vv]ol\.(?=\s?\d)": "volumen",
        r"vs\.?": "contra",
        r"[Mm]áx\.": "máximo",
        r"[Mm]ín\.": "mínimo",
        r"dcha\.": "derecha",
        r"izqd?a?\.": "izquierda",
        r"[Dd]pto\.|[Dd]epto\.": "departamento",
        r"[Ee]d\.": "edición",
        r"admón\.": "administración",
        r"[Ii]ncl\.": "incluido",
        r"[Uu]ds\.": "ustedes",
        r"S\.\s?A\.": "S A",
        r"S\.\s?L\.": "S L",
        r"cts?\.": "céntimos",
        r"P\.\s?D\.": "posdata",
        r"Cía\.": "compañía",
        r"ej\.": "ejemplo",
        r"a\.\s?m\.": "de la mañana",
        r"p\.\s?m\.": "de la tarde",
        r"IVA": "IVA",
    },
    months={
        "ene": 1,
        "feb": 2,
        "mar": 3,
        "abr": 4,
        "may": 5,
        "jun": 6,
        "jul": 7,
        "ago": 8,
        "sep": 9,
        "sept": 9,
        "oct": 10,
        "nov": 11,
        "dic": 12,
    },
    weekdays={
        name: day
        for short, day in (
            ("lun", "lunes"),
            ("mar", "martes"),
            ("mié", "miércoles"),
            ("mie", "miércoles"),
            ("jue", "jueves"),
            ("vie", "viernes"),
            ("sáb", "sábado"),
            ("sab", "sábado"),
            ("dom", "domingo"),
        )
        for name in (short, short.capitalize())
    },
    gender=_gender,
    agree=_agree,
    noun=re.compile(
        r"\s+(?!(?:y|e|o|u|a|al|de|del|en|es|son|está|están|para|por|con|sin|el|la|los|las|un|una|que|"
        r"se|no|si|entre|más|menos|hasta|desde|pero|fue|era|tiene)\b)([^\W\d_]{3,})"
    ),
    ordinal=_ordinal,
    ordinal_mark=r"(?:\.?(?:[ºª°](?!\s?[CF]\b)|er\b|ero\b|era\b)|(?:ro|ra|do|da|to|ta|mo|ma|vo|va|no|na)\b)",
    date=_date,
    clock=_clock,
    clock_marks=(
        r"(?:\s?(?:(?P<am>[aA]\.?\s?[mM]\b\.?)|(?P<pm>[pP]\.?\s?[mM]\b\.?)|(?P<h>(?:horas|hrs?|h)\b\.?)))"
    ),
    date_context=(
        r"(?:[Ee]l|[Dd]el|[Aa]l|[Hh]asta|[Dd]esde|[Aa]ntes del|lunes|martes|miércoles|jueves|"
        r"viernes|sábado|domingo)(?:\s(?:día|lunes|martes|miércoles|jueves|viernes|sábado|domingo))?"
    ),
    hour_context=r"[Aa] las|[Dd]e las|[Hh]asta las|[Dd]esde las|[Ss]on las|[Ll]as",
    year_context=r"(?:[Ee]n|[Dd]esde|[Aa]ño|[Hh]asta|[Dd]e|[Ee]ntre)",
    times=lambda number, said: (
        "una vez" if number == 1 else f"{_agree(number, said, 'f', '', '')} veces"
    ),
    regnal=_regnal,
    rulers=(
        r"Felipe|Carlos|Alfonso|Fernando|Isabel|Juan|Luis|Enrique|Jorge|Pablo|Pío|Benedicto|León|"
        r"Alejandro|Nicolás|Guillermo|Eduardo|Catalina|Federico|Sancho|Pedro|Jaime|Ramiro|María|"
        r"Napoleón|Gregorio|Urbano|Francisco|Amadeo|Leopoldo|Alberto|Ricardo|Juana"
    ),
    numbered=(
        r"[Cc]apítulo|[Pp]arte|[Tt]omo|[Aa]cto|[Ee]scena|[Vv]olumen|[Ll]ibro|[Gg]uerra|[Aa]rtículo|"
        r"[Ff]ase|[Tt]ítulo|[Tt]ipo|[Nn]ivel|[Aa]nexo|[Ss]iglo|[Ss]iglos|[Ss]ección|[Ff]igura|[Mm]undial"
    ),
    code_context=(
        r"(?:[Cc]ódigo|PIN|[Cc]ontraseña|[Rr]eferencia|[Cc]onfirmación|[Cc]uenta|[Rr]eserva|"
        r"[Cc]lave|[Pp]edido|[Ll]ocalizador)(?:\s(?:es|de|postal|número|n\.º|PIN|el|la))*:?"
    ),
    phone_context=(
        r"(?:[Ll]lame|[Ll]lama|[Ll]lámenos|[Tt]el\.?|[Tt]eléfono|[Ff]ax|[Mm]óvil|[Cc]elular|[Mm]arque|"
        r"[Nn]úmero de teléfono|WhatsApp)(?:\s(?:al|a|el|es|nos|número))*:?"
    ),
)
