"""Retention: what is quiet, too much or too large goes, and is overwritten."""

from pathlib import Path

import pytest

from tests.server.conversations.backends import KEY, converse, end, make_record
from tests.server.conversations.sqlite.opening import list_ids, open_sqlite
from voicelive_agent.server.conversations import ConversationKey
from voicelive_agent.server.conversations.store import Limits

DAY = 86_400.0


async def test_quiet_conversations_expire(path: Path) -> None:
    clock = 1_000_000.0
    async with open_sqlite(path, Limits(retention_days=2), now=lambda: clock) as store:
        await converse(store, *map(str, range(450)), key=ConversationKey("", "old"))
        clock += 1.5 * DAY
        await converse(store, "newer", key=ConversationKey("", "newer"))
        assert await store.purge() == 0
        clock += 1 * DAY
        assert await store.purge() == 1
        assert await list_ids(store) == ["newer"]
        assert await store.find("", "3") is None


async def test_a_conversation_with_a_running_turn_does_not_expire(path: Path) -> None:
    clock = 1_000_000.0
    async with open_sqlite(path, Limits(retention_days=1), now=lambda: clock) as store:
        await converse(store, "ended", key=ConversationKey("user", "other"))
        record = make_record("running")
        conversation = await store.begin(record)
        clock += 3 * DAY
        assert await store.purge() == 1
        assert await list_ids(store) == ["running"]
        await store.settle(end(record), conversation, heard_before=None)
        assert await store.purge() == 0


async def test_a_clock_that_was_ahead_keeps_nothing_for_ever(path: Path) -> None:
    clock = 1_000_000.0 + 3650 * DAY
    async with open_sqlite(path, Limits(retention_days=2), now=lambda: clock) as store:
        await converse(store, "from the future")
        clock = 1_000_000.0
        assert await store.purge() == 0
        clock += 3 * DAY
        assert await store.purge() == 1


async def test_the_quietest_conversations_go_when_there_are_too_many(path: Path) -> None:
    clock = 1_000_000.0
    async with open_sqlite(path, Limits(max_conversations=3), now=lambda: clock) as store:
        for turn, name in enumerate(["a", "b", "c", "d", "a"]):
            clock += 1
            await converse(store, str(turn), key=ConversationKey("", name))
        assert await store.purge() == 1
        assert {key.session_id async for key in store.list_keys()} == {"a", "c", "d"}


async def test_the_file_stays_within_its_size(path: Path) -> None:
    limits = Limits(max_bytes=2 << 20)
    async with open_sqlite(path, limits) as store:
        for number in range(40):
            record = make_record("x", ConversationKey("", str(number)))
            conversation = await store.begin(record)
            await store.settle(end(record, "word " * 50_000), conversation, heard_before=None)
        assert await store.purge() > 30
        assert {key.session_id async for key in store.list_keys()} >= {"39", "38", "37"}
    # Some spare pages are kept for reuse; the rest went back to the disk.
    assert path.stat().st_size <= (2 << 20) + 2048 * 4096 + 4096


async def test_what_is_removed_is_overwritten(path: Path) -> None:
    async with open_sqlite(path) as store:
        record = make_record("x", text="my account number is 4711-0815")
        conversation = await store.begin(record)
        await store.settle(end(record), conversation, heard_before=None)
        await converse(store, "y", key=ConversationKey("", "other"))
        await store.purge(KEY)
    assert b"4711-0815" not in path.read_bytes()


async def test_background_retention_gives_way_to_turns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "voicelive_agent.server.conversations.sqlite.retention._INTERVAL_SECONDS", 0.0
    )
    monkeypatch.setattr("voicelive_agent.server.conversations.sqlite.retention._TURNS_PER_STEP", 5)
    clock = 1_000_000.0
    async with open_sqlite(path, now=lambda: clock) as store:
        for name in range(6):
            await converse(store, *map(str, range(30)), key=ConversationKey("", str(name)))
    clock += 365 * DAY
    async with open_sqlite(path, now=lambda: clock) as store:
        number = 0
        while len([key async for key in store.list_keys()]) > 1:
            await converse(store, f"new {number}")
            number += 1
        assert all(name.startswith("new") for name in await list_ids(store))
