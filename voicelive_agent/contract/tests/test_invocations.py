"""Turns by their id, wrong routes and methods, and the description of the routes."""

import uuid
from typing import Any

import pytest

from voicelive_agent.contract.agents import RELEASE
from voicelive_agent.contract.envelope import judge_envelope
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.stream import Reply, judge_stream
from voicelive_agent.contract.target import new_session

INVOCATION = "x-agent-invocation-id"
STATES = ("running", "completed", "cancelled", "failed")


def _status(reply: Reply) -> Any:
    value = reply.json()
    return value.get("status") if isinstance(value, dict) else None


async def _look_up(wire: Wire, reply: Reply, session: str, **options: Any) -> Reply:
    path = f"/invocations/{reply.headers.get(INVOCATION, 'none')}"
    return await wire.send("GET", path, session=session, **options)


async def _cancel(wire: Wire, reply: Reply, session: str, **options: Any) -> Reply:
    path = f"/invocations/{reply.headers.get(INVOCATION, 'none')}/cancel"
    return await wire.send("POST", path, session=session, **options)


@pytest.mark.parametrize("suffix", ["", "/cancel"])
async def test_unknown_invocation(wire: Wire, judge: Judge, suffix: str) -> None:
    path = f"/invocations/{uuid.uuid4()}{suffix}"
    reply = await wire.send("POST" if suffix else "GET", path)
    judge(reply.status == 404, "INV-1", "HTTP 404", reply)
    judge_envelope(judge, reply)


async def test_known_invocation_has_a_known_state(wire: Wire, judge: Judge) -> None:
    session = new_session()
    reply = await _look_up(wire, await wire.say(wire.target.text, session=session), session)
    if reply.status == 404:
        judge_envelope(judge, reply)
        pytest.skip("not judged: this agent does not keep its invocations, which it may")
    judge(reply.status == 200, "INV-2", "HTTP 200", reply)
    judge(_status(reply) in STATES, "INV-2", f"status: {', '.join(STATES)}", reply)


async def test_completed_turn_is_reported_with_its_text(wire: Wire, judge: Judge) -> None:
    session = new_session()
    turn = await wire.say(wire.target.text, session=session)
    for reply in (await _look_up(wire, turn, session), await _cancel(wire, turn, session)):
        clause_id = "INV-3" if reply.request.startswith("GET") else "INV-5"
        judge(reply.status == 200, clause_id, "HTTP 200", reply)
        judge(_status(reply) == "completed", clause_id, "status: completed", reply)
        judge(turn.spoken in reply.json().values(), clause_id, f"text: {turn.spoken!r}", reply)


@pytest.mark.usefixtures("scripted")
async def test_running_turn_is_cancelled_by_its_id(wire: Wire, judge: Judge) -> None:
    session = new_session()
    async with wire.turn("hold cancelled", session=session) as held:
        await held.until()
        running = await _look_up(wire, held.reply, session)
        judge(_status(running) == "running", "INV-2", "status: running", running)
        answer = await _cancel(wire, held.reply, session)
        judge(_status(answer) == "cancelled", "INV-4", "status: cancelled", answer)
        turn = judge_stream(judge, await held.rest())
    judge(turn.spoken == "I hold. ", "INV-4", "an answer that ends where it was cancelled", turn)
    for again in (await _look_up(wire, turn, session), await _cancel(wire, turn, session)):
        judge(_status(again) == "cancelled", "INV-4", "status: cancelled", again)


@pytest.mark.usefixtures("scripted")
async def test_failed_turn_is_reported(wire: Wire, judge: Judge) -> None:
    session = new_session()
    reply = await _look_up(wire, await wire.say("raise porcupine", session=session), session)
    judge(_status(reply) == "failed", "INV-6", "status: failed", reply)
    judge(b"porcupine" not in reply.body, "FAIL-2", "nothing of the exception", reply)


@pytest.mark.usefixtures("scripted")
async def test_turn_belongs_to_its_user(wire: Wire, judge: Judge) -> None:
    session = new_session()
    mine, other = {"x-agent-user-id": "user-a"}, {"x-agent-user-id": "user-b"}
    async with wire.turn("hold mine", session=session, headers=mine) as held:
        await held.until()
        for headers in (other, {}):
            for act in (_look_up, _cancel):
                reply = await act(wire, held.reply, session, headers=headers)
                judge(reply.status == 404, "INV-7", "HTTP 404", reply)
        await wire.post({"type": RELEASE, "name": "mine"})
        turn = judge_stream(judge, await held.rest())
    judge("released" in turn.spoken, "INV-7", "a turn that nobody else could cancel", turn)
    reply = await _look_up(wire, turn, session, headers=mine)
    judge(_status(reply) == "completed", "INV-7", "status: completed", reply)
    reply = await _look_up(wire, turn, session, headers=other)
    judge(reply.status == 404, "INV-7", "HTTP 404", reply)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/invocations"),
        ("PUT", "/invocations"),
        ("DELETE", "/invocations/contract-unknown"),
        ("POST", "/invocations/contract-unknown"),
        ("GET", "/invocations/contract-unknown/cancel"),
        ("POST", "/invocations/docs/openapi.json"),
    ],
)
async def test_wrong_method(wire: Wire, judge: Judge, method: str, path: str) -> None:
    judge.require("INV-8")
    reply = await wire.send(method, path)
    judge(reply.status == 405, "INV-8", "HTTP 405", reply)
    judge(bool(reply.headers.get("allow")), "INV-8", "Allow: the methods that there are", reply)
    judge_envelope(judge, reply, "ERR-3", "ERR-3")


@pytest.mark.parametrize("path", ["/", "/contract-unknown", "/invocations/a/b", "/invocations/"])
async def test_unknown_path(wire: Wire, judge: Judge, path: str) -> None:
    judge.require("ERR-3")
    reply = await wire.send("GET", path)
    judge(reply.status in (404, 405), "ERR-3", "HTTP 404", reply)
    judge_envelope(judge, reply, "ERR-3", "ERR-3")


async def test_openapi_document(wire: Wire, judge: Judge) -> None:
    reply = await wire.send("GET", "/invocations/docs/openapi.json")
    document = reply.json()
    judge(
        reply.status == 404 or (reply.status == 200 and isinstance(document, dict)),
        "DOC-1",
        "HTTP 200 and a JSON object, or HTTP 404",
        reply,
    )
    if reply.status == 404:
        judge_envelope(judge, reply)
        document = {}
    operation = document.get("paths", {}).get("/invocations", {}).get("post", {})
    answers = operation.get("responses", {}).get("200", {}).get("content", {})
    inputs = operation.get("requestBody", {}).get("content", {})
    judge(
        str(document.get("openapi", "")).startswith("3.")
        and "application/json" in inputs
        and "text/event-stream" in answers,
        "DOC-2",
        "post /invocations: application/json in, text/event-stream out",
        reply,
    )
    text = reply.body.decode()
    for name in ("input_audio.transcription", "output_audio_transcription.delta"):
        judge(name in text, "DOC-2", f"{name} in the document", reply)
