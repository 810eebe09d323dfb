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
    CallEvent,
    HangUp,
    Offer,
    OfferDropped,
    OfferWithdrawn,
    SilenceLasts,
    SpeechBegan,
    TextDelta,
    TextDone,
    VoicePatch,
)
from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend
from voicelive_agent.emulator.agents.bridge.session import BridgeSession
from voicelive_agent.wire.bridge import messages as bridge

TS = "2026-11-28T08:00:00Z"
SHORT = AnswerLimits(silence_s=0.2, whole_s=1)


class FakeAgent:
    """An agent that does with each input what the test says, and keeps what it received."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []
        self.received: list[dict[str, Any]] = []
        self.on_input: Callable[[ServerConnection, str], Awaitable[object]] = self.reply
        self.socket: ServerConnection | None = None
        self.first: list[dict[str, Any]] = [{"type": "session.ready"}]
        self.over = asyncio.Event()
        self.responses = 0

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.socket = socket
        async for frame in socket:
            message = json.loads(frame)
            # What the emulator sends is what the Bridge may send.
            assert bridge.read_for_agent(str(frame)) is not None
            self.received.append(message)
            if message["type"] == "session.start":
                for first in self.first:
                    await self.send(socket, **first)
            elif message["type"] in ("user.message", "user.no_input"):
                await self.on_input(socket, message["item_id"])
        self.over.set()

    async def send(self, socket: ServerConnection, **message: Any) -> None:
        await socket.send(json.dumps({"id": bridge.new_id("m_"), "ts": TS, **message}))

    async def reply(self, socket: ServerConnection, input_id: str) -> None:
        one = await self.begin(socket, input_id)
        await self.send(socket, type="response.output_text.done", text="We open at nine.", **one)
        await self.send(socket, type="response.done", response_id=one["response_id"])

    async def begin(
        self, socket: ServerConnection, input_id: str, id: str | None = None
    ) -> dict[str, str]:
        self.responses += 1
        id = id or f"r_{self.responses}"
        await self.send(socket, type="response.created", response_id=id, in_reply_to=[input_id])
        one = {"response_id": id, "item_id": f"it_{id}"}
        for delta in ("We open ", "at nine."):
            await self.send(socket, type="response.output_text.delta", delta=delta, **one)
        return one

    def types(self) -> list[str]:
        return [message["type"] for message in self.received]

    def last(self, type: str) -> dict[str, Any]:
        return next(one for one in reversed(self.received) if one["type"] == type)


@contextlib.asynccontextmanager
async def calling(
    agent: FakeAgent, limits: AnswerLimits = DEFAULT_LIMITS, no_input_ms: int | None = None
) -> AsyncIterator[BridgeSession]:
    async with serve(agent.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        agent.url = f"http://127.0.0.1:{port}"
        session = BridgeBackend(agent.url, limits=limits, no_input_ms=no_input_ms).open_session(
            "s_1"
        )
        try:
            yield session
        finally:
            await session.close()


async def ask(session: BridgeSession, text: str = "When?") -> list[AgentEvent]:
    return await collect(session, AgentRequest(text=text))


async def collect(session: BridgeSession, request: AgentRequest) -> list[AgentEvent]:
    return [event async for event in session.answer(request)]


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
