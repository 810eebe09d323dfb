"""One turn: its events in their order, what it keeps, and how it ends whatever fails."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.server.engine.engine_room import EngineRoom, Heard, count_to_three
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

    async def begin(self, record: TurnRecord, *, is_new: bool = False) -> Conversation:
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
