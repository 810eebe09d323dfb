"""The Responses wire beside Microsoft's host: the same requests, answers of the same shape."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.serving import serve
from tests.server.wires.responses.test_wire import UNKNOWN
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings
from voicelive_agent.wire.responses import derive_session_id, make_response_id

NEVER = "caresp_" + "9" * 50
MALFORMED: list[Any] = [
    {"input": None},
    {"input": 3},
    {"input": ["x"]},
    {"input": [{"role": "user"}]},
    {"input": [{"type": "message", "role": "user", "content": 5}]},
    {"input": [{"role": "king", "content": "x"}]},
    {"input": "x", "stream": "yes"},
    {"input": "x", "store": "no"},
    {"input": "x", "background": 1},
    {"input": "x", "temperature": "hot"},
    {"input": "x", "model": 3},
    {"input": "x", "instructions": 3},
    {"input": "x", "metadata": {"a": 1}},
    {"input": "x", "metadata": []},
    {"input": "x", "metadata": {str(number): "x" for number in range(17)}},
    {"input": "x", "metadata": {"k" * 65: "x"}},
    {"input": "x", "metadata": {"k": "x" * 513}},
    {"input": "x", "background": True, "store": False},
    {"input": "x", "stream_options": {"include_obfuscation": False}},
    {"input": "x", "previous_response_id": "bad"},
    {"input": "x", "previous_response_id": 3},
    {"input": "x", "conversation": 3},
    {"input": "x", "conversation": {}},
    {"input": "x", "agent_reference": {"type": "x", "name": "y"}},
    {"input": "x", "agent_reference": {"type": "agent_reference"}},
    {"input": "x", "response_id": "bad"},
    {"input": "x", "agent_session_id": 3},
    b"",
    b"{",
    b"[]",
    b"3",
    b"\xff",
]
TAKEN: list[dict[str, Any]] = [
    {},
    {"input": ""},
    {"input": []},
    {"input": [{"role": "user", "content": "x"}]},
    {"input": "x", "conversation": "", "metadata": None, "stream": None, "store": None},
    {"input": "x", "store": False},
    {"input": "x", "model": "m", "conversation": {"id": "conv_x"}, "metadata": {"a": "b"}},
    {"input": "x", "agent_reference": {"type": "agent_reference", "name": "n", "version": "2"}},
    {"input": "x", "agent_session_id": "s", "temperature": 0.5, "unknown": 1, "tools": []},
    {"input": "x", "response_id": NEVER},
]


async def greet(_: Any) -> AsyncIterator[str]:
    yield "You said "
    yield "something."


@asynccontextmanager
async def serve_both(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of our server and of Microsoft's host, with agents that say the same."""
    monkeypatch.setenv("AGENTSERVER_STATE_ROOT", str(path))
    from azure.ai.agentserver.responses import ResponsesAgentServerHost, TextResponse

    host = ResponsesAgentServerHost(configure_observability=None)

    @host.response_handler
    async def handle(request: Any, context: Any, _: Any) -> Any:
        return TextResponse(context, request, text=greet(None))

    ours = create_app(greet, Settings(conversations="memory:", wires="responses"))
    async with (
        serve(ours) as our_url,
        serve(host) as their_url,
        httpx.AsyncClient(base_url=our_url, timeout=20) as one,
        httpx.AsyncClient(base_url=their_url, timeout=20) as other,
    ):
        yield one, other


def describe_error(response: httpx.Response) -> dict[str, Any]:
    """What a program reads of an error; the sentences are each server's own."""
    error = response.json()["error"]
    return {
        "status": response.status_code,
        "source": response.headers["x-platform-error-source"],
        **{name: error[name] for name in ("code", "param", "type")},
        "details": [(one["code"], one["param"]) for one in error.get("details", [])],
    }


def shape(value: Any) -> Any:
    """A value with its ids, times and names of conversations replaced by their kind."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"(caresp|msg)_\w{50}", r"\1_…", value)
        return re.sub(r"[0-9a-f]{63}", "session", value)
    return "time" if isinstance(value, int) and value > 1_000_000_000 else value


def fill(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Theirs with what only ours says: fields that are null or false where theirs are absent."""
    return {
        **{name: value for name, value in ours.items() if not value or name == "response_id"},
        **theirs,
    }


@pytest.mark.filterwarnings("ignore")
async def test_errors_are_those_of_microsofts_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve_both(tmp_path, monkeypatch) as (ours, theirs):
        for body in MALFORMED:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            answers = [await one.post("/responses", content=content) for one in (ours, theirs)]
            assert describe_error(answers[0]) == describe_error(answers[1]), content
        for method, path in (
            ("GET", "/responses/bad"),
            ("DELETE", "/responses/bad"),
            ("POST", "/responses/bad/cancel"),
            ("GET", "/responses/bad/input_items"),
            ("GET", f"/responses/{UNKNOWN}"),
            ("DELETE", f"/responses/{UNKNOWN}"),
            ("POST", f"/responses/{UNKNOWN}/cancel"),
            ("GET", f"/responses/{UNKNOWN}/input_items"),
        ):
            answers = [await one.request(method, path) for one in (ours, theirs)]
            assert describe_error(answers[0]) == describe_error(answers[1]), path


@pytest.mark.filterwarnings("ignore")
async def test_answers_are_those_of_microsofts_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve_both(tmp_path, monkeypatch) as (ours, theirs):
        for body in TAKEN:
            mine, other = [
                (await one.post("/responses", json=body)).json() for one in (ours, theirs)
            ]
            assert shape(mine) == shape(fill(mine, other)), body
            streams = [
                await one.post("/responses", json={**body, "stream": True, "response_id": None})
                for one in (ours, theirs)
            ]
            mine_events, other_events = [
                [json.loads(line[6:]) for line in stream.text.split("\n") if line[:5] == "data:"]
                for stream in streams
            ]
            for mine, other in zip(mine_events, other_events, strict=True):
                if "response" in mine:
                    other["response"] = fill(mine["response"], other["response"])
                assert shape(mine) == shape(other), body
            for name in ("content-type", "cache-control", "connection", "x-accel-buffering"):
                assert streams[0].headers[name] == streams[1].headers[name]


@pytest.mark.filterwarnings("ignore")
async def test_what_was_said_is_told_as_by_microsofts_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {
        "input": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "two"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "3"}]},
        ]
    }
    async with serve_both(tmp_path, monkeypatch) as (ours, theirs):
        told: list[list[Any]] = []
        for client in (ours, theirs):
            said = (await client.post("/responses", json=asked)).json()
            path = f"/responses/{said['id']}/input_items"
            pages = [
                (await client.get(path + query)).json() for query in ("", "?order=asc&limit=2")
            ]
            told.append([shape(page) for page in pages])
        for mine, other in zip(*told, strict=True):
            for item in other["data"]:
                for part in item["content"]:
                    # The host tells an answer's text as it came; annotations are its own.
                    part.pop("annotations", None)
                    part.pop("logprobs", None)
            assert mine == other


def test_ids_and_sessions_are_made_by_the_same_rules() -> None:
    from azure.ai.agentserver.responses._id_generator import IdGenerator
    from azure.ai.agentserver.responses.hosting._request_parsing import derive_session_id as derive

    legacy = "caresp_" + "a" * 32 + "0123456789abcdef"
    for beside in ("", legacy, make_response_id(), "conv_1"):
        made = make_response_id(beside)
        assert IdGenerator.is_valid(made) == (True, None)
        theirs = IdGenerator.new_response_id(beside)
        if IdGenerator.is_valid(beside)[0]:
            assert made[:25] == theirs[:25]
        agent = {"name": "n", "version": "2"}
        if beside:
            assert derive_session_id(agent, beside) == derive(
                conversation_id=beside,
                agent_reference={"type": "agent_reference", **agent},
            )
