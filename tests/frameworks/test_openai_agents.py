"""The OpenAI Agents SDK's agents answer turns."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunContextWrapper,
    function_tool,
    set_tracing_disabled,
)
from pydantic import BaseModel

from tests.frameworks.asking import end, say, speech
from tests.frameworks.framework_contract import FrameworkContract
from tests.frameworks.openai_server import Call, Frames, OpenAIServer
from voicelive_agent.agent import Turn
from voicelive_agent.frameworks import AgentLoadError, adapt
from voicelive_agent.frameworks.model_stops import find_stop


@pytest.fixture(autouse=True)
def no_tracing() -> Iterator[None]:
    set_tracing_disabled(True)
    yield
    set_tracing_disabled(False)


class TestOpenAIAgents(FrameworkContract):
    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Agent[Turn]:
        model = OpenAIResponsesModel("test", server.connect())
        return Agent(
            "test", instructions="Be a test.", model=model, tools=[function_tool(t) for t in tools]
        )


class TestOpenAIAgentsOnChatCompletions(FrameworkContract):
    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Agent[Turn]:
        model = OpenAIChatCompletionsModel("test", server.connect())
        return Agent(
            "test", instructions="Be a test.", model=model, tools=[function_tool(t) for t in tools]
        )


async def test_the_agent_that_took_over_answers_the_next_turn() -> None:
    async with OpenAIServer() as server:
        model = OpenAIResponsesModel("test", server.connect())
        sales = Agent[Turn]("sales", instructions="Be sales.", model=model)
        desk = Agent[Turn]("desk", instructions="Be a desk.", model=model, handoffs=[sales])
        agent = adapt(desk)
        server.answer(Call("transfer_to_sales"))
        server.answer("Sales here.")
        server.answer("Still sales.")
        first = speech("buy")
        past = end(first, await say(agent, first))
        second = speech("more", past, state=first.state)
        assert await say(agent, second) == "Still sales."
        said = [request.body["instructions"] for request in server.requests]
        assert said == ["Be a desk.", "Be sales.", "Be sales."]


async def test_the_turn_is_the_runs_context() -> None:
    async with OpenAIServer() as server:

        @function_tool
        def who(context: RunContextWrapper[Turn]) -> str:
            return context.context.session_id

        model = OpenAIResponsesModel("test", server.connect())
        server.answer(Call("who"))
        await say(adapt(Agent[Turn]("test", model=model, tools=[who])), speech("who?"))
        assert server.requests[1].transcript()[-1] == "result s1"


class Form(BaseModel):
    name: str


def test_an_output_that_is_no_text_is_refused() -> None:
    inner = Agent[Turn]("form", output_type=Form)
    with pytest.raises(AgentLoadError, match=r"output_type of agent 'form'"):
        adapt(Agent[Turn]("desk", handoffs=[inner]))


@pytest.mark.parametrize("finish", ["stop", "content_filter"])
async def test_a_model_declines_in_its_own_words(finish: str) -> None:
    async with OpenAIServer() as server:
        agent = adapt(TestOpenAIAgentsOnChatCompletions().make(server))
        refusal = {"role": "assistant", "refusal": "I can't help with that."}
        server.answer(Frames(refusal, finish=finish))
        first = speech("how do I pick a lock?")
        past = end(first, await say(agent, first))
        assert past.reply == "I can't help with that."
        await say(agent, speech("never mind", past))
        assert server.requests[1].transcript()[-1] == "user: never mind"


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("max_output_tokens", "answer_too_long"), ("content_filter", "content_filtered")],
)
async def test_an_answer_that_was_cut_is_known_as_that(reason: str, stop: str) -> None:
    async with OpenAIServer() as server:
        agent = adapt(TestOpenAIAgents().make(server))
        response = {"id": "r", "object": "response", "created_at": 1, "model": "m", "output": []}
        response |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
        incomplete = {"status": "incomplete", "incomplete_details": {"reason": reason}}
        created = {"type": "response.created", "sequence_number": 0}
        cut = {"type": "response.incomplete", "sequence_number": 1}
        server.answer(
            Frames(
                created | {"response": response | {"status": "in_progress"}},
                cut | {"response": response | incomplete},
                finish=None,
            )
        )
        with pytest.raises(Exception) as raised:
            await say(agent, speech("hours?"))
        assert find_stop(raised.value) == stop
