"""Scripted conversations: what the YAML of a scenario may say, read and checked.

::

    name: Weather
    settings: {greet: true}              # as in a profile; options go before
    caller_voice: hibari:heart-bright    # ENGINE, or ENGINE:VOICE; default: a man's
    within_ms: 15000                     # for each step that says nothing else
    attempts: 2                          # how often to say what was not understood, likewise
    repeat: 1
    steps:
      - expect: hello|welcome            # no action: the greeting
      - say: What is the weather in Seattle?
        expect: [seattle, degrees]       # regular expressions, all found, in any order
        first_sound_ms: 2000             # from the end of speech to the answer's first sound
      - say: And tell me everything about your restaurant.
        interrupt: {after_ms: 800, say: "Are you open on Sunday?"}
        expect_words: we are open on sunday   # most of these words, in any order
      - click: Book a table              # a button by label or number, or the object to send
        expect_event: {type: ui.card, title: book}
      - type: Fail, please
        expect_error: agent_failed       # else an error that the agent reports fails the step
      - play: goodbye.wav                # next to the scenario
      - type: Goodbye
      - wait_ms: 500
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ACTIONS = ("say", "play", "type", "click", "wait_ms")
DEFAULT_WITHIN_MS = 15_000
DEFAULT_ATTEMPTS = 2
_STEP_KEYS = (
    *ACTIONS,
    "interrupt",
    "expect",
    "expect_words",
    "expect_event",
    "expect_error",
    "within_ms",
    "attempts",
    "first_sound_ms",
    "repeat",
    "name",
)
_SCENARIO_KEYS = ("name", "settings", "caller_voice", "within_ms", "attempts", "repeat", "steps")
_INTERRUPT_KEYS = ("after_ms", "say", "play", "type")


class ScenarioError(Exception):
    """A scenario that can't be run; the text has the line and says what is valid."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the person does: ``kind`` is one of ``ACTIONS``, or "" for listening."""

    kind: str
    what: Any = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}" if self.kind else "listen"


@dataclass(frozen=True, slots=True)
class Interruption:
    """So many ms after the answer's first sound; without an action it is only silenced."""

    after_ms: int
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Step:
    line: int
    action: Action
    within_ms: int
    attempts: int = DEFAULT_ATTEMPTS
    interruption: Interruption | None = None
    patterns: tuple[re.Pattern[str], ...] = ()
    words: str = ""
    events: tuple[Mapping[str, Any], ...] = ()
    error: re.Pattern[str] | None = None
    """Of the code or the text of the error that the agent is to report (``agent.error``)."""
    first_sound_ms: int | None = None
    name: str = ""

    @property
    def title(self) -> str:
        return self.name or str(self.action)

    @property
    def expects(self) -> bool:
        """Whether more is expected than any answer."""
        return bool(self.patterns or self.words or self.events or self.error)

    @property
    def last_action(self) -> Action:
        """What the person does last: what is said into the answer, if anything."""
        said = self.interruption.action if self.interruption else None
        return said or self.action


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    steps: tuple[Step, ...]
    directory: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    caller_voice: str | None = None

    @property
    def is_spoken(self) -> bool:
        """Whether the person says anything, so that a voice is needed."""
        actions = [one for step in self.steps for one in (step.action, step.last_action)]
        return any(action.kind == "say" for action in actions)


class _Mapping(dict[Any, Any]):
    """A mapping that knows the lines of its keys."""

    line = 0

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}


class _Loader(yaml.SafeLoader):
    def construct_mapping_with_lines(self, node: yaml.MappingNode) -> _Mapping:
        mapping = _Mapping()
        mapping.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ScenarioError(f"line {line}: {key!r} is no name of a key; put it in quotes")
            if key in mapping:
                raise ScenarioError(f"line {line}: {key!r} stands here twice")
            mapping[key] = self.construct_object(value_node, deep=True)
            mapping.lines[key] = line
        return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping_with_lines)


def read_scenario(path: Path) -> Scenario:
    """Raises ScenarioError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is no text: a scenario is YAML in UTF-8") from error
    try:
        return parse_scenario(text, directory=path.parent, name=path.stem)
    except ScenarioError as error:
        raise ScenarioError(f"{path.name}, {error}") from error


def parse_scenario(text: str, *, directory: Path, name: str = "scenario") -> Scenario:
    """Raises ScenarioError, for files to play that do not exist as well."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ScenarioError(f"line {line}: no valid YAML: {_problem(error)}") from error
    if not isinstance(document, _Mapping):
        raise ScenarioError("line 1: a scenario is a mapping with `steps:`")
    _know(document, _SCENARIO_KEYS)
    steps = document.get("steps")
    if not isinstance(steps, list) or not steps:
        line = document.lines.get("steps", 1)
        raise ScenarioError(f"line {line}: `steps` must be a list of at least one step")
    within_ms = _number(document, "within_ms", DEFAULT_WITHIN_MS)
    attempts = _number(document, "attempts", DEFAULT_ATTEMPTS, least=1)
    parsed: list[Step] = []
    for step in steps:
        if not isinstance(step, _Mapping):
            line = document.lines["steps"]
            raise ScenarioError(
                f"line {line}: each step is a mapping such as `- say: Hello`, not {step!r}"
            )
        parsed += [_step(step, directory, within_ms, attempts)] * _number(
            step, "repeat", 1, least=1
        )
    settings = document.get("settings") or {}
    if not isinstance(settings, Mapping):
        raise ScenarioError(f"line {document.lines['settings']}: `settings` must be a mapping")
    return Scenario(
        name=_text(document, "name") or name,
        steps=tuple(parsed) * _number(document, "repeat", 1, least=1),
        directory=directory,
        settings={key.replace("-", "_"): value for key, value in settings.items()},
        caller_voice=_text(document, "caller_voice") or None,
    )


def _step(step: _Mapping, directory: Path, within_ms: int, attempts: int) -> Step:
    _know(step, _STEP_KEYS)
    action = _action(step, ACTIONS, directory)
    interruption = None
    if "interrupt" in step:
        interruption = _interruption(step, directory)
        if action.kind in ("wait_ms", ""):
            raise ScenarioError(
                f"line {step.lines['interrupt']}: what is interrupted must be the answer to an "
                "action: add say, play, type or click to this step"
            )
    first_sound_ms = _number(step, "first_sound_ms", 0) if "first_sound_ms" in step else None
    parsed = Step(
        line=step.line,
        action=action,
        within_ms=_number(step, "within_ms", within_ms),
        attempts=_number(step, "attempts", attempts, least=1),
        interruption=interruption,
        patterns=tuple(_pattern(step, given) for given in _as_list(step.get("expect"))),
        words=_text(step, "expect_words"),
        events=tuple(_event(step, given) for given in _as_list(step.get("expect_event"))),
        error=_error(step) if "expect_error" in step else None,
        first_sound_ms=first_sound_ms,
        name=_text(step, "name"),
    )
    if not action.kind and not parsed.expects:
        raise ScenarioError(
            f"line {step.line}: the step does nothing: give it one of {', '.join(ACTIONS)}, "
            "or something to expect"
        )
    return parsed


def _action(step: _Mapping, kinds: tuple[str, ...], directory: Path) -> Action:
    given = [kind for kind in kinds if kind in step]
    if len(given) > 1:
        raise ScenarioError(
            f"line {step.lines[given[1]]}: one step does one thing, not {' and '.join(given)}"
        )
    if not given:
        return Action("")
    kind = given[0]
    line, what = step.lines[kind], step[kind]
    match kind:
        case "wait_ms":
            what = _number(step, kind, 0)
        case "click":
            if not isinstance(what, str | int | Mapping) or isinstance(what, bool):
                raise ScenarioError(
                    f"line {line}: click a button's label or number, or give the object to send"
                )
            if isinstance(what, Mapping):
                what = dict(what)
        case "play":
            what = directory / _required_text(step, kind)
            if not what.is_file():
                raise ScenarioError(f"line {line}: there is no file {what}")
        case _:
            what = _required_text(step, kind)
    return Action(kind, what)


def _interruption(step: _Mapping, directory: Path) -> Interruption:
    given, line = step["interrupt"], step.lines["interrupt"]
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return Interruption(given)
    if not isinstance(given, _Mapping) or "after_ms" not in given:
        raise ScenarioError(
            f"line {line}: `interrupt` is a number of ms, or {{after_ms: 800, say: What to say}}"
        )
    _know(given, _INTERRUPT_KEYS)
    action = _action(given, ("say", "play", "type"), directory)
    return Interruption(_number(given, "after_ms", 0), action if action.kind else None)


def _event(step: _Mapping, given: Any) -> Mapping[str, Any]:
    if isinstance(given, str):
        return {"type": given}
    if isinstance(given, Mapping) and given:
        for value in given.values():
            if isinstance(value, str):
                _compile(value, step.lines["expect_event"])
        return dict(given)
    raise ScenarioError(
        f"line {step.lines['expect_event']}: an event is its type, or "
        "{type: ui.card, title: a regular expression}"
    )


def _error(step: _Mapping) -> re.Pattern[str]:
    line, given = step.lines["expect_error"], step["expect_error"]
    if not isinstance(given, str):
        raise ScenarioError(
            f"line {line}: `expect_error` is a regular expression for the error's code or text,"
            " such as agent_failed"
        )
    return _compile(given, line)


def _pattern(step: _Mapping, given: Any) -> re.Pattern[str]:
    line = step.lines["expect"]
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ScenarioError(f"line {line}: expect a regular expression or a list of them")
    return _compile(str(given), line)


def _compile(pattern: str, line: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ScenarioError(
            f"line {line}: {pattern!r} is no regular expression: {error}"
        ) from error


def _know(mapping: _Mapping, known: tuple[str, ...]) -> None:
    for key in mapping:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise ScenarioError(f"line {mapping.lines[key]}: unknown key {key!r}; {hint}")


def _number(mapping: _Mapping, key: str, default: int, *, least: int = 0) -> int:
    value = mapping.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ScenarioError(
            f"line {mapping.lines[key]}: `{key}` must be a whole number from {least} on, "
            f"not {value!r}"
        )
    return value


def _text(mapping: _Mapping, key: str) -> str:
    return _required_text(mapping, key) if key in mapping else ""


def _required_text(mapping: _Mapping, key: str) -> str:
    value = mapping[key]
    if not isinstance(value, str) or not value.strip():
        raise ScenarioError(
            f"line {mapping.lines[key]}: `{key}` must be a text, not {value!r}; "
            "quotes make a text of anything"
        )
    return value


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error)
