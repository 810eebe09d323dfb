"""``voicelive-agent say``: one text to a scripted service, and to a real agent and emulator."""

import contextlib
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.client.service import Service, proxy
from tests.emulator.service import ROOT, agent_server, emulator
from tests.forked_processes import EMULATOR, find_fork_server
from voicelive_agent.client import say
from voicelive_agent.client.core import wait_for_quiet as quiet
from voicelive_agent.client.sound import portaudio
from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.client.ui.json_lines import JsonLines

TEXT = "when are you open"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().running() as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "SETTLE_S", 0.1)


@pytest.fixture(autouse=True)
def no_loudspeaker(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DeviceError("PyAudio is missing")

    monkeypatch.setattr(portaudio, "list_devices", missing)


@pytest.fixture(autouse=True)
def voice(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the person's voice was given to speak."""
    spoken: list[str] = []

    async def speak(text: str) -> bytes:
        spoken.append(text)
        return b"\1\0" * 2_400

    @contextlib.asynccontextmanager
    async def open_voice(
        name: str | None, rate_hz: int
    ) -> AsyncIterator[Callable[[str], Awaitable[bytes]]]:
        yield speak

    monkeypatch.setattr(say, "open_voice", open_voice)
    return spoken


async def run(
    url: str, capsys: pytest.CaptureFixture[str], *, is_typed: bool, **options: Any
) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and JSON lines."""
    given = {"endpoint": url, "api_key": "local", "input": None, **options}
    settings = say._load_settings(given, TEXT, is_typed=is_typed)
    code = await say._say(TEXT, settings, JsonLines(), voice=None, is_typed=is_typed)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def said(lines: list[dict[str, Any]], who: str) -> list[str]:
    return [
        line["text"]
        for line in lines
        if line["kind"] == "transcript" and line["who"] == who and line["final"]
    ]


async def test_a_spoken_text_is_heard_and_answered(
    service: Service, capsys: pytest.CaptureFixture[str], voice: list[str], tmp_path: Path
) -> None:
    service.transcripts = ["when are you open"]
    answer = tmp_path / "answer.wav"
    code, lines = await run(
        service.url, capsys, is_typed=False, turn_detection="none", output=str(answer)
    )
    assert code == 0
    assert voice == [TEXT]
    assert said(lines, "you") == ["when are you open"]
    [answered] = said(lines, "agent")
    assert answered.endswith("You said when are you open.")
    assert [line["kind"] for line in lines].count("turn") == 1
    with wave.open(str(answer)) as file:
        # The answer alone: no silence before it, and none while the client waited.
        assert file.getnframes() == 3 * 480


async def test_a_typed_text_needs_no_voice(
    service: Service, capsys: pytest.CaptureFixture[str], voice: list[str]
) -> None:
    code, lines = await run(service.url, capsys, is_typed=True)
    assert (code, voice) == (0, [])
    assert said(lines, "you") == [TEXT]
    assert len(said(lines, "agent")) == 1
    [update] = service.of("session.update")
    assert "input_audio_noise_reduction" not in update["session"]
    assert service.of("input_audio_buffer.append") == []


async def test_the_greeting_of_a_profile_is_not_asked_for(
    service: Service, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text("greet = true\n")
    code, lines = await run(service.url, capsys, is_typed=True, profile=str(profile))
    assert code == 0
    assert len(said(lines, "agent")) == 1
    code, lines = await run(service.url, capsys, is_typed=True, greeting="Hello!")
    assert len(said(lines, "agent")) == 2


async def test_no_answer_in_time_is_a_failure(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.is_deaf = True
    code, lines = await run(service.url, capsys, is_typed=False, answer_timeout_s=0.3)
    assert code == 1
    failures = [line["text"] for line in lines if line["kind"] == "error"]
    assert "no answer within 0.3 s" in failures[-1]


async def test_an_error_of_the_agent_is_a_failure_though_it_apologises(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "agent_failed", "message": "ValueError: no table"}
    delta = {"type": "agent.error", "error": error}
    event = json.dumps({"type": "response.invocation.delta", "delta": delta})

    def fault(frame: str) -> list[str]:
        is_end = json.loads(frame)["type"] == "response.done"
        return [event, frame] if is_end else [frame]

    async with proxy(service.url, fault) as url:
        code, lines = await run(url, capsys, is_typed=True)
    assert code == 1
    [line] = [line for line in lines if line["kind"] == "error"]
    assert line["text"] == "The agent failed: ValueError: no table"
    assert line["code"] == "agent_failed"


def test_wrong_options_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, text in (
        (["  "], "TEXT: is empty"),
        ([TEXT, "--input", "a.wav"], "--input: say speaks its TEXT"),
        ([TEXT, "--endpoint", "nowhere"], "--endpoint: write the scheme"),
        ([], "the following arguments are required: TEXT"),
    ):
        with pytest.raises(SystemExit) as left:
            say.main(arguments)
        assert left.value.code == 2
        assert text in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        say.main(["--help"])
    text = capsys.readouterr().out
    for word in ("-o answer.wav", "--text", "az login", "--caller-voice", "Exit codes: 0 answered"):
        assert word in text


def test_a_service_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert say.main([TEXT, "--text", "--endpoint", "http://127.0.0.1:9"]) == 1
    assert "can't be reached" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ws://localhost:9", "https://[::1]:9"])
def test_nothing_is_spoken_to_a_service_that_is_not_there(
    capsys: pytest.CaptureFixture[str], voice: list[str], url: str
) -> None:
    """The speech was made first, and one who had not started the emulator learned it then."""
    assert say.main([TEXT, "--endpoint", url]) == 1
    assert "can't be reached" in capsys.readouterr().out
    assert voice == []


@pytest.mark.slow
def test_a_real_agent_answers_by_voice(tmp_path: Path) -> None:
    """And PyAudio is not even looked for where the answer goes into a file."""
    answer = tmp_path / "answer.wav"
    script = (
        "import sys; from voicelive_agent.client.say import main; code = main(sys.argv[1:]);"
        "assert 'pyaudio' not in sys.modules; sys.exit(code)"
    )
    arguments = ["What is the weather in Seattle?", "-o", str(answer), "--json"]
    with agent_server() as agent, emulator("--agent", agent.url) as running:
        ran = find_fork_server(*EMULATOR).run(
            *("-c", script, *arguments, "--endpoint", running.url), cwd=ROOT
        )
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert said(lines, "you")[-1] == "What is the weather in Seattle?"
    assert said(lines, "agent")
    with wave.open(str(answer)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        assert (np.abs(samples.astype(int)) > 500).sum() / file.getframerate() > 0.5
