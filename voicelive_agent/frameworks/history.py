"""History for a model: what was said and done in earlier turns, and where it was interrupted.

Adapters keep a turn's messages, in their framework's own JSON, as ``Turn.notes[framework]``.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from voicelive_agent.agent import (
    INTERRUPTION_NOTE,
    PastTurn,
    Turn,
    describe_input,
    describe_past_input,
)

FILLERS = "fillers"
"""Where a turn's notes list its fillers, so that none is taken for the model's own words."""

HISTORY_REFUSED = "history_refused"
"""Set in the notes of a turn that was answered without history, which a filter had refused."""

INTERRUPTED_TOOL = "The caller interrupted before this finished; its outcome is unknown."
"""The result of a tool call that was cut off, for models that need one for each call."""

_LAST_WORDS = 8


def describe_turn(turn: Turn | PastTurn) -> str:
    """What the caller said or did, in words for a model."""
    if isinstance(turn, PastTurn):
        return describe_past_input(turn)
    return describe_input(turn.kind, turn.text, turn.action)


def find_told(turn: Turn) -> Sequence[PastTurn]:
    """The earlier turns that a model is told of: those since a content filter refused the rest."""
    if turn.notes.get(HISTORY_REFUSED):
        return ()
    refused = (at for at, past in enumerate(turn.history) if past.notes.get(HISTORY_REFUSED))
    return turn.history[max(refused, default=0) :]


def may_be_refused_for_history(turn: Turn) -> bool:
    """Whether a refusal of this turn may be due to what was said before it.

    The turn before was refused as well. What was said there is not told any more, so either this
    turn is at fault too, or what came before both.
    """
    told = find_told(turn)
    return bool(told) and was_filtered(told[-1])


def was_filtered(past: PastTurn) -> bool:
    """Whether a content filter refused the turn, so that its messages must not be told again."""
    return past.ending == "content_filtered"


def describe_interruption(past: PastTurn) -> str:
    """The interruption of an answer, for a model whose own history of it can't be changed."""
    words = (past.reply if past.heard is None else past.heard).split()
    certainty = "" if _is_cut(past) else "probably "
    where = f'after "{" ".join(words[-_LAST_WORDS:])}"' if words else "before its first word"
    return f"(The caller {certainty}interrupted your last answer {where}.)"


class Kept(NamedTuple):
    """What an adapter kept of one turn."""

    messages: list[Any]
    """The framework's messages as JSON, the caller's own excluded."""
    complete: bool
    """Whether the run came to its end, and all that it said was delivered."""


def keep(turn: Turn, framework: str, messages: Sequence[Any], *, complete: bool) -> None:
    """Note a turn's messages (JSON, the caller's own excluded) so that a later turn sees them."""
    turn.notes[framework] = {"messages": list(messages), "complete": complete}


def find_kept(past: PastTurn, framework: str) -> Kept | None:
    """What the adapter kept of a turn; None where it did not answer it."""
    note = past.notes.get(framework)
    if was_filtered(past):
        return None
    if not isinstance(note, dict) or not isinstance(note.get("messages"), list):
        return None
    return Kept(note["messages"], note.get("complete") is True and not _is_cut(past))


def _is_cut(past: PastTurn) -> bool:
    """An interruption of which nothing is estimated is a cut, too."""
    return past.cut or (past.interrupted and past.heard is None)


def retell(
    texts: Iterable[str], past: PastTurn, *, complete: bool, fillers: Sequence[str] = ()
) -> tuple[list[str], str]:
    """An answer's texts as a model is told them, and what was said beyond them all.

    Those of a run that is not ``complete`` end where ``past.reply`` ends; ``fillers`` were spoken
    in between. An estimated interruption is marked.
    """
    parts, rest = list(texts), ""
    if not complete:
        parts, rest = cut_to_heard(parts, past.reply, fillers)
    if past.heard is None or past.heard_is_known:
        return parts, rest
    *parts, rest = _mark([*parts, rest], past.heard, fillers)
    return parts, rest


def _mark(texts: Sequence[str], heard: str, fillers: Iterable[str]) -> list[str]:
    """The texts with the note of an interruption after as many letters as were heard of them."""
    if any(INTERRUPTION_NOTE in text for text in texts):
        return list(texts)
    heard_parts, beyond = cut_to_heard(texts, heard, fillers)
    left = len(_letters("".join(heard_parts) + beyond))
    marked = list(texts)
    for index, text in enumerate(texts):
        letters = len(_letters(text))
        if left < letters:
            end = _find_end(text, left)
            pieces = (text[:end].rstrip(), INTERRUPTION_NOTE, text[end:].lstrip())
            marked[index] = " ".join(piece for piece in pieces if piece)
            break
        left -= letters
    return marked


def _find_end(text: str, letters: int) -> int:
    """Where in ``text`` so many letters have ended, with the marks that belong to them."""
    if not letters:
        return 0
    for index, character in enumerate(text):
        letters -= len(_letters(character))
        if letters <= 0:
            space = re.search(r"\s|[^\W_]", text[index + 1 :])
            return index + 1 + (space.start() if space else len(text))
    return len(text)


def cut_to_heard(
    texts: Iterable[str], heard: str, fillers: Iterable[str] = ()
) -> tuple[list[str], str]:
    """Shorten an answer's texts to ``heard``; ``fillers`` were spoken in between.

    Returns that part of each text, and what was heard beyond them all. The server makes text
    speakable, so what was heard is aligned by its letters and digits; where it can't be, all of it
    stands in place of the first text that differs.
    """
    parts: list[str] = []
    rest = heard.strip()
    unsaid = list(fillers)
    for text in texts:
        rest = _skip_filler(rest, unsaid, text)
        end = _align(text, rest)
        if end is None:
            parts.append(rest)
            rest = ""
        else:
            parts.append(text)
            rest = _strip_marks(rest[end:])
    return parts, _skip_filler(rest, unsaid, "")


def _skip_filler(heard: str, fillers: list[str], text: str) -> str:
    """Drop the filler that ``heard`` begins with, or breaks off in, unless ``text`` begins so."""
    if fillers and heard and not _letters(text).startswith(_letters(heard)):
        end = _align(fillers[0], heard)
        if end is not None:
            fillers.pop(0)
            return _strip_marks(heard[end:])
        if _letters(fillers[0]).startswith(_letters(heard)):
            return ""
    return heard


def _align(text: str, heard: str) -> int | None:
    """Where in ``heard`` the whole of ``text`` ends; None where that is not in it."""
    letters = _letters(text)
    matched = 0
    for index, character in enumerate(heard):
        if matched == len(letters):
            return index
        for letter in _letters(character):
            if matched == len(letters) or letters[matched] != letter:
                return None
            matched += 1
    return len(heard) if matched == len(letters) else None


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _strip_marks(text: str) -> str:
    for index, character in enumerate(text):
        if character.isalnum():
            return text[index:]
    return ""


def name_conversation(turn: Turn) -> str:
    """A stable name of this caller's conversation, which gives away neither user nor session."""
    # Length first, so that no two pairs of ids run together.
    key = f"{len(turn.user_id)}:{turn.user_id}{turn.session_id}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def is_json_object(text: Any) -> bool:
    """Whether the arguments of a tool call are all there."""
    try:
        return isinstance(json.loads(text) if isinstance(text, str) and text else text or {}, dict)
    except ValueError:
        return False
