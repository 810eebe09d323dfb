"""What an agent can do to its turn: whatever it is, the caller gets a whole stream."""

import asyncio
import logging
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

import pytest

from tests.server.engine.engine_room import EngineRoom, Heard
from tests.virtual_time import run_virtual
from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn
from voicelive_agent.frameworks.outlet import Outlet, perform
from voicelive_agent.server.conversations import ConversationKey
from voicelive_agent.server.engine.ending import find_phrases

APOLOGY = find_phrases("en-US").apology


class OddError(BaseException):
    """Of the kind that ``except Exception`` lets through."""


@pytest.mark.parametrize("says_something", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),
        OddError(),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        BaseExceptionGroup("several", [OddError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_exception_passes_for_an_end(
    error: BaseException, says_something: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A library that cancelled its own scope left the caller in silence: the turn counted as
    cancelled, without a word. ``sys.exit()`` in a tool ended the whole server.
    """

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if says_something:
            yield "Well,"
        raise error
        yield

    async def main() -> Heard:
        async with EngineRoom(reply) as room:
            return await room.say()

    heard = run_virtual(main())
    assert heard.error_code == "agent_failed"
    assert heard.text == (f"Well, {APOLOGY}" if says_something else APOLOGY)
    assert heard.record.status == "failed"
    assert type(error).__name__ in caplog.text


def test_an_agent_that_cancels_its_own_task_has_failed() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)
        yield "never said"

    async def main() -> Heard:
        async with EngineRoom(reply) as room:
            return await room.say()

    assert run_virtual(main()).error_code == "agent_failed"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_framework_that_exits_fails_its_turn_only(error: type[BaseException]) -> None:
    """Its run is a task of its own, in which asyncio lets these two end the event loop."""

    async def run(outlet: Outlet) -> None:
        outlet.say("Well,")
        await asyncio.sleep(0)
        raise error

    async def main() -> Heard:
        async with EngineRoom(lambda turn: perform(turn, run)) as room:
            return await room.say()

    heard = run_virtual(main())
    assert (heard.error_code, heard.text) == ("agent_failed", f"Well, {APOLOGY}")


@pytest.mark.parametrize("piece", ["", "*", "word "])
async def test_an_agent_that_never_waits_does_not_stop_the_others(piece: str) -> None:
    """Nothing of an endless stream of marks is spoken, so nothing held the agent back: no other
    turn, no deadline and no readiness probe got a chance.
    """

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if turn.text == "endless":
            while True:
                yield piece
        yield "Here I am."

    async with EngineRoom(reply, speakable=True, answer_bytes=1 << 40, total_seconds=0.5) as room:
        endless = asyncio.create_task(room.say("endless"))
        await asyncio.sleep(0)
        other = await room.say("hello", key=ConversationKey("user", "other"))
        assert other.record.status == "completed"
        assert (await endless).error_code == "turn_timeout"


class Phrase(StrEnum):
    HELLO = "Hello "
    BYE = "and goodbye."


@pytest.mark.parametrize("speakable", [False, True])
def test_what_is_more_than_a_string_is_spoken_as_the_string_that_it_is(speakable: bool) -> None:
    """Deltas are told from other events by their very type."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "Well. "
        yield Phrase.HELLO
        yield Phrase.BYE

    async def main() -> Heard:
        async with EngineRoom(reply, speakable=speakable) as room:
            return await room.say()

    heard = run_virtual(main())
    assert {type(delta) for delta in heard.deltas} == {str}
    assert "".join(heard.deltas) == heard.record.reply == "Well. Hello and goodbye."


@pytest.mark.parametrize("blank", ["", " ", "\n\n"])
def test_white_space_is_no_answer(blank: str) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield blank

    async def main() -> Heard:
        async with EngineRoom(reply) as room:
            return await room.say()

    heard = run_virtual(main())
    assert heard.error_code == "agent_no_output"
    assert heard.text.endswith(APOLOGY)


@pytest.mark.parametrize(
    "pieces",
    [
        ["<thi", "nk>The caller wants a table. I should ask for how many ", "people and then"],
        ['<tool_call>\n{"name": "get_weather", "arg', 'uments": {}}\n</tool_call>'],
        ["<|channel|>analysis<|message|>They want soup."],
        ["😀"],
    ],
)
@pytest.mark.parametrize("shows", [False, True])
def test_a_turn_of_which_nothing_can_be_spoken_gets_the_apology(
    pieces: list[str], shows: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A thought that a length limit cut was "completed" with an empty text: silence."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if shows:
            yield ClientEvent("ui.card")
        for piece in pieces:
            yield piece

    async def main() -> Heard:
        async with EngineRoom(reply, speakable=True) as room:
            return await room.say()

    heard = run_virtual(main())
    assert heard.error_code == "agent_no_output"
    assert heard.text == APOLOGY
    assert "spoken" in caplog.text


def test_an_answer_to_an_action_may_be_an_event_alone() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield ClientEvent("ui.card")

    async def main() -> Heard:
        async with EngineRoom(reply, speakable=True) as room:
            return await room.say()

    assert run_virtual(main()).record.status == "completed"


def test_a_model_may_start_in_its_thought(caplog: pytest.LogCaptureFixture) -> None:
    """Where a template opens the thought in the prompt, only its end is in the answer."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "They want "
        yield "soup.</thi"
        yield "nk>\n\nSoup it is."

    async def main(starts_in_thought: bool) -> Heard:
        async with EngineRoom(reply, speakable=True, starts_in_thought=starts_in_thought) as room:
            return await room.say()

    assert run_virtual(main(True)).text == "Soup it is."
    assert "VOICELIVE_STARTS_IN_THOUGHT" not in caplog.text
    assert run_virtual(main(False)).text == "They want soup.\nSoup it is."
    assert "VOICELIVE_STARTS_IN_THOUGHT" in caplog.text


def _forge(payload: object) -> ClientEvent:
    event = ClientEvent("ui.card")
    event.payload = payload  # type: ignore[assignment]
    return event


@pytest.mark.parametrize(
    "output",
    [
        EndCall(reason=None),  # type: ignore[arg-type]
        EndCall(reason=7),  # type: ignore[arg-type]
        _forge(["a list"]),
        _forge({"type": "done"}),
        None,
        b"bytes",
    ],
    ids=["EndCall(None)", "EndCall(7)", "list", "done", "None", "bytes"],
)
def test_what_cannot_be_sent_fails_the_turn_and_not_the_stream(output: Any) -> None:
    """An ``EndCall`` with a reason that is no text broke off the stream where it was encoded."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "Well, "
        yield output

    async def main() -> Heard:
        async with EngineRoom(reply) as room:
            return await room.say()

    heard = run_virtual(main())
    assert (heard.error_code, heard.text) == ("agent_wrong_type", f"Well, {APOLOGY}")


def test_the_apology_follows_the_language_that_was_just_set() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        turn.language = "de-DE"
        raise RuntimeError
        yield

    async def main() -> Heard:
        async with EngineRoom(reply) as room:
            return await room.say()

    assert run_virtual(main()).text == find_phrases("de").apology


@pytest.mark.parametrize("language", [None, 7, "", "no language", "\ud800"])
def test_a_language_that_is_none_changes_nothing(language: Any) -> None:
    """None could not be stored, and the whole turn was lost with it."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield turn.language
        turn.state["said"] = turn.text
        turn.language = language

    async def main() -> None:
        async with EngineRoom(reply) as room:
            for _ in range(2):
                heard = await room.say()
                assert (heard.text, heard.record.status) == ("en-US", "completed")

    run_virtual(main())


def test_a_state_that_is_no_dict_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield str(turn.state)
        turn.state = None  # type: ignore[assignment]

    async def main() -> None:
        async with EngineRoom(reply) as room:
            for _ in range(2):
                assert (await room.say()).text == "{}"

    with caplog.at_level(logging.ERROR):
        run_virtual(main())
    assert "no JSON" in caplog.text
