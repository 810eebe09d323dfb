"""Every example of the pages on writing agents is loaded as it stands there, and answers."""

import json
import re
from pathlib import Path

import anyio.to_thread
import pytest

from tests.forked_processes import PROGRAMS, find_fork_server
from tests.frameworks.openai_server import Call, OpenAIServer

ROOT = Path(__file__).parents[2]
PAGES = {
    name: (ROOT / f"docs/howto/{name}.md").read_text(encoding="utf-8")
    for name in ("write-an-agent", "frameworks", "model-without-code")
}
EXAMPLE = re.compile(r"```python\n(# (\w+\.py)(?:: VOICELIVE_AGENT=(\S+))?\n.*?)```", re.DOTALL)
EXAMPLES = {
    match[2]: (match[3], match[1]) for page in PAGES.values() for match in EXAMPLE.finditer(page)
}

ASK = """
import asyncio, json, sys, types
from voicelive_agent.agent import ClientEvent, Turn
from voicelive_agent.frameworks import load_agent

class SignedIn:
    async def get_token(self, *scopes, **_):
        assert scopes == ("https://ai.azure.com/.default",)
        return types.SimpleNamespace(token="token", expires_on=1 << 40)

async def ask(name, said):
    # Nobody is signed in where tests run.
    sys.modules["azure.identity.aio"].DefaultAzureCredential = SignedIn
    agent = load_agent(name)
    await agent.start()
    outputs = [output async for output in agent.reply(Turn(**json.loads(said)))]
    await agent.stop()
    print(json.dumps([o.payload if isinstance(o, ClientEvent) else str(o) for o in outputs]))

import azure.identity.aio
asyncio.run(ask(*sys.argv[1:]))
"""


async def ask(folder: Path, name: str, said: object, **variables: str) -> list[object]:
    """What an agent answers in a process of its own, as a user would run it."""
    turn = said if isinstance(said, dict) else {"kind": "speech", "text": said, "session_id": "s"}
    for file, (_, source) in EXAMPLES.items():
        (folder / file).write_text(source, encoding="utf-8")
    done = await anyio.to_thread.run_sync(
        lambda: find_fork_server(*PROGRAMS).run(
            *("-c", ASK, name, json.dumps(turn)),
            cwd=folder,
            environment={"PYTHONPATH": str(ROOT)} | variables,
        )
    )
    assert done.returncode == 0, done.stderr
    outputs: list[object] = json.loads(done.stdout)
    return outputs


def test_every_python_block_is_an_example() -> None:
    blocks = sum(page.count("```python") for page in PAGES.values())
    assert len(EXAMPLES) == blocks == 16


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "said", "outputs"),
    [
        (
            "my_agent.py",
            "Oslo",
            ["The weather in ", "Oslo", {"type": "ui.card", "title": "Oslo"}, " is fine."],
        ),
        ("my_answer.py", "hello", ["You said: hello."]),
        ("my_desk.py", "bye", ["Goodbye, after 1 turns.", "EndCall(reason='completed')"]),
        (
            "my_buttons.py",
            {"kind": "greeting"},
            [
                "Hello! Shall I tell you our opening hours?",
                {
                    "type": "ui.buttons",
                    "buttons": [{"label": "Opening hours", "action": {"type": "hours"}}],
                },
            ],
        ),
        (
            "my_buttons.py",
            {"kind": "action", "action": {"type": "hours"}},
            ["We are open from nine to five."],
        ),
        ("my_buttons.py", "Good-bye", ["Goodbye!", "EndCall(reason='completed')"]),
    ],
)
async def test_an_example_without_a_framework(
    tmp_path: Path, file: str, said: object, outputs: list[object]
) -> None:
    assert await ask(tmp_path, EXAMPLES[file][0], said) == outputs


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
@pytest.mark.parametrize("name", ["pydantic", "framework", "graph", "openai"])
async def test_an_example_with_a_model_of_a_foundry_project(tmp_path: Path, name: str) -> None:
    """Users of Foundry, most of this project's, found OpenAI's models only on these pages."""
    async with OpenAIServer() as server:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Rain", " in Oslo.")
        card, *words = await ask(
            tmp_path,
            EXAMPLES[f"my_{name}_foundry.py"][0],
            "weather in Oslo",
            FOUNDRY_PROJECT_ENDPOINT=server.root,
            AZURE_AI_MODEL_DEPLOYMENT_NAME="mine",
        )
    assert isinstance(card, dict)
    assert (card["type"], card["title"]) == ("ui.card", "Oslo")
    assert words == ["Rain", " in Oslo."]
    for request in server.requests:
        assert request.path == "/openai/v1/responses"
        assert request.headers["authorization"] == "Bearer token"
        assert (request.body["model"], request.body["store"]) == ("mine", False)


@pytest.mark.slow
async def test_the_example_of_a_framework_inside_a_function(tmp_path: Path) -> None:
    async with OpenAIServer() as server:
        server.answer("Forty", "-two.")
        name = EXAMPLES["my_mix.py"][0]
        variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "key"}
        assert await ask(tmp_path, name, "meaning?", **variables) == ["Forty", "-two."]
