"""Where an agent of the Bridge is asked, and what it can't be asked."""

import pytest

from tests.emulator.agents.bridge.fake_agent import FakeAgent, ask, calling
from voicelive_agent.emulator.agents import AgentRequest, AnswerError, AnswerFinished
from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend


async def test_a_click_is_refused_and_a_greeting_said_by_the_client() -> None:
    async with calling(FakeAgent()) as session:
        with pytest.raises(AnswerError, match="invoke_input"):
            await anext(session.answer(AgentRequest(kind="action", action={})))
        greeting = await anext(session.answer(AgentRequest(kind="greeting")))
    assert isinstance(greeting, AnswerFinished)
    assert "pre_generated_assistant_message" in greeting.warnings[0]


async def test_nobody_there() -> None:
    session = BridgeBackend("http://127.0.0.1:9").open_session("s_1")
    with pytest.raises(AnswerError) as error:
        await ask(session)
    assert error.value.code == "agent_unreachable"


@pytest.mark.parametrize("url", ["", "ws://x", "x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        BridgeBackend(url)
