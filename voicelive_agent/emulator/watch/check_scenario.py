"""A scenario for ``voicelive-agent check`` out of a recorded session."""

from collections.abc import Sequence
from typing import Any

import yaml

from voicelive_agent.emulator.watch.recorded_turns import RecordedTurn, read_turns
from voicelive_agent.emulator.watch.replay import Events
from voicelive_agent.wire.invocations import AGENT_ERROR

_COMMENT = """\
# Made from the recording {name}. Words are compared loosely: most of them, in any order.
# Take out of each step what the next run may say otherwise, then:
#   voicelive-agent check {name}.yaml
"""


class NothingToCheck(Exception):
    """The recording holds no turn; the message says so."""


def write_scenario(events: Events, name: str) -> str:
    """YAML, as ``voicelive-agent check`` reads it. Raises NothingToCheck."""
    turns = [turn for turn in read_turns(events) if turn.kind == "greeting" or _act(turn)]
    steps = _write_steps(turns)
    if not steps:
        raise NothingToCheck(f"the recording {name} holds no turn to check")
    scenario: dict[str, Any] = {"name": name}
    if turns[0].kind == "greeting":
        scenario["settings"] = {"greet": True}
    scenario["steps"] = steps
    text = yaml.safe_dump(scenario, sort_keys=False, allow_unicode=True, width=88)
    return _COMMENT.format(name=name) + str(text)


def _write_steps(turns: Sequence[RecordedTurn]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    waiting = list(turns)
    while waiting:
        turn = waiting.pop(0)
        step, answered = _act(turn), turn
        if step and turn.cut_after_ms is not None and waiting:
            said = _act(waiting[0])
            if said and "click" not in said:
                # The answer that counts is the one to what was said last.
                answered = waiting.pop(0)
                step["interrupt"] = {"after_ms": turn.cut_after_ms, **said}
        step |= _expect(answered)
        if step:
            steps.append(step)
    return steps


def _act(turn: RecordedTurn) -> dict[str, Any]:
    """What the person did; nothing for a greeting, and where no word was understood."""
    if turn.kind == "action":
        return {"click": turn.action}
    text = _on_one_line(turn.user_text or "")
    return {"type" if turn.kind == "text" else "say": text} if text else {}


def _expect(turn: RecordedTurn) -> dict[str, Any]:
    expected: dict[str, Any] = {}
    words = _on_one_line(turn.agent_text)
    if words and turn.cut_after_ms is None:
        expected["expect_words"] = words
    kinds = [str(event["type"]) for event in turn.client_events if event.get("type")]
    shown = [{"type": kind} for kind in dict.fromkeys(kinds) if kind != AGENT_ERROR]
    if shown:
        expected["expect_event"] = shown[0] if len(shown) == 1 else shown
    failed = [event for event in turn.client_events if event.get("type") == AGENT_ERROR]
    if failed:
        expected["expect_error"] = str(failed[0].get("code") or "agent")
    return expected


def _on_one_line(text: str) -> str:
    """YAML has line ends of its own, such as U+0085, which don't come back as they were."""
    return " ".join(text.split())
