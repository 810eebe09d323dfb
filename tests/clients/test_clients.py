"""Clients that others wrote, unmodified, against the emulator (clients.md).

Their libraries are the real ones, each in an environment of its own; the emulator's engines are
those of its other tests, so that no model has to be there.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import find_node, javascript, python
from tests.emulator.conversing import open_desk
from voicelive_agent.emulator.tls import Certificate, make_certificate

RUN_S = 60
SCRIPTS = Path(__file__).parent / "python"
ROOT = SCRIPTS.parents[2]
SDK = SCRIPTS / "sdk.py"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


async def run(*command: str | Path, **environment: str) -> dict[str, Any]:
    """What a client tells at its end, as the last line of its output."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), RUN_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    told: dict[str, Any] = json.loads(output.decode().splitlines()[-1])
    assert told["status"] == "completed"
    assert told["audioBytes"] > 10_000
    return told


async def test_a_bare_websocket_with_a_sub_protocol() -> None:
    """Browsers offer `realtime`, name the agent by an id, and greet without a type."""
    place = await asyncio.to_thread(javascript)
    async with open_desk() as desk:
        told = await run(find_node(), place / "sub_protocol.mjs", desk.url.replace("http", "ws", 1))
    assert told["protocol"] == "realtime"
    assert told["transcript"] == "Welcome to the desk."


async def test_openai_of_npm_behind_tls(certificate: Certificate) -> None:
    """It connects by wss:// alone, and sends the model with each update."""
    place = await asyncio.to_thread(javascript)
    async with open_desk(certificate) as desk:
        told = await run(
            find_node(),
            place / "openai_ws.mjs",
            desk.url,
            NODE_EXTRA_CA_CERTS=str(certificate.authority),
        )
    assert told["transcript"] == "You said good morning."
    assert told["voice"] == "alloy"


@pytest.mark.parametrize("who", ["model", "agent"])
async def test_the_javascript_sdk(who: str) -> None:
    place = await asyncio.to_thread(javascript)
    async with open_desk() as desk:
        told = await run(find_node(), place / "azure_sdk.mjs", desk.url, who)
    assert told["transcript"] == "You said good morning."


@pytest.mark.parametrize("version", ["1.1.0", pytest.param("1.0.0", marks=pytest.mark.nightly)])
async def test_older_versions_of_the_python_sdk(version: str) -> None:
    interpreter = await asyncio.to_thread(python, f"azure-ai-voicelive-{version}")
    async with open_desk() as desk:
        told = await run(interpreter, "-P", SDK, desk.url, PYTHONPATH="")
    assert told["transcript"] == "You said good morning."


# OpenAI Realtime GA, at the second address.


def python_script(name: str) -> tuple[str, str, Path]:
    return sys.executable, "-P", SCRIPTS / f"{name}.py"


async def test_openai_of_python_holds_a_spoken_conversation() -> None:
    async with open_desk() as desk:
        told = await run(*python_script("openai_realtime"), desk.url, PYTHONPATH=str(ROOT))
    assert told["heard"] == "hello"
    assert told["transcript"] == "You said hello."
    assert told["voice"] == "marin"


async def test_openai_agents_of_python_holds_a_spoken_conversation() -> None:
    """It checks each event against OpenAI's types, and reports those that don't fit."""
    async with open_desk() as desk:
        told = await run(*python_script("openai_agents"), desk.url, PYTHONPATH=str(ROOT))
    assert told["errors"] == []
    assert told["history"] == [["user", "hello"], ["assistant", "You said hello."]]


async def test_azure_ai_projects_holds_a_spoken_conversation(certificate: Certificate) -> None:
    """It connects to the voice agent's own address, by wss:// alone."""
    async with open_desk(certificate) as desk:
        told = await run(
            *python_script("azure_projects"),
            desk.url,
            PYTHONPATH=str(ROOT),
            SSL_CERT_FILE=str(certificate.authority),
        )
    assert told["transcript"] == "You said hello."
    assert told["voice"] == "en-US-AvaNeural"


async def test_openai_of_npm_holds_a_spoken_conversation(certificate: Certificate) -> None:
    place = await asyncio.to_thread(javascript)
    async with open_desk(certificate) as desk:
        told = await run(
            find_node(),
            place / "openai_realtime.mjs",
            desk.url,
            NODE_EXTRA_CA_CERTS=str(certificate.authority),
        )
    assert told["transcript"] == "You said hello."
    assert told["voice"] == "marin"


async def test_openai_agents_of_npm_holds_a_spoken_conversation() -> None:
    place = await asyncio.to_thread(javascript)
    async with open_desk() as desk:
        told = await run(find_node(), place / "openai_agents.mjs", desk.url)
    assert told["errors"] == []
    assert told["history"] == [["user", "hello"], ["assistant", "You said hello."]]
