"""Spoken form of a text: as an engine should read it, with the way back to the text as it stands.

Only what engines get wrong is written out, and only in English; the agent is expected to
send text that can be spoken. Control characters, which some engines obey, become spaces.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_TITLES = re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr)(\.)(?=\s+[^\W\d_])")
_DEGREES = re.compile(r"(?<=\d)\s?°\s?([FC])\b")
_PRICE = re.compile(r"([$€£])(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d\d))?(?![\d.,]*\d)")
_SCALES = {"F": "Fahrenheit", "C": "Celsius"}
_CURRENCIES = {
    "$": ("dollar", "cent", "cents"),
    "€": ("euro", "cent", "cents"),
    "£": ("pound", "penny", "pence"),
}


@dataclass(frozen=True, slots=True)
class SpokenForm:
    text: str
    origins: Sequence[int]
    """For each character of ``text``, the index of the one it stands for."""

    def origin(self, position: int) -> int:
        if not self.origins:
            return 0
        return self.origins[min(max(position, 0), len(self.origins) - 1)]


def write_out(clause: str, language: str = "en") -> SpokenForm:
    """The spoken form of a clause in a language (BCP-47)."""
    text = "".join(map(_neutralise, clause))
    form = SpokenForm(text, range(len(text)))
    if language.lower().split("-")[0] == "en":
        form = _replace(form, _TITLES, lambda match: match[1])
        form = _replace(form, _DEGREES, lambda match: f" degrees {_SCALES[match[1]]}")
        form = _replace(form, _PRICE, _write_price)
    return form


def _neutralise(char: str) -> str:
    if char < " " and char not in "\n\t":
        return " "
    return " " if "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" else char


def _write_price(match: re.Match[str]) -> str:
    unit, small, smalls = _CURRENCIES[match[1]]
    whole, cents = match[2].replace(",", ""), int(match[3] or 0)
    said = f"{match[2]} {unit}{'' if whole == '1' else 's'}"
    if cents:
        said += f" and {cents} {small if cents == 1 else smalls}"
    return said


def _replace(
    form: SpokenForm, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str]
) -> SpokenForm:
    text: list[str] = []
    origins: list[int] = []
    end = 0
    for match in pattern.finditer(form.text):
        said = write(match)
        text += [form.text[end : match.start()], said]
        origins += form.origins[end : match.start()]
        origins += [form.origins[match.start()]] * len(said)
        end = match.end()
    return SpokenForm("".join([*text, form.text[end:]]), [*origins, *form.origins[end:]])
