from pathlib import Path

import pytest

from voicelive_agent.server.conversations import open_store
from voicelive_agent.server.conversations.location import describe_location, locate_sqlite
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.conversations.redis.store import RedisStore
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.conversations.store import Limits


def test_sqlite_by_itself_is_a_file_under_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    store = open_store("sqlite")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / ".voicelive-agent" / "conversations.sqlite3"
    assert not store.path.parent.exists()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/agent.db", "/var/lib/agent.db"),
        ("sqlite:///tmp/with%20space%3F.db", "/tmp/with space?.db"),
        ("sqlite:///tmp/a#b.db", "/tmp/a#b.db"),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: str) -> None:
    assert locate_sqlite(url) == Path(path)


def test_the_other_stores() -> None:
    assert isinstance(open_store("memory:"), MemoryStore)
    assert isinstance(open_store("memory"), MemoryStore)
    assert isinstance(open_store("redis://localhost"), RedisStore)
    assert isinstance(open_store("rediss://user:p%40ss@host:6380/0?prefix=desk"), RedisStore)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:relative.db",
        "sqlite://host/path.db",
        "sqlite:///",
        "sqlite:///directory/",
        "sqlite:///file?mode=ro",
        "sqlite://relative.db",
        "sqlite:///nul%00.db",
        "sqlitefile",
        "",
        "memory:///x",
        "/var/lib/agent.db",
        "postgresql://user:secret@host/db",
        "redis:",
        "redis://",
        "redis://:secret@host:port/0",
        "redis://:se#cret@host/0",
        "redis://:secret@host/0?auth=key",
        "redis://:secret@host/0?unknown=1",
        "redis://:secret@host/0?socket_timeout=soon",
        "redis://:secret@host/0?prefix={x}",
        "redis://:secret@[::1/0",
    ],
)
def test_a_bad_url_is_refused_with_the_forms_that_work(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///|redis://host") as caught:
        open_store(url)
    assert "cret" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    "limit",
    [
        {"retention_days": 0},
        {"retention_days": float("nan")},
        {"max_turns": 0},
        {"max_conversations": 0},
        {"max_bytes": 1000},
        {"history_turns": 0},
        {"history_bytes": 0},
        {"conversation_bytes": 0},
        {"user_bytes": 0},
    ],
)
def test_a_senseless_limit_is_refused_by_name(limit: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(limit))):
        Limits(**limit)  # type: ignore[arg-type]


def test_a_senseless_lease_is_refused() -> None:
    with pytest.raises(ValueError, match="lease_seconds"):
        open_store("redis://localhost", lease_seconds=0)


def test_without_redis_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "voicelive_agent.server.conversations.location.find_spec", lambda name: None
    )
    with pytest.raises(ValueError, match=r"voicelive-agent\[redis\]"):
        open_store("redis://localhost")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("memory:", "memory, until this process ends"),
        ("sqlite:///var/lib/calls.db", "/var/lib/calls.db"),
        ("redis://redis-user:hunter2@cache.example:6380/1", "Redis at cache.example:6380"),
        ("rediss://cache.example", "Redis at cache.example:6379"),
    ],
)
def test_where_conversations_are_is_told_without_a_password(url: str, place: str) -> None:
    assert describe_location(url) == place
