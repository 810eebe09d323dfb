"""How an English word that no dictionary has is probably said, in ARPAbet.

Enough for names and products in a phrase list: a word made of known words, an abbreviation that
is spelled, or letters read by the commonest rules; several readings where the rules leave a choice.
"""

from collections.abc import Callable

Lookup = Callable[[str], str | None]
"""A word's phones in the dictionary, None where it hasn't the word."""

_VOWELS = frozenset("aeiouy")
_LETTERS = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY",
    "h": "EY CH", "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N",
    "o": "OW", "p": "P IY", "q": "K Y UW", "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW",
    "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S", "y": "W AY", "z": "Z IY",
}  # fmt: skip
_GROUPS = {
    "tion": "SH AH N", "sion": "ZH AH N", "tch": "CH", "sch": "SH", "dge": "JH", "igh": "AY",
    "eau": "OW", "ough": "AO", "augh": "AO", "eigh": "EY", "ch": "CH", "sh": "SH", "th": "TH",
    "ph": "F", "wh": "W", "ck": "K", "ng": "NG", "qu": "K W", "gh": "G", "kn": "N", "wr": "R",
    "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "oa": "OW", "ai": "EY", "ay": "EY",
    "ei": "EY", "ey": "IY", "ie": "IY", "oi": "OY", "oy": "OY", "au": "AO", "aw": "AO", "eu": "UW",
    "ew": "UW", "ue": "UW", "ui": "UW", "er": "ER", "ir": "ER", "ur": "ER", "ar": "AA R",
    "or": "AO R",
}  # fmt: skip
_CONSONANTS = {
    "b": "B", "d": "D", "f": "F", "h": "HH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N",
    "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "v": "V", "w": "W", "x": "K S", "z": "Z",
}  # fmt: skip
_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_SHORT = {"a": "AE", "e": "EH", "i": "IH", "o": "AA", "u": "AH", "y": "IH"}
_CONTINENTAL = {"a": "AA", "e": "EY", "i": "IY", "o": "OW", "u": "UW", "y": "IY"}
_REDUCED = _CONTINENTAL | {"a": "AH", "e": "AH", "i": "IH", "o": "AH", "u": "AH"}
_PART_LETTERS = 3
_SPELLED_LETTERS = 5


def pronounce(word: str, lookup: Lookup) -> tuple[str, ...]:
    """The likely readings of a lower-case word; empty where its letters aren't English ones."""
    plain = word.replace("'", "")
    if not plain or not all(letter in _LETTERS for letter in plain):
        return ()
    if word.endswith("'s") and (phones := lookup(word[:-2])) is not None:
        return (f"{phones} Z",)
    if len(plain) <= _SPELLED_LETTERS and not _VOWELS & set(plain):
        return (" ".join(_LETTERS[letter] for letter in plain),)
    readings = (
        _join_parts(plain, lookup),
        *(_read(plain, vowels) for vowels in (_SHORT, _CONTINENTAL, _REDUCED)),
    )
    return tuple(dict.fromkeys(reading for reading in readings if reading))


def _join_parts(word: str, lookup: Lookup) -> str | None:
    """A word made of two known ones, such as "smartdesk"."""
    for at in range(len(word) - _PART_LETTERS, _PART_LETTERS - 1, -1):
        start, end = lookup(word[:at]), lookup(word[at:])
        if start is not None and end is not None:
            return f"{start} {end}"
    return None


def _read(word: str, closed_vowels: dict[str, str]) -> str:
    phones: list[str] = []
    at = 0
    while at < len(word):
        size = next((size for size in (4, 3, 2) if word[at : at + size] in _GROUPS), 0)
        if size:
            phones.append(_GROUPS[word[at : at + size]])
            at += size
            continue
        phones.append(_read_letter(word, at, closed_vowels))
        # A doubled consonant is said once.
        doubled = word[at] not in _VOWELS and word[at : at + 1] == word[at + 1 : at + 2]
        at += 2 if doubled else 1
    return " ".join(phone for phone in phones if phone)


def _read_letter(word: str, at: int, closed_vowels: dict[str, str]) -> str:
    letter, after = word[at], word[at + 1 : at + 2]
    if letter == "c":
        return "S" if after and after in "eiy" else "K"
    if letter == "g":
        return "JH" if after and after in "eiy" and at else "G"
    if letter == "y" and at == 0:
        return "Y"
    if letter == "e" and at == len(word) - 1 and _VOWELS & set(word[:at]):
        return ""
    if letter not in _VOWELS:
        return _CONSONANTS[letter]
    if at == len(word) - 1:
        return "AH" if letter == "a" else "IY" if letter in "iy" else _LONG[letter]
    is_before_silent_e = word[at + 2 :] == "e" and after not in _VOWELS
    return _LONG[letter] if is_before_silent_e else closed_vowels[letter]
