"""The command line; and the whole client, as a process, against the emulator."""

import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.emulator.service import ROOT, Service, agent_server, emulator, say, silence
from tests.forked_processes import EMULATOR, find_fork_server
from voicelive_agent.client.command import main, run_with_profile

TIMEOUT_S = 90


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    for word in ("az login", "--input question.wav", "VOICELIVE_VOICE_RATE", "Exit codes"):
        assert word in text


def test_wrong_options_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--endpoint", "nowhere", "--model", "m"])
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("--endpoint: write the scheme")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--text-only"], id=""),
        pytest.param(["talk"], id="talk"),
        pytest.param(["say", "hello"], id="say", marks=pytest.mark.engine),
    ],
)
def test_a_folder_has_a_profile_of_its_own(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``python -m client``, whichever command."""
    profile = tmp_path / "profile.toml"
    profile.write_text("threshold = 'loud'\n")
    with pytest.raises(SystemExit) as left:
        run_with_profile(profile, arguments)
    assert left.value.code == 2
    assert f"{profile}: threshold" in capsys.readouterr().err
    profile.unlink()
    assert run_with_profile(profile, [*arguments, "--endpoint", "http://127.0.0.1:9"]) == 1


def test_a_place_where_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--endpoint", "http://127.0.0.1:9", "--model", "m", "--text-only", "--json"]
    assert main([*arguments, "--api-key", "s3cret-key"]) == 1
    shown = capsys.readouterr()
    assert "can't be reached" in shown.out
    assert "s3cret-key" not in shown.out + shown.err


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with agent_server() as agent, emulator("--agent", agent.url) as running:
        yield running


@pytest.fixture
def question(tmp_path: Path) -> Path:
    path = tmp_path / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(say("Hello, what are your opening hours?"))
    return path


def run_client(
    service: Service, *arguments: str, typed: str = ""
) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and JSON lines. Sound hardware is never touched."""
    script = (
        "import sys; from voicelive_agent.client.command import main; code = main(sys.argv[1:]);"
        "assert 'pyaudio' not in sys.modules; sys.exit(code)"
    )
    whom = ["--endpoint", service.url]
    if "--model" not in arguments:
        whom += ["--agent-name", "demo", "--project-name", "local"]
    process = find_fork_server(*EMULATOR).run(
        *("-c", script, "--json", *whom, *arguments), cwd=ROOT, given=typed, timeout_s=TIMEOUT_S
    )
    assert process.stderr == ""
    return process.returncode, [json.loads(line) for line in process.stdout.splitlines()]


def said(lines: list[dict[str, Any]], who: str) -> list[str]:
    return [
        line["text"]
        for line in lines
        if line["kind"] == "transcript" and line["who"] == who and line["final"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "extra", [[], ["--input-format", "g711_ulaw", "--output-format", "g711_alaw"]]
)
def test_a_file_speaks_and_a_file_listens(
    service: Service, question: Path, tmp_path: Path, extra: list[str]
) -> None:
    answer = tmp_path / "answer.wav"
    code, lines = run_client(service, "--input", str(question), "--output", str(answer), *extra)
    assert code == 0
    # How well it is understood is the recogniser's affair: telephone sound is hard for it.
    assert "what are" in said(lines, "you")[-1]
    assert said(lines, "agent")
    [turn] = [line for line in lines if line["kind"] == "turn"]
    assert 0 < turn["transcript_ms"] <= turn["first_text_ms"] <= turn["first_sound_ms"]
    with wave.open(str(answer)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        spoken_s = (np.abs(samples.astype(int)) > 500).sum() / file.getframerate()
    assert spoken_s > 0.5


@pytest.mark.slow
def test_a_model_calls_a_function(service: Service, tmp_path: Path) -> None:
    tools = tmp_path / "my_tools.py"
    tools.write_text(
        "async def get_weather(city: str = 'Lyon') -> dict:\n"
        "    'The weather in a city.'\n"
        "    return {'location': city, 'condition': 'sunny', 'temperature': 21}\n"
    )
    code, lines = run_client(
        service,
        *("--model", "local", "--text-only", "--tools", str(tools)),
        typed="What is the weather like?\n",
    )
    assert code == 0
    assert "sunny" in said(lines, "agent")[-1]
    sent = [
        line["event"] for line in lines if line["kind"] == "event" and line["direction"] == "sent"
    ]
    assert [event["type"] for event in sent].count("response.create") == 2


@pytest.mark.slow
def test_speech_interrupts_the_agent(service: Service, tmp_path: Path) -> None:
    """The loudspeaker falls silent, and the service takes the truncation."""
    path = tmp_path / "late.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        # The story that is asked for is long under way when the person speaks.
        file.writeframes(silence(5000) + say("Hello, what time is it?"))
    code, lines = run_client(
        service, "--model", "local", "--input", str(path), typed="Tell me a story.\n"
    )
    assert code == 0
    kinds = [line["kind"] for line in lines]
    events = [line["event"]["type"] for line in lines if line["kind"] == "event"]
    assert "cut" in kinds
    assert "conversation.item.truncate" in events
    assert "conversation.item.truncated" in events
    assert "response.cancel" not in events
    assert "error" not in kinds
    assert any(line["kind"] == "turn" and line["interrupted"] for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("way", [["--text-only"], ["--input", "-"]])
def test_ctrl_c_ends_with_the_summary(service: Service, way: list[str]) -> None:
    """Also while standard input is open: Python died of a thread that waited in it."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "voicelive_agent",
            "talk",
            *way,
            "--endpoint",
            service.url,
            "--model",
            "local",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if "listening" in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
        output = process.stdout.read()
    assert "0 turns" in output
    assert "Fatal" not in output
    assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.parametrize("where", ["closed", "/dev/full"])
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_output_that_can_not_be_written_is_no_reason_to_hang_up(
    service: Service, where: str, how: list[str]
) -> None:
    """What was buffered was tried again at the end, where PYTHONUNBUFFERED was not set: 120."""
    command = [
        sys.executable,
        "-m",
        "voicelive_agent",
        "talk",
        "--text-only",
        *how,
        "--model",
        "local",
    ]
    redirection = ">&-" if where == "closed" else f">{where}"
    process = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *command, "--endpoint", service.url],
        input="Hello.\n",
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
