"""Clauses of a streamed text: the pieces that are spoken one after another.

The session splits each answer as its deltas arrive, because a clause is what it asks text to
speech for and what it counts as spoken.

Where a clause ends depends on the text alone and never on how it was cut into deltas, so a
boundary is found only once the characters that decide it have arrived: ``3.`` may become
``3.5``. The clauses joined are the text, to the character. A stream that stands still in the
meantime is what ``pause`` is for.
"""

import unicodedata

from voicelive_agent.emulator.tts.text.full_stops import (
    ends_sentence,
    is_abbreviation,
    may_go_on,
)
from voicelive_agent.wire.punctuation import (
    CLAUSE_ENDS,
    CLOSERS,
    EN_DASH,
    LONG_DASHES,
    SENTENCE_ENDS,
    WIDE_CLAUSE_ENDS,
    WIDE_SENTENCE_ENDS,
)

FIRST_CLAUSE_WORDS = 8
"""The first clause ends here at the latest, so that speech starts early."""
CLAUSE_WORDS = 30
"""Any later clause ends here at the latest."""
COMMA_WORDS = 3
"""A comma ends a later clause only after so many words; the first, always."""
CLAUSE_CHARS = 300
"""The most that text without a space can hold a clause open, and that is read to judge a mark."""
_JOINED_CHARS = 2 * CLAUSE_CHARS
"""The same where each character is joined with the next: endless emoji would cost their square."""

_DASHES = EN_DASH + "-"
_LINE_ENDS = "\n\r\x0b\x0c\x85\u2028\u2029"
# What marks stress in Markdown may stand behind a mark as well.
_CLOSERS = CLOSERS + "*_"
_MARKS = frozenset(
    SENTENCE_ENDS + CLAUSE_ENDS + WIDE_SENTENCE_ENDS + WIDE_CLAUSE_ENDS + LONG_DASHES
)
_RUN = _MARKS | frozenset(_CLOSERS)


class ClauseSplitter:
    """Cuts one answer into clauses as its deltas arrive."""

    def __init__(self) -> None:
        self._pending = ""
        self._scanned = 0
        self._first = True

    @property
    def pending(self) -> str:
        """What has arrived and is in no clause yet."""
        return self._pending

    def feed(self, delta: str) -> list[str]:
        """Add text; the clauses that it completes."""
        self._pending += delta
        clauses = []
        while (end := self._find_boundary()) is not None:
            clauses.append(self._take(end))
        return clauses

    def pause(self) -> str | None:
        """The pending text as a clause, if it reads as a complete one.

        To be called where the stream stands still (the agent runs a tool, say), so that "One
        moment." is spoken without waiting for what follows it.
        """
        text = self._pending.rstrip()
        body = text.rstrip(_CLOSERS)
        if not _is_speakable(text) or not body or body[-1] not in _MARKS:
            return None
        if len(body) > 1 and body[-1] in ".,:" and body[-2].isdigit():
            return None  # may go on as a number: 3.5, 1,000, 7:30
        if body[-1] == "." and may_go_on(body[:-1]):
            return None
        return self._take(len(self._pending))

    def finish(self) -> list[str]:
        """The text is complete: what is left, as one clause at most."""
        return [self._take(len(self._pending))] if self._pending else []

    def _take(self, end: int) -> str:
        clause, self._pending = self._pending[:end], self._pending[end:]
        self._scanned = 0
        if _is_speakable(clause):
            self._first = False
        return clause

    def _find_boundary(self) -> int | None:
        """The end of the next clause, or None until more text decides it."""
        text = self._pending
        # The last character is judged when its successor is known.
        for position in range(self._scanned, len(text) - 1):
            head, following = text[: position + 1], text[position + 1]
            if head[-1].isspace():
                if self._ends_at_space(head, following):
                    return position + 1
            elif following.isspace():
                behind = text[position + 1 : position + 1 + CLAUSE_CHARS]
                ends = self._ends_at_mark(head, following, behind)
                if ends is None and len(behind) < CLAUSE_CHARS:
                    self._scanned = position
                    return None
                if ends is not False:
                    return position + 2
            elif following not in _RUN and (
                self._ends_at_mark(head, following, following) or _is_long_wide_run(head, following)
            ):
                return position + 1
            if position + 1 >= _JOINED_CHARS or (
                position + 1 >= CLAUSE_CHARS and not _joins(head[-1], following)
            ):
                return _last_space_end(head) or position + 1
        self._scanned = max(self._scanned, len(text) - 1)
        return None

    def _ends_at_space(self, head: str, following: str) -> bool:
        body = head[:-1]
        if not _is_speakable(body):
            return False
        if head[-1] in _LINE_ENDS:
            return following in _LINE_ENDS or self._may_end_weakly(body)
        if _count_words(body) < (FIRST_CLAUSE_WORDS if self._first else CLAUSE_WORDS):
            return False
        # "10 | AM", "Dr. | Smith": these are said in one breath.
        tail = body.rstrip(".")[-1:]
        return not (tail.isdigit() or body[-1].isspace() or is_abbreviation(body.rstrip(".")))

    def _ends_at_mark(self, head: str, following: str, behind: str) -> bool | None:
        """Whether the mark at the end of ``head`` ends a clause; None until more is known."""
        body = head.rstrip(_CLOSERS)
        if not _is_speakable(body):
            return False
        mark, before = body[-1], body[:-1]
        if mark in WIDE_SENTENCE_ENDS:
            return True
        if mark in WIDE_CLAUSE_ENDS or mark in LONG_DASHES:
            return self._may_end_weakly(body)
        if not (following.isspace() or _is_wide(following)):
            return False
        if mark == ".":
            return ends_sentence(before, behind) if following.isspace() else True
        if mark in SENTENCE_ENDS:
            return True
        if mark in CLAUSE_ENDS or (mark in _DASHES and before[-1:].isspace()):
            return self._may_end_weakly(body)
        return False

    def _may_end_weakly(self, body: str) -> bool:
        return self._first or _count_words(body) >= COMMA_WORDS


def _is_speakable(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _is_wide(char: str) -> bool:
    """A letter of a script that puts no spaces between words: Han, kana."""
    return (
        unicodedata.category(char) in ("Lo", "Lm")
        and unicodedata.east_asian_width(char) in ("W", "F")
        and not "\uac00" <= char <= "\ud7a3"
    )


def _is_long_wide_run(head: str, following: str) -> bool:
    return _is_wide(head[-1]) and _is_wide(following) and _count_words(head) >= CLAUSE_WORDS


def _count_words(text: str) -> float:
    """Words, where two letters of a wide script make one."""
    return len(text.split()) + sum(map(_is_wide, text)) / 2


def _joins(char: str, following: str) -> bool:
    """Whether two characters are drawn as one."""
    return (
        unicodedata.category(following).startswith("M")
        or "\u200d" in (char, following)
        or "\U0001f3fb" <= following <= "\U0001f3ff"
    )


def _last_space_end(text: str) -> int | None:
    """Behind the last space that has something to say before it."""
    first = next((position for position, char in enumerate(text) if char.isalnum()), len(text))
    for position in range(len(text) - 1, first, -1):
        if text[position].isspace():
            return position + 1
    return None
