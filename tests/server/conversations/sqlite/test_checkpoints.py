"""The log of a SQLite file: when it is written out, when it is moved, when it begins anew."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from voicelive_agent.server.conversations.sqlite import checkpoints as module
from voicelive_agent.server.conversations.sqlite.checkpoints import Checkpoints

MANY = 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conversations.sqlite3"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE said (text TEXT)")
        yield connection


@pytest.fixture
def checkpoints(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Checkpoints]:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    checkpoints = Checkpoints(path)
    checkpoints.start()
    yield checkpoints
    checkpoints.stop(None)


def commit(connection: sqlite3.Connection, count: int) -> None:
    for _ in range(count):
        connection.execute("INSERT INTO said VALUES (?)", ("hello " * 500,))


def read_log_bytes(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def watch(monkeypatch: pytest.MonkeyPatch, name: str) -> threading.Event:
    """Set when the module's function of this name has done its work."""
    done = threading.Event()
    function = getattr(module, name)

    def watched(*args: object) -> None:
        function(*args)
        done.set()

    monkeypatch.setattr(module, name, watched)
    return done


def test_a_short_log_is_written_out_and_kept(
    path: Path,
    connection: sqlite3.Connection,
    checkpoints: Checkpoints,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was moved after each turn of a quiet call; the next then waited for the disk."""
    written = watch(monkeypatch, "_write_out")
    size = path.stat().st_size
    commit(connection, 1)
    checkpoints.note(1)

    assert written.wait(20)
    assert path.stat().st_size == size


def test_a_long_log_is_moved_and_begins_anew_while_turns_go_on(
    path: Path,
    connection: sqlite3.Connection,
    checkpoints: Checkpoints,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it was moved others committed, so it only grew until a commit had to move it all."""
    move = module._move

    def move_while_another_commits(own: sqlite3.Connection) -> None:
        move(own)
        checkpoints.note(1)

    monkeypatch.setattr(module, "_move", move_while_another_commits)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        commit(connection, MANY)
        # What comes after this can't be moved until the reader has done.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM said").fetchone()
        commit(connection, 1)
        checkpoints.note(module._SHORT_LOG)
        assert checkpoints._left_some.wait(20)
    log_bytes = read_log_bytes(path)

    checkpoints.finish(connection)
    commit(connection, MANY // 2)

    assert read_log_bytes(path) == log_bytes


def test_a_short_log_is_moved_when_it_is_old(
    path: Path,
    connection: sqlite3.Connection,
    checkpoints: Checkpoints,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was removed on a quiet server stayed readable in its file until the server ended."""
    moved = watch(monkeypatch, "_move")
    monkeypatch.setattr(module, "_OLD_LOG_SECONDS", 0.2)
    size = path.stat().st_size
    commit(connection, 1)
    checkpoints.note(1)

    assert moved.wait(20)
    assert path.stat().st_size > size


def test_it_goes_on_after_the_log_was_gone(
    path: Path, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Semaphore(0)
    write_out = module._write_out

    def note(log: str) -> None:
        tried.release()
        write_out(log)

    monkeypatch.setattr(module, "_write_out", note)
    Path(f"{path}-wal").rename(path.with_name("elsewhere"))
    for _ in range(2):
        checkpoints.note(1)
        assert tried.acquire(timeout=20)
