"""Responses agents: what they are sent, how their events are read, and what they do wrong."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from tests.emulator.agents.servers import (
    EVENT_STREAM,
    Received,
    ServerScript,
    agent_process,
    answering,
    lines_of,
    raw_server,
)
from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    TextDelta,
    TextDone,
    ToolWaiting,
    Usage,
)
from voicelive_agent.emulator.agents.endpoint import LOCAL_USER_ID
from voicelive_agent.emulator.agents.responses import ResponsesBackend
from voicelive_agent.listening import find_free_port


def delta(text: str, item: str = "m1") -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "item_id": item,
        "content_index": 0,
        "delta": text,
    }


def done(text: str, item: str = "m1") -> dict[str, Any]:
    return {"type": "response.output_text.done", "item_id": item, "content_index": 0, "text": text}


def added(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "item": {"type": kind, **fields}}


CREATED = {"type": "response.created", "response": {"id": "r", "status": "in_progress"}}
COMPLETED = {
    "type": "response.completed",
    "response": {
        "status": "completed",
        "usage": {
            "input_tokens": 9,
            "output_tokens": 4,
            "input_tokens_details": {"cached_tokens": 3},
            "output_tokens_details": {"reasoning_tokens": 1},
        },
    },
}


@contextlib.asynccontextmanager
async def backend_at(url: str, **options: Any) -> AsyncIterator[ResponsesBackend]:
    backend = ResponsesBackend(url, **options)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


async def ask(backend: ResponsesBackend, text: str = "Hi") -> list[AgentEvent]:
    session = backend.open_session("session-1")
    return [agent_event async for agent_event in session.answer(AgentRequest(text=text))]


async def ask_script(script: ServerScript) -> tuple[list[AgentEvent], list[Received]]:
    async with raw_server(script) as server, backend_at(server.url) as backend:
        return await ask(backend), server.received


def text_of(agent_events: list[AgentEvent]) -> str:
    return "".join(
        agent_event.text for agent_event in agent_events if isinstance(agent_event, TextDelta)
    )


async def test_a_session_is_one_conversation() -> None:
    answer = answering(lines_of(CREATED, delta("Hi"), done("Hi"), COMPLETED))
    async with raw_server(answer) as server, backend_at(server.url) as backend:
        session = backend.open_session("session-1")
        for text in ("one", "two"):
            assert [agent_event async for agent_event in session.answer(AgentRequest(text=text))]
        resumed = backend.open_session("session-2", conversation_id="conv_known")
        assert [agent_event async for agent_event in resumed.answer(AgentRequest(kind="greeting"))]
        first, second, third = server.received
    assert first.path == "/responses"
    assert first.query == {"agent_session_id": ["session-1"]}
    assert first.headers["x-agent-user-id"] == LOCAL_USER_ID
    assert first.headers["x-agent-foundry-call-id"] != second.headers["x-agent-foundry-call-id"]
    assert (first.body["input"], second.body["input"], third.body["input"]) == ("one", "two", "")
    assert first.body["stream"] is True
    assert first.body["agent_session_id"] == "session-1"
    assert first.body["conversation"] == second.body["conversation"]
    assert third.body["conversation"] == "conv_known"


async def test_deltas_usage_and_the_end() -> None:
    agent_events, _ = await ask_script(
        answering(lines_of(CREATED, delta("Hel"), delta("lo"), done("Hello"), COMPLETED))
    )
    assert agent_events == [
        TextDelta("Hel"),
        TextDelta("lo"),
        TextDone(),
        AnswerFinished(Usage(9, 4, 3, 1)),
    ]


async def test_a_type_may_stand_in_the_event_line_alone() -> None:
    body = (
        'event: response.output_text.delta\r\ndata: {"item_id":"m","delta":"Hi"}\r\n\r\n'
        ": comment\r\n\r\n"
        'event: response.completed\r\ndata: {"response":{}}\r\n\r\n'
    )
    agent_events, _ = await ask_script(answering(body))
    assert agent_events == [TextDelta("Hi"), TextDone(), AnswerFinished()]


async def test_two_messages_are_two_sentences() -> None:
    agent_events, _ = await ask_script(
        answering(lines_of(delta("One."), delta("Two. ", "m2"), delta("Three.", "m3"), COMPLETED))
    )
    assert text_of(agent_events) == "One. Two. Three."


async def test_tools_of_the_agent_are_told_of() -> None:
    agent_events, _ = await ask_script(
        answering(
            lines_of(
                added("function_call", name="get_weather", call_id="c1"),
                added("function_call_output", call_id="c1"),
                added("web_search_call"),
                added("message"),
                added("reasoning"),
                delta("Cold."),
                COMPLETED,
            )
        )
    )
    assert agent_events[:3] == [
        ToolWaiting("get_weather"),
        ToolWaiting("web_search"),
        TextDelta("Cold."),
    ]
    finished = agent_events[-1]
    assert isinstance(finished, AnswerFinished)
    assert finished.warnings == ()


async def test_a_function_left_to_the_caller_is_a_warning() -> None:
    agent_events, _ = await ask_script(
        answering(lines_of(added("function_call", name="book", call_id="c1"), COMPLETED))
    )
    finished = agent_events[-1]
    assert isinstance(finished, AnswerFinished)
    assert "'book'" in finished.warnings[0]


async def test_a_text_that_differs_from_its_deltas_breaks_the_contract() -> None:
    agent_events, _ = await ask_script(answering(lines_of(delta("Hi"), done("Ho"), COMPLETED)))
    finished = agent_events[-1]
    assert isinstance(finished, AnswerFinished)
    assert "concatenation" in finished.breaches[0]


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_output_tokens"}, "max_output_tokens"),
        ({"reason": "content_filter"}, "content_filter"),
        (None, "max_output_tokens"),
    ],
)
async def test_an_incomplete_answer_says_why(details: Any, reason: str) -> None:
    end = {"type": "response.incomplete", "response": {"incomplete_details": details}}
    agent_events, _ = await ask_script(answering(lines_of(delta("Hi"), end)))
    finished = agent_events[-1]
    assert isinstance(finished, AnswerFinished)
    assert finished.incomplete_reason == reason


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            lines_of(CREATED, delta("Hi")),
            "agent_contract_violation",
            r"without response\.completed",
        ),
        ("", "agent_contract_violation", r"without response\.completed"),
        (lines_of("[DONE]"), "agent_contract_violation", r"without response\.completed"),
        (lines_of("{"), "agent_contract_violation", "not JSON"),
        (lines_of("[]"), "agent_contract_violation", "not an object"),
        (lines_of(delta("x") | {"delta": None}), "agent_contract_violation", "not a string"),
        (lines_of({"type": "response.output_item.added"}), "agent_contract_violation", "no item"),
        (
            lines_of(
                {"type": "response.failed", "response": {"error": {"code": "c", "message": "m"}}}
            ),
            "agent_error",
            "c: m",
        ),
        (lines_of({"type": "response.failed"}), "agent_error", "does not say why"),
        (lines_of({"type": "error", "code": "c", "message": "m"}), "agent_error", "c: m"),
        (lines_of({"error": {"message": "m"}}), "agent_error", "failed: m"),
    ],
)
async def test_a_broken_answer_fails(body: str, code: str, message: str) -> None:
    with pytest.raises(AnswerError, match=message) as failure:
        await ask_script(answering(body))
    assert failure.value.code == code


async def test_http_failures() -> None:
    head = "HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\n\r\n"
    with pytest.raises(AnswerError, match=r"HTTP 400 .bad: no"):
        await ask_script(answering('{"error":{"code":"bad","message":"no"}}', head))
    with pytest.raises(AnswerError, match="text/event-stream"):
        await ask_script(
            answering("{}", EVENT_STREAM.replace("text/event-stream", "application/json"))
        )
    async with backend_at(f"http://127.0.0.1:{find_free_port()}") as backend:
        with pytest.raises(AnswerError, match="start the agent"):
            await ask(backend)


async def test_an_action_is_not_for_this_protocol() -> None:
    async with backend_at("http://127.0.0.1:1") as backend:
        with pytest.raises(AnswerError, match="Invocations protocol"):
            async for _ in backend.open_session("s").answer(AgentRequest(kind="action", action={})):
                pass


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with agent_process("responses_agent.py", tmp_path_factory.mktemp("agent")) as url:
        yield url


@pytest.mark.slow
class TestMicrosoftsPackage:
    """An agent on azure-ai-agentserver-responses, as a process of its own."""

    async def test_it_answers_and_remembers(self, url: str) -> None:
        async with backend_at(url) as backend:
            session = backend.open_session("one")
            told = [agent_event async for agent_event in session.answer(AgentRequest(text="red"))]
            assert text_of(told) == "You said: red "
            assert told[-1] == AnswerFinished()
            told = [
                agent_event async for agent_event in session.answer(AgentRequest(text="history"))
            ]
            assert text_of(told) == "I remember 2 items"
            other = backend.open_session("two")
            told = [agent_event async for agent_event in other.answer(AgentRequest(text="history"))]
            assert text_of(told) == "I remember 0 items"
            told = [
                agent_event async for agent_event in other.answer(AgentRequest(kind="greeting"))
            ]
            assert text_of(told) == "You said: nothing "

    async def test_it_uses_tools_and_fails(self, url: str) -> None:
        async with backend_at(url) as backend:
            assert await ask(backend, "use a tool") == [
                ToolWaiting("get_weather"),
                TextDelta("Three degrees."),
                TextDone(),
                AnswerFinished(),
            ]
            with pytest.raises(AnswerError, match="server_error"):
                await ask(backend, "fail")
            assert text_of(await ask(backend, "again")) == "You said: again "

    async def test_it_notices_that_it_was_cut_and_its_conversation_goes_on(self, url: str) -> None:
        async with backend_at(url) as backend:
            session = backend.open_session("cut")
            async with aclosing(session.answer(AgentRequest(text="slowly " * 50))) as agent_events:
                assert await anext(agent_events) == TextDelta("You ")
            for _ in range(50):
                told = [
                    agent_event
                    async for agent_event in session.answer(AgentRequest(text="stopped"))
                ]
                if f"1 times by {LOCAL_USER_ID}" in text_of(told):
                    break
            assert text_of(told) == f"I was stopped 1 times by {LOCAL_USER_ID}"
