"""What was heard over the Bridge, as later turns are told of it: exactly, and of any answer."""

import pytest

from tests.server.wires.bridge.bridge_side import (
    Bridge,
    Parrot,
    call,
    check_response,
    open_call,
    serve_calls,
)
from voicelive_agent.wire.bridge import messages as bridge


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


async def ask(voice: Bridge, text: str) -> str:
    """The id of the response to ``text``."""
    item_id = await voice.say(text)
    messages = await voice.hear()
    check_response(messages, [item_id])
    created = messages[0]
    assert isinstance(created, bridge.ResponseCreated)
    return created.response_id


@pytest.mark.parametrize("heard", ["You said", "", "You said hello.", "Something else"])
async def test_barge_in_after_the_response_is_done_cuts_the_history(
    parrot: Parrot, heard: str
) -> None:
    """Text runs far ahead of sound, so this is the usual case."""
    async with open_call(parrot) as voice:
        response_id = await ask(voice, "hello")
        await voice.send(bridge.BargeIn(response_id=response_id, heard_text=heard))
        await voice.ask("next")
        await voice.ask("last")
    told, whole = parrot.turns[-1].history
    assert (told.reply, told.heard_is_known) == (heard, True)
    assert told.cut == (heard != "You said hello.")
    assert (whole.reply, whole.heard, whole.cut) == ("You said next.", None, False)


async def test_an_older_response_that_still_plays_is_cut_as_well(parrot: Parrot) -> None:
    """A barge-in was only noted of the newest response. Where two had been made before anybody
    spoke, the older one counted as heard, although its sound had just been stopped.
    """
    async with open_call(parrot) as voice:
        ids = [await ask(voice, text) for text in ("one", "two", "three")]
        for response_id, heard in zip(ids, ("You said one.", "You", ""), strict=True):
            await voice.send(bridge.BargeIn(response_id=response_id, heard_text=heard))
        await voice.ask("next")
    assert [(past.text, past.reply, past.cut) for past in parrot.turns[-1].history] == [
        ("one", "You said one.", False),
        ("two", "You", True),
        ("three", "", True),
    ]


async def test_what_was_heard_of_a_cancelled_response_is_kept(parrot: Parrot) -> None:
    """The Bridge tells it when the input that cancelled it is answered, and it was thrown away."""
    async with open_call(parrot) as voice:
        await voice.say("slowly")
        created = await voice.receive()
        assert isinstance(created, bridge.ResponseCreated)
        await voice.receive()
        item_id = await voice.say("hello")
        assert isinstance(await voice.receive(), bridge.ResponseCancel)
        assert check_response(await voice.hear(), [item_id]) == "You said hello."
        outcome = bridge.ResponseCancelled(response_id=created.response_id, heard_text="On")
        await voice.send(outcome)
        await voice.ask("next")
    first, second = parrot.turns[-1].history
    assert (first.text, first.reply, first.heard_is_known) == ("slowly", "On", True)
    assert (second.reply, second.cut) == ("You said hello.", False)


@pytest.mark.parametrize("conversations", ["memory:", "sqlite"])
async def test_who_interrupts_and_hangs_up_is_known_when_they_call_again(
    parrot: Parrot, conversations: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It was stored with the next turn of the call, and there was none."""
    if conversations == "sqlite":
        conversations = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    async with serve_calls(parrot, conversations=conversations) as url:
        async with call(url) as voice:
            await voice.start()
            response_id = await ask(voice, "hello")
            await voice.send(bridge.BargeIn(response_id=response_id, heard_text="You"))
            await voice.send(bridge.SessionEnd(reason="caller_hangup"))
            assert await voice.closed() == 1000
        async with call(url) as voice:
            await voice.start(reconnect=True)
            await voice.ask("again")
    (past,) = parrot.turns[-1].history
    assert (past.reply, past.cut, past.heard_is_known) == ("You", True, True)


async def test_barge_in_between_the_last_word_and_the_end(parrot: Parrot) -> None:
    """All was delivered and the turn is not stored yet: nothing more is sent, and it is cut."""
    async with open_call(parrot) as voice:
        await voice.say("slowly")
        created = await voice.receive()
        assert isinstance(created, bridge.ResponseCreated)
        parrot.may_go_on.set()
        await voice.send(bridge.BargeIn(response_id=created.response_id, heard_text="One."))
        await voice.is_quiet(0.1)
        await voice.say("last")
        while not isinstance(await voice.receive(), bridge.ResponseDone):
            pass
    (past,) = parrot.turns[-1].history
    assert past.reply == "One."
