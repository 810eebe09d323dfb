"""Whatever comes over the Bridge in whatever order: each input is settled once, each response ends
once, and nothing of it comes after its end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import Message
from starlette.websockets import WebSocket

from tests.server.engine.engine_room import KEY, EngineRoom
from tests.virtual_time import run_virtual
from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn, VoiceChange
from voicelive_agent.server.wires.bridge.call import BATCHES, BridgeCall
from voicelive_agent.wire.bridge import messages as bridge

DEADLINES = bridge.ResponseTimeouts(first_output_ms=1, idle_ms=1, max_duration_ms=1)


async def reply(turn: Turn) -> AsyncIterator[Output]:
    """Says what its name tells, with pauses of a second."""
    match turn.text:
        case "slow":
            yield "One. "
            await asyncio.sleep(1)
            yield VoiceChange(rate="+10%")
            yield "Two."
        case "think":
            await asyncio.sleep(1)
            yield "Thought."
        case "show":
            yield ClientEvent("ui.card", title="Weather")
        case "fail":
            yield "I was about"
            raise RuntimeError
        case "bye":
            yield "Goodbye."
            yield EndCall("done")
        case _:
            yield "Yes. "
            yield "No."


class Judge:
    """The Bridge's side: what it has said, and whether what comes can come then."""

    def __init__(self) -> None:
        self.to_agent = asyncio.Queue[Message]()
        self.inputs: dict[str, str] = {}
        self.responses: dict[str, str] = {}
        """Pending, open, ending (the Bridge has ended it, and the agent can't know yet), over."""
        self.texts: dict[str, str] = {}
        self.item_of: dict[str, str] = {}
        self.done_items: set[str] = set()
        self.close_code: int | None = None
        self.call: BridgeCall

    def open(
        self, room: EngineRoom, *, send_timeout: float = 10, extensions: Any = ()
    ) -> "asyncio.Task[None]":
        """A call that has begun."""
        scope = {"type": "websocket", "extensions": extensions}
        self.to_agent.put_nowait({"type": "websocket.connect"})
        self.call = BridgeCall(
            WebSocket(scope, self.to_agent.get, self.take),
            room.engine,
            KEY,
            call_id="",
            send_timeout=send_timeout,
            max_speech_bytes=1000,
        )
        self.tell(
            bridge.SessionStart(
                protocol_version="1.0", reconnect=False, response_timeouts=DEADLINES
            )
        )
        return asyncio.create_task(self.call.run())

    def tell(self, message: bridge.ForAgent) -> None:
        self.to_agent.put_nowait({"type": "websocket.receive", "text": bridge.encode(message)})

    async def take(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self.close_code = message["code"]
        for frame in message.get("texts") or filter(None, [message.get("text")]):
            told = bridge.read_for_bridge(frame)
            assert told is not None
            self.judge(told)

    def judge(self, told: bridge.ForBridge) -> None:
        assert self.close_code is None
        match told:
            case bridge.ResponseCreated(response_id=response_id, in_reply_to=inputs):
                assert response_id not in self.responses
                self.settle(inputs or [])
                self.responses[response_id] = "open" if inputs else "pending"
            case bridge.ResponseNone(in_reply_to=inputs):
                self.settle(inputs)
            case bridge.OutputTextDelta(response_id=response_id, item_id=item_id, delta=text):
                assert self.responses[response_id] in ("open", "ending")
                assert item_id not in self.done_items
                assert self.item_of.setdefault(item_id, response_id) == response_id
                self.texts[item_id] = self.texts.get(item_id, "") + text
            case bridge.OutputTextDone(response_id=response_id, item_id=item_id, text=text):
                assert self.responses[response_id] in ("open", "ending")
                assert self.texts[item_id] == text
                self.done_items.add(item_id)
            case bridge.ResponseDone(response_id=response_id):
                assert self.responses[response_id] in ("open", "ending")
                items = {item for item, its in self.item_of.items() if its == response_id}
                assert items <= self.done_items
                self.responses[response_id] = "over"
            case bridge.ResponseCancel(response_id=response_id):
                assert self.responses[response_id] in ("open", "pending", "ending")
                self.responses[response_id] = "over"
                self.tell(bridge.ResponseCancelled(response_id=response_id, heard_text="On"))
            case bridge.AgentError(response_id=response_id) if response_id:
                assert self.responses[response_id] in ("open", "ending")

    def settle(self, inputs: list[str]) -> None:
        for item_id in inputs:
            assert self.inputs[item_id] in ("waits", "timing out"), f"{item_id} was settled before"
            self.inputs[item_id] = "settled"

    async def end(self, response_id: str, message: bridge.ForAgent) -> None:
        """The Bridge ends a response; the agent reads it before anything else is done."""
        state = self.responses[response_id]
        if state != "over":
            # What the agent has just sent crosses it.
            self.responses[response_id] = "ending"
        self.tell(message)
        await asyncio.sleep(0.001)
        if self.responses[response_id] == "ending":
            self.responses[response_id] = "over"


def find(names: dict[str, str], state: str, number: int) -> str | None:
    found = [name for name, each in names.items() if each == state]
    return found[number % len(found)] if found else None


async def do(judge: Judge, step: tuple[Any, ...], tasks: list[asyncio.Task[bool]]) -> None:
    match step:
        case "say", text, item_id:
            part = bridge.InputText(text=text)
            judge.inputs.setdefault(item_id, "waits")
            judge.tell(bridge.UserMessage(item_id=item_id, content=[part]))
        case "silence", item_id:
            judge.inputs.setdefault(item_id, "waits")
            judge.tell(bridge.UserNoInput(item_id=item_id, count=1))
        case "wait", seconds:
            await asyncio.sleep(seconds)
        case "interrupt", number, heard:
            for state in ("open", "over"):
                if name := find(judge.responses, state, number):
                    barge_in = bridge.BargeIn(response_id=name, heard_text=heard)
                    await judge.end(name, barge_in)
                    break
        case "time out", number:
            if name := find(judge.responses, "open", number):
                await judge.end(name, bridge.ResponseTimeout(stage="idle", response_id=name))
            elif item_id := find(judge.inputs, "waits", number):
                judge.inputs[item_id] = "timing out"
                judge.tell(bridge.ResponseTimeout(stage="first_output", item_ids=[item_id]))
                await asyncio.sleep(0.001)
                judge.inputs[item_id] = "settled"
        case "announce", key:
            announcing = judge.call.announce("News.", supersede_key=key, wait_ms=500)
            tasks.append(asyncio.create_task(announcing))
        case "admit", number:
            if name := find(judge.responses, "pending", number):
                judge.responses[name] = "open"
                judge.tell(bridge.ResponseAccepted(response_id=name))
        case "drop", number:
            if name := find(judge.responses, "pending", number):
                await judge.end(name, bridge.ResponseDropped(response_id=name, reason="queue_full"))
        case "stop announcing", number:
            if tasks:
                tasks[number % len(tasks)].cancel()


TEXTS = st.sampled_from(["quick", "slow", "think", "show", "fail", "bye", " "])
INPUTS = st.integers(0, 5).map("in_{}".format)
NUMBERS = st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("say"), TEXTS, INPUTS),
    st.tuples(st.just("silence"), INPUTS),
    st.tuples(st.just("wait"), st.sampled_from([0, 0.005, 0.5, 2])),
    st.tuples(st.just("interrupt"), NUMBERS, st.sampled_from(["", "One."])),
    st.tuples(st.just("time out"), NUMBERS),
    st.tuples(st.just("announce"), st.sampled_from([None, "taxi"])),
    st.tuples(st.just("admit"), NUMBERS),
    st.tuples(st.just("drop"), NUMBERS),
    st.tuples(st.just("stop announcing"), NUMBERS),
)


@example([("announce", None), ("wait", 0), ("stop announcing", 0), ("drop", 0)], False)
@given(st.lists(STEPS, max_size=15), st.booleans())
def test_everything_is_settled_once(steps: list[tuple[Any, ...]], in_batches: bool) -> None:
    async def main() -> None:
        judge, announcing = Judge(), list[asyncio.Task[bool]]()
        async with EngineRoom(reply) as room:
            holding = judge.open(room, extensions={BATCHES: {}} if in_batches else {})
            await asyncio.sleep(0.1)
            for step in steps:
                await do(judge, step, announcing)
            await asyncio.sleep(30)
            assert set(judge.inputs.values()) <= {"settled"}
            assert set(judge.responses.values()) <= {"over"}
            assert all(task.done() for task in announcing)
            judge.tell(bridge.SessionEnd(reason="caller_hangup"))
            await holding
            assert judge.close_code == 1000

    run_virtual(main())


def test_a_peer_that_does_not_read_loses_its_call() -> None:
    """And is waited for no longer than ``VOICELIVE_SEND_TIMEOUT_SECONDS``."""

    class Deaf(Judge):
        async def take(self, message: Message) -> None:
            await super().take(message)
            if '"response.created"' in message.get("text", ""):
                await asyncio.Future()

    async def main() -> None:
        judge = Deaf()
        async with EngineRoom(reply) as room:
            holding = judge.open(room, send_timeout=5)
            await do(judge, ("say", "slow", "in_1"), [])
            await asyncio.sleep(4.9)
            assert judge.close_code is None
            await holding
            assert judge.close_code == 1001

    run_virtual(main())
