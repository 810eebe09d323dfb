"""The answer to one turn, byte by byte."""

import asyncio

import pytest

from voicelive_agent.contract.agents import RELEASE
from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.requests import Wire
from voicelive_agent.contract.stream import judge_stream
from voicelive_agent.contract.target import new_session
from voicelive_agent.wire.invocations import DELTA, SPEECH_DONE


async def test_speech_is_answered_with_a_proper_stream(wire: Wire, judge: Judge) -> None:
    judge_stream(judge, await wire.say(wire.target.text))


async def test_every_turn_of_a_conversation_is_a_proper_stream(wire: Wire, judge: Judge) -> None:
    session = new_session()
    for text in (wire.target.text, "yes please", wire.target.text):
        judge_stream(judge, await wire.say(text, session=session))


async def test_speech_is_answered_with_speech(wire: Wire, judge: Judge) -> None:
    reply = await wire.say(wire.target.text)
    deltas = [event.get("delta") for event in reply.events if event.get("type") == DELTA]
    judge(
        bool(deltas) and "agent.error" not in reply.types,
        "SSE-14",
        f"at least one {DELTA}, no agent.error",
        reply,
    )
    judge(all(deltas), "SSE-11", "deltas that are not empty", f"{deltas}", reply)


async def test_proxies_are_kept_from_buffering(wire: Wire, judge: Judge) -> None:
    judge.require("SSE-13")
    reply = await wire.say(wire.target.text)
    judge(
        "no-cache" in reply.headers.get("cache-control", "")
        and reply.headers.get("x-accel-buffering") == "no",
        "SSE-13",
        "cache-control: no-cache, x-accel-buffering: no",
        f"cache-control: {reply.headers.get('cache-control')}",
        reply,
    )


@pytest.mark.usefixtures("scripted")
async def test_a_delta_leaves_before_the_next_one_is_known(wire: Wire, judge: Judge) -> None:
    async with wire.turn("hold delta") as held:
        try:
            async with asyncio.timeout(5):
                arrived = await held.until(DELTA)
        except TimeoutError:
            arrived = False
        judge(arrived, "SSE-15", f"{DELTA} while the agent still waits", held.reply)
        await wire.post({"type": RELEASE, "name": "delta"})
        reply = judge_stream(judge, await held.rest())
    judge(
        reply.spoken == "I hold. And I was released.",
        "SSE-15",
        "all that the agent yields",
        reply,
    )


@pytest.mark.usefixtures("scripted")
async def test_client_events_stand_where_the_agent_yields_them(wire: Wire, judge: Judge) -> None:
    reply = judge_stream(judge, await wire.say("card"))
    kinds = [kind for kind in reply.types if kind != "test.heard"]
    before, _, after = ",".join(kinds).partition("test.card")
    judge(
        DELTA in before and DELTA in after and SPEECH_DONE not in before,
        "SSE-15",
        "speech, test.card, speech",
        reply,
    )
