"""The engine: one active turn in a conversation, lost and slow peers, cancellation, drain."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.server.engine.engine_room import EngineRoom, count_to_three
from tests.virtual_time import run_virtual
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.conversations import ConversationKey
from voicelive_agent.server.engine.ending import find_phrases
from voicelive_agent.server.engine.events import Delta

CLOSING = find_phrases("en-US").closing


async def stall_after_two(turn: Turn) -> AsyncIterator[Output]:
    yield "one "
    yield "two "
    await asyncio.Event().wait()


def test_a_new_turn_supersedes_the_running_one_whose_stream_ends_properly() -> None:
    cancelled_at: list[float] = []

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if turn.text == "second":
            assert [past.text for past in turn.history] == ["first"]
            assert turn.history[0].interrupted
            yield "I stopped."
            return
        try:
            yield "one "
            await asyncio.sleep(100)
            yield "never"
        finally:
            cancelled_at.append(asyncio.get_running_loop().time())

    async def main() -> None:
        async with EngineRoom(reply) as room:
            first = asyncio.create_task(room.say("first"))
            await asyncio.sleep(10)
            second = await room.say("second")
            assert second.text == "I stopped."
            heard = await first
            assert heard.text == "one "
            assert (heard.record.status, heard.record.reason) == ("cancelled", "superseded")
            assert heard.record.interrupted
            assert cancelled_at == [10]

    run_virtual(main())


def test_turns_that_arrive_together_leave_one_that_runs_to_its_end() -> None:
    active = most = 0

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        nonlocal active, most
        active += 1
        most = max(most, active)
        try:
            yield turn.text
            await asyncio.sleep(1)
        finally:
            await asyncio.sleep(0.1)
            active -= 1

    async def main() -> None:
        async with EngineRoom(reply) as room:
            all_heard = await asyncio.gather(*(room.say(str(i)) for i in range(20)))
            assert [heard.record.status for heard in all_heard] == ["cancelled"] * 19 + [
                "completed"
            ]
            assert most == 1
            assert [turn["text"] for turn in await room.stored()] == [str(i) for i in range(20)]

    run_virtual(main())


def test_conversations_do_not_disturb_each_other() -> None:
    async def main() -> None:
        async with EngineRoom(count_to_three) as room:
            keys = [ConversationKey(user, f"s{i}") for user in ("", "u1", "u2") for i in range(5)]
            for heard in await asyncio.gather(*(room.say(key=key) for key in keys)):
                assert heard.text == "one two three"

    run_virtual(main())


def test_a_lost_peer_cancels_the_agent_and_history_keeps_what_was_delivered() -> None:
    cancelled_at: list[float] = []

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if turn.text == "again":
            assert turn.history[0].reply == "one "
            yield "yes"
            return
        try:
            yield "one "
            await asyncio.sleep(3)
            yield "two "
            await asyncio.sleep(100)
        finally:
            cancelled_at.append(asyncio.get_running_loop().time())

    async def main() -> None:
        async with EngineRoom(reply) as room:
            turn = room.begin()
            events = turn.listen().events()
            assert await anext(events) == [Delta("one ")]
            # The second batch is handed over, but the peer goes before it was sent.
            assert await anext(events) == [Delta("two ")]
            await events.aclose()
            await turn.settled.wait()
            assert cancelled_at == [3]
            (stored,) = await room.stored()
            assert (stored["reply"], stored["interrupted"]) == ("one ", True)
            assert stored["reason"] == "disconnected"
            assert (await room.say("again")).text == "yes"

    run_virtual(main())


def test_a_peer_lost_in_the_last_words_has_not_heard_them() -> None:
    """The turn was recorded as completed, with its unsent end cut off."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "one "
        await asyncio.sleep(1)
        yield "two"

    async def main() -> None:
        async with EngineRoom(reply) as room:
            turn = room.begin()
            events = turn.listen().events()
            await anext(events)
            assert (await anext(events))[0] == Delta("two")
            await events.aclose()
            await turn.settled.wait()
            (stored,) = await room.stored()
            assert (stored["reply"], stored["status"]) == ("one ", "cancelled")
            assert stored["interrupted"]

    run_virtual(main())


def test_a_peer_lost_before_the_apology_does_not_hang_the_turn() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "one "
        raise RuntimeError

    async def main() -> None:
        async with EngineRoom(reply) as room:
            turn = room.begin()
            events = turn.listen().events()
            await anext(events)
            await events.aclose()
            await turn.settled.wait()
            assert turn.snapshot().reply == ""

    run_virtual(main())


def test_a_slow_reader_holds_its_agent_back_and_a_newer_turn_does_not_wait_for_it() -> None:
    produced = 0

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        nonlocal produced
        if turn.text == "next":
            yield "next"
            return
        for _ in range(10_000):
            produced += 1
            yield "word "

    async def main() -> None:
        async with EngineRoom(reply, idle_seconds=1.0) as room:
            slow = room.begin()
            events = slow.listen().events()
            await anext(events)
            await asyncio.sleep(30)
            assert produced < 200
            assert (await room.say("next")).text == "next"
            assert slow.settled.is_set()
            await events.aclose()

    run_virtual(main())


def test_cancel_by_id_stops_the_turn_and_reports_it() -> None:
    async def main() -> None:
        async with EngineRoom(stall_after_two) as room:
            listening = asyncio.create_task(room.say())
            await asyncio.sleep(1)
            running = await room.engine.find("user", "turn-1")
            assert running is not None
            assert (running.status, running.reply) == ("running", "one two ")
            assert await room.engine.cancel("somebody else", "turn-1") is None
            record = await room.engine.cancel("user", "turn-1")
            assert record is not None
            assert (record.status, record.reply) == ("cancelled", "one two ")
            heard = await listening
            assert heard.text == "one two "
            again = await room.engine.cancel("user", "turn-1")
            assert again is not None
            assert again.status == "cancelled"

    run_virtual(main())


@pytest.mark.parametrize("grace_seconds", [0, 30])
def test_drain_ends_what_does_not_end_by_itself_with_a_spoken_sentence(
    grace_seconds: float,
) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "Let me see."
        await asyncio.sleep(10 if turn.text == "quick" else 1000)
        yield " Done."

    async def main() -> None:
        async with EngineRoom(reply, idle_seconds=2000.0, total_seconds=2000.0) as room:
            quick = asyncio.create_task(room.say("quick", key=ConversationKey("", "quick")))
            slow = asyncio.create_task(room.say("slow", key=ConversationKey("", "slow")))
            await asyncio.sleep(1)
            await room.engine.drain(grace_seconds)
            assert room.engine.draining
            assert room.loop.time() <= grace_seconds + 2
            expected = "Let me see. Done." if grace_seconds else f"Let me see. {CLOSING}"
            assert (await quick).text == expected
            assert (await slow).text == f"Let me see. {CLOSING}"
            assert (await slow).record.reason == "draining"
            assert room.engine.active_turns == 0

    run_virtual(main())


def test_drain_does_not_wait_for_ever_for_a_peer_that_does_not_read() -> None:
    async def main() -> None:
        async with EngineRoom(count_to_three) as room:
            turn = room.begin()
            events = turn.listen().events()
            await anext(events)
            await room.engine.drain(10)
            assert turn.settled.is_set()
            assert room.loop.time() < 20
            await events.aclose()

    run_virtual(main())


def test_an_agent_that_ignores_its_cancellation_is_left_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = asyncio.Event()

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if turn.text == "next":
            yield "next"
            return
        yield "one"
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        async with EngineRoom(reply) as room:
            first = asyncio.create_task(room.say())
            await asyncio.sleep(1)
            assert (await room.say("next")).text == "next"
            assert room.loop.time() < 5
            assert (await first).record.reason == "superseded"
            release.set()

    run_virtual(main())
    assert "ignored its cancellation" in caplog.text
