"""MCP servers are really asked: the official package's server over HTTP, and a whole session."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from starlette.types import Receive, Scope, Send

from tests.emulator.conversing import open_client, open_desk
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
