"""What only the SQLite store does: durability, disks that fail, retention, one file for many."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.server.conversations.backends import KEY, Stops, converse, end, make_record
from voicelive_agent.server.conversations import Conversation, ConversationKey, StoreError
from voicelive_agent.server.conversations.sqlite import schema as schema_module
from voicelive_agent.server.conversations.sqlite.presence import Presence
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.conversations.store import Limits

ROOT = Path(__file__).parents[3]
DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "conversations.sqlite3"


@asynccontextmanager
async def open_sqlite(
    path: Path, limits: Limits | None = None, **options: Any
) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, limits, **options)
    await store.open(Stops())
    try:
        yield store
    finally:
        await store.close()


async def list_ids(store: SqliteStore) -> list[str]:
    return [turn["invocation_id"] async for turn in store.export()]


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


@contextmanager
def hold_write_lock(path: Path) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


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


async def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (x)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="another program's database"):
        await SqliteStore(path).open(Stops())
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]
    connection.close()


async def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    async with open_sqlite(path) as store:
        await converse(store, "one")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version.*format 99.*upgrade"):
        await SqliteStore(path).open(Stops())


async def test_an_older_file_is_migrated_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_sqlite(path) as store:
        await converse(store, "one")
    second = "CREATE TABLE moods (x);\nINSERT INTO moods VALUES ('good');\n"
    monkeypatch.setattr(schema_module, "MIGRATIONS", (*schema_module.MIGRATIONS, second))
    for _ in range(2):
        async with open_sqlite(path) as store:
            assert await list_ids(store) == ["one"]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT x FROM moods").fetchall() == [("good",)]
    connection.close()


async def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_sqlite(path) as store:
        await converse(store, "one")
    with monkeypatch.context() as patch:
        broken = "CREATE TABLE moods (x);\nINSERT INTO nowhere VALUES (1);\n"
        patch.setattr(schema_module, "MIGRATIONS", (*schema_module.MIGRATIONS, broken))
        with pytest.raises(StoreError):
            await SqliteStore(path).open(Stops())
    async with open_sqlite(path) as store:
        assert await list_ids(store) == ["one"]


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


# Retention


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


async def test_it_writes_nothing_outside_its_own_files(path: Path) -> None:
    """In an image with a read-only root no server became ready.

    The probe of /readiness sorts rows, for which SQLite made a file in /tmp: an I/O error there.
    """
    async with open_sqlite(path) as store:
        kept = await store._database.run(
            lambda connection: connection.execute("PRAGMA temp_store").fetchone()
        )
        assert kept == (2,), "temporary tables are not kept in memory"


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


# Disks that are full, read-only or slow to come back


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def fill_up(store: SqliteStore, key: ConversationKey) -> None:
    for number in range(1000):
        record = make_record(f"fill {number}", key)
        conversation = await store.begin(record)
        await store.settle(end(record, "x" * 50_000), conversation, heard_before=None)


async def test_a_full_disk_is_an_error_until_it_has_space(small_disk: Path) -> None:
    path = small_disk / "store.db"
    async with open_sqlite(path) as store:
        await converse(store, "before")
        ballast = small_disk / "ballast"
        with pytest.raises(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        assert not await store.ready()
        with pytest.raises(StoreError, match=r"(is full: free some|check its space)"):
            await fill_up(store, KEY)
        # What can be read is read still.
        assert await store.find("user", "before") is not None
        ballast.unlink()
        assert await store.ready()
        await converse(store, "after")
        ids = await list_ids(store)
        assert ids[0] == "before" and ids[-1] == "after"


async def test_a_full_database_keeps_the_turn_before_whole(path: Path) -> None:
    async with open_sqlite(path) as store:
        await converse(store, "before")
        await store._database.run(
            lambda connection: connection.execute("PRAGMA max_page_count = 40").fetchall()
        )
        with pytest.raises(StoreError, match="is full: free some space"):
            await fill_up(store, ConversationKey("", "big"))
        await store._database.run(
            lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchall()
        )
        record = make_record("after")
        conversation = await store.begin(record)
        assert [turn.invocation_id for turn in conversation.turns] == ["before"]
        await store.settle(end(record), conversation, heard_before=None)
        assert await store.ready()


async def test_a_turn_whose_end_found_no_space_does_not_run_for_ever(path: Path) -> None:
    """The disk was full for a moment, and GET said `running` until the caller spoke again."""

    async def limit_pages(count: int) -> None:
        await store._database.run(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {count}").fetchall()
        )

    async with open_sqlite(path) as store:
        record = make_record("one")
        conversation = await store.begin(record)
        await limit_pages(1)
        ended = end(record, reply="said " * 10_000)
        with pytest.raises(StoreError, match="is full"):
            await store.settle(ended, conversation, heard_before=None)
        ended.status, ended.reason = "failed", "conversation_not_saved"

        found = await store.find(KEY.user_id, "one")
        assert found is not None and (found.status, found.reply) == ("failed", ended.reply)

        await limit_pages(1_000_000)
        await store.begin(make_record("two"))
        found = await store.find(KEY.user_id, "one")
        assert found is not None and (found.status, found.reason) == ("failed", "not_stored")


async def test_a_read_only_disk_is_an_error_until_it_is_writable(small_disk: Path) -> None:
    def remount(mode: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{mode}", str(small_disk)], check=True)

    path = small_disk / "store.db"
    remount("ro")
    with pytest.raises(StoreError, match=r"can't be written.*let this user"):
        await SqliteStore(path).open(Stops())
    remount("rw")
    async with open_sqlite(path) as store:
        await converse(store, "one")


async def test_a_read_only_file_is_an_error() -> None:
    """Where root runs the tests, another user tries it.

    That user's way to the file was once opened by making /tmp itself 0555, for good: apt could
    not verify its lists any more.
    """
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from voicelive_agent.server.conversations.sqlite.store import SqliteStore\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "asyncio.run(SqliteStore(Path(sys.argv[1])).open(print))\n"
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "conversations.sqlite3"
        async with open_sqlite(path) as store:
            await converse(store, "one")
        path.chmod(0o444)
        path.parent.chmod(0o555)
        result = subprocess.run(
            [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True
        )
        path.parent.chmod(0o700)
    assert "StoreError" in result.stderr
    assert "can't be written: let this user write it and its directory" in result.stderr


# Who lives


def test_presence_ends_with_the_process_and_is_tidied_up(tmp_path: Path) -> None:
    database = tmp_path / "db"
    one, other = Presence(database), Presence(database)
    one.declare()
    one.declare()
    other.declare()
    assert other.is_alive(one.owner)
    assert one.is_alive(other.owner)
    assert one.is_alive(one.owner)
    assert not one.is_alive("never seen")
    one.withdraw()
    one.withdraw()
    assert not other.is_alive(one.owner)
    left_behind = tmp_path / "db-process-dead"
    left_behind.touch()
    Presence(database).declare()
    assert not left_behind.exists()
    assert other.is_alive(other.owner)
