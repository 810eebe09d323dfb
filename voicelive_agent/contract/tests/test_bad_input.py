"""Bodies that no client should send. The caller is told, and nothing else happens."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from voicelive_agent.contract.envelope import judge_envelope
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire, speech
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import new_session

MEBIBYTE = 1 << 20

MALFORMED = {
    "open": b'{"type":"input_audio.transcription","input":',
    "single-quotes": b"{'input': 'hello'}",
    "trailing": b'{"input":"a"} {"input":"b"}',
    "trailing-comma": b'{"input":"a",}',
    "bare-words": b"hello there",
    "form": b"input=hello&type=speech",
    "nan": b'{"type":"x","value":NaN}',
    "infinity": b'{"type":"x","value":-Infinity}',
    "control-character": b'{"input":"a\nb"}',
    "nul": b"\x00",
    "xml": b"<input>hello</input>",
}
INVALID_UTF8 = {
    "latin-1": '{"input":"Grüße"}'.encode("latin-1"),
    "utf-16": '{"input":"hello"}'.encode("utf-16"),
    "lone-continuation": b'{"input":"\x80"}',
    "overlong": b'{"input":"\xc0\xaf"}',
    "surrogate": b'{"input":"\xed\xa0\x80"}',
    "cut": '{"input":"ü"}'.encode()[:11],
}
NO_OBJECT = {
    "array": b'[{"type":"input_audio.transcription","input":"hello"}]',
    "number": b"42",
    "string": b'"hello"',
    "true": b"true",
    "null": b"null",
    "empty-array": b"[]",
}
WRONG_TYPE = {
    "number": speech(42),
    "boolean": speech(False),
    "array": speech(["hello"]),
    "object": speech({"text": "hello"}),
    "short-input": {"input": 42},
    "short-message": {"message": ["hello"]},
}
# Python's readers and writers of JSON have limits of their own, so each depth is a case.
HOSTILE = {
    **{
        f"nested-{depth}": b'{"type":"x","value":' + b"[" * depth + b"]" * depth + b"}"
        for depth in (200, 900, 950, 980, 1000, 1500, 5000, 100_000)
    },
    "nested-objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "lone-surrogate-speech": b'{"type":"input_audio.transcription","input":"a \\ud800 b"}',
    "reversed-surrogates": b'{"type":"input_audio.transcription","input":"\\udc00\\ud800"}',
    "lone-surrogate-action": b'{"type":"x","value":"\\udfff"}',
    "lone-surrogate-key": b'{"type":"x","\\ud800":1}',
    "lone-surrogate-type": b'{"type":"\\ud800"}',
    "huge-integer": b'{"type":"x","value":' + b"9" * 5000 + b"}",
    "long-integer": b'{"type":"x","value":' + b"9" * 4000 + b"}",
    "huge-float": b'{"type":"x","value":1e999}',
    "duplicate-keys": b'{"type":"a","type":"input_audio.transcription","input":"x","input":"y"}',
    "byte-order-mark": b'\xef\xbb\xbf{"type":"input_audio.transcription","input":"hello"}',
    "many-keys": json.dumps({f"key-{n}": n for n in range(20_000)}).encode(),
    "prototype": b'{"__proto__":{"x":1},"__class__":"y","constructor":null}',
}


async def _judge_refused(wire: Wire, judge: Judge, clause_id: str, **options: Any) -> None:
    __tracebackhide__ = True
    reply = await wire.post(**options)
    judge(400 <= reply.status < 500, clause_id, "a status of 4xx", reply)
    judge_envelope(judge, reply)
    judge(
        reply.headers.get("x-platform-error-source") == "user",
        "ERR-4",
        "x-platform-error-source: user",
        reply,
    )
    judge(
        bool(reply.headers.get("x-agent-invocation-id"))
        and bool(reply.headers.get("x-agent-session-id")),
        "ERR-4",
        "the ids of the invocation and the session, on an error too",
        reply,
    )


@pytest.mark.parametrize("name", MALFORMED)
async def test_malformed_json(wire: Wire, judge: Judge, name: str) -> None:
    await _judge_refused(wire, judge, "BAD-1", content=MALFORMED[name])


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
@pytest.mark.parametrize("name", INVALID_UTF8)
async def test_invalid_utf8(wire: Wire, judge: Judge, name: str, content_type: str) -> None:
    await _judge_refused(
        wire, judge, "BAD-2", content=INVALID_UTF8[name], content_type=content_type
    )


@pytest.mark.parametrize("name", NO_OBJECT)
async def test_json_that_is_no_object(wire: Wire, judge: Judge, name: str) -> None:
    await _judge_refused(wire, judge, "BAD-3", content=NO_OBJECT[name])


@pytest.mark.parametrize("name", WRONG_TYPE)
async def test_input_of_a_wrong_type(wire: Wire, judge: Judge, name: str) -> None:
    await _judge_refused(wire, judge, "BAD-4", body=WRONG_TYPE[name])


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_body_that_is_too_long(wire: Wire, judge: Judge, content_type: str) -> None:
    body = json.dumps(speech("x" * MEBIBYTE)).encode()
    await _judge_refused(wire, judge, "BAD-5", content=body, content_type=content_type)


async def test_body_that_is_too_long_and_does_not_say_so(wire: Wire, judge: Judge) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"type":"input_audio.transcription","input":"'
        for _ in range(17):
            yield b"x" * (MEBIBYTE // 16)
        yield b'"}'

    await _judge_refused(wire, judge, "BAD-5", content=chunks())


async def test_body_of_a_whole_mebibyte(wire: Wire, judge: Judge) -> None:
    frame = len(json.dumps({"type": "x", "value": ""}))
    body = json.dumps({"type": "x", "value": "x" * (MEBIBYTE - frame)}).encode()
    reply = await wire.post(content=body)
    judge(reply.answered, "BAD-5", "HTTP 200: the limit itself is allowed", reply)


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_json(wire: Wire, judge: Judge, name: str) -> None:
    session = wire.session()
    reply = await wire.post(content=HOSTILE[name], session=session)
    judge(reply.status < 500, "BAD-6", "no status of 5xx", reply)
    if reply.status < 400:
        judge_stream(judge, reply)
        judge("agent.error" not in reply.types, "BAD-6", "a refusal, or an agent that works", reply)
    follow_up = await wire.say(wire.target.text, session=session)
    judge(follow_up.answered, "BAD-6", "HTTP 200 for the session's next turn", follow_up)
    judge_stream(judge, follow_up)


@pytest.mark.usefixtures("scripted")
async def test_bad_input_changes_nothing(wire: Wire, judge: Judge) -> None:
    session = new_session()
    await wire.say("one", session=session)
    for content in (*MALFORMED.values(), *INVALID_UTF8.values(), *NO_OBJECT.values()):
        await wire.post(content=content, session=session)
    for body in WRONG_TYPE.values():
        await wire.post(body, session=session)
    reply = await wire.say("recall", session=session)
    judge(reply.spoken == "I remember 1 turns: one", "BAD-7", "one turn in the history", reply)


@pytest.mark.usefixtures("scripted")
async def test_bad_input_interrupts_nothing(wire: Wire, judge: Judge) -> None:
    session = new_session()
    async with wire.turn("hold steady", session=session) as held:
        await held.until()
        refused = await wire.post(content=b"{", session=session)
        judge(refused.status == 400, "BAD-7", "HTTP 400", refused)
        await wire.post({"type": "test.release", "name": "steady"})
        reply = judge_stream(judge, await held.rest())
    judge(
        reply.spoken.endswith("And I was released."),
        "BAD-7",
        "the running turn goes on to its end",
        reply,
    )
