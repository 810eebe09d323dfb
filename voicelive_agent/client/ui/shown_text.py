"""Text of others as a terminal may show it: without what steers the terminal or hides letters.

Control characters move the cursor; those that direct bidirectional text (U+202E, U+2066 and their
kin: Unicode's property Bidi_Control) and tags make a line read as something else.
"""

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\ufeff\U000e0000-\U000e007f]")
_UNESCAPED = re.compile(rf"[\x7f-\x9f{_BIDI}\u2028\u2029\ufeff\U000e0000-\U000e007f]")
_BREAKS = re.compile("[\t\n\u2028\u2029]")


def show_text(text: str) -> str:
    """On one line, and with nothing in it that a person can't see."""
    return _CONTROL.sub("", _BREAKS.sub(" ", text))


def show_lines(text: str) -> str:
    """Likewise, with its lines."""
    return "\n".join(show_text(line) for line in text.splitlines())


def escape_json(encoded: str) -> str:
    r"""The same JSON, with such characters as ``\uXXXX``: it may be read in a terminal."""
    return _UNESCAPED.sub(lambda found: _escape(found[0]), encoded)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
