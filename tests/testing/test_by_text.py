"""``VoiceLive(agent, by="text")``: quick, and through the same session as speech."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from app.agent import reply
from voicelive_agent import ClientEvent, EndCall, Turn
from voicelive_agent.testing import AgentFailed, NoAnswer, VoiceLive


async def test_what_is_said_and_shown() -> None:
    async with VoiceLive(reply, by="text") as voice:
        answer = await voice.say("what is the weather in Seattle")
    assert answer.heard == "what is the weather in Seattle"
    assert answer.text == "The weather in Seattle is 52°F and partly cloudy."
    assert [card["type"] for card in answer.cards] == ["ui.card", "ui.buttons"]
    assert answer.latency.agent_ms is not None
    assert 0 <= answer.latency.agent_ms < 5000
    assert answer.latency.voice_to_voice_ms is None
    assert (answer.interrupted, answer.ends_call, answer.error) == (False, False, None)


async def test_a_conversation_with_a_greeting_a_click_and_a_goodbye() -> None:
    async with VoiceLive(reply, by="text") as voice:
        greeting = await voice.greeting()
        assert greeting.text.startswith("Hello!")
        buttons = greeting.cards[0]["buttons"]
        clicked = await voice.click(buttons[1]["action"])
        assert "in Portland" in clicked.text
        assert clicked.heard == ""
        corrected = await voice.say("no, Vancouver")
        assert corrected.text.startswith("Sorry, Vancouver.")
        assert (await voice.say("goodbye")).ends_call


async def test_an_agent_by_its_name_and_as_a_class() -> None:
    class Echo:
        async def start(self) -> None:
            self.ready = "ready"

        async def reply(self, turn: Turn) -> AsyncIterator[str]:
            yield f"{self.ready}: {turn.text}"

    async with VoiceLive("app.agent:reply", by="text") as voice:
        assert "Seattle" in (await voice.say("Seattle")).text
    async with VoiceLive(Echo, by="text") as voice:
        assert (await voice.say("one")).text == "ready: one"


async def wait_for_ever(turn: Turn) -> AsyncIterator[str]:
    if turn.text == "go on":
        yield f"Interrupted: {turn.history[-1].interrupted}"
        return
    for number in range(1000):
        yield f"{number}, "
        await asyncio.sleep(0.02)


async def test_an_answer_is_interrupted_by_what_is_said_next() -> None:
    async with VoiceLive(wait_for_ever, by="text") as voice:
        counting = await voice.say("count", listen_ms=200)
        assert not counting.interrupted
        answer = await voice.say("go on")
        assert counting.interrupted
        assert counting.text.startswith("0, 1, ")
        assert "99" not in counting.text
        assert not answer.interrupted
        assert answer.text == "Interrupted: True"


async def fail(turn: Turn) -> AsyncIterator[str]:
    yield "One moment. "
    raise LookupError("no such city")


async def test_a_failure_of_the_agent_is_raised_with_its_own_exception() -> None:
    async with VoiceLive(fail, by="text") as voice:
        with pytest.raises(AgentFailed, match=r"LookupError: no such city") as raised:
            await voice.say("hello")
        assert raised.value.code == "agent_failed"
        assert isinstance(raised.value.__cause__, LookupError)


async def test_a_failure_may_be_what_the_test_is_about() -> None:
    async with VoiceLive(fail, by="text") as voice:
        answer = await voice.say("hello", fails=True)
        assert answer.error is not None
        assert answer.error.code == "agent_failed"
        assert answer.text.startswith("One moment.")
        assert "no such city" not in answer.text


async def test_an_agent_that_does_not_start_says_why() -> None:
    class Broken:
        async def start(self) -> None:
            raise ConnectionError("no database")

        async def reply(self, turn: Turn) -> AsyncIterator[str]:
            yield "never"

    with pytest.raises(AgentFailed, match="no database"):
        async with VoiceLive(Broken(), by="text"):
            pass


async def test_an_answer_that_does_not_end_is_told_with_what_came() -> None:
    async with VoiceLive(wait_for_ever, by="text", timeout_s=0.5) as voice:
        with pytest.raises(NoAnswer, match=r"'count'.*0\.5 s; it had said '0, 1"):
            await voice.say("count")


async def test_client_events_of_any_shape_and_settings_of_both_sides() -> None:
    async def show(turn: Turn) -> AsyncIterator[ClientEvent | EndCall | str]:
        yield ClientEvent("map.move", to=[1, 2])
        yield turn.language
        yield EndCall("tired")

    async with VoiceLive(show, by="text", settings={"language": "de-DE"}) as voice:
        answer = await voice.say("x")
    assert answer.cards == [{"type": "map.move", "to": [1, 2]}]
    assert answer.text == "de-DE"
    assert answer.ends_call


async def test_nothing_is_left_and_it_is_quick() -> None:
    before = asyncio.all_tasks()
    began_s = time.monotonic()
    for _ in range(3):
        async with VoiceLive(reply, by="text") as voice:
            await voice.say("Seattle")
    assert asyncio.all_tasks() == before
    assert time.monotonic() - began_s < 20
