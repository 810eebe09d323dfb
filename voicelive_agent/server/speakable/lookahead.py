"""Lookahead: how rules on streamed text can't depend on how it was cut.

A rule never sees where the received text happens to end: where it would have to, ``Wait`` is
raised, and the rule runs again from its start once there is more. So it must change nothing
before its last look.
"""

import re
from functools import lru_cache

LOOKAHEAD_CHARS = 256
"""No rule needs more context than this; what is longer is decided as if the text ended there."""


def list_beginnings(*words: str) -> str:
    """A regular expression for all that ``words`` may begin with, as much of it as there is."""
    return "|".join(_nest(word) for word in words)


def _nest(word: str) -> str:
    first, rest = re.escape(word[0]), word[1:]
    return f"{first}(?:{_nest(rest)})?" if rest else first


@lru_cache(maxsize=64)
def _repeated(char: str) -> re.Pattern[str]:
    return re.compile(f"{re.escape(char)}*")


class Wait(Exception):
    """The rule can't be decided before more text has come."""


class Window:
    """The text from ``start`` on, as far as a rule may look."""

    __slots__ = ("_complete", "_end", "final", "start", "text")

    def __init__(self, text: str, *, final: bool) -> None:
        self.text = text
        self.final = final
        self.move(0)

    def move(self, start: int) -> None:
        """Begin at ``start`` from now on."""
        self.start = start
        limit = start + LOOKAHEAD_CHARS
        self._end = min(len(self.text), limit)
        self._complete = self.final or len(self.text) >= limit

    def char(self, index: int) -> str:
        """The character at ``index``; empty past the end."""
        if index < self._end:
            return self.text[index]
        if self._complete:
            return ""
        raise Wait

    def run(self, repeated: re.Pattern[str], index: int) -> int:
        """Where the characters end that ``repeated`` matches; it must match no characters too."""
        if index < self._end:
            match = repeated.match(self.text, index, self._end)
            index = match.end() if match else index
        if index < self._end or self._complete:
            return index
        raise Wait

    def repeats(self, index: int) -> int:
        """Where the run of the character at ``index`` ends."""
        return self.run(_repeated(self.text[index]), index)

    def matches(self, whole: re.Pattern[str], beginning: re.Pattern[str], index: int) -> bool:
        """Whether ``whole`` matches at ``index``; it may not depend on what follows its match.

        ``beginning`` matches what it may begin with; with a named group, what it waits for.
        """
        if whole.match(self.text, index, self._end):
            return True
        match = beginning.match(self.text, index, self._end)
        if self._complete or match is None:
            return False
        if match.end() < self._end and not match.lastgroup:
            return False
        raise Wait

    def starts(self, index: int, prefix: str) -> bool:
        """Whether ``prefix`` (in lower case) stands at ``index``, in whatever case."""
        end = index + len(prefix)
        found = self.text[index : min(end, self._end)].lower()
        if end <= self._end or self._complete or not prefix.startswith(found):
            return found == prefix
        raise Wait

    def is_cut(self, index: int) -> bool:
        """Whether ``index`` is at the limit, so that a run that reached it may go on."""
        return index == self.start + LOOKAHEAD_CHARS
