"""Disks that are full, read-only or slow to come back."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conversations.backends import KEY, Stops, converse, end, make_record
from tests.server.conversations.sqlite.opening import ROOT, list_ids, open_sqlite
from voicelive_agent.server.conversations import ConversationKey, StoreError
from voicelive_agent.server.conversations.sqlite.store import SqliteStore


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
