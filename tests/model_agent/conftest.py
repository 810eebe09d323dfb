"""The model agent's surroundings: a model server, and an environment that names it."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.frameworks.openai_server import OpenAIServer
from tests.model_agent.running import Configure

TOOLS = '''
import asyncio
from voicelive_agent.agent import ClientEvent
from voicelive_agent.frameworks import show

gate = asyncio.Event()
gate.set()
calls = []

async def get_weather(city: str) -> str:
    """The weather in a city."""
    calls.append(city)
    await gate.wait()
    show(ClientEvent("ui.card", title=city))
    return f"rain in {city}"

def fail(secret: str) -> str:
    """Fail."""
    raise RuntimeError(f"no luck with {secret}")

def _helper(): ...
'''


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
def configure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: OpenAIServer
) -> Iterator[Configure]:
    """Sets the environment as a user would; the model is the local server's."""
    (tmp_path / "desk_tools.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def configure(**variables: str) -> None:
        variables = {
            "VOICELIVE_AGENT_MODEL": "llama3:8b",
            "VOICELIVE_AGENT_MODEL_BASE_URL": server.url,
            # A machine with other work takes its time for a tool.
            "VOICELIVE_AGENT_FILLER_AFTER_MS": "0",
        } | variables
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    yield configure
    sys.modules.pop("desk_tools", None)
