"""A call that is held: greeting, offers of the agent, silences, hanging up, lost connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tests.emulator.agents.bridge.fake_agent import ANSWER, SHORT, FakeAgent, ask, calling, collect
from voicelive_agent.emulator.agents import (
    AgentRequest,
    AnswerError,
    AnswerFinished,
    CallEvent,
    HangUp,
    Offer,
    OfferDropped,
    OfferWithdrawn,
    SilenceLasts,
    SpeechBegan,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.bridge.session import BridgeSession


class Caller:
    """A session's side of a call: what the agent wants, as it comes."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[CallEvent] = asyncio.Queue()

    async def hold(self, session: BridgeSession, greeting: str) -> None:
        async with contextlib.aclosing(session.call(greeting)) as call_events:
            async for call_event in call_events:
                self.events.put_nowait(call_event)

    async def next(self) -> CallEvent:
        async with asyncio.timeout(5):
            return await self.events.get()


@contextlib.asynccontextmanager
async def holding(session: BridgeSession, greeting: str = "") -> AsyncIterator[Caller]:
    """A call that has begun."""
    caller = Caller()
    task = asyncio.create_task(caller.hold(session, greeting))
    try:
        # Not before: the greeting belongs to the call.
        await asyncio.sleep(0)
        await session.open(greeting)
        yield caller
    finally:
        task.cancel()
        await asyncio.wait([task])


async def wait_for(agent: FakeAgent, type: str, count: int = 1) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while agent.types().count(type) < count:
            await asyncio.sleep(0.01)
    return agent.last(type)


async def offer(agent: FakeAgent, id: str = "r_9", **fields: Any) -> None:
    assert agent.socket is not None
    await agent.send(agent.socket, type="response.created", response_id=id, **fields)


async def test_a_call_begins_before_the_first_turn_and_tells_the_greeting() -> None:
    agent = FakeAgent()
    async with calling(agent, no_input_ms=8000) as session, holding(session, "Welcome."):
        start = await wait_for(agent, "session.start")
        assert (start["greeting"], start["no_input_timeout_ms"]) == ("Welcome.", 8000)
        assert await ask(session) == ANSWER
    assert len(agent.paths) == 1


async def test_an_agent_speaks_by_itself_once_it_is_let() -> None:
    agent = FakeAgent()
    async with calling(agent) as session, holding(session) as caller:
        await offer(agent, supersede_key="eta", admission_timeout_ms=4000)
        assert await caller.next() == Offer("r_9", "eta", wait_ms=4000)
        saying = asyncio.ensure_future(collect(session, AgentRequest(kind="offer", offer_id="r_9")))
        await wait_for(agent, "response.accepted")
        assert agent.socket is not None
        one = {"response_id": "r_9", "item_id": "it_9"}
        await agent.send(agent.socket, type="response.output_text.done", text="It is here.", **one)
        await agent.send(agent.socket, type="response.done", response_id="r_9")
        assert await saying == [TextDelta("It is here."), TextDone(), AnswerFinished()]
        session.note_heard("", "It is")
        heard = await wait_for(agent, "barge_in")
        assert (heard["response_id"], heard["heard_text"]) == ("r_9", "It is")


async def test_an_agent_that_may_not_speak_is_told_why() -> None:
    agent = FakeAgent()
    async with calling(agent) as session, holding(session) as caller:
        await offer(agent)
        await caller.next()
        session.note(OfferDropped("r_9", "queue_full"))
        dropped = await wait_for(agent, "response.dropped")
        assert (dropped["response_id"], dropped["reason"]) == ("r_9", "queue_full")
        await offer(agent, "r_10")
        await caller.next()
        assert agent.socket is not None
        await agent.send(agent.socket, type="response.cancel", response_id="r_10")
        assert await caller.next() == OfferWithdrawn("r_10")
        with pytest.raises(AnswerError, match="gone"):
            await collect(session, AgentRequest(kind="offer", offer_id="r_10"))


async def test_output_before_it_is_let_is_a_breach() -> None:
    agent = FakeAgent()
    async with calling(agent) as session, holding(session) as caller:
        await offer(agent)
        assert agent.socket is not None
        one = {"response_id": "r_9", "item_id": "it_9"}
        await agent.send(agent.socket, type="response.output_text.delta", delta="Hi", **one)
        assert isinstance(await caller.next(), Offer)
        assert await caller.next() == OfferWithdrawn("r_9")
        await agent.socket.wait_closed()
        assert agent.socket.close_code == 1008


async def test_silence_is_told_and_its_answer_is_an_offer() -> None:
    agent = FakeAgent()
    async with calling(agent) as session, holding(session) as caller:
        session.note(SilenceLasts(2))
        told = await wait_for(agent, "user.no_input")
        assert told["count"] == 2
        offered = await caller.next()
        assert offered == Offer("r_1", is_reply=True)
        request = AgentRequest(kind="offer", offer_id="r_1")
        assert await collect(session, request) == ANSWER
        assert "response.accepted" not in agent.types()


async def test_silence_that_nobody_answers_is_a_deadline_missed() -> None:
    agent = FakeAgent()

    async def nothing(socket: ServerConnection, input_id: str) -> None: ...

    agent.on_input = nothing
    async with calling(agent, SHORT) as session, holding(session):
        await wait_for(agent, "session.start")
        session.note(SilenceLasts(1))
        missed = await wait_for(agent, "response.timeout")
        assert missed["item_ids"] == [agent.last("user.no_input")["item_id"]]
        assert missed["stage"] == "first_output"


async def test_what_was_heard_of_a_finished_answer_is_told_at_once() -> None:
    """It waited for the next turn, while the agent believed that all was heard."""
    agent = FakeAgent()
    async with calling(agent) as session:
        await ask(session)
        session.note_heard("", "We open")
        assert (await wait_for(agent, "barge_in"))["heard_text"] == "We open"
        session.note_heard("", "We")
        session.note(SpeechBegan())
        await wait_for(agent, "user.speech_started")
    assert agent.types().count("barge_in") == 1


async def test_speech_is_told_only_while_no_response_is_open() -> None:
    agent = FakeAgent()
    agent.on_input = agent.begin
    async with calling(agent) as session:
        answer = session.answer(AgentRequest(text="When?"))
        await anext(answer)
        session.note(SpeechBegan())
        session.note_heard("", "")
        await answer.aclose()
        await wait_for(agent, "barge_in")
        session.note(SpeechBegan())
        await wait_for(agent, "user.speech_started")
    assert agent.types().count("user.speech_started") == 1


@pytest.mark.parametrize("mode", ["drain", "immediate"])
async def test_an_agent_hangs_up(mode: str) -> None:
    agent = FakeAgent()
    async with calling(agent) as session, holding(session) as caller:
        assert agent.socket is not None
        await agent.send(agent.socket, type="end_call", reason="all said", mode=mode)
        assert await caller.next() == HangUp("all said", is_immediate=mode == "immediate")
    await agent.over.wait()
    assert agent.last("session.end")["reason"] == "agent_ended"


async def test_a_lost_call_is_made_anew_without_a_turn() -> None:
    """Otherwise the agent could not speak by itself after it was restarted."""
    agent = FakeAgent()
    async with calling(agent) as session, holding(session, "Welcome.") as caller:
        await offer(agent, "r_7")
        await caller.next()
        assert agent.socket is not None
        await agent.socket.close(1001)
        assert await caller.next() == OfferWithdrawn("r_7")
        again = await wait_for(agent, "session.start", 2)
        assert again["reconnect"] is True
        assert "greeting" not in again
        await offer(agent, "r_8")
        assert await caller.next() == Offer("r_8")


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ({"type": "session.rejected", "code": "protocol_mismatch", "retriable": False,
          "message": "only 2.0"}, "protocol_mismatch.*only 2.0"),
        ({"type": "response.none", "in_reply_to": ["in_1"]}, "session.ready"),
        ({"type": "session.ready", "ts": "now"}, "ts"),
    ],
)  # fmt: skip
async def test_a_session_that_does_not_begin(first: dict[str, Any], message: str) -> None:
    agent = FakeAgent()
    agent.first = [first]
    async with calling(agent) as session:
        with pytest.raises(AnswerError, match=message):
            await ask(session)
