"""What a terminal and the screen say of what models and frameworks do, by a server of models."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.diagnostics.conftest import Launcher
from tests.diagnostics.mistakes import Mistake
from tests.diagnostics.test_mistakes import check_screen, find_error
from tests.frameworks.openai_server import Break, Call, OpenAIServer, Pause, Refuse, Step

pytestmark = pytest.mark.slow

SERVE = ("voicelive_agent", "serve")
FILTERED = "The prompt triggers Azure OpenAI's content management policy."
# Logged by the trial of the endpoint, which runs beside the first turns.
TRIED = "the model's endpoint"
TOOL = '''
def get_weather(city: str) -> str:
    """The weather in a city."""
    raise ValueError("no such city")
'''


@pytest.fixture
async def models() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


def refuse(status: int, message: str = "no", code: str = "", **fields: str) -> Refuse:
    return Refuse(status, body={"error": {"message": message, "code": code, **fields}})


# One server meets them in turns: answers, what the screen has to say.
IN_TURNS: list[tuple[tuple[Step, ...], str, str]] = [
    ((refuse(401, "Incorrect API key", "invalid_api_key"),), "401", "key was refused by http"),
    ((refuse(403, "Missing the role"),), "403", "give it the role"),
    ((refuse(404, "The model `m` does not exist"),), "404", "There is no such model there"),
    ((refuse(404, "The API deployment does not exist"),), "404", "There is no such model there"),
    ((Refuse(429, retry_after="60"),), "429", "limits the rate, or the quota is used up"),
    ((refuse(400, FILTERED, "content_filter", param="prompt"),), "filter", "in other words"),
    ((refuse(422, "bad field"),), "422", "doesn't take this request"),
    ((refuse(500, "exploded"),), "500", "itself fails with HTTP 500"),
    (("Hello ", Break()), "closed|incomplete", "broke the connection off in mid-answer"),
    ((Pause(),), "said nothing within 5 s", "Check that the model or service answers"),
]


async def test_what_a_model_answers_instead(
    tmp_path: Path, launcher: Launcher, models: OpenAIServer
) -> None:
    """All of these were "model is busy" or a type of an exception, without a URL."""
    environment = {
        "VOICELIVE_CONVERSATIONS": "memory:",
        "VOICELIVE_AGENT_MODEL": "m",
        "VOICELIVE_AGENT_MODEL_BASE_URL": models.url,
        "VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS": "5",
    }
    async with launcher.launch(tmp_path, *SERVE, "model", **environment) as server:
        await server.wait_until_listening()
        await server.wait_until_said(TRIED)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            # The first request of a client imports.
            models.answer("Hello.")
            await client.post("/invocations", json={"input": "hello"})
            for answer, cause, step in IN_TURNS:
                before = len(server.said)
                models.answer(*answer)
                got = await client.post("/invocations", json={"input": "hello"})
                check_screen(Mistake("model", cause, "", step), server.said[before:])
                message = find_error(got.text)
                assert re.search(cause, message) and re.search(step, message), message


async def serve_and_ask(launcher: Launcher, folder: Path, agent: str, **environment: str) -> str:
    """What the terminal says of one turn, and the sentence of its ``agent.error``.

    A model's endpoint is tried beside the first turn, which once came first: its words are waited
    for.
    """
    environment = {"VOICELIVE_CONVERSATIONS": "memory:", **environment}
    async with launcher.launch(folder, *SERVE, agent, **environment) as server:
        await server.wait_until_listening()
        if agent == "model":
            await server.wait_until_said(TRIED)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            answer = await client.post("/invocations", json={"input": "hello"})
        said = (
            server.said[server.said.rindex("is served at") :] if agent != "model" else server.said
        )
        return f"{said}\n{find_error(answer.text)}"


async def test_a_wrong_url_is_told_apart_from_an_unknown_model(
    tmp_path: Path, launcher: Launcher, models: OpenAIServer
) -> None:
    """A missing /v1 and a wrong name of a model looked the same."""
    named = {"VOICELIVE_AGENT_MODEL": "m", "VOICELIVE_AGENT_MODEL_BASE_URL": models.root}
    said = await serve_and_ask(launcher, tmp_path, "model", **named)
    assert f"VOICELIVE_AGENT_MODEL_BASE_URL={models.root}/v1" in said
    assert said.count(f"the base URL probably lacks /v1: {models.root}/v1") == 2
    assert "no such model" not in said


async def test_a_server_of_models_that_is_down(tmp_path: Path, launcher: Launcher) -> None:
    """Four times "model is busy", and four tracebacks chained to each other."""
    url = "http://127.0.0.1:9/v1"
    named = {"VOICELIVE_AGENT_MODEL": "m", "VOICELIVE_AGENT_MODEL_BASE_URL": url}
    said = await serve_and_ask(launcher, tmp_path, "model", **named)
    # As it is tried at start, and of the turn on the terminal and on the screen.
    assert said.count("Nothing listens at http://127.0.0.1:9: start that service") == 3
    assert "Traceback" not in said and "busy" not in said


PYDANTIC_AI = """
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
model = OpenAIChatModel("m", provider=OpenAIProvider(base_url="{url}", api_key="k"))
reply = Agent(model, tools=[get_weather])
"""
OPENAI_AGENTS = """
from agents import Agent, OpenAIChatCompletionsModel, function_tool
from openai import AsyncOpenAI
model = OpenAIChatCompletionsModel("m", AsyncOpenAI(base_url="{url}", api_key="k"))
reply = Agent("a", model=model, tools=[function_tool(get_weather)])
"""
AGENT_FRAMEWORK = """
from agent_framework import Agent
from agent_framework.openai import OpenAIChatCompletionClient
from openai import AsyncOpenAI
client = AsyncOpenAI(base_url="{url}", api_key="k")
reply = Agent(OpenAIChatCompletionClient(model="m", async_client=client), tools=[get_weather])
"""
LANGGRAPH = """
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
model = ChatOpenAI(model="m", base_url="{url}", api_key="k").bind_tools([get_weather])
async def think(state):
    return {{"messages": [await model.ainvoke(state["messages"])]}}
graph = StateGraph(MessagesState).add_node("think", think)
graph.add_node("tools", ToolNode([get_weather])).add_edge("tools", "think")
reply = graph.add_edge(START, "think").add_conditional_edges("think", tools_condition).compile()
"""


@pytest.mark.parametrize(
    "agent",
    [PYDANTIC_AI, OPENAI_AGENTS, AGENT_FRAMEWORK, LANGGRAPH],
    ids=["pydantic_ai", "openai_agents", "agent_framework", "langgraph"],
)
async def test_a_tool_that_raises(
    tmp_path: Path, launcher: Launcher, models: OpenAIServer, agent: str
) -> None:
    """Two frameworks told the model alone: its developer heard an excuse and saw nothing."""
    (tmp_path / "my_agent.py").write_text(TOOL + agent.format(url=models.url))
    models.answer(Call("get_weather", city="Oslo"))
    models.answer("I can't look that up.")
    said = await serve_and_ask(launcher, tmp_path, "my_agent:reply")
    tool = Mistake("tool", "ValueError: no such city", r"my_agent\.py:4, in get_w", "Correct that")
    check_screen(tool, said)


@pytest.mark.parametrize(
    ("agent", "step"),
    [
        ('from pydantic_ai import Agent\nreply = Agent("openai:gpt-5")', "OPENAI_API_KEY"),
        ('from agents import Agent\nreply = Agent("a", model="gpt-5")', "OPENAI_API_KEY"),
        (
            "from agent_framework import Agent\n"
            "from agent_framework.openai import OpenAIChatCompletionClient\n"
            'reply = Agent(OpenAIChatCompletionClient(model="gpt-5"))',
            "OPENAI_API_KEY|base_url",
        ),
        (
            'from langchain_openai import ChatOpenAI\nreply = ChatOpenAI(model="gpt-5")',
            "OPENAI_API",
        ),
    ],
    ids=["pydantic_ai", "openai_agents", "agent_framework", "langgraph"],
)
async def test_a_frameworks_missing_key(
    tmp_path: Path, launcher: Launcher, agent: str, step: str
) -> None:
    (tmp_path / "my_agent.py").write_text(agent)
    command = (*SERVE, "my_agent:reply")
    async with launcher.launch(tmp_path, *command, VOICELIVE_CONVERSATIONS="memory:") as server:
        if "agents import" in agent:
            # Only a turn needs it.
            await server.wait_until_listening()
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                await client.post("/invocations", json={"input": "hello"})
        else:
            assert await server.wait() != 0
        said = server.said.split("voicelive-agent talk.")[-1]
    place = "" if "agents import" in agent else r"my_agent\.py:\d"
    check_screen(Mistake("key", "API_KEY|must be provided", place, step), said)
