"""What a replay changed: turn by turn, what was said, which events came, how long it took."""

import difflib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from voicelive_agent.emulator.watch.recorded_turns import RecordedTurn, read_turns
from voicelive_agent.emulator.watch.replay import Events, outline

_COMPARED = ("kind", "user_text", "agent_text", "events")
_SHOWN = ("user_text", "agent_text", "events")

_MAX_WORDS = 1500
"""Longer texts are compared as a whole."""


def describe_changes(recorded: Events, replayed: Events) -> dict[str, Any]:
    """JSON: ``same``, ``events`` and ``turns``. A turn that only one of them has is null there.

    ``changes`` of a turn that both have are pieces of its texts and events in order: each of both
    (``same``), of the recording (``gone``) or of the replay (``new``).
    """
    before, now = outline(recorded), outline(replayed)
    difference = difflib.unified_diff(before, now, "recorded", "replayed", lineterm="", n=2)
    turns = [
        _compare(number, *pair)
        for number, pair in enumerate(zip_longest(read_turns(recorded), read_turns(replayed)), 1)
    ]
    return {
        "same": before == now and all(turn["same"] for turn in turns),
        "events": {"same": before == now, "difference": list(difference)},
        "turns": turns,
    }


def _compare(number: int, before: RecordedTurn | None, now: RecordedTurn | None) -> dict[str, Any]:
    recorded, replayed = (turn.describe() if turn else None for turn in (before, now))
    is_same = (
        recorded is not None
        and replayed is not None
        and all(recorded[name] == replayed[name] for name in _COMPARED)
    )
    changes = (
        recorded
        and replayed
        and {
            name: [{"kind": kind, "text": text} for kind, text in compare_words(one, other)]
            for name in _SHOWN
            for one, other in [(_words(recorded[name]), _words(replayed[name]))]
        }
    )
    return {
        "number": number,
        "same": is_same,
        "recorded": recorded,
        "replayed": replayed,
        "changes": changes,
    }


def _words(text: str | list[str] | None) -> list[str]:
    return text if isinstance(text, list) else (text or "").split()


def compare_words(before: list[str], now: list[str]) -> Iterator[tuple[str, str]]:
    """What both have (``same``), and what is ``gone`` and ``new`` between, in order."""
    if max(len(before), len(now)) > _MAX_WORDS and before != now:
        before, now = [" ".join(before)], [" ".join(now)]
    matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            yield "same", " ".join(now[new_start:new_end])
            continue
        for name, words in (("gone", before[start:end]), ("new", now[new_start:new_end])):
            if words:
                yield name, " ".join(words)
