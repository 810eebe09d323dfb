"""``voicelive-agent dev`` as a developer uses it: files are edited under an open session."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.emulator.service import ROOT
from voicelive_agent.dev.command import main
from voicelive_agent.listening import find_free_port

AGENT = """
async def reply(turn):
    turn.state["n"] = turn.state.get("n", 0) + 1
    yield f"Version one, turn {turn.state['n']}."
"""
READY_S = 120


class Dev:
    """``voicelive-agent dev my_agent:reply`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.agent = folder / "my_agent.py"
        self.agent.write_text(AGENT)
        self._log = folder / "dev.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "voicelive_agent", "dev", "my_agent:reply"),
                    *("--port", "0", "--agent-port", str(find_free_port())),
                ],
                cwd=folder,
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT)},
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_until(self, pattern: str, count: int = 1) -> re.Match[str]:
        deadline = time.monotonic() + READY_S
        while len(found := list(re.finditer(pattern, self.output))) < count:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        return found[-1]

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        ids = map(int, path.read_text().split())
        return [one for one in ids if b"serve" in Path(f"/proc/{one}/cmdline").read_bytes()]


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    running = Dev(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


@pytest.fixture
async def session(dev: Dev) -> AsyncIterator[ClientConnection]:
    url = dev.wait_until(r"ready at http://(\S+)")[1]
    query = "agent-name=any&agent-project-name=any&api-version=2025-10-01"
    async with connect(f"ws://{url}/voice-live/realtime?{query}", proxy=None) as websocket:
        yield websocket


async def ask(session: ClientConnection) -> str:
    """What the agent says to a typed sentence."""
    part = {"type": "input_text", "text": "hello"}
    item = {"type": "message", "role": "user", "content": [part]}
    await send(session, {"type": "conversation.item.create", "item": item})
    await send(session, {"type": "response.create"})
    said = ""
    while (event := json.loads(await session.recv()))["type"] != "response.done":
        if event["type"] == "response.audio_transcript.done":
            said += event["transcript"]
    return said


async def read_failure(dev: Dev) -> dict[str, Any]:
    """What the console is told of the agent that failed."""
    url = dev.wait_until(r"ready at (http://\S+)")[1]
    kind = ""
    async with (
        httpx.AsyncClient(base_url=url, timeout=READY_S) as http,
        http.stream("GET", "/feed") as feed,
    ):
        async for line in feed.aiter_lines():
            name, _, value = line.partition(": ")
            kind = value if name == "event" else kind
            if name == "data" and kind == "agent" and json.loads(value)["what"] == "failed":
                return dict(json.loads(value))
    raise AssertionError("the feed ended")


async def send(session: ClientConnection, event: dict[str, Any]) -> None:
    await session.send(json.dumps(event))


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_session_lives_through_an_edit_and_a_broken_edit(
    dev: Dev, session: ClientConnection
) -> None:
    assert await ask(session) == "Version one, turn 1."

    dev.agent.write_text(AGENT.replace("one", "two"))
    dev.wait_until(r"my_agent\.py changed")
    # At once: the turn waits for the new code.
    assert await ask(session) == "Version two, turn 2."

    dev.agent.write_text(AGENT.replace("one", "three") + "\nx = (\n")
    dev.wait_until("the code before it goes on answering")
    assert re.search(r"SyntaxError: .*\n +my_agent\.py:6\n", dev.output)
    failed = await read_failure(dev)
    assert str(failed["file"]).endswith("my_agent.py")
    assert failed["line"] == 6
    assert "the code before it goes on answering" in failed["message"]
    assert await ask(session) == "Version two, turn 3."

    dev.agent.write_text(AGENT.replace("one", "four"))
    dev.wait_until("the agent answers with the new code", 2)
    assert await ask(session) == "Version four, turn 4."

    os.kill(dev.children()[-1], signal.SIGKILL)
    dev.wait_until("has ended with code -9: save a file to try again")
    dev.agent.write_text(AGENT.replace("one", "five"))
    dev.wait_until("the agent answers with the new code", 3)
    assert await ask(session) == "Version five, turn 5."

    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(60) == 0
    assert "Traceback" not in dev.output


def test_the_agent_of_any_name_is_the_one_that_dev_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--agent", "http://127.0.0.1:1"])
    assert ended.value.code == 2
    assert "NAME=URL" in capsys.readouterr().err


def test_an_engine_that_is_not_here_is_told_in_one_line(tmp_path: Path) -> None:
    """The advice stood at the end of a traceback of an exception group."""
    (tmp_path / "my_agent.py").write_text(AGENT)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "voicelive_agent", "dev", "my_agent:reply", "--stt", "nobody"),
            *("--port", "0", "--agent-port", str(find_free_port())),
        ],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=READY_S,
    )
    assert done.returncode == 1
    assert "there is no speech-to-text engine 'nobody': choose auto" in done.stderr
    assert "Traceback" not in done.stderr
