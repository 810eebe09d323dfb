"""What an agent says of its own accord over the Bridge: admission, drop, supersede, and its end."""

import asyncio
import contextlib

import pytest

from tests.server.wires.bridge.bridge_side import Bridge, Parrot, check_response, open_call
from voicelive_agent.agent import Turn
from voicelive_agent.server.engine.announcements import announce
from voicelive_agent.server.wires.bridge import call as bridge_call
from voicelive_agent.wire.bridge import messages as bridge


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


async def ask_to_speak(
    parrot: Parrot, voice: Bridge, text: str = "News.", wait_ms: int = 5000, key: str | None = None
) -> tuple[bridge.ResponseCreated, "asyncio.Task[bool]"]:
    """From a task that outlives its turn."""
    if not parrot.turns:
        await voice.ask("hello")
    announcing = announce(parrot.turns[0], text, wait_ms=wait_ms, supersede_key=key)
    task = asyncio.create_task(announcing)
    asked = await voice.receive()
    assert isinstance(asked, bridge.ResponseCreated)
    assert asked.in_reply_to is None
    return asked, task


async def test_one_takes_the_place_of_another(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        first, first_task = await ask_to_speak(parrot, voice, "In 5 minutes.", key="eta")
        second, second_task = await ask_to_speak(parrot, voice, "In 2 minutes.", key="eta")
        assert first.supersede_key == second.supersede_key == "eta"
        dropped = bridge.ResponseDropped(response_id=first.response_id, reason="superseded")
        await voice.send(dropped)
        assert await asyncio.wait_for(first_task, 5) is False
        await voice.send(bridge.ResponseAccepted(response_id=second.response_id))
        assert (await voice.hear())[-2].text == "In 2 minutes."  # type: ignore[union-attr]
        assert await asyncio.wait_for(second_task, 5) is True


async def test_who_is_answered_comes_first(parrot: Parrot) -> None:
    """The admission and what the person said have crossed."""
    async with open_call(parrot) as voice:
        asked, task = await ask_to_speak(parrot, voice)
        item_id = await voice.say("slowly")
        messages = [await voice.receive(), await voice.receive()]
        await voice.send(bridge.ResponseAccepted(response_id=asked.response_id))
        cancel = await voice.receive()
        assert isinstance(cancel, bridge.ResponseCancel)
        assert cancel.response_id == asked.response_id
        assert await asyncio.wait_for(task, 5) is False
        parrot.may_go_on.set()
        assert check_response([*messages, *await voice.hear()], [item_id]) == "One. Two."


async def test_who_speaks_ends_an_announcement(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        asked, task = await ask_to_speak(parrot, voice, "A long story.")
        await voice.send(bridge.ResponseAccepted(response_id=asked.response_id))
        await voice.hear()
        assert await asyncio.wait_for(task, 5) is True
        await voice.send(bridge.BargeIn(response_id=asked.response_id, heard_text="A long"))
        await voice.ask("what?")
    past = parrot.turns[-1].history[-1]
    assert (past.kind, past.reply, past.cut) == ("announcement", "A long", True)


@pytest.mark.parametrize("how", ["nobody decides", "given up"])
async def test_what_is_wanted_no_more_is_taken_back(
    parrot: Parrot, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Bridge admitted it and waited for its words, until its deadline passed."""
    monkeypatch.setattr(bridge_call, "_ANSWER_SECONDS", 0.0)
    async with open_call(parrot) as voice:
        asked, task = await ask_to_speak(parrot, voice, wait_ms=100 if how != "given up" else 5000)
        if how == "given up":
            task.cancel()
        cancel = await voice.receive()
        assert isinstance(cancel, bridge.ResponseCancel)
        assert cancel.response_id == asked.response_id
        with contextlib.suppress(asyncio.CancelledError):
            assert await task is False
        await voice.send(bridge.ResponseAccepted(response_id=asked.response_id))
        assert await voice.is_quiet()
        assert await voice.ask("hello") == "You said hello."


async def test_before_the_call_and_after_it_nothing_is_announced(parrot: Parrot) -> None:
    turn = Turn("speech", session_id="s1")
    assert await announce(turn, "Hello?") is False
    async with open_call(parrot) as voice:
        await voice.ask("hello")
    assert await announce(parrot.turns[0], "Still there?") is False
