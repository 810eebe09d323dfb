"""What a replay changed: turn by turn, what was said, which events came, how long it took."""

import difflib
from itertools import zip_longest
from typing import Any

from voicelive_agent.emulator.watch.recorded_turns import RecordedTurn, read_turns
from voicelive_agent.emulator.watch.replay import Events, outline

_COMPARED = ("kind", "user_text", "agent_text", "events")


def describe_changes(recorded: Events, replayed: Events) -> dict[str, Any]:
    """JSON: ``same``, ``events`` and ``turns``. A turn that only one of them has is null there."""
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
    return {"number": number, "same": is_same, "recorded": recorded, "replayed": replayed}
