"""The programs as a person starts and stops them."""

import json
import os
import signal
import socket
import subprocess
import urllib.request
import wave
from pathlib import Path

import pytest
from azure.ai.voicelive.aio import ConnectionError as VoiceLiveConnectionError
from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential

from tests.emulator.caller import Caller
from tests.emulator.service import ROOT, agent_server, dev, emulator, say
from tests.forked_processes import EMULATOR, find_fork_server
from voicelive_agent.listening import find_free_port

pytestmark = [pytest.mark.slow, pytest.mark.component, pytest.mark.timeout(300)]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return find_fork_server(*EMULATOR).run(
        *arguments, cwd=ROOT, environment=environment, timeout_s=200
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_programs_start_together_and_end_together(number: signal.Signals) -> None:
    port = find_free_port()
    with dev("--no-reload", "--agent-port", str(port)) as service:
        assert is_listening(port)
        for text in (service.url, "AzureKeyCredential", "agent_name", "project_name", "moonshine"):
            assert text in service.output
        assert service.stop(number) == 0
    assert not is_listening(port)


def test_when_the_agent_ends_the_emulator_ends_and_says_so() -> None:
    port = find_free_port()
    with dev("--no-reload", "--agent-port", str(port)) as service:
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        for child in children.read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if command[1:4] == [b"-m", b"voicelive_agent", b"serve"]:
                os.kill(int(child), signal.SIGKILL)
        assert service.process.join(30) == 1
        assert "The agent server has ended" in service.output


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = run("-m", "voicelive_agent", "emulate", "--port", str(port))
        assert ran.returncode == 1
        assert ran.stderr.strip().splitlines()[-1] == (
            f"port {port} is taken: stop what listens there, or choose another with --port"
            " or VOICELIVE_EMULATOR_PORT"
        )
        assert "Traceback" not in ran.stderr

        ran = run("-m", "voicelive_agent", "dev", "--port", "0", "--agent-port", str(port))
        assert ran.returncode == 1
        assert f"port {port} is taken" in ran.stderr
        assert "--agent-port or PORT" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_an_engine_that_is_not_there_is_said_in_one_line() -> None:
    for option in ("--stt", "--tts"):
        ran = run("-m", "voicelive_agent", "emulate", "--port", "0", option, "telepathy")
        assert ran.returncode == 1
        assert "telepathy" in ran.stderr
        assert "Traceback" not in ran.stderr


async def test_a_wrong_key_fails_before_the_upgrade_and_the_right_one_works() -> None:
    with emulator(environment={"VOICELIVE_EMULATOR_API_KEY": "s3cret"}) as service:
        with pytest.raises(VoiceLiveConnectionError, match="401"):
            async with connect(
                endpoint=service.url, credential=AzureKeyCredential("wrong"), model="local"
            ):
                pass
        async with connect(
            endpoint=service.url, credential=AzureKeyCredential("s3cret"), model="local"
        ) as connection:
            assert (await connection.recv()).type == "session.created"
        asked = urllib.request.Request(f"{service.url}/sessions", headers={"api-key": "s3cret"})
        with urllib.request.urlopen(asked, timeout=5) as sessions:
            assert b"sess_" in sessions.read()
        assert "s3cret" not in service.output


@pytest.mark.nightly
async def test_a_recording_can_be_played_against_a_server_again(tmp_path: Path) -> None:
    with agent_server() as agent:
        with emulator("--agent", agent.url, "--record", str(tmp_path)) as service:
            async with (
                connect(
                    endpoint=service.url,
                    credential=AzureKeyCredential("local"),
                    agent_name="demo",
                    project_name="any",
                ) as connection,
                Caller(connection) as caller,
            ):
                await caller.wait_for("session.created")
                await caller.say(say("What is the weather in Seattle?"))
                await caller.wait_for("response.done")
                await caller.hear_out()
            assert service.stop() == 0
        (events,) = tmp_path.glob("*.jsonl")
        (sound,) = tmp_path.glob("*.wav")
        assert {path.stat().st_mode & 0o777 for path in (events, sound)} == {0o600}
        with wave.open(str(sound)) as wav:
            assert wav.getnchannels() == 2
            assert wav.getnframes() / wav.getframerate() > 4
        with emulator("--agent", agent.url) as service:
            ran = run(
                "-m",
                "voicelive_agent.emulator.watch.replay",
                str(events),
                "--endpoint",
                service.url,
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
            assert "order of events: the same" in ran.stdout
            # What a recording says that was never said is found.
            lines = [json.loads(line) for line in events.read_text().splitlines()]
            for line in lines:
                event = line.get("event", {})
                if event.get("type") == "response.audio_transcript.done":
                    event["transcript"] = "Something else."
            events.write_text("".join(json.dumps(line) + "\n" for line in lines))
            ran = run(
                "-m",
                "voicelive_agent.emulator.watch.replay",
                str(events),
                "--endpoint",
                service.url,
            )
            assert ran.returncode == 1
            assert "-agent: Something else." in ran.stdout
    ran = run(
        "-m",
        "voicelive_agent.emulator.watch.replay",
        str(events),
        "--endpoint",
        "http://127.0.0.1:9",
    )
    assert ran.returncode == 2
    assert "voicelive-agent emulate" in ran.stderr
