"""Turns over the Bridge: one connection, interruptions, deadlines, and what breaks the protocol."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tests.emulator.agents.bridge.fake_agent import ANSWER, SHORT, FakeAgent, ask, calling
from voicelive_agent.emulator.agents import (
    AgentRequest,
    AnswerError,
    AnswerFinished,
    TextDelta,
    TextDone,
    VoicePatch,
)


async def test_a_turn_and_the_next_on_one_connection() -> None:
    agent = FakeAgent()
    async with calling(agent) as session:
        assert await ask(session) == ANSWER
        assert await ask(session, "And tomorrow?") == ANSWER
    await agent.over.wait()
    assert agent.paths == ["/voice_conversation_engine?agent_session_id=s_1"]
    assert agent.types() == ["session.start", "user.message", "user.message", "session.end"]
    assert agent.received[0]["reconnect"] is False
    assert agent.received[0]["response_timeouts"]["first_output_ms"] == 60_000
    assert agent.received[2]["content"] == [{"type": "input_text", "text": "And tomorrow?"}]
    assert agent.received[-1]["reason"] == "caller_hangup"


async def test_an_interruption_in_the_midst_tells_what_was_heard() -> None:
    agent = FakeAgent()
    agent.on_input = agent.begin
    async with calling(agent) as session:
        answer = session.answer(AgentRequest(text="When?"))
        assert await anext(answer) == TextDelta("We open ")
        session.note_heard("", "We")
        await answer.aclose()
        agent.on_input = agent.reply
        await ask(session)
    told = agent.last("barge_in")
    assert (told["response_id"], told["item_id"], told["heard_text"]) == ("r_1", "it_r_1", "We")
    assert agent.types().count("barge_in") == 1
    assert agent.types().index("barge_in") == 2


async def test_the_last_interruption_is_told_when_the_caller_hangs_up() -> None:
    agent = FakeAgent()
    async with calling(agent) as session:
        await ask(session)
        session.note_heard("", "")
    await agent.over.wait()
    assert agent.types()[-2:] == ["barge_in", "session.end"]


async def test_an_answer_to_an_input_that_was_given_up_is_cut_at_once() -> None:
    agent = FakeAgent()
    waiting: list[str] = []

    async def keep(socket: ServerConnection, input_id: str) -> None:
        waiting.append(input_id)
        if len(waiting) == 2:
            await agent.begin(socket, waiting[0], "r_old")
            await agent.reply(socket, waiting[1])

    agent.on_input = keep
    async with calling(agent) as session:
        answer = session.answer(AgentRequest(text="When?"))
        pending = asyncio.ensure_future(anext(answer))
        while not waiting:
            await asyncio.sleep(0.01)
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)
        await answer.aclose()
        assert await ask(session, "What?") == ANSWER
    assert agent.last("barge_in")["response_id"] == "r_old"


async def test_deadlines_are_the_bridges() -> None:
    agent = FakeAgent()

    async def begin_only(socket: ServerConnection, input_id: str) -> None:
        await agent.begin(socket, input_id)

    async def nothing(socket: ServerConnection, input_id: str) -> None: ...

    async with calling(agent, SHORT) as session:
        agent.on_input = nothing
        with pytest.raises(AnswerError, match="first_output"):
            await ask(session)
        told = await agent.wait_for("response.timeout")
        assert told["item_ids"] == [agent.received[1]["item_id"]]
        agent.on_input = begin_only
        with pytest.raises(AnswerError, match="idle"):
            await ask(session)
        told = await agent.wait_for("response.timeout", 2)
        assert told["response_id"] == "r_1"
        agent.on_input = agent.reply
        assert await ask(session) == ANSWER


async def test_a_cancel_of_the_agent_is_confirmed() -> None:
    agent = FakeAgent()

    async def cancel(socket: ServerConnection, input_id: str) -> None:
        await agent.begin(socket, input_id)
        await agent.send(socket, type="response.cancel", response_id="r_1", reason="no tool")

    agent.on_input = cancel
    async with calling(agent) as session:
        with pytest.raises(AnswerError, match="no tool"):
            await ask(session)
        agent.on_input = agent.reply
        assert await ask(session) == ANSWER
    assert agent.last("response.cancelled")["heard_text"] == "We open at nine."


async def test_what_else_an_agent_may_say() -> None:
    agent = FakeAgent()

    async def talk(socket: ServerConnection, input_id: str) -> None:
        created = {"type": "response.created", "response_id": "r_9", "admission_timeout_ms": 50}
        await agent.send(socket, **created)
        await agent.send(socket, type="response.created", response_id="r_1", in_reply_to=[input_id])
        one = {"response_id": "r_1", "item_id": "it_1"}
        await agent.send(
            socket, type="response.output_text.done", text="Bye.", voice={"rate": "+10%"}, **one
        )
        await agent.send(socket, type="something.new")
        await agent.send(socket, type="response.done", response_id="r_1")

    agent.on_input = talk
    async with calling(agent) as session:
        assert await ask(session) == [
            VoicePatch({"rate": "+10%"}),
            TextDelta("Bye."),
            TextDone(),
            AnswerFinished(),
        ]
    # Nobody holds a call here that could let it speak.
    assert agent.last("response.dropped")["response_id"] == "r_9"


@pytest.mark.parametrize(
    ("messages", "breach"),
    [
        ([{"type": "response.done", "response_id": "r_5"}], "no response that was created"),
        ([{"type": "response.created", "response_id": "r_5", "in_reply_to": ["in_9"]}], "once"),
        ([{"type": "session.ready"}], "twice"),
        (
            [
                {"type": "response.output_text.delta", "item_id": "it_1", "delta": "A"},
                {"type": "response.output_text.delta", "item_id": "it_2", "delta": "B"},
            ],
            "before has had its",
        ),
        (
            [
                {"type": "response.output_text.delta", "item_id": "it_1", "delta": "A"},
                {"type": "response.done"},
            ],
            "has had no",
        ),
        (
            [
                {"type": "response.output_text.done", "item_id": "it_1", "text": "A"},
                {"type": "response.output_text.delta", "item_id": "it_1", "delta": "B"},
            ],
            "is done",
        ),
        (
            [
                {"type": "response.output_text.done", "item_id": "it_1", "text": "A"},
                {"type": "response.created", "in_reply_to": ["in_9"]},
            ],
            "twice",
        ),
    ],
)
async def test_messages_that_can_not_come_now_close_the_call(
    messages: list[dict[str, Any]], breach: str
) -> None:
    agent = FakeAgent()

    async def misbehave(socket: ServerConnection, input_id: str) -> None:
        await agent.send(socket, type="response.created", response_id="r_1", in_reply_to=[input_id])
        for message in messages:
            await agent.send(socket, **{"response_id": "r_1", **message})

    agent.on_input = misbehave
    async with calling(agent) as session:
        with pytest.raises(AnswerError, match=breach) as error:
            await ask(session)
        assert error.value.code == "agent_contract_violation"
        assert agent.socket is not None
        await agent.socket.wait_closed()
        assert agent.socket.close_code == 1008
        agent.on_input = agent.reply
        assert await ask(session) == ANSWER


async def test_an_input_that_gets_no_answer() -> None:
    agent = FakeAgent()

    async def none(socket: ServerConnection, input_id: str) -> None:
        await agent.send(socket, type="response.none", in_reply_to=[input_id])

    agent.on_input = none
    async with calling(agent) as session:
        assert await ask(session) == [AnswerFinished()]


async def test_a_lost_connection_is_made_anew_without_replay() -> None:
    agent = FakeAgent()

    async def hang_up(socket: ServerConnection, input_id: str) -> None:
        await socket.close(1011)

    async with calling(agent) as session:
        agent.on_input = hang_up
        with pytest.raises(AnswerError, match="1011"):
            await ask(session, "lost")
        agent.on_input = agent.reply
        assert await ask(session, "again") == ANSWER
    starts = [one for one in agent.received if one["type"] == "session.start"]
    assert [start["reconnect"] for start in starts] == [False, True]
    said = [one["content"][0]["text"] for one in agent.received if one["type"] == "user.message"]
    assert said == ["lost", "again"]


async def test_a_text_that_is_not_that_of_its_deltas_is_a_breach() -> None:
    agent = FakeAgent()

    async def differ(socket: ServerConnection, input_id: str) -> None:
        await agent.begin(socket, input_id)
        await agent.send(
            socket,
            type="response.output_text.done",
            text="No.",
            response_id="r_1",
            item_id="it_r_1",
        )

    agent.on_input = differ
    async with calling(agent) as session:
        with pytest.raises(AnswerError, match="not that of") as error:
            await ask(session)
    assert error.value.code == "agent_contract_violation"
