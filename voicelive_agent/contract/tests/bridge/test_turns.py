"""Turns over the Bridge: each input is settled once, and what a response consists of."""

import asyncio
import uuid

import pytest

from voicelive_agent.contract.bridge_calls import ENDS, Call, Caller
from voicelive_agent.contract.target import new_session
from voicelive_agent.wire.bridge import messages as bridge


async def test_every_turn_of_a_call_is_answered(caller: Caller) -> None:
    async with caller.call(greeting="Welcome.", no_input_timeout_ms=8000) as call:
        for text in (caller.target.text, "yes please", caller.target.text):
            caller.judge_answer(call, *await call.ask(text))
        caller.judge(not await call.further(), "BR-4", "nothing more", call)


async def test_a_silence_is_an_input(caller: Caller) -> None:
    async with caller.call() as call:
        item_id = bridge.new_id("in_")
        await call.send(bridge.UserNoInput(item_id=item_id, count=1))
        await call.say(caller.target.text)
        settled = [
            input_id
            for message in [*await call.until(*ENDS), *await call.further()]
            for input_id in getattr(message, "in_reply_to", None) or ()
        ]
        caller.judge(item_id in settled, "BR-16", f"in_reply_to [{item_id}]", call)


async def test_an_input_that_comes_twice_is_answered_once(caller: Caller) -> None:
    async with caller.call() as call:
        item_id, messages = await call.ask(caller.target.text)
        caller.judge_answer(call, item_id, messages)
        await call.say(caller.target.text, item_id)
        again = await call.further()
        caller.judge(not again, "BR-17", "nothing more for it", call)


async def test_barge_in_while_it_speaks(caller: Caller) -> None:
    async with caller.call() as call:
        await call.say(caller.target.slow_text)
        created = await call.until(bridge.ResponseCreated, *ENDS)
        if created and isinstance(begun := created[-1], bridge.ResponseCreated):
            await call.send(bridge.BargeIn(response_id=begun.response_id, heard_text=""))
        await _judge_next_turn(caller, call, "BR-14", created)


async def test_a_timeout_ends_a_response(caller: Caller) -> None:
    async with caller.call() as call:
        await call.say(caller.target.slow_text)
        created = await call.until(bridge.ResponseCreated, *ENDS)
        if created and isinstance(begun := created[-1], bridge.ResponseCreated):
            timeout = bridge.ResponseTimeout(stage="idle", response_id=begun.response_id)
            await call.send(timeout)
        await _judge_next_turn(caller, call, "BR-20", created)


async def _judge_next_turn(
    caller: Caller, call: Call, clause: str, before: list[bridge.ForBridge]
) -> None:
    """What is under way may still come; then nothing of that response, and the next is answered."""
    __tracebackhide__ = True
    await call.further()
    cut = before[-1] if before else None
    next_id = await call.say(caller.target.text)
    messages = await call.until(*ENDS)
    stale = getattr(cut, "response_id", None)
    late = [one for one in messages if stale and getattr(one, "response_id", None) == stale]
    caller.judge(not late, clause, f"nothing more of {stale}", call)
    caller.judge(bool(messages), clause, "an answer to the next turn", call)
    caller.judge_answer(call, next_id, messages)


async def test_what_was_heard_is_told_later_and_of_unknown_responses(caller: Caller) -> None:
    async with caller.call() as call:
        _, messages = await call.ask(caller.target.text)
        done = messages[-1] if messages else None
        if isinstance(done, bridge.ResponseDone):
            await call.send(bridge.BargeIn(response_id=done.response_id, heard_text="W"))
        await call.send(bridge.BargeIn(response_id="r_unknown", heard_text=""))
        item_id, messages = await call.ask(caller.target.text)
        caller.judge(bool(messages), "BR-15", "an answer to the next turn", call)
        caller.judge_answer(call, item_id, messages)


async def test_an_input_while_a_response_is_open(caller: Caller) -> None:
    async with caller.call() as call:
        first = await call.say(caller.target.slow_text)
        begun = await call.until(bridge.OutputTextDelta, *ENDS)
        if isinstance(begun[-1] if begun else None, ENDS):
            pytest.skip("not judged: its answer is over at once; give --slow-text")
        second = await call.say(caller.target.text)
        messages = await call.until(*ENDS)
        superseded = any(isinstance(one, bridge.ResponseCancel) for one in messages)
        caller.judge(superseded, "BR-29", f"response.cancel of the answer to {first}", call)
        caller.judge_answer(call, second, await call.until(*ENDS))


async def test_many_calls_at_once(caller: Caller) -> None:
    async def hold(number: int) -> None:
        async with caller.call(session=new_session()) as call:
            item_id, messages = await call.ask(f"{caller.target.text} {number}")
            caller.judge(bool(messages), "BR-24", "an answer in each call", call)
            caller.judge_answer(call, item_id, messages)

    await asyncio.gather(*(hold(number) for number in range(caller.target.concurrency)))


async def test_sessions_are_apart(caller: Caller) -> None:
    secrets = [f"quokka{uuid.uuid4().hex[:12]}" for _ in range(3)]
    sessions = [new_session() for _ in secrets]
    for secret, session in zip(secrets, sessions, strict=True):
        async with caller.call(session=session) as call:
            await call.ask(f"my secret word is {secret}")
    for secret, session in zip(secrets, sessions, strict=True):
        async with caller.call(session=session, reconnect=True) as call:
            said = caller.judge_answer(call, *await call.ask("recall"))
            others = [other for other in secrets if other != secret and other in said]
            caller.judge(not others, "BR-25", "nothing of other sessions", *others, call)


async def test_a_call_that_breaks_off(caller: Caller) -> None:
    async with caller.call() as other:
        async with caller.call(session=new_session()) as broken:
            await broken.say(caller.target.slow_text)
            broken.socket.transport.abort()
        async with caller.call(session=broken.session, reconnect=True) as again:
            caller.judge(again.socket.close_code is None, "BR-22", "session.ready", again)
            item_id, messages = await again.ask(caller.target.text)
            caller.judge(bool(messages), "BR-26", "an answer after the reconnection", again)
            caller.judge_answer(again, item_id, messages)
        item_id, messages = await other.ask(caller.target.text)
        caller.judge(bool(messages), "BR-26", "an answer in the other call", other)


async def test_pings_are_answered_while_it_speaks(caller: Caller) -> None:
    async with caller.call() as call:
        await call.say(caller.target.slow_text)
        pong = await call.socket.ping()
        answered = True
        try:
            await asyncio.wait_for(pong, 5)
        except (TimeoutError, OSError):
            answered = False
        caller.judge(answered, "BR-23", "a pong", call)
        await call.until(*ENDS)


async def test_a_session_remembers_what_was_heard(caller: Caller) -> None:
    if not caller.target.scripted:
        pytest.skip("not judged: this agent does not do what the tests would tell it")
    async with caller.call() as call:
        _, messages = await call.ask("pomegranate and the rest of it")
        done = messages[-1]
        assert isinstance(done, bridge.ResponseDone)
        await call.send(bridge.BargeIn(response_id=done.response_id, heard_text="You said: pome"))
        said = caller.judge_answer(call, *await call.ask("recall replies"))
        caller.judge(
            "[You said: pome]" in said, "BR-28", "the answer as far as it was heard", said, call
        )
