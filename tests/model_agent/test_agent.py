"""The built-in model agent, against a real model server: what it asks and says."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo

from tests.frameworks.asking import Interrupted, end, say, speech
from tests.frameworks.openai_server import Call, OpenAIServer, Pause
from tests.model_agent.running import Configure, read_instructions, running
from voicelive_agent.agent import PastTurn, Turn
from voicelive_agent.frameworks import AgentLoadError, load_agent
from voicelive_agent.model_agent.agent import ModelAgent


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
