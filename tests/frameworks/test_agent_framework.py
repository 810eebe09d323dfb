"""Microsoft Agent Framework's agents answer turns."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from agent_framework import Agent, HistoryProvider, Message
from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient

from tests.frameworks.asking import Interrupted, end, say, speech
from tests.frameworks.framework_contract import FrameworkContract, read_stop
from tests.frameworks.openai_server import OpenAIServer, Pause, Received
from voicelive_agent.frameworks import adapt


class TestAgentFramework(FrameworkContract):
    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Agent[Any]:
        client = OpenAIChatCompletionClient(model="test", async_client=server.connect())
        return Agent(client, instructions="Be a test.", tools=tools)


class TestAgentFrameworkOnResponses(FrameworkContract):
    def make(self, server: OpenAIServer, *tools: Callable[..., Any]) -> Agent[Any]:
        client = OpenAIChatClient(model="test", async_client=server.connect())
        return Agent(
            client, instructions="Be a test.", tools=tools, default_options={"store": False}
        )

    def read(self, request: Received) -> list[str]:
        """This client sends the calls of a message before its text."""
        lines = super().read(request)
        for index in range(len(lines) - 1):
            if lines[index].startswith("call") and lines[index + 1].startswith("assistant"):
                lines[index : index + 2] = [lines[index + 1], lines[index]]
        return lines


class Shelf(HistoryProvider):
    """A history that outlives the process."""

    def __init__(self) -> None:
        super().__init__("shelf")
        self.kept: dict[str, list[Message]] = {}

    async def get_messages(self, session_id: str | None, **_: Any) -> list[Message]:
        return list(self.kept.get(str(session_id), ()))

    async def save_messages(
        self, session_id: str | None, messages: Sequence[Message], **_: Any
    ) -> None:
        self.kept.setdefault(str(session_id), []).extend(messages)


async def test_an_agent_with_its_own_history_gets_only_what_that_lacks() -> None:
    async with OpenAIServer() as server:
        client = OpenAIChatCompletionClient(model="test", async_client=server.connect())
        shelf = Shelf()
        agent = adapt(Agent(client, context_providers=[shelf]))
        server.answer("One.")
        first = speech("first")
        past = end(first, await say(agent, first))
        server.answer("Two,", Pause())
        turn = Interrupted(agent, speech("second", past))
        await turn.wait_for("Two,")
        broken = await turn.cancel()
        await say(agent, speech("third", past, broken))
        assert server.requests[2].transcript() == [
            "user: first",
            "assistant: One.",
            "user: second",
            "assistant: Two,",
            "user: third",
        ]
        # Neither user nor session can be told from the key.
        [key] = shelf.kept
        assert "s1" not in key
        assert "u1" not in key


async def test_an_agent_with_its_own_history_is_told_of_an_interruption() -> None:
    """Its own history has the whole answer, whatever was heard of it."""
    async with OpenAIServer() as server:
        client = OpenAIChatCompletionClient(model="test", async_client=server.connect())
        agent = adapt(Agent(client, context_providers=[Shelf()]))
        server.answer("One two three.")
        first = speech("first")
        reply = await say(agent, first)
        past = replace(end(first, reply, interrupted=True), heard="One two")
        await say(agent, speech("second", past))
        past = replace(past, reply="", heard="", heard_is_known=True, cut=True)
        await say(agent, speech("third", past))
        assert server.requests[1].transcript() == [
            "user: first",
            "assistant: One two three.",
            'user: (The caller probably interrupted your last answer after "One two".)',
            "user: second",
        ]
        assert server.requests[2].transcript()[-2:] == [
            "user: (The caller interrupted your last answer before its first word.)",
            "user: third",
        ]


@pytest.mark.parametrize(
    ("finish", "stop"),
    [("length", "answer_too_long"), ("content_filter", "content_filtered"), ("stop", None)],
)
async def test_an_answer_that_was_cut_is_known_as_that(finish: str, stop: str | None) -> None:
    async with OpenAIServer() as server:
        agent = adapt(TestAgentFramework().make(server))
        assert await read_stop(agent, server, finish) == stop
