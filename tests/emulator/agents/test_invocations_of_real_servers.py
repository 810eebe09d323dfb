"""The emulator calls an agent on Microsoft's package of Invocations, a process of its own."""

from collections.abc import Iterator
from contextlib import aclosing

import pytest

from tests.emulator.agents.asking import ask, backend_at, text_of
from tests.emulator.agents.servers import agent_process
from voicelive_agent.emulator.agents import (
    AgentRequest,
    AnswerError,
    AnswerFinished,
    ScreenEvent,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.endpoint import LOCAL_USER_ID

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with agent_process("invocations_agent.py", tmp_path_factory.mktemp("agent")) as url:
        yield url


async def test_it_answers_greets_and_shows(url: str) -> None:
    async with backend_at(url) as backend:
        assert text_of(await ask(backend, AgentRequest(kind="greeting"))) == (
            "Welcome to the front desk."
        )
        agent_events = await ask(backend, "Good morning")
        assert text_of(agent_events) == "You said: Good morning"
        assert agent_events[-2:] == [TextDone(), AnswerFinished()]
        click = {"type": "button_click", "action": "select_hotel", "hotel_id": 3}
        agent_events = await ask(backend, AgentRequest(kind="action", action=click))
        assert agent_events[0] == ScreenEvent(
            {"type": "ui.card", "title": "Überraschung", "clicked": click}
        )
        with pytest.raises(AnswerError, match="invalid_request: I know no such input"):
            await ask(backend, AgentRequest(kind="action", action={"type": "odd"}))


async def test_it_keeps_sessions_apart(url: str) -> None:
    async with backend_at(url) as backend:
        one, two = backend.open_session("one"), backend.open_session("two")
        for session, text in ((one, "red"), (two, "blue"), (one, "green")):
            assert [agent_event async for agent_event in session.answer(AgentRequest(text=text))]
        history = [agent_event async for agent_event in one.answer(AgentRequest(text="history"))]
        assert text_of(history) == "You said red and green"


async def test_it_notices_that_it_was_cut(url: str) -> None:
    async with backend_at(url) as backend:
        session = backend.open_session("cut")
        async with aclosing(session.answer(AgentRequest(text="slowly " * 50))) as agent_events:
            assert await anext(agent_events) == TextDelta("You")
        told = [agent_event async for agent_event in session.answer(AgentRequest(text="stopped"))]
        assert text_of(told) == f"I was stopped 1 times by {LOCAL_USER_ID}"
