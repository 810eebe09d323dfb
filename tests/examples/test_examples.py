"""Each example is asked through a Voice Live session, as it stands, in a process of its own."""

import json
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from tests.forked_processes import PROGRAMS, find_fork_server
from tests.frameworks.openai_server import Call, OpenAIServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FRAMEWORKS = (
    "with_pydantic_ai:agent",
    "with_agent_framework:agent",
    "with_langgraph:graph",
    "with_openai_agents:agent",
)

ASK = """
import asyncio, json, sys, types
import azure.identity.aio
from voicelive_agent.testing import VoiceLive

class SignedIn:
    async def get_token(self, *scopes, **_):
        assert scopes == ("https://ai.azure.com/.default",)
        return types.SimpleNamespace(token="token", expires_on=1 << 40)

async def ask(name, *said):
    # Nobody is signed in where tests run.
    azure.identity.aio.DefaultAzureCredential = SignedIn
    patience = {"first_delta_timeout_seconds": 60, "idle_timeout_seconds": 60}
    async with VoiceLive(name, by="text", settings=patience, timeout_s=90) as voice:
        answers = [await voice.greeting() if not text else await voice.say(text) for text in said]
    print(json.dumps([[one.text, one.cards, one.ends_call] for one in answers]))

asyncio.run(ask(*sys.argv[1:]))
"""


async def ask(name: str, *said: str, **variables: str) -> list[Any]:
    """Text, cards and whether the call ended, for each thing said; "" lets the agent greet."""
    done = await anyio.to_thread.run_sync(
        lambda: find_fork_server(*PROGRAMS).run(
            *("-c", ASK, name, *said),
            cwd=ROOT,
            environment={"PYTHONPATH": str(ROOT)} | variables,
        )
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


async def test_hello() -> None:
    greeting, answer = await ask("examples.hello:reply", "", "good morning")
    assert greeting[0].startswith("Hello!")
    assert answer[0] == "You said: good morning."


async def test_a_class_with_state() -> None:
    name = "examples.stateful_class:OrderDesk"
    greeting, soup, pie, bill = await ask(name, "", "a soup please", "and soup and pie", "no")
    assert "soup, risotto, salmon, pie" in greeting[0]
    assert soup[1] == [{"type": "ui.card", "title": "Your order", "lines": ["1 × soup"]}]
    assert pie[1][0]["lines"] == ["2 × soup", "1 × pie"]
    assert bill == ["That is 26 dollars. Goodbye!", [], True]


async def test_tools_that_show_cards() -> None:
    async with OpenAIServer() as server:
        server.answer(Call("find_rooms", nights=2))
        server.answer("A double is 280 dollars.")
        server.answer(Call("book_room", kind="double", nights=2))
        server.answer("Done.")
        found, booked = await ask(
            "model",
            "two nights please",
            "the double",
            VOICELIVE_AGENT_MODEL="openai:gpt-5.4-mini",
            VOICELIVE_AGENT_TOOLS="examples.tools_and_cards",
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="key",
        )
    assert [card["type"] for card in found[1]] == ["ui.card", "ui.buttons"]
    assert found[1][0]["lines"] == ["single: $180", "double: $280"]
    assert booked[1][0]["title"] == "Booked"


@pytest.mark.parametrize("name", FRAMEWORKS)
async def test_a_framework_with_an_openai_compatible_server(name: str) -> None:
    async with OpenAIServer() as server:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Rain", " in Oslo.")
        variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "key", "OPENAI_MODEL": "mine"}
        (answer,) = await ask(f"examples.frameworks.{name}", "weather in Oslo", **variables)
    check_answer(answer, server, "/v1/chat/completions", "Bearer key")


@pytest.mark.parametrize("name", FRAMEWORKS)
async def test_a_framework_with_a_model_of_a_foundry_project(name: str) -> None:
    """Users of Foundry, most of this project's, found OpenAI's models only."""
    async with OpenAIServer() as server:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Rain", " in Oslo.")
        (answer,) = await ask(
            f"examples.frameworks.{name}",
            "weather in Oslo",
            FOUNDRY_PROJECT_ENDPOINT=f"{server.root}/",
            AZURE_AI_MODEL_DEPLOYMENT_NAME="mine",
        )
    check_answer(answer, server, "/openai/v1/chat/completions", "Bearer token")


def check_answer(answer: list[Any], server: OpenAIServer, path: str, sent: str) -> None:
    text, (card,), _ = answer
    assert text == "Rain in Oslo."
    assert card == {"type": "ui.card", "title": "Weather in Oslo", "lines": ["Rain"]}
    for request in server.requests:
        assert request.path == path
        assert request.headers["authorization"] == sent
        assert request.body["model"] == "mine"
