"""The engine: one active turn, deadlines, cancellation, history, and how every turn ends."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.server.engine.engine_room import EngineRoom, Heard
from tests.virtual_time import run_virtual
from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn
from voicelive_agent.server.conversations import (
    Conversation,
    ConversationKey,
    StoreError,
    TurnRecord,
)
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.engine import turn as running
from voicelive_agent.server.engine.ending import find_phrases
from voicelive_agent.server.engine.events import CallEnded, Delta, Shown
from voicelive_agent.server.platform.telemetry.spans import TurnSpan

APOLOGY = find_phrases("en-US").apology
CLOSING = find_phrases("en-US").closing


async def count_to_three(turn: Turn) -> AsyncIterator[Output]:
    for word in ("one ", "two ", "three"):
        yield word
        await asyncio.sleep(1)


async def stall_after_two(turn: Turn) -> AsyncIterator[Output]:
    yield "one "
    yield "two "
    await asyncio.Event().wait()


def test_events_leave_in_the_order_and_at_the_moment_they_are_yielded() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "Here "
        yield ClientEvent("ui.card", title="Card")
        await asyncio.sleep(2)
        yield "it is."
        yield EndCall("completed")
        yield "never said"

    async def main() -> None:
        async with EngineRoom(reply) as room:
            heard = await room.say()
            assert heard.events[:4] == [
                Delta("Here "),
                Shown('{"type":"ui.card","title":"Card"}'),
                Delta("it is."),
                CallEnded("completed"),
            ]
            assert heard.times[:3] == [0, 0.01, 2]
            assert heard.record.status == "completed"

    run_virtual(main())


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("agent_failed", {}),
        ("agent_no_output", {}),
        ("agent_wrong_type", {}),
        ("first_delta_timeout", {"first_delta_seconds": 5.0}),
        ("idle_timeout", {"idle_seconds": 5.0}),
        ("turn_timeout", {"total_seconds": 20.0, "idle_seconds": 6.0}),
    ],
)
def test_a_failing_agent_is_apologised_for(
    code: str, limits: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        match code:
            case "agent_failed":
                yield "Well,"
                raise RuntimeError("secret host 10.0.0.1")
            case "agent_no_output":
                return
            case "agent_wrong_type":
                yield 7  # type: ignore[misc]
            case "first_delta_timeout":
                yield ClientEvent("ui.card")
                await asyncio.sleep(6)
                yield "too late"
            case "idle_timeout":
                yield "Well, "
                await asyncio.sleep(6)
            case "turn_timeout":
                while True:
                    yield "on and on "
                    await asyncio.sleep(5)

    async def main() -> Heard:
        async with EngineRoom(reply, **limits) as room:
            heard = await room.say()
            (stored,) = await room.stored()
            assert stored["status"] == "failed"
            assert stored["reason"] == code
            return heard

    with caplog.at_level(logging.INFO):
        heard = run_virtual(main())
    assert heard.error_code == code
    assert heard.text.endswith(APOLOGY)
    assert "secret" not in repr(heard.events)
    assert "turn-1" in caplog.text
    if code == "agent_failed":
        assert heard.text == f"Well, {APOLOGY}"
        assert "RuntimeError" in caplog.text


@pytest.mark.parametrize("payload", [{"bad": {1, 2}}, {"bad": float("nan")}])
def test_a_client_event_that_is_no_json_fails_the_turn_and_not_the_stream(
    payload: dict[str, Any],
) -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield ClientEvent("ui.card", **payload)

    async def main() -> None:
        async with EngineRoom(reply) as room:
            assert (await room.say()).error_code == "agent_wrong_type"

    run_virtual(main())


def test_only_client_events_are_an_answer_too() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield ClientEvent("ui.card")

    async def main() -> None:
        async with EngineRoom(reply) as room:
            heard = await room.say()
            assert (heard.text, heard.record.status) == ("", "completed")

    run_virtual(main())


def test_the_apology_is_in_the_language_of_the_conversation() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if turn.text == "auf Deutsch":
            turn.language = "de-DE"
            yield "Gern."
        else:
            raise RuntimeError

    async def main() -> None:
        async with EngineRoom(reply) as room:
            assert (await room.say()).text == APOLOGY
            await room.say("auf Deutsch")
            assert (await room.say()).text == find_phrases("de").apology
            other = ConversationKey("user", "other")
            assert (await room.say(key=other)).text == APOLOGY

    run_virtual(main())


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


def test_state_and_notes_are_kept_also_when_the_caller_interrupts() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        turn.state["count"] = turn.state.get("count", 0) + 1
        turn.notes["text"] = turn.text
        yield f"{turn.state['count']} {[dict(past.notes) for past in turn.history]}"
        if turn.text == "long":
            await asyncio.sleep(5)

    async def main() -> None:
        async with EngineRoom(reply) as room:
            await room.say("a")
            long = asyncio.create_task(room.say("long"))
            await asyncio.sleep(1)
            heard = await room.say("b")
            assert heard.text == "3 [{'text': 'a'}, {'text': 'long'}]"
            await long

    run_virtual(main())


def test_a_state_that_is_no_json_is_not_kept_and_costs_nothing_else() -> None:
    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield str(turn.state.get("n"))
        turn.state["n"] = 1 if turn.text == "good" else object()

    async def main() -> None:
        async with EngineRoom(reply) as room:
            for text, expected in (("good", "None"), ("bad", "1"), ("good", "1")):
                heard = await room.say(text)
                assert (heard.text, heard.record.status) == (expected, "completed")

    run_virtual(main())


class FailingStore(MemoryStore):
    """A store that can't be read or written while ``fails`` names it."""

    fails = ""

    async def begin(self, record: TurnRecord) -> Conversation:
        if self.fails == "begin":
            raise StoreError("disk full at /secret/path")
        return await super().begin(record)

    async def settle(
        self, record: TurnRecord, conversation: Conversation, *, heard_before: TurnRecord | None
    ) -> None:
        if self.fails == "settle":
            raise StoreError("disk full at /secret/path")
        await super().settle(record, conversation, heard_before=heard_before)


@pytest.mark.parametrize(
    ("fails", "code", "text"),
    [
        ("begin", "conversation_unavailable", APOLOGY),
        ("settle", "conversation_not_saved", "one two three"),
    ],
)
def test_a_store_that_fails_is_heard_and_told_and_recovers(
    fails: str, code: str, text: str
) -> None:
    async def main() -> None:
        store = FailingStore()
        async with EngineRoom(count_to_three, store) as room:
            store.fails = fails
            heard = await room.say()
            assert (heard.text, heard.error_code) == (text, code)
            assert "secret" not in repr(heard.events)
            store.fails = ""
            assert (await room.say()).record.status == "completed"

    run_virtual(main())


def test_a_heartbeat_comes_after_each_quiet_interval_only() -> None:
    async def main() -> None:
        async with EngineRoom(count_to_three) as room:
            batches = [len(batch) async for batch in room.begin().listen().events(0.4)]
            assert batches == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1]

    run_virtual(main())


def test_a_defect_of_the_engine_itself_still_ends_the_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with EngineRoom(count_to_three) as room:

            def break_down(*_: object) -> None:
                raise ZeroDivisionError

            monkeypatch.setattr(running, "note_heard", break_down)
            await room.say()
            heard = await room.say()
            assert heard.error_code == "internal_error"
            await asyncio.sleep(1)
            assert room.engine.active_turns == 0

    run_virtual(main())
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("method", ["begin", "settle"])
def test_a_defect_of_the_engine_itself_is_counted(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Such turns ended without a metric, and one that failed in the end said it was completed."""
    counted: list[tuple[str, str]] = []

    def count(_: TurnSpan, record: TurnRecord, first_delta_ms: int | None) -> None:
        counted.append((record.status, record.reason))

    async def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        async with EngineRoom(count_to_three) as room:
            monkeypatch.setattr(TurnSpan, "end", count)
            monkeypatch.setattr(room.store, method, break_down)
            await room.say()
            await asyncio.sleep(1)

    run_virtual(main())
    assert counted == [("failed", "internal_error")]
