"""Pydantic AI's agents answer turns."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic_ai import Agent, RunContext
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.frameworks.asking import say, speech
from tests.frameworks.framework_contract import FrameworkContract
from tests.frameworks.openai_server import Call, OpenAIServer
from voicelive_agent.agent import Turn
from voicelive_agent.frameworks import AgentLoadError, adapt
from voicelive_agent.frameworks.pydantic_ai import PydanticAIAgent


def make_model(server: OpenAIServer) -> OpenAIChatModel:
    return OpenAIChatModel("test", provider=OpenAIProvider(openai_client=server.connect()))


class TestPydanticAI(FrameworkContract):
    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Agent[object, str]:
        return Agent(make_model(server), instructions="Be a test.", tools=tools)


class TestPydanticAIWithSystemPrompt(FrameworkContract):
    """A system prompt is part of the messages, unlike instructions."""

    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Agent[object, str]:
        return Agent(make_model(server), system_prompt="Be a test.", tools=tools)


async def test_the_turn_is_the_agents_dependency_where_it_says_so() -> None:
    async with OpenAIServer() as server:
        agent = Agent(make_model(server), deps_type=Turn)

        @agent.tool
        def who(context: RunContext[Turn]) -> str:
            return context.deps.session_id

        server.answer(Call("who"))
        await say(adapt(agent), speech("who?"))
        assert server.requests[1].transcript()[-1] == "result s1"


async def test_dependencies_that_nobody_makes_are_refused() -> None:
    agent = Agent("test", deps_type=int)
    with pytest.raises(AgentLoadError, match=r"dependencies of type int.*deps="):
        adapt(agent)


async def test_dependencies_can_be_made_for_each_turn() -> None:
    async with OpenAIServer() as server:
        agent = Agent(make_model(server), deps_type=int)

        @agent.tool
        def length(context: RunContext[int]) -> int:
            return context.deps

        server.answer(Call("length"))
        await say(adapt(PydanticAIAgent(agent, deps=lambda turn: len(turn.text))), speech("1234"))
        assert server.requests[1].transcript()[-1] == "result 4"


async def test_an_output_that_is_no_text_is_refused() -> None:
    async with OpenAIServer() as server:
        server.answer(Call("final_result", response=4))
        with pytest.raises(Exception, match="output is a int"):
            await say(adapt(Agent(make_model(server), output_type=int)), speech("number?"))
