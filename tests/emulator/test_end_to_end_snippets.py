"""The snippets of the SDK's founding document, run as a user runs them, on two SDK versions."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.service import Service, front_desk, say

pytestmark = [pytest.mark.slow, pytest.mark.component, pytest.mark.timeout(300)]

SNIPPETS = Path(__file__).parent / "snippets"
OLD_SDK = "azure-ai-voicelive==1.2.0"

EXPECTED = {
    "quick_start": [r"Event: session.created", r"Event: session.updated", r"Transcript: \w+"],
    "token_authentication": [r"cognitiveservices", r"Event: session.created"],
    "session_configuration": [
        r"'alloy'",
        r"Turn detection: server_vad",
        r"Silence: 500",
        r"Tool: get_weather",
        r"helpful voice assistant",
    ],
    "audio_streaming": [r"Audio complete: \d{5,} bytes"],
    "event_handling": [
        r"Session: sess_",
        r"Session updated",
        r"Function: get_weather\(\{.*\}\)",
        r"complete: \S*completed[\s\S]+complete: \S*completed",
    ],
    "speech_events": [
        r"Speech started at \d+ms",
        r"Speech stopped at \d+ms",
        r"User said: .*hours",
        r"Agent said: .*Sunday",
        r"Response complete: \S*completed",
    ],
    "manual_turn": [r"User said: .*hours", r"Agent said: .*Sunday"],
    "interrupt_handling": [r"Cleared", r"Response: \S*cancelled|Error: response_cancel_not_active"],
    "conversation_history": [r"Item: \S*system", r"Item: \S*user", r"Text: \w+"],
    "options": [r"Updated: 18"],
    "error_handling": [
        r"API Error: response_cancel_not_active - \w+",
        r"Connection error: ClientConnector",
    ],
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with front_desk() as service:
        yield service


@pytest.fixture(scope="module")
def speech_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "question.pcm"
    path.write_bytes(say("What are your opening hours?"))
    return path


@pytest.fixture(
    scope="module",
    params=["installed", pytest.param(OLD_SDK, marks=pytest.mark.nightly)],
)
def sdk_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What stands first on a snippet's path: nothing, or an older SDK."""
    if request.param == "installed":
        return ""
    folder = tmp_path_factory.mktemp("sdk")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--target", str(folder), OLD_SDK),
        ],
        check=True,
        timeout=120,
    )
    # Its parent packages are namespaces, which are only searched further without __init__ files.
    version = subprocess.run(
        [sys.executable, "-c", "import azure.ai.voicelive as v; print(v.__version__)"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert version.stdout.strip() == "1.2.0"
    return str(folder)


def test_every_snippet_is_run() -> None:
    assert {path.stem for path in SNIPPETS.glob("[a-z]*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_snippet_runs_as_it_stands(
    name: str, service: Service, speech_file: Path, sdk_path: str
) -> None:
    ran = subprocess.run(
        [sys.executable, str(SNIPPETS / f"{name}.py")],
        env={
            **os.environ,
            "PYTHONPATH": sdk_path,
            "VOICELIVE_ENDPOINT": service.url,
            "SPEECH_FILE": str(speech_file),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for pattern in EXPECTED[name]:
        assert re.search(pattern, ran.stdout, re.IGNORECASE), f"{pattern} is not in:\n{ran.stdout}"
