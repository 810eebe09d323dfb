"""Scripts: which letters a voice of a language can say."""

import unicodedata
from functools import lru_cache

from babel.core import get_global

_SCRIPTS = {
    "CJK": ("Hans", "Hant", "Jpan", "Kore"), "HIRAGANA": ("Jpan",), "KATAKANA": ("Jpan",),
    "BOPOMOFO": ("Hans", "Hant"), "HANGUL": ("Kore",), "CYRILLIC": ("Cyrl",),
    "ARABIC": ("Arab", "Aran"), "GREEK": ("Grek",), "HEBREW": ("Hebr",), "DEVANAGARI": ("Deva",),
    "THAI": ("Thai",), "BENGALI": ("Beng",), "TAMIL": ("Taml",), "TELUGU": ("Telu",),
    "GUJARATI": ("Gujr",), "GURMUKHI": ("Guru",), "KANNADA": ("Knda",), "MALAYALAM": ("Mlym",),
    "SINHALA": ("Sinh",), "GEORGIAN": ("Geor",), "ARMENIAN": ("Armn",), "ETHIOPIC": ("Ethi",),
    "KHMER": ("Khmr",), "LAO": ("Laoo",), "MYANMAR": ("Mymr",), "ORIYA": ("Orya",),
}  # fmt: skip
"""The first word of a letter's Unicode name, and the scripts that have it (ISO 15924)."""
_SAID = {
    "CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese",
    "HANGUL": "Korean",
}  # fmt: skip
_NAMES = {"cmn": "zh", "yue": "zh", "nb": "no"}
"""Languages that babel knows by another name."""


def find_unsayable(text: str, language: str) -> str | None:
    """The first script in a text that a voice of a language (BCP-47) can't say, in words."""
    for position in range(len(text)):
        if not is_sayable(text, position, language):
            name = _script_name(text[position])
            return _SAID.get(name, name.capitalize())
    return None


def drop_unsayable(text: str, language: str) -> str:
    """The text with a space for each letter that a voice of a language can't say."""
    if text.isascii():
        return text
    return "".join(
        char if is_sayable(text, position, language) else " " for position, char in enumerate(text)
    )


def is_sayable(text: str, position: int, language: str) -> bool:
    char = text[position]
    if char < "\u0370" or not char.isalpha():
        return True
    name = _script_name(char)
    scripts = _SCRIPTS.get(name)
    if scripts is None or _script_of(language) in scripts:
        return True
    # A Greek letter by itself is a sign of mathematics, which any voice has a name for.
    neighbours = text[max(position - 1, 0) : position] + text[position + 1 : position + 2]
    return name == "GREEK" and not any(_script_name(other) == name for other in neighbours)


@lru_cache(maxsize=4096)
def _script_name(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0].partition("-")[0]


@lru_cache(maxsize=256)
def _script_of(language: str) -> str:
    base, _, rest = language.partition("-")
    base = _NAMES.get(base.lower(), base.lower())
    likely = get_global("likely_subtags")
    tag = f"{base}_{rest.upper()}" if rest else base
    return str((likely.get(tag) or likely.get(base) or "x_Latn_x").split("_")[1])
