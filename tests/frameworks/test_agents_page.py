"""Every example of docs/howto/write-an-agent.md is loaded as it stands there, and answers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import anyio.to_thread
import pytest

from tests.frameworks.openai_server import Call, OpenAIServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/howto/write-an-agent.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```python\n(# (\w+\.py): VOICELIVE_AGENT=(\S+).*?)```", re.DOTALL)
EXAMPLES = {match[2]: (match[3], match[1]) for match in EXAMPLE.finditer(PAGE)}

ASK = """
import asyncio, json, sys
from voicelive_agent.agent import ClientEvent, Turn
from voicelive_agent.frameworks import load_agent

async def ask(name, text):
    agent = load_agent(name)
    await agent.start()
    outputs = [output async for output in agent.reply(Turn("speech", text, session_id="s"))]
    await agent.stop()
    print(json.dumps([o.payload if isinstance(o, ClientEvent) else str(o) for o in outputs]))

asyncio.run(ask(*sys.argv[1:]))
"""


async def ask(folder: Path, name: str, text: str, **variables: str) -> list[object]:
    """What an agent answers in a process of its own, as a user would run it."""
    for file, (_, source) in EXAMPLES.items():
        (folder / file).write_text(source, encoding="utf-8")
    done = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [sys.executable, "-c", ASK, name, text],
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            timeout=100,
        )
    )
    assert done.returncode == 0, done.stderr
    outputs: list[object] = json.loads(done.stdout)
    return outputs


def test_every_python_block_is_an_example() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") == 9


@pytest.mark.parametrize(
    ("file", "text", "outputs"),
    [
        (
            "my_agent.py",
            "Oslo",
            ["The weather in ", "Oslo", {"type": "ui.card", "title": "Oslo"}, " is fine."],
        ),
        ("my_answer.py", "hello", ["You said: hello."]),
        ("my_desk.py", "bye", ["Goodbye, after 1 turns.", "EndCall(reason='completed')"]),
    ],
)
async def test_an_example_without_a_framework(
    tmp_path: Path, file: str, text: str, outputs: list[object]
) -> None:
    assert await ask(tmp_path, EXAMPLES[file][0], text) == outputs


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    ["my_pydantic.py", "my_framework.py", "my_graph.py", "my_openai.py", "my_tools.py"],
)
async def test_an_example_of_a_framework(tmp_path: Path, file: str) -> None:
    async with OpenAIServer() as server:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Rain", " in Oslo.")
        card, *words = await ask(
            tmp_path,
            EXAMPLES[file][0],
            "weather in Oslo",
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="key",
            OPENAI_AGENTS_DISABLE_TRACING="1",
            VOICELIVE_AGENT_MODEL="openai:gpt-5.4-mini",
            VOICELIVE_AGENT_TOOLS="my_tools",
        )
    assert isinstance(card, dict)
    assert (card["type"], card["title"]) == ("ui.card", "Oslo")
    assert words == ["Rain", " in Oslo."]
    assert server.requests[0].transcript() == ["user: weather in Oslo"]


@pytest.mark.slow
async def test_the_example_of_a_framework_inside_a_function(tmp_path: Path) -> None:
    async with OpenAIServer() as server:
        server.answer("Forty", "-two.")
        name = EXAMPLES["my_mix.py"][0]
        variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "key"}
        assert await ask(tmp_path, name, "meaning?", **variables) == ["Forty", "-two."]
