"""What only the SQLite store does: durability, locks, files that are broken or gone."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.server.conversations.backends import Stops, converse, end, make_record
from tests.server.conversations.sqlite.opening import ROOT, hold_write_lock, list_ids, open_sqlite
from voicelive_agent.server.conversations import Conversation, ConversationKey, StoreError
from voicelive_agent.server.conversations.sqlite.store import SqliteStore

# Settles turns as fast as it can and says so after each, until it is killed.
_TALKER = """
import asyncio, os, sys
from pathlib import Path
from voicelive_agent.server.conversations import ConversationKey
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from tests.server.conversations.backends import converse, make_record

async def talk(store, name):
    key = ConversationKey("", name)
    for number in range(100_000):
        await converse(store, f"{name}-{number}", key=key)
        sys.stdout.write(f"{name}-{number}\\n")
        sys.stdout.flush()

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open(lambda *request: None)
    await store.begin(make_record("never settled"))
    # As if it were open for a while: then turns of warm conversations begin beside the file.
    os.utime(Path(sys.argv[1]).parent, (0, 0))
    await asyncio.gather(*(talk(store, f"s{number}") for number in range(20)))

asyncio.run(main())
"""


async def test_no_settled_turn_is_lost_by_kill_9(path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _TALKER, str(path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout
    settled = [process.stdout.readline() for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    settled += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    assert len(settled) >= 300

    async with open_sqlite(path) as store:
        for line in settled:
            invocation_id = line.decode().strip()
            if line.endswith(b"\n"):
                found = await store.find("", invocation_id)
                assert found is not None and found.status == "completed", invocation_id
                assert found.reply == f"Answer to {invocation_id}."
        turns = [turn async for turn in store.export()]
        assert "running" not in {turn["status"] for turn in turns}
        found = await store.find("user", "never settled")
        assert found is not None
        assert (found.status, found.reason) == ("failed", "process_died")
        await converse(store, "next", key=ConversationKey("", "s0"))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def test_only_its_owner_can_read_the_file(path: Path) -> None:
    umask = os.umask(0)
    try:
        async with open_sqlite(path) as store:
            await converse(store, "one")
            modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir()}
            assert set(modes.values()) == {0o600}
            assert {path.name, f"{path.name}-wal"} <= set(modes)
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(umask)
    assert [f.name for f in path.parent.iterdir()] == [path.name]


async def test_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    async with open_sqlite(tmp_path / "store.db"):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


async def test_what_piles_up_is_one_transaction(path: Path) -> None:
    async with open_sqlite(path) as store:
        keys = [ConversationKey("", str(number)) for number in range(100)]
        with hold_write_lock(path):
            begins = [asyncio.ensure_future(store.begin(make_record("x", key))) for key in keys]
            await asyncio.sleep(0)
        before = count_commits(path)
        await asyncio.gather(*begins)
        # The first may have been taken alone.
        assert count_commits(path) - before <= 2


def count_commits(path: Path) -> int:
    """Commit frames in the write-ahead log: those that tell the size of the database."""
    log = path.with_name(path.name + "-wal").read_bytes()
    page_bytes = int.from_bytes(log[8:12], "big")
    frames = range(32, len(log) - 23, 24 + page_bytes)
    return sum(1 for at in frames if int.from_bytes(log[at + 4 : at + 8], "big"))


async def test_the_log_is_moved_into_the_file_beside_the_turns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committing waited for the disk every thousand pages, up to half a second."""
    monkeypatch.setattr(
        "voicelive_agent.server.conversations.sqlite.checkpoints._PAUSE_SECONDS", 0.0
    )
    monkeypatch.setattr("voicelive_agent.server.conversations.sqlite.checkpoints._SHORT_LOG", 0)
    async with open_sqlite(path) as store:
        await converse(store, "said so that it can be found")
        async with asyncio.timeout(20):
            while b"said so that it can be found" not in path.read_bytes():
                await asyncio.sleep(0.01)
    assert "checkpoints" not in {thread.name for thread in threading.enumerate()}


async def test_one_bad_turn_does_not_harm_those_beside_it(path: Path) -> None:
    async with open_sqlite(path) as store:
        good = [make_record(str(n), ConversationKey("", str(n))) for n in range(20)]
        bad = make_record("bad", ConversationKey("\ud800", "s"))
        with hold_write_lock(path):
            tasks = [asyncio.ensure_future(store.begin(r)) for r in [*good[:10], bad, *good[10:]]]
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(outcomes.pop(10), UnicodeEncodeError)
        assert outcomes == [Conversation()] * 20
        assert len(await list_ids(store)) == 20


async def test_a_file_that_stays_locked_is_an_error_until_it_is_free(path: Path) -> None:
    async with open_sqlite(path, busy_seconds=0.05) as store:
        with hold_write_lock(path):
            assert not await store.ready()
            with pytest.raises(StoreError, match="another program has locked"):
                await store.begin(make_record("one"))
        assert await store.ready()
        await converse(store, "one")


async def test_a_corrupt_file_is_an_error_that_says_what_to_do(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"This is no database at all. " * 1000)
    store = SqliteStore(path)
    with pytest.raises(StoreError, match=r"damaged.*move it away"):
        await store.open(Stops())
    assert not await store.ready()
    path.unlink()
    await store.open(Stops())
    await converse(store, "one")
    await store.close()


async def test_a_file_that_becomes_corrupt_is_an_error_until_it_is_moved(path: Path) -> None:
    async with open_sqlite(path) as store:
        await converse(store, "one")
        for name in (path.name, f"{path.name}-wal"):
            file = path.with_name(name)
            with file.open("r+b") as damaged:
                damaged.write(b"\xaa" * file.stat().st_size)
        # The pages that SQLite still holds would hide it.
        await store._database.run(
            lambda connection: connection.execute("PRAGMA shrink_memory").fetchall()
        )
        with pytest.raises(StoreError, match=r"damaged.*move it away"):
            await store.find("user", "one")
        assert not await store.ready()
        for file in path.parent.glob(f"{path.name}*"):
            if "process" not in file.name:
                file.rename(file.with_name("damaged-" + file.name))
        assert await store.ready()
        await converse(store, "two")
        assert await list_ids(store) == ["two"]


async def test_a_deleted_file_is_made_anew(path: Path) -> None:
    """SQLite went on writing into the deleted file, and all was lost at the end."""
    async with open_sqlite(path) as store:
        record = make_record("one")
        conversation = await store.begin(record)
        for file in path.parent.iterdir():
            file.unlink()
        await store.settle(end(record), conversation, heard_before=None)
        await converse(store, "two")
    async with open_sqlite(path) as store:
        assert await list_ids(store) == ["one", "two"]


async def test_many_open_a_new_file_at_once(path: Path) -> None:
    stores = [SqliteStore(path) for _ in range(8)]
    await asyncio.gather(*(store.open(Stops()) for store in stores))
    await asyncio.gather(
        *(converse(s, str(n), key=ConversationKey("", str(n))) for n, s in enumerate(stores))
    )
    assert len(await list_ids(stores[0])) == 8
    await asyncio.gather(*(store.close() for store in stores))


async def test_closing_keeps_what_was_given_and_ends_the_thread(path: Path) -> None:
    store = SqliteStore(path)
    await store.open(Stops())
    record = make_record("one")
    conversation = await store.begin(record)
    settling = asyncio.ensure_future(store.settle(end(record), conversation, heard_before=None))
    await asyncio.sleep(0)
    await store.close()
    await settling
    assert "conversations" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(StoreError, match="closed"):
        await store.find("user", "one")
    assert not await store.ready()
    await store.close()
    async with open_sqlite(path) as again:
        found = await again.find("user", "one")
        assert found is not None and found.status == "completed"


async def test_a_place_that_is_no_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"can't be written.*let this user"):
        await SqliteStore(tmp_path / "file" / "store.db").open(Stops())
    with pytest.raises(StoreError, match="can't be written"):
        await SqliteStore(tmp_path).open(Stops())


async def test_it_writes_nothing_outside_its_own_files(path: Path) -> None:
    """In an image with a read-only root no server became ready.

    The probe of /readiness sorts rows, for which SQLite made a file in /tmp: an I/O error there.
    """
    async with open_sqlite(path) as store:
        kept = await store._database.run(
            lambda connection: connection.execute("PRAGMA temp_store").fetchone()
        )
        assert kept == (2,), "temporary tables are not kept in memory"
