"""Tool calls as OpenAI-compatible servers stream them: each runs once, with its own arguments.

llama.cpp, NVIDIA NIM and MiniMax repeat a call's name in each delta, others put two calls on one
index: the names ran together to ``get_weatherget_weather``, and no tool ran.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from tests.frameworks.asking import collect, speech
from tests.frameworks.openai_server import Frames, OpenAIServer
from voicelive_agent.frameworks import load_agent
from voicelive_agent.model_agent.tool_call_deltas import ToolCallDeltas

TOOLS = """
calls = []

async def get_weather(city: str) -> str:
    "The weather in a city."
    calls.append(city)
    return f"rain in {city}"

async def get_time() -> str:
    "The time."
    calls.append("time")
    return "noon"
"""
NAME = "get_weather"
OSLO, ROME = '{"city": "Oslo"}', '{"city": "Rome"}'


def call(
    index: int | None = None, id: str | None = None, name: str | None = None, args: Any = None
) -> dict[str, Any]:
    """A delta of a tool call with what is given."""
    function = {
        key: value for key, value in (("name", name), ("arguments", args)) if value is not None
    }
    delta: dict[str, Any] = {"type": "function", "function": function}
    return delta | {
        key: value for key, value in (("index", index), ("id", id)) if value is not None
    }


def one(*calls: dict[str, Any]) -> list[dict[str, Any]]:
    """Each in a chunk of its own."""
    return [{"tool_calls": [each]} for each in calls]


STREAMS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "as OpenAI does": (
        one(call(0, "a", NAME, ""), call(0, args='{"city"'), call(0, args=': "Oslo"}')),
        ["Oslo"],
    ),
    "two as OpenAI does": (
        one(call(0, "a", NAME, ""), call(0, args=OSLO), call(1, "b", NAME, ""), call(1, args=ROME)),
        ["Oslo", "Rome"],
    ),
    "interleaved": (
        one(call(0, "a", NAME, ""), call(1, "b", NAME, ""), call(0, args=OSLO), call(1, args=ROME)),
        ["Oslo", "Rome"],
    ),
    "name repeated": (
        one(call(0, "a", NAME, '{"city": '), call(0, "a", NAME, '"Oslo"}')),
        ["Oslo"],
    ),
    "name repeated without the id": (
        one(
            call(0, "a", NAME, ""), call(0, None, NAME, '{"city": '), call(0, None, NAME, '"Oslo"}')
        ),
        ["Oslo"],
    ),
    "name repeated, then empty": (one(call(0, "a", NAME, OSLO), call(0, "a", NAME, "")), ["Oslo"]),
    "whole call repeated": (one(call(0, "a", NAME, OSLO), call(0, "a", NAME, OSLO)), ["Oslo"]),
    "arguments so far each time": (
        one(
            call(0, "a", NAME, '{"ci'), call(0, "a", NAME, '{"city": "Os'), call(0, "a", NAME, OSLO)
        ),
        ["Oslo"],
    ),
    "name in pieces": (
        one(call(0, "a", "get_"), call(0, None, "weather"), call(0, args=OSLO)),
        ["Oslo"],
    ),
    "name so far each time": (
        one(call(0, "a", "get_"), call(0, None, NAME), call(0, args=OSLO)),
        ["Oslo"],
    ),
    "two on one index": (one(call(0, "a", NAME, OSLO), call(0, "b", NAME, ROME)), ["Oslo", "Rome"]),
    "two on one index without ids": (
        one(call(0, None, NAME, OSLO), call(0, None, NAME, ROME)),
        ["Oslo", "Rome"],
    ),
    "two tools on one index": (
        one(call(0, "a", NAME, OSLO), call(0, "b", "get_time", "{}")),
        ["Oslo", "time"],
    ),
    "two tools on one index, heads first": (
        one(call(0, "a", "get_time"), call(0, "b", NAME, OSLO)),
        ["time", "Oslo"],
    ),
    "two in one chunk without indexes": (
        [{"tool_calls": [call(None, "a", NAME, OSLO), call(None, "b", NAME, ROME)]}],
        ["Oslo", "Rome"],
    ),
    "no index": (
        one(call(None, "a", NAME, '{"city": "Os'), call(None, None, None, 'lo"}')),
        ["Oslo"],
    ),
    "no index, two calls": (
        one(call(None, "a", NAME, OSLO), call(None, "b", NAME, ROME)),
        ["Oslo", "Rome"],
    ),
    "no index and no id": (
        one(call(None, None, NAME, OSLO), call(None, None, NAME, ROME)),
        ["Oslo", "Rome"],
    ),
    "index from one": (one(call(1, "a", NAME, OSLO)), ["Oslo"]),
    "an index of its own for each delta": (
        one(call(0, "a", NAME, '{"city": '), call(1, None, None, '"Oslo"}')),
        ["Oslo"],
    ),
    "empty id": (one(call(0, "", NAME, OSLO)), ["Oslo"]),
    "empty ids, two calls": (
        one(call(0, "", NAME, OSLO), call(1, "", NAME, ROME)),
        ["Oslo", "Rome"],
    ),
    "one id for two": (one(call(0, "a", NAME, OSLO), call(1, "a", NAME, ROME)), ["Oslo", "Rome"]),
    "another id in each delta": (
        one(call(0, "a", NAME, '{"city"'), call(0, "b", None, ': "Oslo"}')),
        ["Oslo"],
    ),
    "arguments as an object": (one(call(0, "a", NAME, {"city": "Oslo"})), ["Oslo"]),
    "an empty object first": (one(call(0, "a", NAME, "{}"), call(0, None, None, OSLO)), ["Oslo"]),
    "no arguments": (one(call(0, "a", "get_time", "")), ["time"]),
    "arguments left out": (one(call(0, "a", "get_time")), ["time"]),
    "null for arguments": (one(call(0, "a", "get_time", "null")), ["time"]),
    "the function call of old": (
        [
            {"function_call": {"name": NAME, "arguments": '{"city": '}},
            {"function_call": {"arguments": '"Oslo"}'}},
        ],
        ["Oslo"],
    ),
    "content null beside it": (
        [{"role": "assistant", "content": None, "tool_calls": [call(0, "a", NAME, OSLO)]}],
        ["Oslo"],
    ),
    "empty choices between": (
        [*one(call(0, "a", NAME, '{"city": ')), {"choices": []}, *one(call(0, args='"Oslo"}'))],
        ["Oslo"],
    ),
}


@pytest.fixture
def calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: OpenAIServer
) -> Iterator[list[str]]:
    """What the tools of the model agent, whose model is the server's, were called with."""
    (tmp_path / "weather_tools.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("VOICELIVE_AGENT_MODEL", "llama3:8b")
    monkeypatch.setenv("VOICELIVE_AGENT_MODEL_BASE_URL", server.url)
    monkeypatch.setenv("VOICELIVE_AGENT_TOOLS", "weather_tools")
    import weather_tools  # type: ignore[import-not-found]

    yield weather_tools.calls
    import sys

    sys.modules.pop("weather_tools", None)


@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
@pytest.mark.parametrize("stream", STREAMS)
async def test_each_call_runs_once(
    server: OpenAIServer, calls: list[str], stream: str, finish: str
) -> None:
    frames, expected = STREAMS[stream]
    server.answer(Frames(*frames, finish=finish))
    server.answer("Done.")
    agent = load_agent("model")
    await agent.start()
    assert await collect(agent.reply(speech("weather?"))) == ["Done."]
    await agent.stop()
    assert sorted(calls) == sorted(expected)
    # Each result belongs to a call of its own, as servers demand.
    _, second = server.requests
    made = [one for message in second.messages for one in message.get("tool_calls") or ()]
    ids = [message["tool_call_id"] for message in second.messages if message["role"] == "tool"]
    assert sorted(one["id"] for one in made) == sorted(ids)
    assert len(set(ids)) == len(expected)
    assert all(json.loads(one["function"]["arguments"]) is not None for one in made)


def read(deltas: list[dict[str, Any]], tools: set[str]) -> list[tuple[str, str]]:
    """Names and arguments, put together as by OpenAI's rules."""
    mending = ToolCallDeltas(tools)
    read: dict[int, list[str]] = {}
    for delta in deltas:
        mended = ChoiceDeltaToolCall.construct(None, **delta)
        mending.mend(mended)
        parts = read.setdefault(mended.index, ["", ""])
        assert mended.function is not None
        parts[0] += mended.function.name or ""
        parts[1] += mended.function.arguments or ""
    return [(name, arguments) for name, arguments in read.values()]


names = st.sampled_from(["get_weather", "get_time", "book"])
arguments = st.dictionaries(st.text(max_size=5), st.text(max_size=8), min_size=1, max_size=3)


@given(st.lists(st.tuples(names, arguments), min_size=1, max_size=3), st.data())
def test_what_openai_sends_stays_what_it_is(
    made: list[tuple[str, dict[str, str]]], data: st.DataObject
) -> None:
    """However the arguments are cut, and also where the name and the id are sent each time."""
    repeats = data.draw(st.booleans())
    deltas: list[dict[str, Any]] = []
    for index, (name, values) in enumerate(made):
        text = json.dumps(values)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
        deltas.append(call(index, f"id{index}", name, ""))
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            head: tuple[Any, Any] = (f"id{index}", name) if repeats else (None, None)
            deltas.append(call(index, *head, text[start:end]))
    found = read(deltas, {"get_weather", "get_time", "book"})
    assert [(name, json.loads(text)) for name, text in found] == made
