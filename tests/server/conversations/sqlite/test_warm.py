"""Warm conversations of the SQLite store: no wait, and never anything else than the file says."""

import asyncio
import os
import random
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conversations.backends import KEY, Stops, converse, end, make_record
from voicelive_agent.server.conversations import (
    Conversation,
    ConversationKey,
    StoreError,
    TurnExistsError,
)
from voicelive_agent.server.conversations.sqlite import database
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.conversations.sqlite.warm import WarmConversations
from voicelive_agent.server.conversations.store import Limits


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(path)
    yield store
    await store.close()


async def open_store(path: Path, limits: Limits | None = None) -> SqliteStore:
    store = SqliteStore(path, limits)
    await store.open(Stops())
    return store


def let_settle(path: Path) -> None:
    """As if the last change of the directory were a while ago."""
    past = time.time() - 60
    os.utime(path.parent, (past, past))


async def load(store: SqliteStore, name: str) -> Conversation:
    """The conversation as a turn gets it, which then ends without a word."""
    record = make_record(name)
    conversation = await store.begin(record)
    end(record, "")
    await store.settle(record, conversation, heard_before=None)
    return conversation


class Blocked:
    """The store's thread stands still within, as while a disk is slow."""

    def __init__(self, store: SqliteStore) -> None:
        self._database = store._database
        self._go_on = threading.Event()

    def __enter__(self) -> None:
        self._database.submit(lambda _: self._go_on.wait(60))

    def __exit__(self, *_: object) -> None:
        self._go_on.set()


async def test_a_warm_conversation_begins_its_turn_while_the_disk_stands_still(
    path: Path, store: SqliteStore
) -> None:
    """The first word of every turn waited for the store's thread: for a transaction at least, and
    for tenths of a second where the disk was busy.
    """
    let_settle(path)
    await converse(store, "first")
    with Blocked(store):
        record = make_record("second")
        assert await store.find(KEY.user_id, "another", KEY.session_id) is None
        conversation = await store.begin(record)
        assert [turn.reply for turn in conversation.turns] == ["Answer to first."]
        assert record.sequence == 2
    end(record, "Yes.")
    await store.settle(record, conversation, heard_before=None)
    listed = [turn["invocation_id"] async for turn in store.export()]
    assert listed == ["first", "second"]


async def test_a_new_conversation_begins_while_the_disk_stands_still(
    path: Path, store: SqliteStore
) -> None:
    """200 callers who came together all waited for the store before the first of them was
    answered, though nothing could be stored of sessions whose ids had just been made.
    """
    let_settle(path)
    with Blocked(store):
        record = make_record("first")
        conversation = await store.begin(record, is_new=True)
        assert (conversation.turns, record.sequence) == ([], 1)
    end(record, "Yes.")
    await store.settle(record, conversation, heard_before=None)
    assert [turn.reply for turn in (await load(store, "second")).turns] == ["Yes."]
    listed = [(turn["sequence"], turn["invocation_id"]) async for turn in store.export()]
    assert listed == [(1, "first"), (2, "second")]


async def talk_at_once(store: SqliteStore, name: str, *, is_new: bool = False) -> None:
    """A turn whose agent has its answer ready: it ends before its beginning is stored."""
    record = make_record(name)
    conversation = await store.begin(record, is_new=is_new)
    end(record, f"Answer to {name}.")
    conversation.state = {"last": name}
    await store.settle(record, conversation, heard_before=None)


async def test_a_turn_that_ends_at_once_is_stored_once(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that was ready was written twice within a few ms, begun and ended."""
    let_settle(path)
    monkeypatch.setattr(store._ledger, "begin", None)
    await talk_at_once(store, "first", is_new=True)
    await talk_at_once(store, "second")
    with Blocked(store):
        conversation = await store.begin(make_record("third"))
        assert [turn.invocation_id for turn in conversation.turns] == ["first", "second"]
        assert conversation.state == {"last": "second"}
    other = await open_store(path)
    listed = [(turn["sequence"], turn["reply"]) async for turn in other.export()]
    assert listed[:2] == [(1, "Answer to first."), (2, "Answer to second.")]
    found = await other.find(KEY.user_id, "second")
    assert found is not None
    assert found.status == "completed"
    await other.close()


async def test_it_is_stored_once_though_others_end_meanwhile(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn that ended gave the thread the beginnings of all that ran: of 16 callers at once,
    eight turns of ten were stored twice.
    """
    monkeypatch.setattr(database, "_UNHURRIED_SECONDS", 60)
    let_settle(path)
    monkeypatch.setattr(store._ledger, "begin", None)
    record = make_record("slower")
    conversation = await store.begin(record, is_new=True)
    for number in range(3):
        other = make_record("quicker", key=ConversationKey("", f"other-{number}"))
        begun = await store.begin(other, is_new=True)
        end(other, "Yes.")
        await store.settle(other, begun, heard_before=None)
    end(record, "Answer to slower.")
    await store.settle(record, conversation, heard_before=None)
    assert len([turn async for turn in store.export()]) == 4


async def test_what_nobody_waits_for_is_stored_when_the_store_is_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_UNHURRIED_SECONDS", 60)
    closed = await open_store(path)
    let_settle(path)
    await closed.begin(make_record("running"), is_new=True)
    await closed.close()
    other = await open_store(path)
    found = await other.find(KEY.user_id, "running")
    assert found is not None and found.status == "failed"
    await other.close()


async def test_another_process_that_comes_before_such_a_turn_ends_is_heard_of(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_UNHURRIED_SECONDS", 60)
    let_settle(path)
    await talk_at_once(store, "first", is_new=True)
    record = make_record("second")
    conversation = await store.begin(record)
    other = await open_store(path)
    await talk_at_once(other, "theirs")
    end(record, "Answer to second.")
    await store.settle(record, conversation, heard_before=None)
    await other.close()
    let_settle(path)
    told = (await load(store, "third")).turns
    assert [(turn.sequence, turn.invocation_id) for turn in told] == [
        (1, "first"),
        (2, "theirs"),
        (3, "second"),
    ]


async def test_a_new_turn_that_is_never_settled_is_there_for_others(
    path: Path, store: SqliteStore
) -> None:
    """Its beginning is stored, though nobody waits for that."""
    let_settle(path)
    await store.begin(make_record("first"), is_new=True)
    other = await open_store(path)
    async with asyncio.timeout(60):
        while (found := await other.find(KEY.user_id, "first")) is None:
            await asyncio.sleep(0.01)
    assert (found.status, found.sequence) == ("running", 1)
    await other.close()


async def test_a_file_that_failed_is_waited_for(path: Path, store: SqliteStore) -> None:
    """Else an agent would answer turn after turn of which nothing can be kept."""
    broken = path.with_name("gone")
    record = make_record("first")
    path.rename(broken)
    path.mkdir()
    let_settle(path)
    conversation = await store.begin(record, is_new=True)
    end(record, "Yes.")
    with pytest.raises(StoreError):
        await store.settle(record, conversation, heard_before=None)
    with pytest.raises(StoreError):
        await store.begin(make_record("second", key=ConversationKey("", "two")), is_new=True)
    path.rmdir()
    broken.rename(path)
    await store.begin(make_record("third", key=ConversationKey("", "three")), is_new=True)


async def test_a_turn_that_began_so_is_there_for_others(path: Path, store: SqliteStore) -> None:
    let_settle(path)
    await converse(store, "first")
    await store.begin(make_record("second"))
    other = await open_store(path)
    async with asyncio.timeout(60):
        while (found := await other.find(KEY.user_id, "second")) is None:
            await asyncio.sleep(0.01)
    assert (found.status, found.sequence) == ("running", 2)
    await other.close()


async def test_what_another_process_said_is_known(path: Path, store: SqliteStore) -> None:
    """Also where it has come and gone between two turns."""
    let_settle(path)
    await converse(store, "first")
    other = await open_store(path)
    await converse(other, "theirs")
    assert [turn.invocation_id for turn in (await load(store, "second")).turns] == [
        "first",
        "theirs",
    ]
    let_settle(path)
    await converse(other, "theirs too")
    await other.close()
    assert (await load(store, "third")).turns[-1].invocation_id == "theirs too"


async def test_an_id_that_was_used_is_refused_as_ever(path: Path, store: SqliteStore) -> None:
    let_settle(path)
    for number in range(60):
        await converse(store, f"turn-{number}")
    for used in ("turn-0", "turn-59"):
        with pytest.raises(TurnExistsError):
            await store.begin(make_record(used))
        found = await store.find(KEY.user_id, used, KEY.session_id)
        assert found is not None and found.reply == f"Answer to {used}."


async def test_what_was_removed_is_not_told(path: Path, store: SqliteStore) -> None:
    let_settle(path)
    await converse(store, "first")
    await store.purge(KEY)
    assert (await load(store, "second")).turns == []
    found = await store.find(KEY.user_id, "second")
    assert found is not None
    await store.erase(found)
    assert (await load(store, "third")).turns == []


async def test_a_conversation_that_had_no_room_any_more_is_not_told(path: Path) -> None:
    """Retention works in the store's thread, where nobody knows what is warm."""
    store = await open_store(path, Limits(user_bytes=2_000))
    let_settle(path)
    await converse(store, "old")
    for number in range(20):
        await converse(store, f"new-{number}", key=ConversationKey(KEY.user_id, f"s{number}"))
    assert (await load(store, "again")).turns == []
    listed = [turn["invocation_id"] async for turn in store.export(KEY)]
    assert listed == ["again"]
    await store.close()


async def test_a_begin_that_failed_beside_the_turn_loses_nothing(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_settle(path)
    await converse(store, "first")

    def fail(*_: object, **__: object) -> None:
        raise StoreError("the disk is away")

    with monkeypatch.context() as patched:
        patched.setattr(store._ledger, "begin", fail)
        record = make_record("second")
        conversation = await store.begin(record)
        await store.ready()
    end(record, "Yes.")
    await store.settle(record, conversation, heard_before=None)
    turns = (await load(store, "third")).turns
    assert [(turn.invocation_id, turn.status) for turn in turns] == [
        ("first", "completed"),
        ("second", "completed"),
    ]


async def test_a_file_that_was_moved_away_is_begun_anew(path: Path, store: SqliteStore) -> None:
    let_settle(path)
    await converse(store, "first")
    for file in path.parent.glob("*.sqlite3*"):
        if "process" not in file.name:
            file.unlink()
    assert (await load(store, "second")).turns == []


@pytest.mark.parametrize("seed", range(3))
async def test_warm_or_not_a_turn_is_given_the_same(path: Path, seed: int) -> None:
    """Whatever happens in between: a warm store and one that has just been opened agree."""
    chance = random.Random(seed)
    limits = Limits(history_turns=5, max_turns=chance.choice([4, 8]), history_bytes=1_200)
    store = await open_store(path, limits)
    let_settle(path)
    heard = None
    for number in range(15):
        record = make_record(f"turn-{number}", text="é" * chance.randrange(60))
        conversation = await store.begin(record)
        conversation.state["seen"] = chance.random()
        conversation.language = chance.choice(["", "de"])
        if conversation.turns and chance.random() < 0.3:
            heard = conversation.turns[-1]
            heard.heard, heard.interrupted = heard.reply[:3], True
        record.notes = {"tuple": (1, 2), "half": "\ud83d"} if chance.random() < 0.5 else {}
        record.marks = [(1, 2)]
        end(record, "word " * chance.randrange(80))
        await store.settle(record, conversation, heard_before=heard)
        heard = None
        if chance.random() < 0.1:
            await store.erase(record)
        if chance.random() < 0.2:
            let_settle(path)
        assert await read_warm(store) == await read_anew(path, limits)
    await store.close()


async def read_warm(store: SqliteStore) -> Any:
    warm = store._warm.find(KEY)
    return await store.read(KEY) if warm is None else warm.load(KEY)


async def read_anew(path: Path, limits: Limits) -> Conversation:
    changed = path.parent.stat()
    other = await open_store(path, limits)
    conversation = await other.read(KEY)
    await other.close()
    os.utime(path.parent, ns=(changed.st_atime_ns, changed.st_mtime_ns))
    return conversation


def test_there_is_a_bound_for_all_of_them() -> None:
    from voicelive_agent.server.conversations.sqlite.warm import Warm

    warm = WarmConversations(most_bytes=5_000)
    for number in range(10):
        kept = Warm(newest="x" * 300, newest_bytes=300)
        warm.keep(ConversationKey("", str(number)), kept)
    found = [number for number in range(10) if warm.find(ConversationKey("", str(number)))]
    assert found == [8, 9]
