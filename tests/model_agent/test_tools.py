"""The model agent's tools: Python functions, a real MCP server, and ending the call."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from tests.frameworks.asking import collect, say, speech
from tests.frameworks.local_server import serve
from tests.frameworks.openai_server import Call, OpenAIServer
from tests.model_agent.running import Configure, read_instructions, running
from voicelive_agent.agent import ClientEvent, EndCall


async def test_functions_of_a_module_are_tools(configure: Configure, server: OpenAIServer) -> None:
    configure(VOICELIVE_AGENT_TOOLS="desk_tools")
    async with running() as agent:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Rain.")
        outputs = await collect(agent.reply(speech("weather?")))
    assert outputs == [ClientEvent("ui.card", title="Oslo"), "Rain."]
    assert server.requests[0].tools == {"end_call", "get_weather", "fail"}
    assert server.requests[1].transcript()[-1] == "result rain in Oslo"


async def test_a_tool_that_fails_is_told_to_the_model_and_not_in_the_log(
    configure: Configure, server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    configure(VOICELIVE_AGENT_TOOLS="desk_tools:fail")
    async with running() as agent:
        server.answer(Call("fail", secret="xyzzy"))
        server.answer("That did not work.")
        with caplog.at_level(logging.DEBUG, "voicelive_agent"):
            assert await say(agent, speech("do it")) == "That did not work."
    result = server.requests[1].transcript()[-1]
    assert "Tell the caller" in result
    assert "no luck" not in result
    record = next(one for one in caplog.records if "tool fail failed" in one.getMessage())
    # What is shown of the exception, and where, is for the log's formatter to say.
    assert record.exc_info
    assert record.exc_info[0] is RuntimeError
    assert not any("xyzzy" in one.getMessage() for one in caplog.records)


async def test_the_model_ends_the_call(configure: Configure, server: OpenAIServer) -> None:
    configure()
    async with running() as agent:
        server.answer("Goodbye!", Call("end_call"))
        server.answer("Take care.")
        outputs = await collect(agent.reply(speech("bye")))
    assert outputs == ["Goodbye!", " Take care.", EndCall("completed")]


@asynccontextmanager
async def serve_mcp(port: int = 0) -> AsyncIterator[str]:
    mcp = MCPServer("harbour", instructions="Boats are cheap on Mondays.")

    @mcp.tool()
    def find_berth(length_m: int) -> str:
        """Find a berth for a boat."""
        if length_m > 20:
            raise ToolError("too long for this harbour")
        return f"berth {length_m}"

    async with serve(mcp.streamable_http_app(), port=port, lifespan="on") as url:
        yield f"{url}/mcp"


async def test_tools_of_an_mcp_server(configure: Configure, server: OpenAIServer) -> None:
    async with serve_mcp() as url:
        configure(VOICELIVE_AGENT_MCP_SERVERS=f"harbour={url}")
        async with running() as agent:
            server.answer(Call("harbour_find_berth", length_m=7))
            server.answer("Seven.")
            server.answer(Call("harbour_find_berth", length_m=70))
            server.answer("Sorry.")
            assert await say(agent, speech("a berth please")) == "Seven."
            assert await say(agent, speech("a big one")) == "Sorry."
    assert "harbour_find_berth" in server.requests[0].tools
    assert "Boats are cheap on Mondays." in read_instructions(server)
    assert server.requests[1].transcript()[-1] == "result berth 7"
    assert "too long for this harbour" in server.requests[3].transcript()[-1]


async def test_an_mcp_server_that_is_away_costs_only_its_tools(
    configure: Configure, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voicelive_agent.model_agent.tools._RECONNECT_PAUSE_SECONDS", 0.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    configure(VOICELIVE_AGENT_MCP_SERVERS=f"harbour=http://127.0.0.1:{port}/mcp")
    async with running() as agent:
        server.answer("Here I am.")
        assert await say(agent, speech("hi")) == "Here I am."
        assert server.requests[0].tools == {"end_call"}
        async with serve_mcp(port):
            server.answer(Call("harbour_find_berth", length_m=7))
            server.answer("Found.")
            assert await say(agent, speech("and now?")) == "Found."
            assert server.requests[2].transcript()[-1] == "result berth 7"
        # It goes away while it is connected.
        server.answer(Call("harbour_find_berth", length_m=8))
        server.answer("It is away.")
        server.answer("Still here.")
        assert await say(agent, speech("again")) == "It is away."
        assert "Tell the caller" in server.requests[4].transcript()[-1]
        assert await say(agent, speech("hello?")) == "Still here."
        assert server.requests[5].tools == {"end_call"}
