"""Symbols: marks that are the message become words, decorative ones a break between words."""

import re
import unicodedata

from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.lookahead import Window
from voicelive_agent.server.speakable.spoken_forms import SpokenForms
from voicelive_agent.server.speakable.state import Reading

_YES = "✅✔✓☑🗹🗸"
_NO = "❌✗✘❎☒🗷✖"
_TO = "→➡➔➙➛➜➝➞➟⟶"
_FULL_STARS = "⭐★🌟✭✮"
_EMPTY_STARS = "☆✩✰"

_WORDS: dict[str, str] = {
    **dict.fromkeys(_YES, "yes"),
    **dict.fromkeys(_NO, "no"),
    "☐": "to_do",
    **dict.fromkeys(_TO, "to"),
    "⬆": "up", "↑": "up", "↗": "up", "🔺": "up", "🔼": "up",
    "⬇": "down", "↓": "down", "↘": "down", "🔻": "down", "🔽": "down",
    "➕": "plus", "➖": "minus", "➗": "divided_by", "🟰": "equals",
}  # fmt: skip
"""Each with the field of ``SpokenForms`` that says it."""
_ALONE = {
    "👍": "yes", "👎": "no", "🚫": "no", "⛔": "no", "⚠": "warning", "➖": "no",
    "🔴": "red", "🟡": "yellow", "🟢": "green",
}  # fmt: skip
"""The same, where the mark is all that a cell of a table holds."""
_MOVES = frozenset({"to", "up", "down"})
_LETTERS = {"🆎": "AB", "🆗": "OK", "🆘": "SOS", "🔟": "10"}

CHARS = "".join(_WORDS) + _FULL_STARS + _EMPTY_STARS + "🔟"
_STARS = re.compile(rf"[{_FULL_STARS}{_EMPTY_STARS}\ufe0f]*")
_TONES = "\U0001f3fb-\U0001f3ff"
_SELECTORS = re.compile(rf"[\ufe0e\ufe0f{_TONES}]*")
_PICTURES = re.compile(rf"[ {markup.EMOJI}\ufe0e\ufe0f\u200d\U000e0020-\U000e007f]*")


def read_symbol(reading: Reading, window: Window) -> int:
    """A picture, or another mark without a reading of its own."""
    char = window.text[window.start]
    if char in _FULL_STARS + _EMPTY_STARS:
        return _read_stars(reading, window)
    end = window.run(_SELECTORS, window.start + 1)
    if char in _ALONE and _is_alone(reading, window, end):
        reading.spoken.say(getattr(reading.spoken.forms, _ALONE[char]))
        return end
    if char in _WORDS:
        return _say_mark(reading, window, _WORDS[char], end)
    pictures = window.run(_PICTURES, window.start)
    if _is_alone(reading, window, pictures):
        reading.spoken.say(_name(window.text[window.start : pictures], reading.spoken.forms))
        return pictures
    words = _LETTERS.get(char) or _find_letter(char)
    reading.spoken.break_words()
    if words:
        reading.spoken.say(words)
        reading.spoken.break_words()
    return end


def _say_mark(reading: Reading, window: Window, name: str, end: int) -> int:
    spoken, forms = reading.spoken, reading.spoken.forms
    following = window.char(window.run(markup.BLANKS, end))
    begins = not spoken.on_line
    if name in _MOVES and (begins or markup.ends_line(following)):
        # An arrow that leads nowhere is a bullet, or a button.
        spoken.break_words()
        return end
    if window.text[window.start] == "✖" and spoken.last_word_char.isdigit():
        name = "times" if following.isdigit() else name
    spoken.break_words()
    spoken.say(getattr(forms, name))
    if begins and not reading.line.is_row and not markup.ends_line(following):
        spoken.pause()
    else:
        spoken.break_words()
    return end


def _read_stars(reading: Reading, window: Window) -> int:
    text, start, spoken = window.text, window.start, reading.spoken
    end = window.run(_STARS, start)
    full = sum(text.count(char, start, end) for char in _FULL_STARS)
    most = full + sum(text.count(char, start, end) for char in _EMPTY_STARS)
    is_half = window.char(end) == "½"
    spoken.break_words()
    if spoken.last_word_char.isdigit() and most == full:
        spoken.say(spoken.forms.stars)
    elif most > 1 or is_half:
        spoken.say(_rate(spoken.forms, full, most, "½" if is_half else ""))
    elif reading.line.is_row:
        spoken.say(spoken.forms.star if full else spoken.forms.no)
    spoken.break_words()
    return end + is_half


def _rate(forms: SpokenForms, full: int, most: int, half: str) -> str:
    if most > full:
        return forms.rating.format(f"{full}{half}", most)
    return f"{full}{half} {forms.stars}"


def _is_alone(reading: Reading, window: Window, end: int) -> bool:
    if not (reading.line.is_row and reading.spoken.at_pause):
        return False
    following = window.char(window.run(markup.BLANKS, end))
    return following == "|" or markup.ends_line(following)


def _name(pictures: str, forms: SpokenForms) -> str:
    """The names of pictures that are all that a cell holds, each once."""
    # Names of thousands of pictures, which few answers need.
    import emoji

    toneless = re.sub(f"[{_TONES}]", "", pictures)
    found = dict.fromkeys(match["emoji"] for match in emoji.emoji_list(toneless))
    language = forms.language if forms.language in emoji.LANGUAGES else "en"
    names = (emoji.demojize(one, delimiters=("", ""), language=language) for one in found)
    return forms.pause.join(name.replace("_", " ") for name in names)


def _find_letter(char: str) -> str:
    """The letter or number that a mark shows in a circle or square."""
    code = ord(char)
    for first, letters in ((0x1F170, 26), (0x1F150, 26), (0x1F130, 26)):
        if first <= code < first + letters:
            return chr(code - first + ord("A"))
    number = unicodedata.numeric(char, None) if "❶" <= char <= "➓" else None
    return "" if number is None else f"{number:g}"
