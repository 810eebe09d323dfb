"""Files of other programs and versions: migrated once, or left alone."""

import sqlite3
from pathlib import Path

import pytest

from tests.server.conversations.backends import Stops, converse
from tests.server.conversations.sqlite.opening import list_ids, open_sqlite
from voicelive_agent.server.conversations import StoreError
from voicelive_agent.server.conversations.sqlite import schema as schema_module
from voicelive_agent.server.conversations.sqlite.store import SqliteStore


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
