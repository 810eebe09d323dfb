"""What an agent is told of earlier turns: what was delivered, known cuts, estimated interruptions.

An agent forgot what it had just said. Two requests in one session, each read to its end: 0 s apart,
the second was told that the first had answered nothing; 2 s apart, that it had answered 'My booking
code is'. Text clients, evaluations and playgrounds all post like that, and nothing turned it off.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.engine.engine_room import KEY, EngineRoom
from tests.virtual_time import run_virtual
from voicelive_agent.agent import INTERRUPTION_NOTE, Output, PastTurn, Turn
from voicelive_agent.server.conversations import StoreError, TurnRecord
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.conversations.records import encode_record
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.engine.events import SpeakingRate

ANSWER = (
    "My booking code is QX seven, and it is valid until the end of next week, as I said before."
)


class Remembering:
    """An agent that says ``ANSWER`` and puts down what it was told."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    @property
    def past(self) -> PastTurn:
        """The turn before the newest one."""
        return self.turns[-1].history[-1]

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        self.turns.append(turn)
        yield ANSWER[:20]
        if turn.text == "slowly":
            await asyncio.sleep(100)
        yield ANSWER[20:]


async def ask_twice(
    pause_s: float,
    first: dict[str, Any] | None = None,
    second: dict[str, Any] | None = None,
    **limits: Any,
) -> PastTurn:
    agent = Remembering()
    async with EngineRoom(agent.reply, **limits) as room:
        await room.say("one", **(first or {}))
        await asyncio.sleep(pause_s)
        await room.say("two", **(second or {}))
    return agent.past


TYPED: dict[str, Any] = {"typed": True}
CLICK: dict[str, Any] = {"kind": "action", "action": {"type": "click"}}


@pytest.mark.parametrize("pause_s", [0, 0.05, 0.3, 1, 2, 3, 10, 600])
@pytest.mark.parametrize(
    ("first", "second"),
    [(TYPED, TYPED), (CLICK, CLICK), ({}, CLICK), (CLICK, TYPED), ({"kind": "greeting"}, TYPED)],
    ids=["typed", "clicked", "clicked after speech", "typed after a click", "typed after hello"],
)
def test_who_types_or_clicks_finds_whole_answers_at_any_pace(
    pause_s: float, first: dict[str, Any], second: dict[str, Any]
) -> None:
    past = run_virtual(ask_twice(pause_s, first, second))
    assert (past.reply, past.heard, past.interrupted, past.cut) == (ANSWER, None, False, False)
    assert past.marked_reply == ANSWER


@pytest.mark.parametrize("pause_s", [0, 0.05, 1, 2, 3, 600])
def test_no_pace_takes_a_word_from_a_transcripts_answer(pause_s: float) -> None:
    assert run_virtual(ask_twice(pause_s)).reply == ANSWER


def test_what_came_sooner_than_anybody_can_say_it_interrupts_nothing() -> None:
    past = run_virtual(ask_twice(0))
    assert (past.heard, past.interrupted) == (None, False)


def test_a_caller_who_talks_into_an_answer_is_marked_in_it() -> None:
    past = run_virtual(ask_twice(3))
    assert past.interrupted
    assert not past.cut and not past.heard_is_known
    assert past.heard and ANSWER.startswith(past.heard)
    assert 3 <= len(past.heard.split()) <= 10
    told = past.marked_reply
    assert told.index(past.heard) < told.index(INTERRUPTION_NOTE) < told.index("as I said before.")
    assert told.replace(f"{INTERRUPTION_NOTE} ", "") == ANSWER


def test_a_clicks_answer_is_marked_by_who_talks_into_it() -> None:
    past = run_virtual(ask_twice(3, CLICK))
    assert past.interrupted and not past.cut
    assert past.heard and 3 <= len(past.heard.split()) <= 10
    assert past.reply == ANSWER


def test_what_was_spoken_to_its_end_is_not_marked() -> None:
    past = run_virtual(ask_twice(20))
    assert (past.heard, past.interrupted, past.marked_reply) == (None, False, ANSWER)


def test_a_rate_of_0_marks_nothing() -> None:
    past = run_virtual(ask_twice(3, speaking_rate=SpeakingRate(0)))
    assert (past.reply, past.heard, past.interrupted) == (ANSWER, None, False)


def test_an_answer_that_was_read_is_not_marked_by_who_speaks_next() -> None:
    past = run_virtual(ask_twice(3, TYPED))
    assert (past.reply, past.heard, past.interrupted) == (ANSWER, None, False)


def test_the_estimate_is_stored_beside_the_whole_answer_and_stays() -> None:
    async def main() -> None:
        agent = Remembering()
        async with EngineRoom(agent.reply) as room:
            await room.say("one")
            await asyncio.sleep(3)
            await room.say("stop")
            stored, _ = await room.stored()
            assert (stored["reply"], stored["interrupted"]) == (ANSWER, True)
            assert stored["heard"] == agent.past.heard
            await asyncio.sleep(600)
            await room.say("and then")
            assert agent.turns[-1].history[0] == agent.turns[-2].history[0]

    run_virtual(main())


@pytest.mark.parametrize("how", ["superseded", "cancelled", "disconnected"])
@pytest.mark.parametrize("typed", [True, False])
def test_a_known_cut_ends_the_answer_where_it_was_delivered_to(how: str, typed: bool) -> None:
    async def main() -> PastTurn:
        agent = Remembering()
        async with EngineRoom(agent.reply) as room:
            turn = room.begin("slowly", typed=typed)
            events = turn.listen().events()
            await anext(events)
            reading = asyncio.ensure_future(anext(events))
            await asyncio.sleep(1.2)
            if how == "cancelled":
                await room.engine.cancel(KEY.user_id, turn.request.invocation_id)
            elif how == "disconnected":
                reading.cancel()
                await asyncio.wait({reading})
            await room.say("and now", typed=typed)
            await asyncio.wait({reading})
        return agent.past

    past = run_virtual(main())
    assert (past.reply, past.interrupted, past.cut) == (ANSWER[:20], True, True)
    # What was delivered runs ahead of what was spoken of it.
    assert (past.heard is None) == typed
    assert past.marked_reply.replace(f"{INTERRUPTION_NOTE} ", "") == past.reply


@pytest.mark.parametrize("heard", ["My booking", "", "My booking code is QX"])
def test_a_wire_that_knows_what_was_heard_cuts_there_exactly(heard: str) -> None:
    """Over the Bridge, a barge-in after the end of the text is the usual case."""

    async def main() -> PastTurn:
        agent = Remembering()
        async with EngineRoom(agent.reply) as room:
            turn = room.begin("one", heard_is_known=True)
            await room.listen(turn)
            room.engine.note_heard(turn, heard)
            await room.say("two", heard_is_known=True)
            assert agent.turns[-1].heard_is_known
            stored, _ = await room.stored()
            assert (stored["reply"], stored["heard"]) == (ANSWER, heard)
        return agent.past

    past = run_virtual(main())
    assert (past.reply, past.marked_reply, past.heard) == (heard, heard, heard)
    assert past.interrupted and past.cut and past.heard_is_known


def test_a_wire_that_knows_cuts_a_turn_that_runs() -> None:
    async def main() -> PastTurn:
        agent = Remembering()
        async with EngineRoom(agent.reply) as room:
            turn = room.begin("slowly", heard_is_known=True)
            listening = asyncio.ensure_future(room.listen(turn))
            await asyncio.sleep(1)
            room.engine.note_heard(turn, "My boo")
            await listening
            await room.say("two", heard_is_known=True)
        return agent.past

    past = run_virtual(main())
    assert (past.reply, past.interrupted, past.heard_is_known) == ("My boo", True, True)


def test_where_the_wire_knows_nothing_is_estimated() -> None:
    known = {"heard_is_known": True}
    past = run_virtual(ask_twice(3, known, known))
    assert (past.reply, past.heard, past.interrupted) == (ANSWER, None, False)


def test_who_heard_all_of_it_missed_nothing() -> None:
    async def main() -> PastTurn:
        agent = Remembering()
        async with EngineRoom(agent.reply) as room:
            turn = room.begin("one", heard_is_known=True)
            await room.listen(turn)
            room.engine.note_heard(turn, f" {ANSWER}\n")
            await room.say("two", heard_is_known=True)
        return agent.past

    past = run_virtual(main())
    assert (past.reply, past.interrupted, past.cut) == (ANSWER, False, False)


def test_what_was_heard_of_an_older_answer_is_known_too() -> None:
    """What was heard of any but the newest answer was thrown away, so an agent went on from words
    that nobody had heard: of an answer that still played while the next one was made, and of one
    that a new input had cancelled, whose outcome the Bridge tells once that input is answered.
    """

    async def main() -> list[PastTurn]:
        agent = Remembering()
        async with EngineRoom(agent.reply) as room:
            first, second = [room.begin(text, heard_is_known=True) for text in ("one", "two")]
            await room.listen(second)
            await room.say("three", heard_is_known=True)
            room.engine.note_heard(first, "")
            room.engine.note_heard(second, "My booking")
            await room.say("four", heard_is_known=True)
        return list(agent.turns[-1].history)

    first, second, third = run_virtual(main())
    assert (first.text, first.reply, first.heard_is_known) == ("one", "", True)
    assert (second.text, second.reply, second.cut) == ("two", "My booking", True)
    assert (third.reply, third.cut) == (ANSWER, False)


def test_what_was_heard_last_survives_the_end_of_the_call() -> None:
    """It was only stored with the next turn, and after a barge-in many callers hang up."""

    async def main() -> list[dict[str, Any]]:
        async with EngineRoom(Remembering().reply) as room:
            turn = room.begin("one", heard_is_known=True)
            await room.listen(turn)
            room.engine.note_heard(turn, "My booking")
        return await room.stored()

    (stored,) = run_virtual(main())
    assert (stored["heard"], stored["interrupted"]) == ("My booking", True)


class SlowToAmend(MemoryStore):
    """A store that takes its time, and can fail."""

    fails = False

    async def amend(self, record: TurnRecord) -> None:
        await asyncio.sleep(1)
        if self.fails:
            raise StoreError("disk full")
        await super().amend(record)


@pytest.mark.parametrize("fails", [False, True])
def test_a_turn_waits_for_what_is_known_of_those_before_it(fails: bool) -> None:
    """Two are told in a row. A store that fails costs what was heard, and no turn."""

    async def main() -> PastTurn:
        agent, store = Remembering(), SlowToAmend()
        store.fails = fails
        async with EngineRoom(agent.reply, store) as room:
            turn = room.begin("one", heard_is_known=True)
            await room.listen(turn)
            room.engine.note_heard(turn, "My")
            room.engine.note_heard(turn, "My booking")
            await room.say("two", heard_is_known=True)
        return agent.past

    past = run_virtual(main())
    assert past.reply == (ANSWER if fails else "My booking")


async def test_a_store_of_an_earlier_version_gives_its_answers_back(tmp_path: Path) -> None:
    """It kept whole answers all along, but an agent was told the estimated part only."""
    path = tmp_path / "conversations.sqlite3"
    store = SqliteStore(path)
    await store.open(lambda *_: None)
    old = TurnRecord("old", KEY, "speech", "one", reply=ANSWER, heard="My", interrupted=True)
    old.status = "completed"
    assert "heard_is_known" not in encode_record(old)
    conversation = await store.begin(old)
    await store.settle(old, conversation, heard_before=None)
    await store.close()
    agent = Remembering()
    async with EngineRoom(agent.reply, SqliteStore(path)) as room:
        await room.say("two", typed=True)
    assert agent.past.reply == ANSWER
    assert agent.past.heard == "My"


def test_a_models_messages_hold_whole_answers_and_marks() -> None:
    def past(reply: str, **fields: Any) -> PastTurn:
        return PastTurn("speech", "hi", None, reply, bool(fields), {}, **fields)

    turn = Turn(
        "speech",
        "and?",
        history=(
            past("One two."),
            past("One two.", heard="One"),
            past("One two.", heard=""),
            past("One", heard="One", heard_is_known=True, cut=True),
        ),
    )
    assert [one["content"] for one in turn.messages() if one["role"] == "assistant"] == [
        "One two.",
        f"One {INTERRUPTION_NOTE} two.",
        f"{INTERRUPTION_NOTE} One two.",
        "One",
    ]
