"""Several turns: one after the other, at once, of one caller and of many."""

import asyncio
import uuid
from typing import Any

import pytest

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import new_session

INVOCATION = "x-agent-invocation-id"
SESSION = "x-agent-session-id"


def _slow(wire: Wire, name: str) -> str:
    return f"hold {name}" if wire.target.scripted else wire.target.slow_text


async def test_caller_goes_in_mid_stream(wire: Wire, judge: Judge) -> None:
    session = new_session()
    for _ in range(3):
        async with wire.turn(_slow(wire, "never"), session=session) as opened:
            await opened.until()
    reply = await wire.say(wire.target.text, session=session)
    judge(reply.answered, "TURN-1", "HTTP 200 for the next turn", reply)
    judge_stream(judge, reply)


async def test_caller_goes_before_the_answer(wire: Wire, judge: Judge) -> None:
    session = new_session()
    async with wire.turn(_slow(wire, "never"), session=session):
        pass
    reply = await wire.say(wire.target.text, session=session)
    judge(reply.answered, "TURN-1", "HTTP 200 for the next turn", reply)
    judge_stream(judge, reply)


async def test_two_turns_of_a_session_at_once(wire: Wire, judge: Judge) -> None:
    session = new_session()
    async with wire.turn(_slow(wire, "superseded"), session=session) as first:
        await first.until()
        second = await wire.say(wire.target.text, session=session)
        older = await first.rest()
    for reply in (second, older):
        judge(reply.answered, "TURN-2", "HTTP 200 for each", reply)
        judge_stream(judge, reply)


async def test_many_turns_of_a_session_at_once(wire: Wire, judge: Judge) -> None:
    session = new_session()
    replies = await asyncio.gather(
        *(wire.say(f"hello number {number}", session=session) for number in range(8))
    )
    for reply in replies:
        judge(reply.answered, "TURN-2", "HTTP 200 for each", reply)
        judge_stream(judge, reply)
    reply = await wire.say(wire.target.text, session=session)
    judge(reply.answered, "TURN-2", "HTTP 200 for the next turn", reply)
    judge_stream(judge, reply)


async def test_invocation_id_that_is_sent_again(wire: Wire, judge: Judge) -> None:
    """A client that retries sends the same id again, perhaps while the first turn still runs."""
    session, headers = new_session(), {INVOCATION: f"contract-{uuid.uuid4().hex}"}
    replies = [
        *await asyncio.gather(
            *(wire.say(wire.target.text, session=session, headers=headers) for _ in range(3))
        ),
        await wire.say(wire.target.text, session=session, headers=headers),
        await wire.say(wire.target.text, session=new_session(), headers=headers),
    ]
    for reply in replies:
        judge(reply.answered, "TURN-2", "HTTP 200 for each", reply)
        judge_stream(judge, reply)
        judge("agent.error" not in reply.types, "SSE-14", "no agent.error", reply)


@pytest.mark.usefixtures("scripted")
async def test_agent_stops_when_its_caller_goes(wire: Wire, judge: Judge) -> None:
    session = new_session()
    async with wire.turn("hold gone", session=session) as held:
        await held.until()
    path = f"/invocations/{held.reply.headers[INVOCATION]}"
    state: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while state.get("status") in (None, "running"):
            reply = await wire.send("GET", path)
            judge(reply.answered, "TURN-8", "HTTP 200", reply)
            state = reply.json()
    judge(
        state["status"] == "cancelled" and "I hold. " in state.values(),
        "TURN-8",
        "status: cancelled, with the text that was delivered",
        state,
    )


@pytest.mark.usefixtures("scripted")
async def test_new_turn_supersedes_the_running_one(wire: Wire, judge: Judge) -> None:
    session = new_session()
    async with wire.turn("hold superseded", session=session) as first:
        await first.until()
        second = await wire.say("and now this", session=session)
        older = await first.rest()
    judge(older.spoken == "I hold. ", "TURN-3", "an answer that ends where it was", older)
    judge("and now this" in second.spoken, "TURN-3", "the answer to the new turn", second)


@pytest.mark.usefixtures("scripted")
async def test_only_the_same_conversation_is_superseded(wire: Wire, judge: Judge) -> None:
    session, user = new_session(), {"x-agent-user-id": "user-a"}
    async with wire.turn("hold mine", session=session, headers=user) as held:
        await held.until()
        await wire.say("of another user", session=session, headers={"x-agent-user-id": "user-b"})
        await wire.say("of another session", session=new_session(), headers=user)
        await wire.post({"type": "test.release", "name": "mine"})
        reply = judge_stream(judge, await held.rest())
    judge("released" in reply.spoken, "TURN-3", "a turn that runs to its end", reply)


async def test_many_at_once(wire: Wire, judge: Judge) -> None:
    callers = [
        (f"word{number}x", new_session(), f"contract-{uuid.uuid4().hex}")
        for number in range(wire.target.concurrency)
    ]
    replies = await asyncio.gather(
        *(
            wire.say(
                f"{wire.target.text} {word}", session=session, headers={INVOCATION: invocation}
            )
            for word, session, invocation in callers
        )
    )
    for (word, session, invocation), reply in zip(callers, replies, strict=True):
        judge(reply.answered, "TURN-4", "HTTP 200 for every caller", reply)
        judge(reply.headers.get(SESSION) == session, "TURN-4", f"{SESSION}: {session}", reply)
        if not judge.deployed:
            judge(
                reply.headers.get(INVOCATION) == invocation,
                "TURN-4",
                f"{INVOCATION}: {invocation}",
                reply,
            )
        if wire.target.scripted:
            judge(word in reply.spoken, "TURN-4", f"{word} in the answer", reply)
        judge_stream(judge, reply)


async def _tell_secrets(
    wire: Wire, judge: Judge, clause_id: str, callers: list[dict[str, Any]]
) -> None:
    """Each caller tells a secret, then asks for everything; nobody may get another's."""
    __tracebackhide__ = True
    secrets = [f"quokka{uuid.uuid4().hex[:12]}" for _ in callers]
    for _ in range(2):
        await asyncio.gather(
            *(
                wire.say(f"my secret word is {secret}", **caller)
                for caller, secret in zip(callers, secrets, strict=True)
            )
        )
    for text in ("recall", "what did I tell you, word for word", wire.target.text):
        for caller, secret in zip(callers, secrets, strict=True):
            reply = await wire.say(text, **caller)
            for other in secrets:
                if other != secret:
                    judge(
                        other.encode() not in reply.body,
                        clause_id,
                        "nothing that another caller said",
                        f"{other}, which another caller had said",
                        reply,
                    )
            if wire.target.scripted and text == "recall":
                judge(secret in reply.spoken, "TURN-7", f"{secret} in the answer", reply)


async def test_sessions_are_apart(wire: Wire, judge: Judge) -> None:
    await _tell_secrets(wire, judge, "TURN-5", [{"session": new_session()} for _ in range(4)])


async def test_users_of_a_session_are_apart(wire: Wire, judge: Judge) -> None:
    judge.require("TURN-6")
    session = new_session()
    users: list[dict[str, str]] = [{"x-agent-user-id": f"user-{n}"} for n in range(3)]
    callers = [{"session": session, "headers": user} for user in [*users, {}]]
    await _tell_secrets(wire, judge, "TURN-6", callers)
