"""Roman numbers."""

import re

_WRITTEN = re.compile(r"(C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def read_roman(written: str) -> int | None:
    """The value up to 399; None for letters that are no number."""
    if not written or not _WRITTEN.fullmatch(written):
        return None
    values = [_VALUES[letter] for letter in written]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)
