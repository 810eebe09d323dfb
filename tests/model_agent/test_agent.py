"""The built-in model agent, against a real model server and a real MCP server."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from tests.frameworks.framework_contract import Interrupted, collect, end, say, speech
from tests.frameworks.local_server import serve
from tests.frameworks.openai_server import Break, Call, OpenAIServer, Pause, Refuse
from voicelive_agent.agent import ClientEvent, EndCall, PastTurn, Turn
from voicelive_agent.frameworks import AgentLoadError, LoadedAgent, load_agent
from voicelive_agent.model_agent.agent import ModelAgent

TOOLS = '''
import asyncio
from voicelive_agent.agent import ClientEvent
from voicelive_agent.frameworks import show

gate = asyncio.Event()
gate.set()
calls = []

async def get_weather(city: str) -> str:
    """The weather in a city."""
    calls.append(city)
    await gate.wait()
    show(ClientEvent("ui.card", title=city))
    return f"rain in {city}"

def fail(secret: str) -> str:
    """Fail."""
    raise RuntimeError(f"no luck with {secret}")

def _helper(): ...
'''


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


Configure = Callable[..., None]


@pytest.fixture
def configure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: OpenAIServer
) -> Iterator[Configure]:
    """Sets the environment as a user would; the model is the local server's."""
    (tmp_path / "desk_tools.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def configure(**variables: str) -> None:
        variables = {
            "VOICELIVE_AGENT_MODEL": "llama3:8b",
            "VOICELIVE_AGENT_MODEL_BASE_URL": server.url,
        } | variables
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    yield configure
    import sys

    sys.modules.pop("desk_tools", None)


@asynccontextmanager
async def running(agent: Any = None) -> AsyncIterator[LoadedAgent]:
    agent = agent or load_agent("model")
    await agent.start()
    try:
        yield agent
    finally:
        await agent.stop()


def read_instructions(server: OpenAIServer, request: int = 0) -> str:
    return json.dumps(server.requests[request].body, ensure_ascii=False)


# The model


async def test_streams_and_tells_how_to_speak(configure: Configure, server: OpenAIServer) -> None:
    configure(
        VOICELIVE_AGENT_INSTRUCTIONS="You sell boats.", VOICELIVE_AGENT_MODEL_API_KEY="sesame"
    )
    async with running() as agent:
        pause = Pause()
        server.answer("Ahoy,", pause, " sailor.")
        turn = Interrupted(agent, speech("hi", language="de-DE"))
        await turn.wait_for("Ahoy,")
        pause.resume()
        await turn.wait_for("Ahoy,", " sailor.")
    [request] = server.requests
    assert request.body["model"] == "llama3:8b"
    assert request.headers["authorization"] == "Bearer sesame"
    told = read_instructions(server)
    assert "no Markdown" in told
    assert "You sell boats." in told
    assert "de-DE" in told
    assert told.index("no Markdown") < told.index("You sell boats.")


async def test_instructions_from_a_file_and_model_settings(
    configure: Configure, server: OpenAIServer, tmp_path: Path
) -> None:
    (tmp_path / "desk.txt").write_text("Sois gentil, très.", encoding="utf-8")
    configure(
        VOICELIVE_AGENT_INSTRUCTIONS_FILE="desk.txt",
        VOICELIVE_AGENT_MODEL_SETTINGS='{"temperature": 0.25}',
    )
    async with running() as agent:
        await say(agent, speech("hi"))
    assert "Sois gentil, très." in read_instructions(server)
    assert server.requests[0].body["temperature"] == 0.25


@pytest.mark.parametrize(
    ("model", "path", "name"),
    [
        ("openai:gpt-5.4-mini", "/v1/chat/completions", "gpt-5.4-mini"),
        ("openai-responses:gpt-5.4", "/v1/responses", "gpt-5.4"),
        ("qwen", "/v1/chat/completions", "qwen"),
    ],
)
async def test_which_model_and_protocol_a_base_url_is_asked_for(
    configure: Configure, server: OpenAIServer, model: str, path: str, name: str
) -> None:
    configure(VOICELIVE_AGENT_MODEL=model)
    async with running() as agent:
        server.answer("Yes.")
        assert await say(agent, speech("hi")) == "Yes."
    assert (server.requests[0].path, server.requests[0].body["model"]) == (path, name)


class Credential:
    """Azure tokens that are about to expire, so that each request needs a new one."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def _next(self, *scopes: str) -> str:
        self.scopes.extend(scopes)
        return f"token-{len(self.scopes)}"

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._next(*scopes), int(time.time()) + 1)

    async def get_token_info(self, *scopes: str, **_: Any) -> AccessTokenInfo:
        return AccessTokenInfo(self._next(*scopes), int(time.time()) + 1)

    async def close(self) -> None: ...


async def test_foundry_is_asked_with_fresh_tokens_and_the_call_id(
    monkeypatch: pytest.MonkeyPatch, server: OpenAIServer
) -> None:
    monkeypatch.setenv("FOUNDRY_PROJECT_ENDPOINT", f"{server.root}/api/projects/p1")
    monkeypatch.setenv("AZURE_AI_MODEL_DEPLOYMENT_NAME", "mini")
    credential = Credential()
    async with running(ModelAgent(credential=credential)) as agent:
        server.answer(Call("end_call"))
        server.answer("Bye.")
        first = speech("bye", call_id="call-7")
        past = end(first, await say(agent, first))
        await say(agent, speech("still there?", past))
    one, two, three = server.requests
    assert one.path == "/api/projects/p1/openai/v1/responses"
    assert one.body["model"] == "mini"
    assert one.body["store"] is False
    assert one.headers["x-agent-foundry-call-id"] == "call-7"
    assert two.headers["x-agent-foundry-call-id"] == "call-7"
    assert "x-agent-foundry-call-id" not in three.headers
    tokens = [request.headers["authorization"] for request in server.requests]
    assert len(set(tokens)) == 3
    assert set(credential.scopes) == {"https://ai.azure.com/.default"}
    assert three.transcript()[0] == "user: bye"


async def test_the_call_id_goes_to_foundry_only(configure: Configure, server: OpenAIServer) -> None:
    configure()
    async with running() as agent:
        await say(agent, speech("hi", call_id="call-7"))
    assert "x-agent-foundry-call-id" not in server.requests[0].headers


# A busy or broken model


async def test_a_busy_model_is_asked_again_when_it_said(
    configure: Configure, server: OpenAIServer
) -> None:
    configure()
    async with running() as agent:
        server.answer(Refuse(retry_after="0.01"))
        server.answer(Refuse(503))
        server.answer("Here.")
        assert await say(agent, speech("hi")) == "Here."
    assert len(server.requests) == 3


async def test_a_tool_does_not_run_twice_for_a_busy_model(
    configure: Configure, server: OpenAIServer
) -> None:
    configure(VOICELIVE_AGENT_TOOLS="desk_tools:get_weather")
    async with running() as agent:
        server.answer("A moment.", Call("get_weather", city="Oslo"))
        server.answer(Refuse(retry_after="0.01"))
        server.answer("Rain.")
        outputs = await collect(agent.reply(speech("weather?")))
        assert outputs == ["A moment.", ClientEvent("ui.card", title="Oslo"), " Rain."]
    import desk_tools  # type: ignore[import-not-found]

    assert desk_tools.calls == ["Oslo"]


@pytest.mark.parametrize(
    "refusal",
    [
        Refuse(retry_after="60"),
        Refuse(code="insufficient_quota"),
        Refuse(400, code="bad_request"),
        Refuse(401, code="invalid_api_key"),
    ],
    ids=["too long", "no quota", "bad request", "wrong key"],
)
async def test_what_waiting_can_not_mend_is_raised_at_once(
    configure: Configure, server: OpenAIServer, refusal: Refuse
) -> None:
    configure()
    async with running() as agent:
        server.answer(refusal)
        with pytest.raises(Exception, match="status_code"):
            await say(agent, speech("hi"))
    assert len(server.requests) == 1


async def test_it_stops_asking_at_the_deadline(configure: Configure, server: OpenAIServer) -> None:
    configure(VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS="0.5")
    async with running() as agent:
        for _ in range(9):
            server.answer(Refuse(retry_after="0.2"))
        with pytest.raises(Exception, match="429"):
            await say(agent, speech("hi"))
    assert 1 <= len(server.requests) <= 3


async def test_a_model_that_is_away_is_raised(configure: Configure) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        configure(
            VOICELIVE_AGENT_MODEL_BASE_URL=f"http://127.0.0.1:{unused.getsockname()[1]}/v1",
            VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS="0.3",
        )
        async with running() as agent:
            with pytest.raises(Exception, match=r"[Cc]onnection"):
                await say(agent, speech("hi"))


async def test_a_failure_after_the_first_words_is_not_repeated(
    configure: Configure, server: OpenAIServer
) -> None:
    configure()
    async with running() as agent:
        server.answer("One,", Break())
        replies = agent.reply(speech("count"))
        assert await anext(replies) == "One,"
        with pytest.raises(Exception, match=r"[Cc]onnection"):
            await collect(replies)
    assert len(server.requests) == 1


async def test_barge_in_while_it_waits_for_a_busy_model(
    configure: Configure, server: OpenAIServer
) -> None:
    configure()
    async with running() as agent:
        server.answer(Refuse(retry_after="8"))
        turn = Interrupted(agent, speech("hi"))
        await server.wait_for_request(1)
        await asyncio.wait_for(turn.cancel(), 5)
    assert len(server.requests) == 1


# Tools


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


# Fillers


@pytest.fixture
def gate(configure: Configure) -> asyncio.Event:
    """What the weather waits for; fillers come after 10 ms of it."""
    configure(
        VOICELIVE_AGENT_TOOLS="desk_tools:get_weather",
        VOICELIVE_AGENT_FILLER_AFTER_MS="10",
        VOICELIVE_AGENT_FILLER_TEXTS="Hm.|Well.",
    )
    import desk_tools

    gate = asyncio.Event()
    desk_tools.gate = gate
    return gate


async def test_a_filler_is_spoken_once_for_each_wait(
    gate: asyncio.Event, server: OpenAIServer
) -> None:
    async with running() as agent:
        server.answer("Let me see.", Call("get_weather", city="Oslo"))
        server.answer(Call("get_weather", city="Rome"))
        server.answer("Both wet. And", " Bern?", Call("get_weather", city="Bern"))
        server.answer("Wet too.")
        turn = speech("weather?")
        replies = agent.reply(turn)
        assert await anext(replies) == "Let me see."
        filler = await anext(replies)
        assert filler in (" Hm.", " Well.")
        # The second tool belongs to the same wait, though it takes long again.
        import desk_tools

        gate.set()
        assert await anext(replies) == ClientEvent("ui.card", title="Oslo")
        again = desk_tools.gate = asyncio.Event()
        reading = asyncio.ensure_future(anext(replies))
        await server.wait_for_request(2)
        while desk_tools.calls != ["Oslo", "Rome"]:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert not reading.done()
        again.set()
        assert await reading == ClientEvent("ui.card", title="Rome")
        desk_tools.gate = asyncio.Event()
        assert [await anext(replies), await anext(replies)] == [" Both wet. And", " Bern?"]
        # The model has spoken, so this is a new wait; the same filler doesn't come twice.
        other = await anext(replies)
        assert {filler, other} == {" Hm.", " Well."}
        desk_tools.gate.set()
        assert await collect(replies) == [ClientEvent("ui.card", title="Bern"), " Wet too."]
        # The fillers are no words of the model's own.
        past = end(turn, f"Let me see.{filler} Both wet. And Bern?{other} Wet", interrupted=True)
        await say(agent, speech("stop", past))
    assert [line for line in server.requests[4].transcript() if "assistant" in line] == [
        "assistant: Let me see.",
        "assistant: Both wet. And Bern?",
        "assistant: Wet",
    ]


async def test_no_filler_in_the_middle_of_a_sentence(
    gate: asyncio.Event, server: OpenAIServer
) -> None:
    async with running() as agent:
        server.answer("The weather in Oslo is", Call("get_weather", city="Oslo"))
        server.answer("wet.")
        replies = agent.reply(speech("weather?"))
        assert await anext(replies) == "The weather in Oslo is"
        reading = asyncio.ensure_future(anext(replies))
        await asyncio.sleep(0.05)
        assert not reading.done()
        gate.set()
        assert [await reading, *await collect(replies)] == [
            ClientEvent("ui.card", title="Oslo"),
            " wet.",
        ]


async def test_no_filler_for_a_quick_tool_and_in_the_callers_language_for_a_slow_one(
    gate: asyncio.Event, configure: Configure, server: OpenAIServer
) -> None:
    configure(VOICELIVE_AGENT_FILLER_TEXTS="[]")
    async with running() as agent:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Nass.")
        replies = agent.reply(speech("wetter?", language="de-AT"))
        assert await anext(replies) in (
            "Einen Moment bitte.",
            "Ich sehe kurz nach.",
            "Das dauert nur einen Augenblick.",
        )
        gate.set()
        await collect(replies)
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Wet.")
        outputs = await collect(agent.reply(speech("weather?")))
        assert outputs == [ClientEvent("ui.card", title="Oslo"), "Wet."]


async def test_no_filler_after_a_barge_in(gate: asyncio.Event, server: OpenAIServer) -> None:
    async with running() as agent:
        server.answer(Call("get_weather", city="Oslo"))
        turn = Interrupted(agent, speech("weather?"))
        while not turn.outputs:
            await asyncio.sleep(0.001)
        past = await turn.cancel()
        server.answer("All right.")
        assert await say(agent, speech("never mind", past)) == "All right."
    lines = server.requests[1].transcript()
    assert "call get_weather(city=Oslo)" in lines
    assert not [line for line in lines if line.startswith("assistant")]


# History


async def test_a_second_turn_sees_the_first_and_instructions_are_told_once(
    configure: Configure, server: OpenAIServer
) -> None:
    configure(VOICELIVE_AGENT_INSTRUCTIONS="You sell boats.")
    async with running() as agent:
        greeting = Turn("greeting")
        server.answer("Ahoy.")
        past = end(greeting, await say(agent, greeting))
        assert "You sell boats." not in json.dumps(past.notes)
        await say(agent, speech("hi", past, PastTurn("speech", "lost", None, "Yes.", False, {})))
    assert server.requests[1].transcript()[1:] == [
        "assistant: Ahoy.",
        "user: lost",
        "assistant: Yes.",
        "user: hi",
    ]
    assert read_instructions(server, 1).count("You sell boats.") == 1


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICELIVE_AGENT_MODEL", "openai:gpt-5.4-mini")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(AgentLoadError, match="OPENAI_API_KEY"):
        load_agent("model")


def test_an_unknown_provider_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICELIVE_AGENT_MODEL", "nobody:gpt")
    with pytest.raises(AgentLoadError, match="nobody:gpt"):
        load_agent("model")


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ("desk_tools:get_wether", r"no attribute 'get_wether'.*get_weather"),
        ("desk_toolz", r"no module 'desk_toolz'.*desk_tools"),
        ("desk_tools:VOICELIVE_AGENT_TOOLS.x", "no attribute 'VOICELIVE_AGENT_TOOLS'"),
        ("desk_tools:calls", "names no function"),
    ],
)
def test_a_tool_that_is_not_there_is_named(configure: Configure, tools: str, message: str) -> None:
    configure(VOICELIVE_AGENT_TOOLS=tools)
    with pytest.raises(AgentLoadError, match=f"VOICELIVE_AGENT_TOOLS=.*{message}"):
        load_agent("model")
