"""Whether what the agent said and did is what a step expects."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from voicelive_agent.client.check.scenario import Step
from voicelive_agent.client.core.cards import unwrap
from voicelive_agent.client.core.screen import Failure
from voicelive_agent.wire.invocations import AGENT_ERROR

WORDS_SHARE = 0.75
WORD_SIMILARITY = 0.8


def missing(
    step: Step, answer: str, events: Iterable[Mapping[str, Any]], errors: Iterable[Failure] = ()
) -> list[str]:
    """What of the step's expectations is not met, for a person to read; empty when all are."""
    happened = list(events)
    lacks = [
        f"expected {pattern.pattern!r}" for pattern in step.patterns if not pattern.search(answer)
    ]
    if step.words and not contains_words(answer, step.words):
        lacks.append(f"expected the words {step.words!r}")
    lacks += [
        f"expected the event {_describe(event)}"
        for event in step.events
        if not any(_is_like(event, one) for one in happened)
    ]
    if step.error and not any(is_expected(step, error) for error in errors):
        lacks.append(f"expected the agent to fail with {step.error.pattern!r}")
    return lacks


def is_expected(step: Step, error: Failure) -> bool:
    """Whether the step is about this very error of the agent's."""
    if not error.code:
        return False
    if step.error and (step.error.search(error.code) or step.error.search(error.text)):
        return True
    return any(event.get("type") == AGENT_ERROR for event in step.events)


def contains_words(answer: str, words: str) -> bool:
    """Whether most of ``words`` or words like them are in ``answer``, in any order."""
    expected, said = _words(words), _words(answer)
    found = 0
    for word in expected:
        near = difflib.get_close_matches(word, said, 1, WORD_SIMILARITY)
        if near:
            said.remove(near[0])
            found += 1
    return found >= WORDS_SHARE * len(expected)


def is_word_for_word(said: str, heard: str) -> bool:
    return _words(said) == _words(heard)


def _is_like(expected: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """An event of the protocol, or the agent's client event in one."""
    return any(
        all(_value_is_like(value, one.get(key), is_type=key == "type") for key, value in pairs)
        for one in (event, unwrap(event))
        for pairs in [expected.items()]
    )


def _value_is_like(expected: Any, value: Any, *, is_type: bool) -> bool:
    if is_type:
        return bool(expected == value)
    if isinstance(expected, Mapping):
        return isinstance(value, Mapping) and all(
            _value_is_like(one, value.get(key), is_type=False) for key, one in expected.items()
        )
    if isinstance(expected, str):
        return value is not None and bool(re.search(expected, str(value), re.IGNORECASE))
    return bool(expected == value)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _describe(event: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in event.items() if key != "type"}
    return f"{event.get('type', '')}{f' with {rest}' if rest else ''}".strip()
