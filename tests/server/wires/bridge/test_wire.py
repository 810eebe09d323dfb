"""Calls over the Bridge, from the handshake to the end."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.server.processes import start_server
from tests.server.wires.bridge.bridge_side import (
    Bridge,
    Parrot,
    call,
    check_response,
    open_call,
    serve_calls,
)
from voicelive_agent.agent import Turn
from voicelive_agent.server.engine.announcements import announce
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.mark.parametrize("path", ["/voice_conversation_engine", "/invocations_ws"])
async def test_a_call(parrot: Parrot, path: str) -> None:
    async with serve_calls(parrot) as url, call(url, f"{path}?agent_session_id=s1") as voice:
        assert isinstance(await voice.start(), bridge.SessionReady)
        assert await voice.ask("hello") == "You said hello."
        assert await voice.ask("again") == "You said again."
        await voice.send(bridge.SessionEnd(reason="caller_hangup"))
        assert await voice.closed() == 1000
    first, second = parrot.turns
    assert second.session_id == "s1"
    assert [(past.text, past.reply) for past in second.history] == [("hello", "You said hello.")]
    assert first.heard_is_known


async def test_the_greeting_is_context_and_not_spoken(parrot: Parrot) -> None:
    async with serve_calls(parrot) as url, call(url) as voice:
        await voice.start(greeting="Welcome to the boat club.", no_input_timeout_ms=8000)
        assert await voice.ask("hello") == "You said hello."
    (greeting,) = parrot.turns[0].history
    assert (greeting.kind, greeting.reply) == ("greeting", "Welcome to the boat club.")


async def test_what_comes_before_the_start_closes_the_call(parrot: Parrot) -> None:
    """The official sample answers it, and a second session.start too."""
    async with serve_calls(parrot) as url, call(url) as voice:
        await voice.say("hello")
        assert await voice.closed() == 1008
    async with serve_calls(parrot) as url, call(url) as voice:
        await voice.start()
        await voice.send(
            bridge.SessionStart(
                protocol_version="1.0",
                reconnect=True,
                response_timeouts=bridge.ResponseTimeouts(
                    first_output_ms=1, idle_ms=1, max_duration_ms=1
                ),
            )
        )
        assert await voice.closed() == 1008
    assert parrot.turns == []


async def test_another_version_is_rejected(parrot: Parrot) -> None:
    async with serve_calls(parrot) as url, call(url) as voice:
        answer = await voice.start(protocol_version="2.0")
        assert isinstance(answer, bridge.SessionRejected)
        assert (answer.code, answer.retriable) == ("protocol_mismatch", False)
        assert await voice.closed() == 1002


async def test_unknown_messages_and_advice_change_nothing(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.socket.send('{"type":"x","id":"m","ts":"2026-11-28T08:00:00Z"}')
        await voice.send(bridge.UserSpeechStarted())
        await voice.send(bridge.BargeIn(response_id="r_unknown", heard_text="x"))
        await voice.send(bridge.ResponseTimeout(stage="idle", response_id="r_unknown"))
        await voice.send(bridge.ResponseDropped(response_id="r_unknown", reason="queue_full"))
        await voice.send(bridge.ResponseAccepted(response_id="r_unknown"))
        assert await voice.ask("hello") == "You said hello."


async def test_an_input_that_comes_twice_is_answered_once(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("hello", "in_7")
        assert check_response(await voice.hear(), ["in_7"]) == "You said hello."
        await voice.say("hello", "in_7")
        assert await voice.ask("next") == "You said next."
    assert len(parrot.turns) == 2


@pytest.mark.parametrize("text", ["think", "slowly", " ", "hello"])
async def test_an_input_is_settled_once_at_whatever_time_it_comes_again(
    parrot: Parrot, text: str
) -> None:
    async with open_call(parrot) as voice:
        await voice.say(text, "in_7")
        await voice.say(text, "in_7")
        parrot.may_go_on.set()
        settled = [each.in_reply_to for each in await voice.hear() if hasattr(each, "in_reply_to")]
        await voice.say(text, "in_7")
        await voice.send(bridge.UserNoInput(item_id="in_7", count=1))
        assert settled == [["in_7"]]
        assert await voice.is_quiet()
    assert len(parrot.turns) == (text != " ")


async def test_parts_of_what_was_said_are_one_text(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        parts = [bridge.InputText(text=text) for text in ("Hel", "", "lo")]
        await voice.send(bridge.UserMessage(item_id="in_1", content=parts))
        assert check_response(await voice.hear(), ["in_1"]) == "You said Hello."


async def test_more_than_may_be_said_is_declined(parrot: Parrot) -> None:
    async with open_call(parrot, max_speech_bytes=1024) as voice:
        await voice.say("é" * 513, "in_x")
        (none,) = await voice.hear()
        assert isinstance(none, bridge.ResponseNone)
        assert (none.in_reply_to, none.reason) == (["in_x"], "input_too_large")
        assert await voice.ask("é" * 4) == "You said éééé."


async def test_inputs_without_words_get_no_reply(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("  ", "in_7")
        (none,) = await voice.hear()
        assert isinstance(none, bridge.ResponseNone)
        assert none.in_reply_to == ["in_7"]
    assert parrot.turns == []


async def test_no_input_is_a_turn_of_its_own_which_may_stay_silent(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.send(bridge.UserNoInput(item_id="in_a", count=1))
        assert check_response(await voice.hear(), ["in_a"]) == "Are you still there?"
        await voice.send(bridge.UserNoInput(item_id="in_b", count=3))
        (none,) = await voice.hear()
        assert isinstance(none, bridge.ResponseNone)
        assert none.in_reply_to == ["in_b"]
        await voice.ask("hello")
    assert [turn.no_input_count for turn in parrot.turns] == [1, 3, 0]
    assert [past.kind for past in parrot.turns[-1].history] == ["no_input", "no_input"]


async def test_barge_in_while_it_is_being_made(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("slowly")
        created = await voice.receive()
        assert isinstance(created, bridge.ResponseCreated)
        assert isinstance(await voice.receive(), bridge.OutputTextDelta)
        await voice.send(bridge.BargeIn(response_id=created.response_id, heard_text="On"))
        assert await voice.is_quiet()
        assert await voice.ask("next") == "You said next."
    (past,) = parrot.turns[-1].history
    assert (past.reply, past.interrupted, past.heard_is_known) == ("On", True, True)


async def test_a_new_input_supersedes_the_one_that_is_thought_about(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("think", "in_1")
        await voice.say("hello", "in_2")
        none = await voice.receive()
        assert isinstance(none, bridge.ResponseNone)
        assert none.in_reply_to == ["in_1"]
        assert check_response(await voice.hear(), ["in_2"]) == "You said hello."


async def test_a_new_input_cancels_the_response_that_is_being_made(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("slowly", "in_1")
        created = await voice.receive()
        assert isinstance(created, bridge.ResponseCreated)
        await voice.receive()
        await voice.say("hello", "in_2")
        cancel = await voice.receive()
        assert isinstance(cancel, bridge.ResponseCancel)
        assert cancel.response_id == created.response_id
        await voice.send(
            bridge.ResponseCancelled(response_id=created.response_id, heard_text="One")
        )
        assert check_response(await voice.hear(), ["in_2"]) == "You said hello."


@pytest.mark.parametrize("by_item", [True, False])
async def test_a_deadline_of_the_bridge_ends_the_response(parrot: Parrot, by_item: bool) -> None:
    async with open_call(parrot) as voice:
        item_id = await voice.say("think" if by_item else "slowly")
        target: dict[str, Any] = {"item_ids": [item_id]}
        if not by_item:
            created = await voice.receive()
            assert isinstance(created, bridge.ResponseCreated)
            await voice.receive()
            target = {"response_id": created.response_id}
        await voice.send(bridge.ResponseTimeout(stage="idle", **target))
        assert await voice.is_quiet()
        assert await voice.ask("next") == "You said next."
    (past,) = parrot.turns[-1].history
    assert (past.reply, past.cut) == ("" if by_item else "One. ", True)


async def test_a_deadline_of_what_is_over_changes_nothing(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        item_id = await voice.say("hello")
        created = (await voice.hear())[0]
        assert isinstance(created, bridge.ResponseCreated)
        name = created.response_id
        await voice.send(bridge.ResponseTimeout(stage="max_duration", response_id=name))
        await voice.send(bridge.ResponseTimeout(stage="first_output", item_ids=[item_id]))
        await voice.ask("next")
    assert parrot.turns[-1].history[0].reply == "You said hello."


async def test_a_second_call_of_a_conversation_ends_the_answer_of_the_first(
    parrot: Parrot,
) -> None:
    """Half an answer was told as done."""
    async with serve_calls(parrot) as url, call(url) as first, call(url) as second:
        await first.start()
        await second.start(reconnect=True)
        await first.say("slowly")
        created = await first.receive()
        assert isinstance(created, bridge.ResponseCreated)
        await second.ask("hello")
        cancel = (await first.hear())[-1]
        assert isinstance(cancel, bridge.ResponseCancel)
        assert (cancel.response_id, cancel.reason) == (created.response_id, "superseded")


async def test_a_failure_is_told_and_apologised_for_without_what_is_inside(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("fail")
        messages = await voice.hear()
    (error,) = [each for each in messages if isinstance(each, bridge.AgentError)]
    assert error.code == "agent_failed"
    text = check_response([each for each in messages if each is not error], ["in_1"])
    assert text.startswith("I was about Sorry")
    assert "secret" not in "".join(map(bridge.encode, messages)) or "RuntimeError" in error.message


async def test_the_end_of_a_call_follows_what_was_said(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        assert await voice.ask("bye") == "Goodbye."
        end = await voice.receive()
        assert isinstance(end, bridge.EndCall)
        assert (end.reason, end.mode) == ("done", "drain")
        await voice.send(bridge.SessionEnd(reason="completed"))
        assert await voice.closed() == 1000


async def test_a_call_is_ended_without_a_word(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("leave")
        (none,) = await voice.hear()
        assert isinstance(none, bridge.ResponseNone)
        assert isinstance(await voice.receive(), bridge.EndCall)


async def test_changes_of_the_voice_before_the_next_words_are_one(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("whisper")
        (delta,) = [each for each in await voice.hear() if isinstance(each, bridge.OutputTextDelta)]
    assert delta.voice == {"volume": None, "style": "whispering", "locale": "de-DE"}


async def test_a_change_of_the_voice_goes_with_the_next_words(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("louder")
        deltas = [each for each in await voice.hear() if isinstance(each, bridge.OutputTextDelta)]
    assert deltas[0].voice == {"volume": "+20%", "type": "azure-custom"}
    assert all(delta.voice is None for delta in deltas[1:])


async def test_what_is_for_a_screen_is_an_answer_of_no_words(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("show")
        (none,) = await voice.hear()
        assert isinstance(none, bridge.ResponseNone)


async def test_half_a_character_costs_nothing_else(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        assert await voice.ask("half") == "A B."


async def ask_later(voice: Bridge) -> bridge.ResponseCreated:
    """The announcement that "later" asks for, whose request may come amid the answer."""
    item_id = await voice.say("later")
    messages: list[bridge.ForBridge] = []
    asked: list[bridge.ResponseCreated] = []
    while not (asked and messages and isinstance(messages[-1], bridge.ResponseDone)):
        message = await voice.receive()
        if isinstance(message, bridge.ResponseCreated) and message.in_reply_to is None:
            asked.append(message)
        else:
            messages.append(message)
    assert check_response(messages, [item_id]) == "I will tell you."
    return asked[0]


async def test_an_agent_speaks_first_once_it_is_admitted(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        asked = await ask_later(voice)
        assert asked.admission_timeout_ms == 5000
        assert await voice.is_quiet()
        await voice.send(bridge.ResponseAccepted(response_id=asked.response_id))
        done, end = (await voice.hear())[-2:]
        assert isinstance(done, bridge.OutputTextDone)
        assert (done.text, done.response_id) == ("Your taxi is here.", asked.response_id)
        assert isinstance(end, bridge.ResponseDone)
        assert await parrot.background[0] is True
        await voice.ask("hello")
    assert [(past.kind, past.reply) for past in parrot.turns[-1].history] == [
        ("speech", "I will tell you."),
        ("announcement", "Your taxi is here."),
    ]


async def test_an_announcement_that_is_dropped_was_not_said(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        asked = await ask_later(voice)
        await voice.send(bridge.ResponseDropped(response_id=asked.response_id, reason="queue_full"))
        assert await asyncio.wait_for(parrot.background[0], 5) is False


async def test_an_announcement_ends_with_its_call(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await ask_later(voice)
    assert await asyncio.wait_for(parrot.background[0], 5) is False
    assert await announce(parrot.turns[0], "Too late.") is False


@pytest.mark.parametrize(("text", "wait_ms"), [("", 1), (" ", 1), ("a", 0), ("a", 60_001)])
async def test_a_wrong_announcement_is_refused(text: str, wait_ms: int) -> None:
    with pytest.raises(ValueError, match=r"announcement|wait_ms"):
        await announce(Turn("speech"), text, wait_ms=wait_ms)


async def test_a_reconnection_goes_on_with_the_conversation(parrot: Parrot) -> None:
    async with serve_calls(parrot) as url:
        async with call(url) as voice:
            await voice.start()
            await voice.ask("hello")
        async with call(url) as voice:
            assert isinstance(await voice.start(reconnect=True), bridge.SessionReady)
            assert await voice.is_quiet()
            await voice.ask("again")
    assert [past.text for past in parrot.turns[-1].history] == ["hello"]


async def test_a_peer_that_goes_stops_the_agent(parrot: Parrot) -> None:
    async with serve_calls(parrot) as url:
        async with call(url) as voice:
            await voice.start()
            await voice.say("slowly")
            await voice.receive()
            await voice.receive()
            voice.socket.transport.abort()
        async with call(url) as voice:
            await voice.start(reconnect=True)
            await voice.ask("again")
    (past,) = parrot.turns[-1].history
    assert past.cut


async def test_more_calls_than_may_be_are_declined_by_turn(parrot: Parrot) -> None:
    async with serve_calls(parrot, max_active_turns=1) as url, call(url) as one:
        await one.start()
        await one.say("slowly")
        await one.receive()
        async with call(url, "/invocations_ws?agent_session_id=s2") as other:
            await other.start()
            await other.say("hello")
            (none,) = await other.hear()
            assert isinstance(none, bridge.ResponseNone)
            assert none.reason == "capacity_exceeded"


async def test_the_key_is_asked_for(parrot: Parrot) -> None:
    async with serve_calls(parrot, api_key="s3cret") as url:
        with pytest.raises(InvalidStatus, match="401"):
            async with call(url):
                pass
        async with call(url, additional_headers={"api-key": "s3cret"}) as voice:
            await voice.start()
            await voice.ask("hello")


@pytest.mark.component
async def test_drain_finishes_the_answer_and_closes_as_going_away(tmp_path: Path) -> None:
    """The official host closes with 1011 after 30 s; under uvicorn alone it is 1012, mid-reply."""
    environment = {
        "VOICELIVE_WIRES": "bridge",
        "VOICELIVE_AGENT": "tests.server.slow_agent:reply",
        "VOICELIVE_CONVERSATIONS": "memory:",
    }
    async with start_server(tmp_path, **environment) as server:
        url = server.url.replace("http", "ws")
        async with call(url) as voice, call(url, "/invocations_ws") as idle:
            await voice.start()
            await idle.start()
            item_id = await voice.say("0.5")
            messages = [await voice.receive(), await voice.receive()]
            server.signal(signal.SIGTERM)
            assert await idle.closed() == 1001
            messages += await voice.hear()
            assert check_response(messages, [item_id])
            assert await voice.closed() == 1001
        assert await server.wait() == 0


@pytest.mark.component
async def test_frames_of_a_megabyte_are_closed_by_the_server(tmp_path: Path) -> None:
    async with (
        start_server(
            tmp_path, VOICELIVE_WIRES="bridge", VOICELIVE_CONVERSATIONS="memory:"
        ) as server,
        call(server.url.replace("http", "ws")) as voice,
    ):
        await voice.start()
        await voice.socket.send("x" * (MAX_FRAME_BYTES + 1))
        assert await voice.closed() == 1009
