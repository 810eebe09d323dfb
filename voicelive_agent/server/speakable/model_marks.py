"""Marks of chat templates: the tags and special tokens by which model families part their output.

``<think>``, ``<|channel|>``, ``<｜tool▁calls▁begin｜>``, ``[TOOL_CALLS]``, ``◁think▷`` are all read
by their words, so that another spelling, or a new family, needs no row of its own. Which family
writes what: docs/howto/what-is-spoken.md.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum

from voicelive_agent.server.speakable import patterns as markup
from voicelive_agent.server.speakable.lookahead import Window


class Part(Enum):
    """What a mark begins or ends."""

    THOUGHT = "thought"
    CALL = "call"
    """A tool call, its result, or the list of tools."""
    HEADER = "header"
    """Who speaks, and on which channel: its words follow."""
    CHANNEL = "channel"
    """The same, of the message that has begun."""
    BODY = "body"
    """What that header's speaker says."""
    ROLE = "role"
    """The same, where the mark itself names who speaks."""
    ANSWER = "answer"
    TURN = "turn"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark, which ends at ``end``; ``name`` holds its words, without begin and end."""

    part: Part
    name: str
    end: int
    opens: bool = True
    is_token: bool = False
    """Whether it is a special token, which only a model's template writes."""


OPENERS = "<＜[◁✿&"
_CLOSERS = {"<": ">", "＜": "＞", "[": "]", "◁": "▷", "✿": "✿"}

_BARS = "|｜"
_LEAD = re.compile(rf"[ \t/／{_BARS}]*")
_NAME = re.compile(r"[\w▁:.\-]*")
_INSIDE = {
    "<": re.compile(rf"[^<>{markup.LINE_BREAKS}]*"),
    "＜": re.compile(rf"[^＜＞{markup.LINE_BREAKS}]*"),
    "[": re.compile(rf"[^\[\]{markup.LINE_BREAKS}]*"),
    "◁": re.compile(rf"[^◁▷{markup.LINE_BREAKS}]*"),
    "✿": re.compile(rf"[^✿{markup.LINE_BREAKS}]*"),
}
# The attributes of a tag may stand on lines of their own.
_UP_TO_TAG_END = re.compile(r"[^<>]*")
_ESCAPED = re.compile(rf"[\w▁:.\- /{_BARS}]*")
_ATTRIBUTE = r"\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=]+)"
_ATTRIBUTES = re.compile(rf"(?:\s*=\s*\S+)?(?:{_ATTRIBUTE})*\s*/?\s*")
_TOKEN = re.compile(rf"(?=.*[\w\"])[\w▁:.\-\"{_BARS} /]*?(?:{_ATTRIBUTE})*\s*")
_CITED = re.compile(r":? ?[\d:,\[\]]+")
_BETWEEN_WORDS = re.compile(r"[\W_▁]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_THOUGHT = _words(
    "think thinking thinks thought thoughts reason reasoning reflect reflection reflections "
    "scratch scratchpad analysis analyse analyze cot monologue deliberation rationale plan "
    "planning brainstorm brainstorming introspection internal"
)
_CALL = _words(
    "tool tools toolcall toolcalls tooluse toolresponse toolresponses toolresult toolresults "
    "tooloutput tooloutputs toolcode function functions functioncall functioncalls "
    "functionresponse functionresult functionresults functools invoke parameter parameters "
    "argument arguments arg args action actions observation observations plugin call calls "
    "callid python ipython sys"
)
RESULTS = _words(
    "response responses result results output outputs observation observations content "
    "available tools toolresponse toolresponses toolresult toolresults tooloutput tooloutputs "
    "functionresponse functionresult functionresults sys"
)
"""Words of a mark that makes its part something else than a call."""
SPEAKERS = frozenset({"assistant", "model", "chatbot", "bot", "ai", "gpt"})
_ROLES = SPEAKERS | {
    "user", "human", "system", "developer", "tool", "observation", "environment", "instruction",
    "inst", "ipython",
}  # fmt: skip
_ANSWER = frozenset({"response", "answer", "solution", "text", "final"})
_ENDS = _words(
    "return call eot eom eos eod eop endoftext endofturn endofprompt endofsentence "
    "endofmessage end stop im turn sentence text message response s"
)
_BEGIN = frozenset({"begin", "start", "open", "prefix"})
_END = frozenset({"end", "stop", "close", "suffix"})
_FILLERS = frozenset({"of", "section", "token", "id"})
_HEADERS = frozenset(
    {"", "im", "header", "turn", "role", "im user", "im assistant", "im system", "seed bos"}
)
_BODIES = frozenset({"message", "content", "im middle", "im sep"})
# Tags that are no HTML, and bracketed marks, by their whole name: others are left to other rules.
_TAGS = frozenset({"bos", "eos", "pad", "unk", "turn", "role", "seed bos", "seed eos", "s"})
_BRACKETED = {
    "inst": Part.ROLE, "system prompt": Part.ROLE, "model settings": Part.ROLE,
    "think": Part.THOUGHT, "thinking": Part.THOUGHT, "thought": Part.THOUGHT,
    "reasoning": Part.THOUGHT, "args": Part.CALL, "call id": Part.CALL,
    "tool call": Part.CALL, "tool calls": Part.CALL, "tool result": Part.CALL,
    "tool results": Part.CALL, "tool content": Part.CALL, "available tools": Part.CALL,
}  # fmt: skip


# Qwen-Agent's, each with a colon after it.
_FLOWERED = {
    "function": Part.CALL, "args": Part.CALL, "result": Part.CALL, "return": Part.ANSWER,
}  # fmt: skip


def find_mark(window: Window, start: int) -> Mark | None:
    """The mark that begins at ``start``; None if none does."""
    opener = window.text[start]
    if opener == "&":
        return _find_escaped(window, start)
    if opener == "<" and window.char(start + 1) == "<":
        return _find_doubled(window, start)
    lead_end = window.run(_LEAD, start + 1)
    lead = window.text[start + 1 : lead_end].replace("／", "/")
    name_end = window.run(_NAME, lead_end)
    name = window.text[lead_end:name_end]
    if lead.strip(" \t/"):
        return _find_token(window, start, lead)
    if not name:
        return None
    if window.char(name_end) in tuple(_BARS) and opener == "<":
        # Gemma 4 ends a part by ``<channel|>``.
        end = window.run(_LEAD, name_end)
        is_mark = window.char(end) == ">"
        return _classify(name, end + 1, closes=True, is_token=True) if is_mark else None
    mark = _classify_undecorated(opener, name)
    return _finish(window, start, mark, lead, name_end) if mark else None


def _classify_undecorated(opener: str, name: str) -> Mark | None:
    if opener == "✿":
        part = _FLOWERED.get(name.lower())
        return Mark(part, name.upper(), 0, is_token=True) if part else None
    return _classify_bracketed(name) if opener == "[" else _classify_tag(name)


def _find_escaped(window: Window, start: int) -> Mark | None:
    """A mark as HTML shows it: ``&lt;think&gt;``."""
    if not window.starts(start, "&lt;"):
        return None
    end = window.run(_ESCAPED, start + 4)
    if end == start + 4 or not window.starts(end, "&gt;"):
        return None
    mark = find_mark(Window(f"<{window.text[start + 4 : end]}>", final=True), 0)
    return replace(mark, end=end + 4) if mark else None


def _find_doubled(window: Window, start: int) -> Mark | None:
    """Llama 2's ``<<SYS>>`` and ``<</SYS>>``, and others' ``<<function>>``."""
    closes = window.char(start + 2) == "/"
    name_end = window.run(_NAME, start + 2 + closes)
    if not window.starts(name_end, ">>"):
        return None
    mark = _classify_tag(window.text[start + 2 + closes : name_end])
    return replace(mark, end=name_end + 2, opens=not closes) if mark else None


def _find_token(window: Window, start: int, lead: str) -> Mark | None:
    """``<|name|>``, with bars of either width, and with a namespace or attributes."""
    opener = window.text[start]
    end = window.run(_INSIDE[opener], start + 1)
    inside = window.text[start + 1 + len(lead) : end]
    if window.char(end) != _CLOSERS[opener] or not _TOKEN.fullmatch(inside):
        return None
    name = re.sub(_ATTRIBUTE, "", inside)
    mark = _classify(name, end + 1, closes="/" in lead, is_token=True)
    # Operators of programs stand with spaces around them.
    is_spaced = lead[-1].isspace() and mark.part is Part.OTHER
    return None if is_spaced else mark


def _finish(window: Window, start: int, mark: Mark, lead: str, name_end: int) -> Mark | None:
    """The mark, if what follows its name ends it as a tag ends."""
    opener = window.text[start]
    end = window.run(_UP_TO_TAG_END if opener == "<" else _INSIDE[opener], name_end)
    if window.char(end) != _CLOSERS[opener]:
        return None
    tail = window.text[name_end:end]
    is_bare = not tail.strip(" \t\r\n/")
    if not is_bare and (lead.isspace() or opener != "<"):
        return None
    if mark.name == "co":
        return Mark(Part.OTHER, "co", end + 1) if _CITED.fullmatch(tail) else None
    if not _ATTRIBUTES.fullmatch(tail) or (mark.name == "s" and "/" not in lead):
        return None
    if tail.rstrip().endswith("/"):
        return Mark(Part.OTHER, mark.name, end + 1)
    if opener == "✿":
        return replace(mark, end=end + 1 + (window.char(end + 1) == ":"))
    part = Part.TURN if mark.name == "s" else mark.part
    opens = mark.opens and "/" not in lead
    if part is Part.HEADER and not opens:
        part = _find_header_part(mark.name, opens=False)
    return Mark(part, mark.name, end + 1, opens, mark.is_token)


def _split(name: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(name.lower()) if word]


def _classify_tag(name: str) -> Mark | None:
    """A tag without bars: only what no HTML, and hardly any prose, has."""
    words = _split(name)
    if not words or name[0].isdigit():
        return None
    if words == ["co"]:
        return Mark(Part.OTHER, "co", 0)
    mark = _classify(name, 0, closes=False, is_token=False)
    is_thought = words[0] in _THOUGHT or words[-1] in _THOUGHT
    if mark.part is Part.THOUGHT:
        return mark if is_thought else None
    return mark if mark.part is Part.CALL or mark.name in _TAGS else None


def _classify_bracketed(name: str) -> Mark | None:
    words = " ".join(_split(name))
    part = _BRACKETED.get(words)
    # ``[action]`` may be prose, and so may ``[thought]``.
    if part is None or not (name.isupper() or words.startswith(("think", "tool "))):
        return None
    return Mark(part, "user" if part is Part.ROLE else words.upper(), 0)


def _classify(name: str, end: int, *, closes: bool, is_token: bool) -> Mark:
    """A mark by its words, whichever family's it is."""
    words = _split(name)
    closes = closes or not _END.isdisjoint(words[:1] + words[-1:])
    opens = not closes
    begins = not _BEGIN.isdisjoint(words[:1] + words[-1:])
    base = [word for word in words if word not in _BEGIN | _END | _FILLERS]
    joined = " ".join(base)
    part = _find_part(base, joined, begins=begins, opens=opens, is_token=is_token)
    return Mark(part, joined, end, opens, is_token)


def _find_part(base: list[str], joined: str, *, begins: bool, opens: bool, is_token: bool) -> Part:
    known = set(base)
    if known & _THOUGHT or (is_token and "inner" in known):
        return Part.THOUGHT
    if joined in _BODIES:
        return Part.BODY
    if is_token and (joined in _ROLES or joined == "tool"):
        return Part.ROLE if opens else Part.TURN
    if is_token and not known.isdisjoint(("cite", "citation", "citations")):
        return Part.CALL
    if is_token and joined in ("call", "return"):
        return Part.TURN
    if known & _CALL:
        return Part.CALL
    if joined == "channel":
        return Part.CHANNEL if opens else Part.TURN
    if joined in _HEADERS and (base or begins or not opens):
        return _find_header_part(joined, opens=opens)
    if joined == "seed eos" or (joined in _ENDS and not opens):
        return Part.TURN
    if joined in _ENDS - _ANSWER - {"s"} and base and not begins:
        return Part.TURN
    if is_token and known & _ANSWER and opens:
        return Part.ANSWER
    return Part.OTHER


def _find_header_part(joined: str, *, opens: bool) -> Part:
    if opens:
        return Part.HEADER
    return Part.BODY if joined in ("header", "role") else Part.TURN
