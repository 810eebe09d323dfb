"""The emulator as Voice Live's side of the Bridge, towards agents of its own making and ours."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from voicelive_agent.emulator.agents import (
    DEFAULT_LIMITS,
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    ScreenEvent,
    TextDelta,
    TextDone,
    VoicePatch,
)
from voicelive_agent.emulator.agents.bridge import BridgeBackend, BridgeSession
from voicelive_agent.wire.bridge import messages as bridge

TS = "2026-11-28T08:00:00Z"
SHORT = AnswerLimits(silence_s=0.2, whole_s=1)


class FakeAgent:
    """An agent that does with each input what the test says, and keeps what it received."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []
        self.received: list[dict[str, Any]] = []
        self.on_input: Callable[[ServerConnection, str], Awaitable[None]] = self.reply
        self.first: list[dict[str, Any]] = [{"type": "session.ready"}]
        self.over = asyncio.Event()

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        async for frame in socket:
            message = json.loads(frame)
            # What the emulator sends is what the Bridge may send.
            assert bridge.read_for_agent(str(frame)) is not None
            self.received.append(message)
            if message["type"] == "session.start":
                for first in self.first:
                    await self.send(socket, **first)
            elif message["type"] == "user.message":
                await self.on_input(socket, message["item_id"])
        self.over.set()

    async def send(self, socket: ServerConnection, **message: Any) -> None:
        await socket.send(json.dumps({"id": bridge.new_id("m_"), "ts": TS, **message}))

    async def reply(self, socket: ServerConnection, input_id: str, **ids: str) -> None:
        await self.begin(socket, input_id)
        one = {"response_id": "r_1", "item_id": "it_1"}
        await self.send(socket, type="response.output_text.done", text="We open at nine.", **one)
        await self.send(socket, type="response.done", response_id="r_1")

    async def begin(self, socket: ServerConnection, input_id: str, id: str = "r_1") -> None:
        await self.send(socket, type="response.created", response_id=id, in_reply_to=[input_id])
        one = {"response_id": id, "item_id": "it_1"}
        for delta in ("We open ", "at nine."):
            await self.send(socket, type="response.output_text.delta", delta=delta, **one)

    def types(self) -> list[str]:
        return [message["type"] for message in self.received]

    def last(self, type: str) -> dict[str, Any]:
        return next(one for one in reversed(self.received) if one["type"] == type)


@contextlib.asynccontextmanager
async def calling(
    agent: FakeAgent, limits: AnswerLimits = DEFAULT_LIMITS
) -> AsyncIterator[BridgeSession]:
    async with serve(agent.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        agent.url = f"http://127.0.0.1:{port}"
        session = BridgeBackend(agent.url, limits=limits).open_session("s_1")
        try:
            yield session
        finally:
            await session.close()


async def ask(session: BridgeSession, text: str = "When?") -> list[AgentEvent]:
    return [event async for event in session.answer(AgentRequest(text=text))]


ANSWER = [TextDelta("We open "), TextDelta("at nine."), TextDone(), AnswerFinished()]


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
        session.note_heard("We")
        await answer.aclose()
        agent.on_input = agent.reply
        await ask(session)
    told = agent.last("barge_in")
    assert (told["response_id"], told["item_id"], told["heard_text"]) == ("r_1", "it_1", "We")
    assert agent.types().count("barge_in") == 1
    assert agent.types().index("barge_in") == 2


async def test_an_interruption_of_a_finished_answer_is_told_before_the_next_turn() -> None:
    """Text runs far ahead of audio, so this is the usual case."""
    agent = FakeAgent()
    async with calling(agent) as session:
        await ask(session)
        session.note_heard("We open")
        await ask(session, "Stop")
    assert agent.types()[1:4] == ["user.message", "barge_in", "user.message"]
    assert agent.last("barge_in")["heard_text"] == "We open"


async def test_the_last_interruption_is_told_when_the_caller_hangs_up() -> None:
    agent = FakeAgent()
    async with calling(agent) as session:
        await ask(session)
        session.note_heard("")
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
        await asyncio.sleep(0.05)
        assert agent.last("response.timeout")["item_ids"] == [agent.received[1]["item_id"]]
        agent.on_input = begin_only
        with pytest.raises(AnswerError, match="idle"):
            await ask(session)
        await asyncio.sleep(0.05)
        assert agent.last("response.timeout")["response_id"] == "r_1"
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
        await agent.send(socket, type="end_call", reason="agent_ended", mode="drain")

    agent.on_input = talk
    async with calling(agent) as session:
        assert await ask(session) == [
            VoicePatch({"rate": "+10%"}),
            TextDelta("Bye."),
            TextDone(),
            ScreenEvent({"type": "agent.end_call", "reason": "agent_ended", "mode": "drain"}),
            AnswerFinished(),
        ]
    assert agent.last("response.dropped")["response_id"] == "r_9"


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


async def test_a_text_that_is_not_that_of_its_deltas_is_a_breach() -> None:
    agent = FakeAgent()

    async def differ(socket: ServerConnection, input_id: str) -> None:
        await agent.begin(socket, input_id)
        one = {"response_id": "r_1", "item_id": "it_1"}
        await agent.send(socket, type="response.output_text.done", text="No.", **one)

    agent.on_input = differ
    async with calling(agent) as session:
        with pytest.raises(AnswerError, match="not that of") as error:
            await ask(session)
    assert error.value.code == "agent_contract_violation"


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
