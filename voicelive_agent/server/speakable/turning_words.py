"""Turning words: what in the middle of plain text is not prose, though no mark begins it.

An address, ``functools[…]``, or the header of a harmony message whose special tokens were dropped.
The searches are quick where there is none: nearly every word passes here.
"""

import re

from voicelive_agent.server.speakable.lookahead import list_beginnings

CALL_WORDS = ("functools", "tool_calls")
"""Words that some models write before a list of tool calls."""
COMPACT_HEADERS = ("assistantanalysis", "assistantcommentary", "assistantfinal")
"""Each stands next to the message before it."""

# What may not stand before each of them.
_BEFORE_ADDRESS = "[A-Za-z0-9ªµº\u00c0-\u0dff]"
_BEFORE_CALL = r"[\w'’]"
_ADDRESS = rf"(?<!{_BEFORE_ADDRESS})(?i:https?://|www\.)(?=\w)"
_WHOLE = re.compile(
    rf"(?P<address>{_ADDRESS})|(?P<call>(?<!{_BEFORE_CALL})(?:{'|'.join(CALL_WORDS)}))(?=\[)"
    rf"|(?P<header>{'|'.join(COMPACT_HEADERS)})"
)
_CUT = re.compile(
    rf"(?<!{_BEFORE_ADDRESS})(?i:{list_beginnings('http://', 'https://', 'www.')})\Z"
    rf"|(?P<call>(?<!{_BEFORE_CALL})(?:{list_beginnings(*CALL_WORDS)}))\Z"
    rf"|(?P<header>{list_beginnings(*COMPACT_HEADERS)})\Z"
)
_CHARS = 24
"""More than any of these has."""
_WITHIN_WHOLE = ("http", "www.", "assistant", *CALL_WORDS)
_ENDINGS = tuple(
    word[:length]
    for word in ("http://", "https://", "www.", *CALL_WORDS, *COMPACT_HEADERS)
    for length in range(1, len(word) + 1)
)


def is_address(text: str) -> bool:
    """Whether ``text`` begins as a web address does."""
    match = _WHOLE.match(text)
    return match is not None and match["address"] is not None


def find_turning_word(text: str, start: int, end: int, previous: str) -> re.Match[str] | None:
    """The first that begins between ``start`` and ``end``; ``previous`` stands before ``text``."""
    limit = min(end + _CHARS, len(text))
    lower = text[start:limit].lower()
    for word in _WITHIN_WHOLE:
        if word in lower:
            return _search(_WHOLE, text, start, end, limit, previous)
    return None


def find_cut_word(text: str, start: int, end: int, previous: str) -> int | None:
    """Where one begins, between ``start`` and ``end``, that the end of ``text`` may have cut."""
    if end + _CHARS < len(text) or not text[-_CHARS:].lower().endswith(_ENDINGS):
        return None
    start = max(start, len(text) - _CHARS)
    match = _search(_CUT, text, start, end, len(text), previous)
    return match.start() if match else None


def _search(
    pattern: re.Pattern[str], text: str, start: int, end: int, limit: int, previous: str
) -> re.Match[str] | None:
    match = pattern.search(text, start, limit)
    if match and match.start() == 0 and not _is_apart(previous, match):
        match = pattern.search(text, 1, limit)
    return match if match and match.start() < end else None


def _is_apart(previous: str, match: re.Match[str]) -> bool:
    """What the look behind of ``match`` asks."""
    if match["header"]:
        return True
    return not re.match(_BEFORE_CALL if match["call"] else _BEFORE_ADDRESS, previous)
