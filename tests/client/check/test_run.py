import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.client.service import Service, proxy
from voicelive_agent.client import reconnection
from voicelive_agent.client.check import command as checks
from voicelive_agent.client.check import run as scenario_run
from voicelive_agent.client.check.run import ScenarioRun
from voicelive_agent.client.check.scenario import ScenarioError, parse_scenario
from voicelive_agent.client.check.voice import open_voice
from voicelive_agent.client.settings import Settings, load_settings


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().running() as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario_run, "QUIET_S", 0.05)


def settings_for(url: str, **options: Any) -> Settings:
    return load_settings(
        {
            "endpoint": url,
            "api_key": "local",
            "agent_name": "demo",
            "project_name": "local",
            "json_lines": True,
            **options,
        },
    )


async def check(
    scenario: str, url: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the JSON lines of a check with a person who types."""
    parsed = parse_scenario(scenario, directory=Path())
    code = await checks._check(parsed, settings_for(url), None, False)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_what_is_expected_passes(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = await check(
        """
steps:
  - type: one
    expect: this is answer
    expect_event: response.done
    first_sound_ms: 5000
  - type: two
  - click: {type: click, action: book}
    expect_words: this is answer
""",
        service.url,
        capsys,
    )
    assert code == 0, lines
    assert [line["kind"] for line in lines] == ["step"] * 3 + ["summary"]
    assert all(line["passed"] for line in lines)
    assert lines[0]["first_sound_ms"] is not None
    assert lines[-1]["turns"] == 3
    created = service.of("response.create")
    assert created[-1]["response"]["invoke_input"] == {"type": "click", "action": "book"}


async def test_what_is_missing_fails_and_the_rest_goes_on(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = await check(
        """
steps:
  - type: one
    expect: goodbye
    within_ms: 300
  - click: Book
  - type: two
    expect_event: {type: ui.card}
    within_ms: 300
  - type: three
    first_sound_ms: 0
  - type: four
    expect: answer
""",
        service.url,
        capsys,
    )
    assert code == 1
    assert [line["passed"] for line in lines[:-1]] == [False, False, False, False, True]
    assert lines[0]["failures"] == ["expected 'goodbye' within 300 ms"]
    assert lines[1]["failures"] == ["there is no button 'Book' to click"]
    assert lines[2]["failures"] == ["expected the event ui.card within 300 ms"]
    assert "expected 0" in lines[3]["failures"][0]
    assert lines[-1]["passed"] is False


async def test_an_answer_is_of_its_own_step(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the agent said to the step before does not count."""
    _, lines = await check(
        "steps:\n  - type: one\n  - wait_ms: 20\n    expect: answer\n    within_ms: 100\n",
        service.url,
        capsys,
    )
    assert [line["passed"] for line in lines[:-1]] == [True, False]


async def _speak(text: str) -> bytes:
    return b"\1\0" * 2_400


@pytest.mark.parametrize(
    ("transcripts", "passed", "attempts"),
    [
        (["a table for two"], True, 1),
        (["a fable or two", "a table for two"], True, 2),
        (["a fable or two", "able fort"], False, 2),
    ],
)
async def test_what_was_misunderstood_is_said_again(
    service: Service, transcripts: list[str], passed: bool, attempts: int
) -> None:
    """A recogniser's slip used to fail the whole check, though the agent did nothing wrong."""
    service.transcripts = [*transcripts]
    text = "steps: [{say: A table for two, expect: said a table for two, within_ms: 3000}]"
    scenario = parse_scenario(text, directory=Path())
    settings = settings_for(service.url, turn_detection="none")
    run = ScenarioRun(scenario, settings, service.url, _speak)
    [outcome] = await run.run()
    assert (not outcome.failures, outcome.attempts) == (passed, attempts), outcome


async def test_what_was_understood_is_said_once(service: Service) -> None:
    """Saying it again would hide an agent that gives a wrong answer now and then."""
    service.transcripts = ["A table, for two!"]
    text = "steps: [{say: a table for two, expect: nonsense, within_ms: 500}]"
    scenario = parse_scenario(text, directory=Path())
    settings = settings_for(service.url, turn_detection="none")
    run = ScenarioRun(scenario, settings, service.url, _speak)
    [outcome] = await run.run()
    assert outcome.failures == ["expected 'nonsense' within 500 ms"]
    assert outcome.attempts == 1


async def test_a_conversation_that_ends_too_early_fails_the_steps_behind_it(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the steps before it had shown used to be lost."""
    monkeypatch.setattr(reconnection, "BACKOFF_S", 0.01)
    answered = iter([True])

    def fault(frame: str) -> list[str] | None:
        type = json.loads(frame)["type"]
        if type == "response.done" and next(answered, False):
            return [frame]
        if type == "response.done":
            service.close_code = 4401
            return None
        return [frame]

    async with proxy(service.url, fault) as url:
        code, lines = await check("steps: [{type: one}, {type: two}, {type: three}]", url, capsys)
    assert code == 1
    assert [line["passed"] for line in lines] == [True, False, False, False]
    assert lines[2]["failures"][0].startswith("the conversation was over before")


async def test_conversation_of_a_check_is_recorded(service: Service, tmp_path: Path) -> None:
    scenario = parse_scenario("steps: [{type: one}]", directory=Path())
    settings = settings_for(service.url, record=tmp_path, output=str(tmp_path / "agent.wav"))
    assert await checks._check(scenario, settings, None, False) == 0
    assert len(list(tmp_path.glob("*.wav"))) == 2
    [events] = tmp_path.glob("*.jsonl")
    assert "response.done" in events.read_text(encoding="utf-8")


async def test_service_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = parse_scenario("steps: [{type: a}]", directory=Path())
    assert await checks._check(scenario, settings_for("http://127.0.0.1:9"), None, False) == 1
    assert capsys.readouterr().err


async def test_who_only_types_needs_no_voice(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check loaded a voice for seconds, and failed without the packages that speak."""
    monkeypatch.setitem(sys.modules, "voicelive_agent.emulator.tts", None)
    code, _ = await check("steps: [{type: one}, {click: {action: book}}]", service.url, capsys)
    assert code == 0
    for spoken in ("say: one", "type: one, interrupt: {after_ms: 1, say: stop}"):
        scenario = parse_scenario(f"steps: [{{{spoken}}}]", directory=Path())
        assert await checks._check(scenario, settings_for(service.url), None, False) == 1
        assert "there is no voice for the person's side" in capsys.readouterr().err


def test_wrong_scenario_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("steps:\n  - say: a\n  - sing: b")
    assert checks.main([str(path)]) == 2
    assert "bad.yaml, line 3: unknown key 'sing'" in capsys.readouterr().err
    path.write_text("settings: {voize: x}\nsteps:\n  - say: a")
    assert checks.main([str(path)]) == 2
    assert "unknown voize" in capsys.readouterr().err


@pytest.mark.engine
@pytest.mark.parametrize("name", [None, "hibari:heart-bright"])
async def test_person_has_a_voice(name: str | None) -> None:
    async with open_voice(name, 16_000) as speak:
        pcm = await speak("What is the weather in Seattle?")
    assert 1.0 < len(pcm) / 32_000 < 4.0
    assert max(pcm) > 0


async def test_voice_that_does_not_exist_is_told() -> None:
    with pytest.raises(ScenarioError, match="gramophone"):
        async with open_voice("gramophone", 16_000):
            pass


def test_a_check_without_a_scenario_is_told_what_to_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        checks.main([])
    assert ended.value.code == 2
    assert "which scenario?" in capsys.readouterr().err


AGENT_ERROR = {
    "type": "response.invocation.delta",
    "delta": {"type": "agent.error", "error": {"code": "agent_failed", "message": "KeyError: 'x'"}},
}


@pytest.mark.parametrize(
    ("expected", "code", "failures"),
    [
        ("", 1, ["The agent failed: KeyError: 'x'"]),
        (", expect: this is answer", 1, ["The agent failed: KeyError: 'x'"]),
        (", expect_error: agent_failed", 0, []),
        (", expect_error: KeyError", 0, []),
        (", expect_event: agent.error", 0, []),
    ],
)
async def test_an_error_of_the_agent_fails_the_step(
    service: Service,
    capsys: pytest.CaptureFixture[str],
    expected: str,
    code: int,
    failures: list[str],
) -> None:
    """An agent that said a word and raised passed: "All steps passed", exit code 0."""

    def fault(frame: str) -> list[str]:
        is_end = json.loads(frame)["type"] == "response.done"
        return [json.dumps(AGENT_ERROR), frame] if is_end else [frame]

    async with proxy(service.url, fault) as url:
        ended, lines = await check(f"steps: [{{type: one{expected}}}]", url, capsys)
    assert ended == code
    assert lines[0]["failures"] == failures
