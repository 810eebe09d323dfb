"""Sessions over the Bridge: how they begin and end, and what closes the connection."""

import json
from typing import Any

import pytest

from voicelive_agent.contract.bridge_calls import Caller
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES

TS = "2026-11-28T08:00:00Z"


def frame(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, "id": bridge.new_id("m_"), "ts": TS, **fields})


async def test_nothing_is_answered_before_it_begins(caller: Caller) -> None:
    async with caller.connect() as call:
        await call.say(caller.target.text)
        early = await call.further()
        caller.judge(not early, "BR-18", "nothing", call)


async def test_a_second_start(caller: Caller) -> None:
    async with caller.call() as call:
        await call.start(reconnect=True)
        caller.judge(await call.closed() == 1008, "BR-19", "closed with 1008", call)


async def test_another_version(caller: Caller) -> None:
    async with caller.connect() as call:
        answer = await call.start(protocol_version="9.0")
        rejected = isinstance(answer, bridge.SessionRejected) and not answer.retriable
        code = getattr(answer, "code", None)
        caller.judge(rejected and code == "protocol_mismatch", "BR-21", "session.rejected", call)


async def test_the_end(caller: Caller) -> None:
    async with caller.call() as call:
        await call.send(bridge.SessionEnd(reason="caller_hangup"))
        caller.judge(await call.closed() == 1000, "BR-27", "closed with 1000", call)


async def test_what_a_later_version_sends_is_ignored(caller: Caller) -> None:
    async with caller.call() as call:
        await call.send_frame(frame("user.mood", mood="good", nested={"a": [1]}))
        await call.send(bridge.UserSpeechStarted())
        item_id = bridge.new_id("in_")
        content = [
            {"type": "input_mood", "mood": "good"},
            {"type": "input_text", "text": caller.target.text, "confidence": 0.9},
        ]
        await call.send_frame(frame("user.message", item_id=item_id, content=content, later=1))
        messages = await call.until(bridge.ResponseDone, bridge.ResponseNone)
        caller.judge(bool(messages), "BR-8", "an answer to what is known", call)
        caller.judge_answer(call, item_id, messages)


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        '"text"',
        '{"type":"user.message"}',
        '{"type":"x","id":"m","ts":"2026-11-28T08:00:00Z","a":1,"a":2}',
        '{"type":"x","id":"m","ts":"2026-11-28T08:00:00Z","a":NaN}',
        '{"type":"x","id":"m","ts":"yesterday"}',
        '{"type":"x","id":"m","ts":"2026-11-28T08:00:00Z","a":' + "[" * 40 + "]" * 40 + "}",
        frame("barge_in", response_id="r_1", item_id=None, heard_text=""),
        frame("user.message", item_id="x_1", content=[{"type": "input_text", "text": "hi"}]),
        frame("response.timeout", stage="idle"),
    ],
    ids=[
        "no JSON",
        "no object",
        "a string",
        "no id",
        "a key twice",
        "NaN",
        "no time",
        "too deep",
        "null",
        "wrong prefix",
        "neither id",
    ],
)
async def test_what_is_no_message_closes(caller: Caller, bad: str) -> None:
    async with caller.call() as call:
        await call.send_frame(bad)
        caller.judge(await call.closed() == 1002, "BR-9", "closed with 1002", call)


@pytest.mark.parametrize("excluded", [b"\x00", "dtmf", "conversation.item.create"])
async def test_what_agents_of_text_do_not_take_closes(
    caller: Caller, excluded: str | bytes
) -> None:
    async with caller.call() as call:
        await call.send_frame(excluded if isinstance(excluded, bytes) else frame(excluded))
        caller.judge(await call.closed() == 1003, "BR-10", "closed with 1003", call)


@pytest.mark.parametrize("more", [0, 1])
async def test_how_long_a_frame_may_be(caller: Caller, more: int) -> None:
    async with caller.call() as call:
        empty = frame("user.mood", mood="")
        size = MAX_FRAME_BYTES - len(empty.encode()) + more
        await call.send_frame(empty.replace('"mood": ""', f'"mood": "{"x" * size}"'))
        if more:
            caller.judge(await call.closed() == 1009, "BR-11", "closed with 1009", call)
            return
        item_id, messages = await call.ask(caller.target.text)
        caller.judge(bool(messages), "BR-11", "an answer after the longest frame", call)
        caller.judge_answer(call, item_id, messages)


async def test_headers_never_fail_the_upgrade(caller: Caller) -> None:
    caller.judge.require("BR-12")
    headers = [
        ("traceparent", "not-a-trace"),
        ("traceparent", "00-zz-zz-zz"),
        ("tracestate", "=,=,="),
        ("baggage", ";;;=%"),
        ("x-request-id", "a b\tc"),
        ("x-request-id", "x" * 300),
        ("x-agent-user-id", "x" * 300),
    ]
    async with caller.connect(headers=headers, clause="BR-12") as call:
        caller.judge(isinstance(await call.start(), bridge.SessionReady), "BR-12", "ready", call)
        response = call.socket.response
        server = response.headers.get("x-platform-server") if response else None
        caller.judge(bool(server), "BR-13", "x-platform-server", str(server), call)
