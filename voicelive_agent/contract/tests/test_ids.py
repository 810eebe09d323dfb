"""Ids and headers of every response."""

import re
import uuid

import pytest

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Headers, Wire
from voicelive_agent.contract.stream import Reply, judge_stream
from voicelive_agent.contract.target import new_session

INVOCATION = "x-agent-invocation-id"
SESSION = "x-agent-session-id"
VALID_ID = re.compile(r"[a-zA-Z0-9\-_.:]{1,256}")
SEGMENTS = re.compile(r"\S+/\S+ \(python/\d+\.\d+\)( \S+/\S+ \(python/\d+\.\d+\))*")
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"

INVALID_IDS = {
    "space": "not an id",
    "slash": "a/b",
    "too-long": "a" * 257,
    "markup": "<b>id</b>",
    "semicolon": "a;b",
}


def _is_valid(reply: Reply, name: str) -> bool:
    return VALID_ID.fullmatch(reply.headers.get(name, "")) is not None


@pytest.mark.parametrize("value", ["contract-1", "A.b:c_d-9", "a" * 256, "0"])
async def test_valid_invocation_id_is_kept(wire: Wire, judge: Judge, value: str) -> None:
    judge.require("ID-1")
    reply = await wire.say(wire.target.text, headers={INVOCATION: value})
    judge(reply.headers.get(INVOCATION) == value, "ID-1", f"{INVOCATION}: {value}", reply)


async def test_new_invocations_get_an_id(wire: Wire, judge: Judge) -> None:
    replies = [await wire.say(wire.target.text) for _ in range(2)]
    for reply in replies:
        judge(_is_valid(reply, INVOCATION), "ID-1", f"a valid {INVOCATION}", reply)
    ids = [reply.headers[INVOCATION] for reply in replies]
    judge(len(set(ids)) == 2, "ID-1", "a different id for each invocation", ids)


@pytest.mark.parametrize("name", INVALID_IDS)
async def test_invalid_invocation_id_is_replaced(wire: Wire, judge: Judge, name: str) -> None:
    judge.require("ID-2")
    reply = await wire.say(wire.target.text, headers={INVOCATION: INVALID_IDS[name]})
    judge_stream(judge, reply)
    judge(_is_valid(reply, INVOCATION), "ID-2", f"a valid {INVOCATION}", reply)


async def test_invocation_id_of_other_bytes_is_replaced(wire: Wire, judge: Judge) -> None:
    judge.require("ID-2")
    headers: Headers = [(INVOCATION.encode(), b"caf\xe9\xff")]
    reply = await wire.say(wire.target.text, headers=headers)
    judge(reply.answered, "ID-2", "HTTP 200", reply)
    judge(_is_valid(reply, INVOCATION), "ID-2", f"a valid {INVOCATION}", reply)


@pytest.mark.parametrize("value", ["contract-1", "A.b:c_d-9", "a" * 256])
async def test_valid_session_id_is_kept(wire: Wire, judge: Judge, value: str) -> None:
    judge.require("ID-3")
    reply = await wire.say(wire.target.text, session=value)
    judge(reply.headers.get(SESSION) == value, "ID-3", f"{SESSION}: {value}", reply)


@pytest.mark.parametrize("session", [None, ""])
async def test_turn_without_session_gets_one(wire: Wire, judge: Judge, session: str | None) -> None:
    reply = await wire.say(wire.target.text, session=session)
    judge(_is_valid(reply, SESSION), "ID-3", f"a valid {SESSION}", reply)


@pytest.mark.parametrize("name", INVALID_IDS)
async def test_invalid_session_id_is_replaced(wire: Wire, judge: Judge, name: str) -> None:
    judge.require("ID-4")
    reply = await wire.say(wire.target.text, session=INVALID_IDS[name])
    judge_stream(judge, reply)
    judge(_is_valid(reply, SESSION), "ID-4", f"a valid {SESSION}", reply)


async def test_session_id_is_matched_in_full(wire: Wire, judge: Judge) -> None:
    """The official host takes ``abc%0A`` for valid: its pattern's ``$`` matches before it."""
    judge.require("ID-5")
    marker = f"contract-{uuid.uuid4().hex}"
    reply = await wire.say(
        wire.target.text, session=None, raw_query=f"agent_session_id={marker}%0A"
    )
    judge_stream(judge, reply)
    judge(
        _is_valid(reply, SESSION) and marker not in reply.headers[SESSION],
        "ID-5",
        f"a new {SESSION}",
        reply,
    )


@pytest.mark.parametrize(
    "raw_query",
    [
        "agent_session_id=a%0D%0Ax-injected:%20yes",
        "agent_session_id=a%0Ax-injected:%20yes",
        "agent_session_id=a%E5%98%8A%E5%98%8Dx-injected:%20yes",
        "agent_session_id=a%00b&agent_session_id=%0D%0Ax-injected:%20yes",
        "%0D%0Ax-injected:%20yes=1",
        "agent_session_id=%FF%FE",
    ],
)
async def test_query_adds_no_header(wire: Wire, judge: Judge, raw_query: str) -> None:
    reply = await wire.say(wire.target.text, session=None, raw_query=raw_query)
    judge(reply.status < 500, "ID-6", "no status of 5xx", reply)
    judge("x-injected" not in reply.headers, "ID-6", "no header x-injected", reply)
    if reply.streamed:
        judge_stream(judge, reply)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_get_and_cancel_name_the_invocation(wire: Wire, judge: Judge, method: str) -> None:
    judge.require("ID-7", "ID-9")
    invocation_id = f"contract-{uuid.uuid4().hex}"
    await wire.say(wire.target.text, headers={INVOCATION: invocation_id})
    path = f"/invocations/{invocation_id}" + ("/cancel" if method == "POST" else "")
    reply = await wire.send(method, path)
    judge(
        reply.headers.get(INVOCATION) == invocation_id,
        "ID-7",
        f"{INVOCATION}: {invocation_id}",
        reply,
    )
    judge(SESSION not in reply.headers, "ID-9", f"no {SESSION}", reply)


@pytest.mark.parametrize("suffix", ["", "/cancel"])
@pytest.mark.parametrize(
    "path_id", ["a%20b%0Ac", "a%0A", "%0D%0Ax-injected:%20yes", "%FF", "a" * 257]
)
async def test_invalid_id_in_the_path(wire: Wire, judge: Judge, path_id: str, suffix: str) -> None:
    """The official host answers some of these with a bare 500."""
    judge.require("ID-8")
    reply = await wire.send("POST" if suffix else "GET", f"/invocations/{path_id}{suffix}")
    judge("x-injected" not in reply.headers, "ID-6", "no header x-injected", reply)
    judge(400 <= reply.status < 500, "ID-8", "a status of 4xx", reply)
    value = reply.json()
    judge(
        isinstance(value, dict) and isinstance(value.get("error"), dict),
        "ID-8",
        '{"error":{"code":"…","message":"…"}}',
        reply,
    )


async def test_every_response_says_who_answered(wire: Wire, judge: Judge) -> None:
    judge.require("REQ-1", "SERVER-1")
    for method, path, options in (
        ("POST", "/invocations", {"body": {"input": wire.target.text}, "session": new_session()}),
        ("GET", "/invocations/contract-unknown", {}),
        ("GET", "/readiness", {}),
        ("GET", "/contract-unknown", {}),
        ("DELETE", "/invocations", {}),
    ):
        reply = await wire.send(method, path, **options)
        judge(bool(reply.headers.get("x-request-id")), "REQ-1", "x-request-id", reply)
        judge(
            SEGMENTS.fullmatch(reply.headers.get("x-platform-server", "")) is not None,
            "SERVER-1",
            "x-platform-server: name/version (python/x.y)",
            reply,
        )


@pytest.mark.parametrize("with_request_id", [False, True])
async def test_trace_id_is_the_request_id(wire: Wire, judge: Judge, with_request_id: bool) -> None:
    judge.require("REQ-2")
    headers = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    if with_request_id:
        headers["x-request-id"] = "mine"
    reply = await wire.say(wire.target.text, headers=headers)
    judge(
        reply.headers.get("x-request-id") == TRACE_ID, "REQ-2", f"x-request-id: {TRACE_ID}", reply
    )


async def test_request_id_comes_back(wire: Wire, judge: Judge) -> None:
    judge.require("REQ-3")
    reply = await wire.say(wire.target.text, headers={"x-request-id": "mine-1"})
    judge(reply.headers.get("x-request-id") == "mine-1", "REQ-3", "x-request-id: mine-1", reply)
