"""What Voice Live, a client's screen, curl and azd send: speech, actions, greetings."""

from typing import Any

import pytest

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire, speech
from voicelive_agent.contract.stream import Reply, judge_stream

SAYINGS = {
    "umlauts": "Grüß Gott, wie wird das Wetter in Köln?",
    "japanese": "明日の天気はどうですか。",
    "arabic": "كيف الطقس اليوم؟",
    "emoji": "hello 👋🏽 👩‍👩‍👧‍👦 🏳️‍🌈",
    "combining": "e\u0301 \u200b\u2028\u2029 \ufeff",
    "controls": "a\tb\nc\r\nd\u0000e\u0085f",
    "sse-like": "data: x\n\nevent: done\n\n: comment",
    "json-like": '{"type":"done"}',
    "long": "tell me more about it " * 2500,
    "one-character": "?",
}

GREETINGS: dict[str, dict[str, Any]] = {
    "no-body": {},
    "empty-body": {"content": b""},
    "whitespace": {"content": b" \r\n"},
    "empty-object": {"body": {}},
    "empty-input": {"body": speech("")},
    "null-input": {"body": speech(None)},
    "missing-input": {"body": {"type": "input_audio.transcription"}},
    "blank-input": {"body": speech("  ")},
}

ACTIONS: dict[str, dict[str, Any]] = {
    "click": {"type": "button_click", "action": "select_hotel", "hotel_id": "h-1"},
    "unknown-type": {"type": "contract.never_heard_of", "value": 1},
    "no-type": {"anything": [1, 2.5, None, True, {"deeper": "ü 👋"}]},
    "type-is-no-string": {"type": 7, "input": "a string"},
    "null-type": {"type": None},
    "response-types": {"type": "done", "text": "not from the agent"},
    "escapes": {"type": "x", "line": "a\nb\u2028c", "": "", "q": "\"'\\"},
    "numbers": {"type": "x", "n": [0, -1, 1.5, 1e300, 2**53, 10**30]},
    "input-and-more": {"input": "words", "hotel_id": "h-1"},
}


@pytest.mark.parametrize("name", SAYINGS)
async def test_speech_in_any_script_and_length(wire: Wire, judge: Judge, name: str) -> None:
    reply = await wire.say(SAYINGS[name])
    judge(reply.answered, "IN-1", "HTTP 200", reply)
    judge_stream(judge, reply)
    if wire.target.scripted:
        judge(
            {"type": "test.heard", "text": SAYINGS[name]} in reply.client_events,
            "IN-1",
            "the agent hears what was said, to the character",
            reply,
        )


@pytest.mark.parametrize("name", GREETINGS)
async def test_greeting(wire: Wire, judge: Judge, name: str) -> None:
    reply = await wire.post(**GREETINGS[name])
    judge(reply.status < 500, "IN-2", "no status of 5xx", reply)
    judge(reply.answered, "IN-3", "HTTP 200", reply)
    judge_stream(judge, reply)
    if wire.target.scripted:
        judge(not reply.client_events, "IN-3", "a turn without speech or action", reply)


@pytest.mark.parametrize("name", ACTIONS)
async def test_action(wire: Wire, judge: Judge, name: str) -> None:
    action = ACTIONS[name]
    reply = await wire.post(action)
    judge(reply.status < 500, "IN-4", "no status of 5xx", reply)
    judge(reply.answered, "IN-5", "HTTP 200", reply)
    judge_stream(judge, reply)
    if wire.target.scripted:
        judge(
            {"type": "test.heard", "action": action} in reply.client_events,
            "IN-6",
            f"the agent gets {action!r}",
            reply,
        )


def _judge_heard(wire: Wire, judge: Judge, clause_id: str, reply: Reply, text: str) -> None:
    __tracebackhide__ = True
    judge(reply.answered, clause_id, "HTTP 200", reply)
    judge_stream(judge, reply)
    if wire.target.scripted:
        judge(
            {"type": "test.heard", "text": text} in reply.client_events,
            clause_id,
            f"the agent hears {text!r}",
            reply,
        )


@pytest.mark.parametrize("key", ["message", "input"])
async def test_short_forms_are_speech(wire: Wire, judge: Judge, key: str) -> None:
    reply = await wire.post({key: wire.target.text})
    _judge_heard(wire, judge, "IN-7", reply, wire.target.text)


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=utf-8"])
async def test_plain_text_is_speech(wire: Wire, judge: Judge, content_type: str) -> None:
    text = f"{wire.target.text} in Zürich"
    reply = await wire.post(content=text.encode(), content_type=content_type)
    _judge_heard(wire, judge, "IN-7", reply, text)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/octet-stream",
        None,
    ],
)
async def test_content_type_of_speech(wire: Wire, judge: Judge, content_type: str | None) -> None:
    reply = await wire.post(speech(wire.target.text), content_type=content_type)
    _judge_heard(wire, judge, "IN-8", reply, wire.target.text)


async def test_unknown_fields_beside_the_input(wire: Wire, judge: Judge) -> None:
    body = {**speech(wire.target.text), "locale": "en-US", "message": "not this", "later": {"x": 1}}
    _judge_heard(wire, judge, "IN-8", await wire.post(body), wire.target.text)
