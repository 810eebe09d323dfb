"""Messages and frames of the Bridge, judged beside Microsoft's own codec."""

import copy
import json
import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES, FrameError
from voicelive_agent.wire.bridge.messages import (
    AgentError,
    EndCall,
    ForBridge,
    OutputTextDelta,
    OutputTextDone,
    ResponseCancel,
    ResponseCreated,
    ResponseDone,
    ResponseNone,
    SessionReady,
    SessionRejected,
    encode,
    read_for_agent,
    read_for_bridge,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # It says that it is experimental.
    from azure.ai.agentserver.invocations.voice import _codec as official
    from azure.ai.agentserver.invocations.voice import _models as official_models

HEAD: dict[str, Any] = {"id": "m_1", "ts": "2026-11-28T08:00:00.000Z"}
DEADLINES = {"first_output_ms": 10000, "idle_ms": 15000, "max_duration_ms": 120000}
START: dict[str, Any] = {
    "type": "session.start",
    **HEAD,
    "protocol_version": "1.0",
    "reconnect": False,
    "response_timeouts": DEADLINES,
    "greeting": "Welcome to the boat club.",
    "no_input_timeout_ms": 8000,
    "caller": {"channel": "web"},
}
SAYS: dict[str, Any] = {
    "type": "user.message",
    **HEAD,
    "item_id": "in_a1",
    "content": [{"type": "input_text", "text": "When do you open?"}],
}
TO_AGENT: list[dict[str, Any]] = [
    START,
    SAYS,
    {"type": "user.no_input", **HEAD, "item_id": "in_a2", "count": 1},
    {"type": "user.speech_started", **HEAD},
    {
        "type": "barge_in",
        **HEAD,
        "response_id": "r_7",
        "item_id": "it_7",
        "heard_text": "We open at",
    },
    {"type": "response.accepted", **HEAD, "response_id": "r_8"},
    {"type": "response.dropped", **HEAD, "response_id": "r_8", "reason": "queue_full"},
    {
        "type": "response.cancelled",
        **HEAD,
        "response_id": "r_9",
        "heard_text": "",
        "item_id": "it_9",
    },
    {"type": "response.timeout", **HEAD, "stage": "first_output", "item_ids": ["in_a3"]},
    {"type": "response.timeout", **HEAD, "stage": "idle", "response_id": "r_9"},
    {"type": "session.end", **HEAD, "reason": "caller_hangup"},
]


def judge(frame: str) -> int | str | None:
    """What we say of a frame that an agent receives: a close code, its type, or nothing."""
    try:
        message = read_for_agent(frame)
    except FrameError as error:
        return error.close_code
    return message.type if message else None


def judge_officially(frame: str) -> int | str | None:
    try:
        message = official.decode_inbound_message(frame)
    except official.VoiceProtocolError as error:
        return int(error.close_code)
    return str(message.type) if message else None


def change(original: dict[str, Any], /, **fields: Any) -> str:
    return json.dumps({**original, **fields})


def leave_out(message: dict[str, Any], name: str) -> str:
    return json.dumps({key: value for key, value in message.items() if key != name})


FRAMES = {
    **{f"{each['type']}-{number}": json.dumps(each) for number, each in enumerate(TO_AGENT)},
    "white-space": f" \n{json.dumps(SAYS)}\t",
    "unknown type": change(SAYS, type="user.waves"),
    "unknown type without id": json.dumps({"type": "user.waves", "ts": HEAD["ts"]}),
    "unknown field": change(SAYS, mood="good"),
    "twice encoded": json.dumps(json.dumps(SAYS)),
    "no object": "[1]",
    "nothing": "",
    "broken": '{"type":',
    "a key twice": json.dumps(SAYS)[:-1] + ',"id":"m_2"}',
    "a key twice within": '{"type":"session.end","id":"m","ts":"2026-11-28T08:00:00Z","reason":"x",'
    '"y":{"a":1,"a":2}}',
    "NaN": change(SAYS, x=float("nan")),
    "Infinity": change(SAYS, x=float("inf")),
    "huge float": json.dumps(SAYS)[:-1] + ',"x":1e999}',
    "long integer": json.dumps(SAYS)[:-1] + f',"x":{"9" * 129}}}',
    "integer at the limit": json.dumps(SAYS)[:-1] + f',"x":-{"9" * 128}}}',
    "half a pair": json.dumps(SAYS)[:-1] + ',"x":"\\ud83d"}',
    "half a pair in a key": json.dumps(SAYS)[:-1] + ',"\\ud83d":1}',
    "half a pair unescaped": json.dumps(SAYS)[:-1] + ',"x":"\ud83d"}',
    "depth 32": json.dumps(SAYS)[:-1] + f',"x":{"[" * 31}{"]" * 31}}}',
    "depth 33": json.dumps(SAYS)[:-1] + f',"x":{"[" * 32}{"]" * 32}}}',
    "depth 100000": json.dumps(SAYS)[:-1] + f',"x":{"[" * 100000}{"]" * 100000}}}',
    "8192 values": change({"type": "x", **HEAD}, x=[0] * (8192 - 5)),
    "8193 values": change({"type": "x", **HEAD}, x=[0] * (8193 - 5)),
    "no type": leave_out(SAYS, "type"),
    "empty type": change(SAYS, type=""),
    "type is a number": change(SAYS, type=4),
    "no id": leave_out(SAYS, "id"),
    "empty id": change(SAYS, id=""),
    "id of 256 bytes": change(SAYS, id="é" * 128),
    "id of 257 bytes": change(SAYS, id="é" * 128 + "a"),
    "no ts": leave_out(SAYS, "ts"),
    "ts null": change(SAYS, ts=None),
    "ts without zone": change(SAYS, ts="2026-11-28T08:00:00"),
    "ts with offset": change(SAYS, ts="2026-11-28T08:00:00.123456789+05:30"),
    "ts of ten digits": change(SAYS, ts="2026-11-28T08:00:00.1234567890Z"),
    "ts in February": change(SAYS, ts="2026-02-30T08:00:00Z"),
    "ts at 24": change(SAYS, ts="2026-11-28T24:00:00Z"),
    "ts of other digits": change(SAYS, ts="２026-11-28T08:00:00Z"),
    "ts with newline": change(SAYS, ts="2026-11-28T08:00:00Z\n"),
    "excluded": change({"type": "dtmf", **HEAD}),
    "excluded without id": json.dumps({"type": "dtmf", "ts": HEAD["ts"]}),
    "wrong direction": change({"type": "response.done", **HEAD}),
    "start null greeting": change(START, greeting=None),
    "start empty greeting": change(START, greeting=""),
    "start null caller": change(START, caller=None),
    "start null timeout": change(START, no_input_timeout_ms=None),
    "start zero timeout": change(START, no_input_timeout_ms=0),
    "start true timeout": change(START, no_input_timeout_ms=True),
    "start float timeout": change(START, no_input_timeout_ms=8000.0),
    "start reconnect": leave_out({**START, "reconnect": True}, "greeting"),
    "start reconnect and greeting": change(START, reconnect=True),
    "start reconnect 1": change(START, reconnect=1),
    "start without deadlines": leave_out(START, "response_timeouts"),
    "start deadlines short": change(START, response_timeouts={"idle_ms": 3}),
    "start deadline 0": change(START, response_timeouts={**DEADLINES, "idle_ms": 0}),
    "start version 2": change(START, protocol_version="2.0"),
    "start version empty": change(START, protocol_version=""),
    "says nothing": change(SAYS, content=[]),
    "says empty text": change(SAYS, content=[{"type": "input_text", "text": ""}]),
    "says null": change(SAYS, content=[{"type": "input_text", "text": None}]),
    "says an image": change(SAYS, content=[{"type": "input_image"}]),
    "says another": change(SAYS, content=[{"type": "input_smell"}]),
    "says another, without item": leave_out(
        {**SAYS, "content": [{"type": "input_smell"}]}, "item_id"
    ),
    "says both": change(SAYS, content=[{"type": "x"}, {"type": "input_text", "text": "a"}]),
    "says a text": change(SAYS, content="hello"),
    "says a part without type": change(SAYS, content=[{"text": "a"}]),
    "says a text of numbers": change(SAYS, content=[{"type": "input_text", "text": 4}]),
    "says a type of numbers": change(SAYS, content=[{"type": 4, "text": "a"}]),
    "says an image without id": leave_out({**SAYS, "content": [{"type": "input_image"}]}, "id"),
    "says another at no time": change(SAYS, content=[{"type": "input_smell"}], ts="now"),
    "says a list of lists": change(SAYS, content=[[]]),
    "says without content": leave_out(SAYS, "content"),
    "type is a list": change(SAYS, type=["user.message"]),
    "id null": change(SAYS, id=None),
    "byte order mark": "\ufeff" + json.dumps(SAYS),
    "minus infinity": json.dumps(SAYS)[:-1] + ',"x":-1e999}',
    "small float": json.dumps(SAYS)[:-1] + ',"x":1e-999}',
    "commas in a text": change(SAYS, x="," * 9000 + "[" * 40),
    "escaped pair": change(SAYS, content=[{"type": "input_text", "text": "😀"}]),
    "8193 values in objects": change({"type": "x", **HEAD}, x=[{}] * (8193 - 5)),
    "says image after nonsense": change(SAYS, content=[4, {"type": "input_image"}]),
    "item without prefix": change(SAYS, item_id="a1"),
    "item is its prefix": change(SAYS, item_id="in_"),
    "count 0": change(TO_AGENT[2], count=0),
    "barge-in null item": change(TO_AGENT[4], item_id=None),
    "barge-in without item": leave_out(TO_AGENT[4], "item_id"),
    "barge-in nothing heard": change(TO_AGENT[4], heard_text=""),
    "barge-in heard null": change(TO_AGENT[4], heard_text=None),
    "dropped for nothing": change(TO_AGENT[6], reason=""),
    "timeout of both": change(TO_AGENT[8], response_id="r_1"),
    "timeout of none": leave_out(TO_AGENT[8], "item_ids"),
    "timeout twice": change(TO_AGENT[8], item_ids=["in_1", "in_1"]),
    "timeout of no item": change(TO_AGENT[8], item_ids=[]),
    "timeout null": change(TO_AGENT[8], response_id=None),
    "end for nothing": change(TO_AGENT[10], reason=""),
}


@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_is_judged_as_the_official_codec_judges_it(name: str) -> None:
    assert judge(FRAMES[name]) == judge_officially(FRAMES[name])


@pytest.mark.parametrize("more", [0, 1])
def test_a_frame_may_be_as_long_as_the_limit(more: int) -> None:
    filler = "é" * ((MAX_FRAME_BYTES - len(change(SAYS, x="")) - 10) // 2)
    frame = json.dumps({**SAYS, "x": filler}, ensure_ascii=False)
    frame += " " * (MAX_FRAME_BYTES - len(frame.encode()) + more)
    assert judge(frame) == judge_officially(frame) == (1009 if more else "user.message")


NAMES = [
    "token_count",
    "secretary_name",
    "SECRETARYNAME",
    "apiVersion",
    "APIStatus",
    "KANSAS",
    "sessionId",
    "sasquatch",
    "password_count",
    "PasswordCount",
    "PROXYSECRET",
    "XAPITOKEN",
    "SASURL",
    "pwd",
    "PWD",
    "sas",
    "sas_token",
    "mySecret",
    "secret_value",
    "client-secret",
    "ConnectionString",
    "idToken",
    "authorization",
    "Authorization_Header",
    "subscriptionKey",
    "account.key",
    "azureSas",
    "azurePwd",
    "bearer",
    "bearerToken",
    "author",
    "passwd",
    "keys",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("nested", [False, True])
def test_credentials_of_a_caller_are_found_by_name(name: str, nested: bool) -> None:
    caller: Any = [{"a": [{name: "x"}]}] if nested else "x"
    frame = change(START, caller={("b" if nested else name): caller})
    assert judge(frame) == judge_officially(frame)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["in_1", "r_1", "it_", "", "2026-11-28T08:00:00Z", "input_text", "1.0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(
    st.sampled_from(TO_AGENT),
    st.dictionaries(
        st.sampled_from(sorted({name for message in TO_AGENT for name in message} | {"other"})),
        VALUES,
        max_size=3,
    ),
    st.lists(st.sampled_from(["id", "ts", "item_id", "content", "response_id", "reason"])),
)
def test_a_message_changed_anyhow_is_judged_alike(
    message: dict[str, Any], changes: Mapping[str, Any], left_out: list[str]
) -> None:
    changed = {**copy.deepcopy(message), **changes}
    for name in left_out:
        changed.pop(name, None)
    frame = json.dumps(changed)
    assert judge(frame) == judge_officially(frame)


IDS: dict[str, Any] = {"response_id": "r_7", "item_id": "it_7"}
FROM_AGENT: list[tuple[ForBridge, Any]] = [
    (SessionReady(**HEAD), official_models.SessionReady(**HEAD)),
    *(
        (ours(**HEAD, **fields), theirs(**HEAD, **fields))
        for ours, theirs, fields in (
            (
                SessionRejected,
                official_models.SessionRejected,
                {"code": "protocol_mismatch", "retriable": False, "message": "only 1.0"},
            ),
            (
                ResponseCreated,
                official_models.ResponseCreated,
                {"response_id": "r_8", "admission_timeout_ms": 5000, "supersede_key": "eta"},
            ),
            (
                OutputTextDelta,
                official_models.ResponseOutputTextDelta,
                {**IDS, "delta": "Größe 😀"},
            ),
            (OutputTextDone, official_models.ResponseOutputTextDone, {**IDS, "text": ""}),
            (ResponseDone, official_models.ResponseDone, {"response_id": "r_7"}),
            (ResponseCancel, official_models.ResponseCancel, {"response_id": "r_7"}),
            (
                AgentError,
                official_models.AgentError,
                {"code": "tool_failed", "message": "The booking system is down.", **IDS},
            ),
        )
    ),
    (
        ResponseCreated(**HEAD, response_id="r_7", in_reply_to=["in_a1"]),
        official_models.ResponseCreated(**HEAD, response_id="r_7", in_reply_to=("in_a1",)),
    ),
    (
        ResponseNone(**HEAD, in_reply_to=["in_a1", "in_a2"], reason="no_reply_needed"),
        official_models.ResponseNone(
            **HEAD, in_reply_to=("in_a1", "in_a2"), reason="no_reply_needed"
        ),
    ),
    (
        EndCall(**HEAD, reason="agent_ended"),
        official_models.EndCall(**HEAD, reason="agent_ended"),
    ),
    *(
        (
            OutputTextDelta(**HEAD, **IDS, delta="a", voice=voice),
            official_models.ResponseOutputTextDelta(**HEAD, **IDS, delta="a", voice=voice),
        )
        for voice in (
            {"rate": "+10%", "pitch": None},
            {"type": "custom", "name": "x", "model": "", "temperature": 0.5},
            {"prefer_locales": ["de-DE"], "anything": [1, {"b": None}]},
        )
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), FROM_AGENT, ids=lambda value: value.type)
def test_what_an_agent_sends_is_written_as_the_official_codec_writes_it(
    ours: ForBridge, theirs: Any
) -> None:
    frame = encode(ours)
    assert frame == official.encode_outbound_message(theirs)
    assert read_for_bridge(frame) == ours


@pytest.mark.parametrize(
    "voice",
    [
        {},
        {"type": "neural"},
        {"type": 4},
        {"name": ""},
        {"name": None},
        {"endpoint_id": ""},
        {"model": None},
        {"rate": 1},
        {"temperature": 1.5},
        {"temperature": True},
        {"prefer_locales": "de"},
        {"prefer_locales": [4]},
    ],
    ids=str,
)
def test_a_voice_that_the_official_codec_refuses_is_refused(voice: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="voice"):
        OutputTextDelta(**IDS, delta="a", voice=voice)
    theirs = official_models.ResponseOutputTextDelta
    with pytest.raises((TypeError, ValueError)):
        official.encode_outbound_message(theirs(**HEAD, **IDS, delta="a", voice=voice))


@pytest.mark.parametrize(
    "frame",
    [
        change({"type": "response.created", **HEAD}, response_id="7"),
        change(
            {"type": "response.created", **HEAD},
            response_id="r_7",
            in_reply_to=["in_1"],
            supersede_key="eta",
        ),
        change({"type": "response.created", **HEAD}, response_id="r_1", admission_timeout_ms=60001),
        change({"type": "response.output_text.delta", **HEAD, **IDS}, delta=""),
        change({"type": "response.done", **HEAD}, response_id=None),
        change({"type": "error", **HEAD}, code="x", message="y", item_id="it_1"),
        change({"type": "end_call", **HEAD}, reason="x", mode="slowly"),
        json.dumps(SAYS),
    ],
)
def test_the_bridge_is_told_what_an_agent_sends_wrongly(frame: str) -> None:
    with pytest.raises(FrameError) as told:
        read_for_bridge(frame)
    assert told.value.close_code == 1002


def test_a_frame_that_would_be_too_long_is_not_written() -> None:
    with pytest.raises(FrameError, match="bytes"):
        encode(OutputTextDone(**IDS, text="é" * (MAX_FRAME_BYTES // 2)))


def test_errors_quote_nothing_of_what_was_said() -> None:
    with pytest.raises(FrameError) as told:
        read_for_agent(change(SAYS, item_id="my secret"))
    assert "secret" not in str(told.value)
    assert "item_id" in str(told.value)
