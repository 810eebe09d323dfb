"""What every store does, whatever it keeps conversations in."""

import asyncio
import datetime
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.server.conversations.backends import KEY, Backend, Stops, converse, end, make_record
from voicelive_agent.server.conversations import Conversation, ConversationKey, StoreError
from voicelive_agent.server.conversations.store import Limits


async def export(store: Any, key: ConversationKey | None = None) -> list[dict[str, Any]]:
    return [turn async for turn in store.export(key)]


async def test_a_new_conversation_is_empty(backend: Backend) -> None:
    store = await backend.open()
    record = make_record("one")
    assert await store.begin(record) == Conversation()
    assert record.sequence == 1


async def test_a_turn_finds_the_ones_before_it(backend: Backend) -> None:
    store = await backend.open()
    notes = {"a": [1, None, {"b": "ü"}]}
    first = make_record("one", action={"x": 1.5}, notes=notes, marks=[(10, 3), (50, 10)])
    conversation = await store.begin(first)
    conversation.state["table"] = 7
    conversation.language = "de-DE"
    await store.settle(end(first, heard="An", interrupted=True), conversation, heard_before=None)

    second = make_record("two")
    conversation = await store.begin(second)
    assert conversation == Conversation([first], {"table": 7}, "de-DE")
    assert second.sequence == first.sequence + 1


async def test_what_was_loaded_and_what_is_kept_are_apart(backend: Backend) -> None:
    store = await backend.open()
    await converse(store, "one")
    record = make_record("two")
    conversation = await store.begin(record)
    conversation.state["unsaved"] = True
    conversation.turns[0].reply = "changed"
    record.text = "changed"
    found = await store.find("user", "two")
    assert found is not None and found.text == "what about two"
    assert [turn["reply"] for turn in await export(store)] == ["Answer to one.", ""]
    await store.settle(end(record), Conversation(), heard_before=None)
    assert (await store.begin(make_record("three"))).state == {}


async def test_conversations_are_apart_by_user_and_by_session(backend: Backend) -> None:
    store = await backend.open()
    keys = [
        ConversationKey(u, s) for u in ("", "a", "a:b", "a}b") for s in ("s", "s/1", "b:s", "ü")
    ]
    for key in keys:
        await converse(store, "same-id", key=key)
    for key in keys:
        conversation = await store.begin(make_record("next", key))
        assert [turn.key for turn in conversation.turns] == [key]
    assert sorted([key async for key in store.list_keys()]) == sorted(keys)


async def test_history_is_as_long_as_asked_for(backend: Backend) -> None:
    store = await backend.open(Limits(history_turns=3))
    await converse(store, *(str(number) for number in range(7)))
    conversation = await store.begin(make_record("next"))
    assert [turn.invocation_id for turn in conversation.turns] == ["4", "5", "6"]


async def test_history_has_the_marks_of_the_newest_turn(backend: Backend) -> None:
    store = await backend.open()
    for name in ("one", "two"):
        record = make_record(name)
        conversation = await store.begin(record)
        record.marks = [(10, 4), (50, 11)]
        await store.settle(end(record), conversation, heard_before=None)
    conversation = await store.begin(make_record("three"))
    assert [turn.marks for turn in conversation.turns] == [[], [(10, 4), (50, 11)]]
    assert (await export(store))[0]["marks"] == [[10, 4], [50, 11]]


async def test_clock_jumps_do_not_change_the_order(backend: Backend) -> None:
    store = await backend.open()
    times = [5_000.0, 10.0, 9_000_000_000.0, 0.0]
    for number, started_at in enumerate(times):
        record = make_record(str(number), started_at=started_at)
        conversation = await store.begin(record)
        await store.settle(end(record, ended_at=started_at), conversation, heard_before=None)
    conversation = await store.begin(make_record("next"))
    assert [turn.started_at for turn in conversation.turns] == times
    assert [turn["started_at"] for turn in await export(store)][:4] == times


async def test_find_knows_running_and_ended_turns(backend: Backend) -> None:
    store = await backend.open()
    record = make_record("one")
    conversation = await store.begin(record)
    assert await store.find("user", "one") == record
    await store.settle(
        end(record, status="failed", reason="agent_failed"), conversation, heard_before=None
    )
    assert await store.find("user", "one") == record
    assert await store.find("somebody else", "one") is None
    assert await store.find("user", "two") is None


async def test_find_returns_the_newest_turn_with_an_id(backend: Backend) -> None:
    store = await backend.open()
    await converse(store, "same", "other")
    older = await store.find("user", "same")
    newest = await converse(store, "same", key=ConversationKey("user", "second session"))
    assert await store.find("user", "same") == newest
    assert await store.find("user", "same", KEY.session_id) == older
    assert await store.find("user", "same", "third session") is None
    assert len(await export(store, KEY)) == 2


async def test_the_turn_before_is_corrected_with_the_next(backend: Backend) -> None:
    store = await backend.open()
    await converse(store, "one")
    record = make_record("two")
    conversation = await store.begin(record)
    before = conversation.turns[-1]
    before.heard, before.interrupted = "Answer", True
    await store.settle(end(record), conversation, heard_before=before)
    assert await store.find("user", "one") == before
    assert (await store.begin(make_record("three"))).turns[0] == before


async def test_an_ended_turn_is_amended(backend: Backend) -> None:
    """Also an older one, while a newer runs; the sizes go on being right."""
    store = await backend.open()
    await converse(store, "one", "two")
    running = make_record("three")
    conversation = await store.begin(running)
    first = await store.find("user", "one", KEY.session_id)
    assert first is not None
    first.heard, first.heard_is_known, first.interrupted = "Answer", True, True
    await store.amend(first)
    await store.settle(end(running), conversation, heard_before=None)
    assert await store.find("user", "one") == first
    turns = (await store.begin(make_record("four"))).turns
    assert turns[0] == first
    assert [turn.heard for turn in turns] == ["Answer", None, None]


async def test_what_is_gone_or_runs_is_not_amended(backend: Backend) -> None:
    store = await backend.open()
    gone = await converse(store, "gone")
    await store.erase(gone)
    await store.amend(gone)
    assert await store.find("user", "gone") is None
    running = make_record("one")
    await store.begin(running)
    await store.amend(end(replace(running)))
    found = await store.find("user", "one")
    assert found is not None and found.status == "running"
    other = await converse(store, "other", key=ConversationKey("user", "else"))
    await store.amend(replace(other, invocation_id="another", reply="lost"))
    assert await store.find("user", "other") == other


async def test_a_settle_without_a_begin_appends_the_turn(backend: Backend) -> None:
    """The store failed when the turn began, and works again when it ends."""
    store = await backend.open()
    await converse(store, "one")
    record = end(make_record("two"))
    await store.settle(record, Conversation(state={"a": 1}), heard_before=None)
    assert record.sequence == 2
    conversation = await store.begin(make_record("three"))
    assert [turn.invocation_id for turn in conversation.turns] == ["one", "two"]
    assert conversation.state == {"a": 1}


async def test_a_settle_repeated_changes_nothing(backend: Backend) -> None:
    store = await backend.open()
    record = await converse(store, "one")
    await store.settle(record, Conversation(), heard_before=None)
    assert len(await export(store)) == 1


async def test_a_turn_whose_settle_was_lost_ends_with_the_next_one(backend: Backend) -> None:
    store = await backend.open()
    await store.begin(make_record("lost"))
    conversation = await store.begin(make_record("next"))
    (lost,) = conversation.turns
    assert (lost.status, lost.reason, lost.text) == ("failed", "not_stored", "what about lost")


async def test_a_late_settle_changes_only_its_own_record(backend: Backend) -> None:
    store = await backend.open()
    before = await converse(store, "zero")
    late, newer = make_record("late"), make_record("newer")
    late_conversation = await store.begin(late)
    conversation = await store.begin(newer)
    conversation.state["newer"] = True
    await store.settle(end(newer, "Newer."), conversation, heard_before=None)
    before.heard = "wrong"
    late_conversation.state["late"] = True
    await store.settle(end(late, "Late."), late_conversation, heard_before=before)
    conversation = await store.begin(make_record("next"))
    assert conversation.state == {"newer": True}
    assert conversation.turns[0].heard is None
    assert conversation.turns[-1] == newer


async def test_a_begin_that_was_cancelled_leaves_nothing_running(backend: Backend) -> None:
    """The caller hung up while the store was busy: the row of the turn stayed 'running'."""
    store = await backend.open()
    for number in range(10):
        task = asyncio.create_task(store.begin(make_record(str(number))))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await converse(store, "last")
    for turn in await export(store):
        # Either it came through before the cancel and the next turn found it, or it was ended.
        assert turn["status"] != "running"


@pytest.mark.parametrize("field", ["notes", "state"])
async def test_what_is_no_json_is_reported_and_left_out(backend: Backend, field: str) -> None:
    store = await backend.open()
    record = make_record("one")
    conversation = await store.begin(record)
    conversation.state["kept"] = 1
    await store.settle(end(record), conversation, heard_before=None)
    record = make_record("two")
    conversation = await store.begin(record)
    bad = {"when": datetime.datetime.now(datetime.UTC)}
    if field == "notes":
        record.notes = bad
    else:
        conversation.state = bad
    with pytest.raises(StoreError, match=r"is no JSON.*keep only str, int"):
        await store.settle(end(record, "Said."), conversation, heard_before=None)
    conversation = await store.begin(make_record("three"))
    assert conversation.turns[-1].reply == "Said."
    assert conversation.turns[-1].notes == {}
    assert conversation.state == {"kept": 1}


async def test_an_action_too_deep_for_json_changes_nothing(backend: Backend) -> None:
    store = await backend.open()
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(StoreError, match="nested too deeply"):
        await store.begin(make_record("one", action=deep))
    assert await export(store) == []


async def test_export_tells_everything_as_json(backend: Backend) -> None:
    store = await backend.open()
    record = make_record("one", action={"n": float("inf"), "s": "\ud800ü"}, marks=[(1, 2)])
    conversation = await store.begin(record)
    await store.settle(end(record), conversation, heard_before=None)
    (turn,) = await export(store)
    assert json.loads(json.dumps(turn, allow_nan=False).encode()) == {
        "user_id": "user",
        "session_id": "session",
        "sequence": 1,
        "invocation_id": "one",
        "kind": "speech",
        "text": "what about one",
        "action": {"n": None, "s": "\ufffdü"},
        "status": "completed",
        "reason": "completed",
        "reply": "An answer.",
        "heard": None,
        "heard_is_known": False,
        "marks": [[1, 2]],
        "events": [],
        "untried": False,
        "notes": {},
        "told": [],
        "follows": None,
        "request": None,
        "started_at": 1_000.0,
        "ended_at": 1_001.0,
        "interrupted": False,
    }


async def test_a_conversation_is_read_without_beginning_a_turn(backend: Backend) -> None:
    store = await backend.open(Limits(history_turns=2))
    assert (await store.read(KEY)).turns == []
    await converse(store, "one", "two", "three")
    before = await export(store)
    read = await store.read(KEY)
    assert [turn.invocation_id for turn in read.turns] == ["two", "three"]
    assert await export(store) == before
    # One that runs is not settled.
    await store.begin(make_record("four"))
    assert [turn.invocation_id for turn in (await store.read(KEY)).turns] == ["three"]


async def test_a_turn_is_erased_and_leaves_nothing(backend: Backend) -> None:
    store = await backend.open()
    await converse(store, "one", "two", "three")
    running = make_record("four")
    conversation = await store.begin(running)
    for name in ("two", "four"):
        found = await store.find("user", name)
        assert found is not None
        await store.erase(found)
    assert await store.find("user", "two") is None
    # One that runs stays.
    await store.settle(end(running), conversation, heard_before=None)
    left = ["one", "three", "four"]
    assert [turn.invocation_id for turn in (await store.read(KEY)).turns] == left
    for name in left:
        found = await store.find("user", name)
        assert found is not None
        await store.erase(found)
        await store.erase(found)
    assert await export(store) == []
    assert [key async for key in store.list_keys()] == []
    await converse(store, "one")
    assert [turn["invocation_id"] for turn in await export(store)] == ["one"]


async def test_what_a_turn_follows_and_was_asked_is_kept(backend: Backend) -> None:
    store = await backend.open()
    record = make_record("one", told=[("a", "b")], follows=7, request={"echo": {"m": "ü"}})
    conversation = await store.begin(record)
    await store.settle(end(record), conversation, heard_before=None)
    found = await store.find("user", "one")
    assert found is not None
    (read,) = (await store.read(KEY)).turns
    for turn in (found, read):
        assert (turn.told, turn.follows) == ([("a", "b")], 7)
        assert turn.request == {"echo": {"m": "ü"}}


async def test_export_of_long_conversations_is_complete(backend: Backend) -> None:
    store = await backend.open()
    await converse(store, *(str(number) for number in range(230)))
    await converse(store, "x", key=ConversationKey("", "other"))
    exported = await export(store, KEY)
    assert [turn["invocation_id"] for turn in exported] == [str(n) for n in range(230)]
    assert len(await export(store)) == 231
    assert await export(store, ConversationKey("", "unknown")) == []


async def test_old_turns_of_a_long_conversation_go(backend: Backend) -> None:
    store = await backend.open(Limits(max_turns=5))
    await converse(store, *(str(number) for number in range(12)))
    assert [turn["invocation_id"] for turn in await export(store)] == ["7", "8", "9", "10", "11"]
    assert await store.find("user", "6") is None
    assert (await store.find("user", "7")) is not None
    record = make_record("next")
    assert len((await store.begin(record)).turns) == 5
    assert record.sequence == 13


async def test_a_lowered_limit_of_turns_takes_effect_with_purge(shared: Backend) -> None:
    store = await shared.open()
    await converse(store, *(str(number) for number in range(30)))
    strict = await shared.open(Limits(max_turns=4))
    assert await strict.purge() == 0
    assert [turn["invocation_id"] for turn in await export(strict)] == ["26", "27", "28", "29"]


async def test_purge_forgets_one_conversation(backend: Backend) -> None:
    store = await backend.open()
    other = ConversationKey("user", "other")
    await converse(store, "one", "two")
    await converse(store, "three", key=other)
    assert await store.purge(KEY) == 1
    assert await store.purge(KEY) == 0
    assert [key async for key in store.list_keys()] == [other]
    assert await store.find("user", "one") is None
    assert await store.begin(make_record("new")) == Conversation()


async def test_stop_elsewhere_returns_an_ended_turn_as_it_is(backend: Backend) -> None:
    stops = Stops()
    store = await backend.open(stops=stops)
    record = await converse(store, "one")
    assert await store.stop_elsewhere(record, "cancelled") == record
    await store.purge(KEY)
    assert await store.stop_elsewhere(record, "cancelled") == record
    assert not stops.requests


async def test_stop_elsewhere_waits_until_the_turn_is_settled(backend: Backend) -> None:
    stops = Stops()
    store = await backend.open(stops=stops)
    record = make_record("one")
    conversation = await store.begin(record)

    async def settle_when_asked() -> None:
        await stops.received.wait()
        await store.settle(
            end(record, "An", status="cancelled", reason="cancelled"),
            conversation,
            heard_before=None,
        )

    running = await store.find("user", "one")
    assert running is not None
    stopped, _ = await asyncio.gather(
        store.stop_elsewhere(running, "cancelled"), settle_when_asked()
    )
    assert stopped == record
    assert set(stops.requests) == {(KEY, "one", "cancelled")}


async def test_stop_elsewhere_does_not_wait_for_ever(backend: Backend) -> None:
    store = await backend.open(stop_seconds=0.1)
    record = make_record("one")
    conversation = await store.begin(record)
    running = await store.find("user", "one")
    assert running is not None
    stopped = await store.stop_elsewhere(running, "cancelled")
    assert (stopped.status, stopped.reason, stopped.interrupted) == ("cancelled", "cancelled", True)
    await store.settle(end(record, "After all."), conversation, heard_before=None)
    found = await store.find("user", "one")
    assert found is not None and found.reply == "After all."


async def test_an_open_store_is_ready(backend: Backend) -> None:
    store = await backend.open()
    assert await store.ready()


async def test_many_conversations_at_once(backend: Backend) -> None:
    store = await backend.open()

    async def talk(number: int) -> None:
        key = ConversationKey(f"user {number % 7}", f"session {number}")
        for turn in range(6):
            record = make_record(f"{number}-{turn}", key)
            conversation = await store.begin(record)
            assert [t.invocation_id for t in conversation.turns] == [
                f"{number}-{earlier}" for earlier in range(turn)
            ]
            assert conversation.state == ({"secret": number, "turn": turn - 1} if turn else {})
            conversation.state = {"secret": number, "turn": turn}
            await store.settle(end(record), conversation, heard_before=None)

    await asyncio.gather(*(talk(number) for number in range(60)))
    assert len(await export(store)) == 360
