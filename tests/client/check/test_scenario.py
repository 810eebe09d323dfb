from pathlib import Path

import pytest

from voicelive_agent.client.check.expectations import contains_words, missing
from voicelive_agent.client.check.scenario import (
    DEFAULT_WITHIN_MS,
    Action,
    Interruption,
    Scenario,
    ScenarioError,
    parse_scenario,
    read_scenario,
)


def parse(text: str) -> Scenario:
    return parse_scenario(text, directory=Path())


def test_all_that_a_step_may_say(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(b"")
    scenario = parse_scenario(
        """
name: Everything
settings: {agent-name: demo}
caller_voice: hibari:heart-bright
within_ms: 5000
steps:
  - say: Hello
    expect: [hello, 'w.rld']
    first_sound_ms: 900
  - play: hello.wav
    expect_words: hello there
    interrupt: {after_ms: 300, say: Stop}
  - type: Hi
    interrupt: 100
    within_ms: 100
  - click: {type: click, action: book}
    expect_event: [response.done, {type: ui.card, title: book}]
  - click: 2
  - wait_ms: 100
    repeat: 2
  - expect: 42
""",
        directory=tmp_path,
    )
    assert scenario.name == "Everything"
    assert scenario.settings == {"agent_name": "demo"}
    steps = scenario.steps
    assert len(steps) == 8
    assert steps[0].action == Action("say", "Hello")
    assert [pattern.pattern for pattern in steps[0].patterns] == ["hello", "w.rld"]
    assert (steps[0].first_sound_ms, steps[0].within_ms) == (900, 5000)
    assert steps[1].action == Action("play", tmp_path / "hello.wav")
    assert steps[1].interruption == Interruption(300, Action("say", "Stop"))
    assert steps[2].interruption == Interruption(100)
    assert steps[2].within_ms == 100
    assert steps[3].events == ({"type": "response.done"}, {"type": "ui.card", "title": "book"})
    assert steps[5] == steps[6]
    assert steps[7].action == Action("")


def test_whole_scenario_can_be_repeated() -> None:
    scenario = parse("repeat: 3\nsteps: [{say: Hello}, {wait_ms: 1}]")
    assert [step.action.kind for step in scenario.steps] == ["say", "wait_ms"] * 3
    assert scenario.steps[0].within_ms == DEFAULT_WITHIN_MS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: a scenario is a mapping"),
        ("- say: Hello", "line 1: a scenario is a mapping"),
        ("steps:\n  - say: [", "line 2: no valid YAML"),
        ("name: x", "`steps` must be a list"),
        ("steps: []", "line 1: `steps` must be a list"),
        ("steps:\n  - Hello", "each step is a mapping"),
        ("stepps: []", "line 1: unknown key 'stepps'; did you mean 'steps'?"),
        ("steps:\n  - say: a\n  - sya: b", "line 3: unknown key 'sya'; did you mean 'say'?"),
        ("steps:\n  - say: a\n    zebra: b", "line 3: unknown key 'zebra'; known are say, play"),
        ("steps:\n  - say: a\n    say: b", "line 3: 'say' stands here twice"),
        ("steps:\n  - say: a\n    play: b.wav", "line 3: one step does one thing, not say and pl"),
        ("steps:\n  - say: 12", "line 2: `say` must be a text, not 12"),
        ("steps:\n  - say: ''", "line 2: `say` must be a text"),
        ("steps:\n  - yes: a", "line 2: True is no name of a key"),
        ("steps:\n  - play: gone.wav", "line 2: there is no file gone.wav"),
        ("steps:\n  - click: [1]", "line 2: click a button's label"),
        ("steps:\n  - click: true", "line 2: click a button's label"),
        ("steps:\n  - wait_ms: soon", "line 2: `wait_ms` must be a whole number from 0 on"),
        ("steps:\n  - wait_ms: -1", "line 2: `wait_ms` must be a whole number from 0 on"),
        ("steps:\n  - say: a\n    within_ms: true", "line 3: `within_ms` must be"),
        ("steps:\n  - say: a\n    repeat: 0", "line 3: `repeat` must be a whole number from 1 on"),
        ("steps:\n  - say: a\n    expect: '('", "line 3: '(' is no regular expression"),
        ("steps:\n  - say: a\n    expect: {a: b}", "line 3: expect a regular expression"),
        ("steps:\n  - say: a\n    expect_event: 3", "line 3: an event is its type"),
        ("steps:\n  - say: a\n    expect_event: {type: x, t: '('}", "line 3: '(' is no regular"),
        ("steps:\n  - say: a\n    interrupt: later", "line 3: `interrupt` is a number of ms"),
        ("steps:\n  - say: a\n    interrupt: {say: b}", "line 3: `interrupt` is a number of ms"),
        ("steps:\n  - expect: a\n    interrupt: 5", "line 3: what is interrupted must be"),
        ("steps:\n  - name: nothing", "line 2: the step does nothing"),
        ("settings: 3\nsteps: [{say: a}]", "line 1: `settings` must be a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"can't read .*none\.yaml"):
        read_scenario(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("steps:\n  - sing: a")
    with pytest.raises(ScenarioError, match=r"bad\.yaml, line 2: unknown key 'sing'"):
        read_scenario(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("answer", "words", "found"),
    [
        ("We are open on Sunday from noon.", "open sunday", True),
        ("From noon on Sunday we are open.", "open on sunday", True),
        ("We are opened on sundays.", "open sunday", True),
        ("We are closed.", "open sunday", False),
        ("", "open", False),
        ("yes", "yes yes yes yes", False),
    ],
)
def test_words_in_any_order(answer: str, words: str, found: bool) -> None:
    assert contains_words(answer, words) is found


def test_what_is_missing_is_named() -> None:
    [step] = parse(
        """
steps:
  - say: a
    expect: [one, two]
    expect_words: three four
    expect_event: [response.done, {type: ui.card, title: '^Book', size: 2, who: {name: al}}]
"""
    ).steps
    assert missing(step, "", []) == [
        "expected 'one'",
        "expected 'two'",
        "expected the words 'three four'",
        "expected the event response.done",
        "expected the event ui.card with {'title': '^Book', 'size': 2, 'who': {'name': 'al'}}",
    ]
    card = {"type": "ui.card", "title": "booking", "size": 2, "who": {"name": "Alice"}}
    event = {"type": "response.invocation.delta", "delta": card}
    assert missing(step, "TWO one four three", [{"type": "response.done"}, event]) == []
    other = {**card, "who": {"name": "Bob"}}
    assert len(missing(step, "two one four three", [{"type": "response.done"}, other])) == 1
