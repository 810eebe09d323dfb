"""MCP servers are really asked: the official package's server over HTTP, and a whole session."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect

from tests.emulator.conversing import Client, open_client, open_desk
from tests.server.serving import serve
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    FunctionCall,
    FunctionCallBegan,
    TextDelta,
)
from voicelive_agent.emulator.mcp import McpEndpoint, McpError
from voicelive_agent.emulator.mcp.client import call_tool, list_tools


class Desk:
    """A server with tools, and what it was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.server = server = MCPServer("desk")

        @server.tool(description="Says how the weather is.")
        def weather(city: str) -> str:
            self.calls.append(city)
            if city == "Atlantis":
                raise ValueError("no such city")
            return f"Sunny in {city}."

        @server.tool()
        async def wait() -> str:
            self.calls.append("wait")
            await asyncio.sleep(60)
            return "late"

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        app = self.server.streamable_http_app()

        async def noting(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.headers.append({k.decode(): v.decode() for k, v in scope["headers"]})
            await app(scope, receive, send)

        async with serve(noting) as url:  # type: ignore[arg-type]
            yield f"{url}/mcp"


async def test_tools_are_listed_and_called() -> None:
    desk = Desk()
    async with desk.serve() as url:
        endpoint = McpEndpoint("desk", url, {"Authorization": "Bearer k"})
        tools = await list_tools(endpoint)
        assert [tool.name for tool in tools] == ["weather", "wait"]
        assert tools[0].description == "Says how the weather is."
        assert list(tools[0].input_schema["properties"]) == ["city"]
        assert await call_tool(endpoint, "weather", {"city": "Bern"}) == ("Sunny in Bern.", False)
        text, is_error = await call_tool(endpoint, "weather", {"city": "Atlantis"})
        assert is_error
        assert "weather" in text
    assert desk.calls == ["Bern", "Atlantis"]
    assert {each.get("authorization") for each in desk.headers} == {"Bearer k"}


async def test_nobody_there_is_told() -> None:
    with pytest.raises(McpError, match="the MCP server 'desk' can't be asked"):
        await list_tools(McpEndpoint("desk", "http://127.0.0.1:9/mcp"))


async def test_a_missing_package_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.client.client", None)
    with pytest.raises(McpError, match=r"voicelive-agent\[mcp\]"):
        await list_tools(McpEndpoint("desk", "http://127.0.0.1:9/mcp"))


async def think(request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
    """A model that calls the tool, and then says what it got."""
    last = request.items[-1]
    if last["type"] == "function_call_output":
        yield TextDelta(f"They say: {last['output']}")
    else:
        assert [tool["name"] for tool in request.tools] == ["weather", "wait"]
        yield FunctionCallBegan("call_1", "weather")
        yield FunctionCall("call_1", "weather", '{"city":"Bern"}')
    yield AnswerFinished()


@pytest.mark.parametrize("approval", ["never", "always"])
async def test_a_session_lists_approves_calls_and_speaks(approval: str) -> None:
    desk = Desk()
    async with desk.serve() as url, open_desk() as emulator:
        emulator.model.answer = think
        async with open_client(emulator, "model=m") as client:
            server: dict[str, Any] = {"type": "mcp", "server_label": "desk", "server_url": url}
            tools = [{**server, "require_approval": approval}]
            await client.send("session.update", session={"tools": tools})
            await client.receive("mcp_list_tools.completed")
            await client.say_text("How is the weather in Bern?")
            await client.receive("response.mcp_call_arguments.done")
            if approval == "always":
                request = await client.receive("conversation.item.created")
                assert request["item"]["type"] == "mcp_approval_request"
                assert desk.calls == []
                decision = {
                    "type": "mcp_approval_response",
                    "approval_request_id": request["item"]["id"],
                    "approve": True,
                }
                await client.send("conversation.item.create", item=decision)
            await client.receive("response.mcp_call.completed")
            done = await client.receive("response.done")
            assert done["response"]["output"][0]["output"] == "Sunny in Bern."
            await client.send("response.create")
            done = await client.receive("response.done")
            (item,) = done["response"]["output"]
            assert item["content"][0]["transcript"] == "They say: Sunny in Bern."
    assert desk.calls == ["Bern"]


GA = "/openai/v1/realtime?model=m"


def read_by_openai(events: list[dict[str, Any]]) -> None:
    """Each is one that `openai` knows, with the members that it has there."""
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    for event in events:
        if "mcp" in event["type"] or "mcp" in event.get("item", {}).get("type", ""):
            read = adapter.validate_python(event)
            assert read.type == event["type"]
            if "item" in event:
                assert read.item.type == event["item"]["type"]


@pytest.mark.parametrize("approved", [None, True, False])
async def test_a_client_of_openai_realtime_lists_approves_and_calls(approved: bool | None) -> None:
    """Its filters are objects, for which the session was refused. None: nobody is asked."""
    desk = Desk()
    never = ["weather"] if approved is None else ["wait"]
    async with desk.serve() as url, open_desk() as emulator:
        emulator.model.answer = think
        async with connect(emulator.url.replace("http", "ws", 1) + GA) as socket:
            client = Client(socket)
            server = {
                "type": "mcp",
                "server_label": "desk",
                "server_url": url,
                "allowed_tools": {"tool_names": ["weather", "wait"], "read_only": None},
                "require_approval": {"never": {"tool_names": never}},
            }
            session = {"type": "realtime", "tools": [server]}
            await client.send("session.update", session=session)
            (told,) = (await client.receive("session.updated"))["session"]["tools"]
            assert told["require_approval"] == {"never": {"tool_names": never}}
            await client.receive("mcp_list_tools.completed")
            await client.say_text("How is the weather in Bern?")
            await client.receive("response.mcp_call_arguments.done")
            if approved is not None:
                asked = await client.receive("conversation.item.added")
                assert asked["item"]["type"] == "mcp_approval_request"
                decision = {
                    "type": "mcp_approval_response",
                    "approval_request_id": asked["item"]["id"],
                    "approve": approved,
                }
                await client.send("conversation.item.create", item=decision)
            done = await client.receive("response.done")
        (call,) = done["response"]["output"]
        assert call["type"] == "mcp_call"
        assert (call["output"] == "Sunny in Bern.") == (approved is not False)
        assert (call["error"] is None) == (approved is not False)
        read_by_openai(client.events)
    assert desk.calls == ([] if approved is False else ["Bern"])


async def test_an_agents_tools_are_its_own_at_the_door_of_voice_agents() -> None:
    desk = Desk()
    voice = "/api/projects/boats/agents/desk/endpoint/protocols/voice?api-version=v1"
    async with (
        desk.serve() as url,
        open_desk() as emulator,
        connect(emulator.url.replace("http", "ws", 1) + voice) as socket,
    ):
        client = Client(socket)
        server = {"type": "mcp", "server_label": "desk", "server_url": url}
        await client.send("session.update", session={"type": "realtime", "tools": [server]})
        warning = (await client.receive("warning"))["warning"]
        assert warning["param"] == "session.tools"
        await client.say_text("good morning")
        await client.receive("response.done")
    assert desk.headers == []


async def test_a_session_that_ends_does_not_wait_for_a_tool() -> None:
    desk = Desk()

    async def think_long(request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        yield FunctionCallBegan("call_1", "wait")
        yield FunctionCall("call_1", "wait", "{}")
        yield AnswerFinished()

    async with desk.serve() as url, open_desk() as emulator:
        emulator.model.answer = think_long
        async with open_client(emulator, "model=m") as client:
            server = {"type": "mcp", "server_label": "desk", "server_url": url}
            tools = [{**server, "require_approval": "never"}]
            await client.send("session.update", session={"tools": tools})
            await client.receive("mcp_list_tools.completed")
            await client.say_text("Wait.")
            await client.receive("response.mcp_call.in_progress")
            await client.send("response.cancel")
            done = await client.receive("response.done")
            assert done["response"]["status"] == "cancelled"
