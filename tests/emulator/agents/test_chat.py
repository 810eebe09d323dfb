"""A chat endpoint: what it is sent, and how its chunks become events."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.agents.servers import (
    EVENT_STREAM,
    Received,
    ServerScript,
    answering,
    lines_of,
    raw_server,
)
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    ArgumentsDelta,
    FunctionCall,
    FunctionCallBegan,
    TextDelta,
    TextDone,
    Usage,
)
from voicelive_agent.emulator.agents.chat import ChatBackend, _Answer
from voicelive_agent.listening import find_free_port

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
HELLO = AgentRequest(
    items=[
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Hello"}],
        }
    ],
    model="gpt-realtime",
)


def chunk(content: str | None = None, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    if content is not None:
        delta["content"] = content
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def piece(index: int | None, arguments: str = "", **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments}
    if "name" in fields:
        function["name"] = fields.pop("name")
    call = {"function": function, **fields}
    if index is not None:
        call["index"] = index
    return chunk(tool_calls=[call])


@contextlib.asynccontextmanager
async def backend_at(url: str, **options: Any) -> AsyncIterator[ChatBackend]:
    backend = ChatBackend(url, **options)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


async def ask_script(
    script: ServerScript, request: AgentRequest = HELLO, **options: Any
) -> tuple[list[AgentEvent], Received]:
    async with raw_server(script) as server, backend_at(f"{server.url}/v1", **options) as backend:
        agent_events = [
            agent_event async for agent_event in backend.open_session("s").answer(request)
        ]
        return agent_events, server.received[0]


async def test_text_streams_and_usage_comes_last() -> None:
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": None,
    }
    agent_events, received = await ask_script(
        answering(
            lines_of(
                chunk(role="assistant", content=""),
                chunk("Hel"),
                chunk("lo"),
                chunk(reason="stop"),
                {"choices": [], "usage": usage},
                "[DONE]",
            )
        )
    )
    assert agent_events == [
        TextDelta("Hel"),
        TextDelta("lo"),
        TextDone(),
        AnswerFinished(Usage(7, 2, 1, 0)),
    ]
    assert received.path == "/v1/chat/completions"
    assert "authorization" not in received.headers
    assert received.body == {
        "model": "gpt-realtime",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_what_the_session_asks_for_is_passed_on() -> None:
    request = AgentRequest(
        items=HELLO.items,
        instructions="Be brief.",
        model="ignored",
        tools=[WEATHER],
        tool_choice={"type": "function", "name": "get_weather"},
        parallel_tool_calls=False,
        temperature=0.7,
        max_output_tokens=50,
        reasoning_effort="low",
    )
    _, received = await ask_script(
        answering(lines_of(chunk(reason="stop"))), request, key="k", model="qwen"
    )
    body = received.body
    assert received.headers["authorization"] == "Bearer k"
    assert body["model"] == "qwen"
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["tools"][0]["function"]["name"] == "get_weather"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert body["parallel_tool_calls"] is False
    assert (body["temperature"], body["max_tokens"], body["reasoning_effort"]) == (0.7, 50, "low")


def test_openai_and_azure_have_names_of_their_own() -> None:
    request = AgentRequest(items=HELLO.items, max_output_tokens=5)
    for url in ("https://api.openai.com/v1", "https://x.openai.azure.com/openai/v1"):
        body = ChatBackend(url, key="k").write_body(request)
        assert body["max_completion_tokens"] == 5
        assert "max_tokens" not in body


async def test_parallel_calls_come_one_after_another_however_they_are_mixed() -> None:
    agent_events, _ = await ask_script(
        answering(
            lines_of(
                chunk("Let me see."),
                piece(0, id="c1", name="get_weather"),
                piece(0, '{"city":'),
                piece(1, '{"ci', id="c2", name="get_time"),
                piece(0, '"Oslo"}'),
                piece(1, 'ty":"Rom"}'),
                chunk(reason="tool_calls"),
                "[DONE]",
            )
        )
    )
    assert agent_events == [
        TextDelta("Let me see."),
        FunctionCallBegan("c1", "get_weather"),
        ArgumentsDelta("c1", '{"city":'),
        ArgumentsDelta("c1", '"Oslo"}'),
        TextDone(),
        FunctionCall("c1", "get_weather", '{"city":"Oslo"}'),
        FunctionCallBegan("c2", "get_time"),
        ArgumentsDelta("c2", '{"city":"Rom"}'),
        FunctionCall("c2", "get_time", '{"city":"Rom"}'),
        AnswerFinished(),
    ]


async def test_calls_without_index_id_or_arguments_are_understood() -> None:
    agent_events, _ = await ask_script(
        answering(
            lines_of(
                chunk(
                    tool_calls=[
                        {"id": "a", "function": {"name": "f", "arguments": {"x": "ü"}}},
                        {"id": "b", "function": {"name": "g"}},
                    ]
                ),
                chunk(reason="tool_calls"),
            )
        )
    )
    calls = [agent_event for agent_event in agent_events if isinstance(agent_event, FunctionCall)]
    assert calls == [FunctionCall("a", "f", '{"x": "ü"}'), FunctionCall("b", "g", "{}")]


async def test_an_answer_that_is_not_streamed_is_read_as_well() -> None:
    completion = {
        "choices": [
            {"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    head = EVENT_STREAM.replace("text/event-stream", "application/json")
    agent_events, _ = await ask_script(answering(json.dumps(completion), head))
    assert agent_events == [TextDelta("Hello"), TextDone(), AnswerFinished(Usage(1, 1))]


@pytest.mark.parametrize(
    ("reason", "incomplete"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter"), ("stop", None)],
)
async def test_why_it_ended(reason: str, incomplete: str | None) -> None:
    agent_events, _ = await ask_script(answering(lines_of(chunk("Hi"), chunk(reason=reason))))
    assert agent_events[-1] == AnswerFinished(incomplete_reason=incomplete)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "head", "code", "message"),
    [
        (lines_of(chunk("Hi")), EVENT_STREAM, "model_disconnected", "mid-answer"),
        (lines_of("{"), EVENT_STREAM, "model_contract_violation", "not JSON"),
        (
            lines_of({"error": {"code": "overloaded", "message": "later"}}),
            EVENT_STREAM,
            "model_error",
            "overloaded: later",
        ),
        (
            '{"error":{"message":"bad key"}}',
            "HTTP/1.1 401 No\r\n\r\n",
            "model_error",
            "401 .bad key.*--model-key",
        ),
        ("", "HTTP/1.1 404 No\r\n\r\n", "model_error", "--model-url"),
        (
            "<html>",
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n",
            "model_contract_violation",
            "text/html",
        ),
    ],
)
async def test_failures_say_what_to_do(body: str, head: str, code: str, message: str) -> None:
    with pytest.raises(AnswerError, match=message) as failure:
        await ask_script(answering(body, head), key="hunter2")
    assert failure.value.code == code
    assert "hunter2" not in failure.value.message


async def test_a_model_that_is_down() -> None:
    async with backend_at(f"http://127.0.0.1:{find_free_port()}") as backend:
        with pytest.raises(AnswerError, match="--model-url") as failure:
            async for _ in backend.open_session("s").answer(HELLO):
                pass
    assert failure.value.code == "model_unreachable"


async def test_closing_closes_the_stream_at_once() -> None:
    async def script(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write((EVENT_STREAM + lines_of(chunk("Hi"))).encode())
        await asyncio.Event().wait()

    async with raw_server(script) as server, backend_at(server.url) as backend:
        async with aclosing(backend.open_session("s").answer(HELLO)) as agent_events:
            assert await anext(agent_events) == TextDelta("Hi")
            began = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(server.gone, 10) - began < 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["choices", "delta", "tool_calls", "function", "name", "arguments", "index", "id",
             "content", "finish_reason", "usage", "error"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "error"]), JSON), max_size=4))
def test_any_chunks_end_in_events_or_one_error(chunks: list[dict[str, Any]]) -> None:
    answer = _Answer()
    agent_events: list[AgentEvent] = []
    try:
        for one in chunks:
            agent_events += answer.read(one)
        agent_events += answer.finish()
    except AnswerError as error:
        assert error.code.startswith("model_")
        return
    assert isinstance(agent_events[-1], AnswerFinished)
    began = [
        agent_event.call_id
        for agent_event in agent_events
        if isinstance(agent_event, FunctionCallBegan)
    ]
    ended = [
        agent_event.call_id for agent_event in agent_events if isinstance(agent_event, FunctionCall)
    ]
    assert began == ended
