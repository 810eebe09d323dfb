"""Conversations where $HOME may not be writable."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.server.conversations.backends import KEY, Stops, converse, make_record
from voicelive_agent.agent import Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.conversations import ConversationKey
from voicelive_agent.server.conversations.home import HomeStore
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.settings import Settings

OTHER = ConversationKey("user", "other")


@asynccontextmanager
async def open_home(path: Path) -> AsyncIterator[HomeStore]:
    store = HomeStore(path, retry_seconds=0.01)
    await store.open(Stops())
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """Stands where the store's directory should be; root too can't make one there."""
    blocker = tmp_path / ".voicelive-agent"
    blocker.write_text("")
    return blocker


async def test_a_home_that_can_be_written_keeps_a_file(tmp_path: Path) -> None:
    path = tmp_path / "home/conversations.sqlite3"
    async with open_home(path) as store:
        assert not store.in_memory
        await converse(store, "one")
        assert await store.ready()
    reopened = SqliteStore(path)
    await reopened.open(Stops())
    assert await reopened.find(KEY.user_id, "one")
    await reopened.close()


async def test_a_home_that_cannot_be_written_is_told_and_served_from_memory(
    blocked: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the platform's user may not write $HOME, the agent once ended at start, for ever."""
    async with open_home(blocked / "conversations.sqlite3") as store:
        assert store.in_memory
        assert await store.ready()
        await converse(store, "one")
        found = await store.find(KEY.user_id, "one")
        assert found is not None
        assert found.status == "completed"
        assert [key async for key in store.list_keys()] == [KEY]
    (told,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "KEPT IN MEMORY" in told.getMessage()
    assert "conversations.sqlite3" in told.getMessage()


async def test_once_it_can_be_written_only_what_began_in_memory_stays_there(blocked: Path) -> None:
    path = blocked / "conversations.sqlite3"
    async with open_home(path) as store:
        await converse(store, "one")
        blocked.unlink()
        async with asyncio.timeout(10):
            while store.in_memory:
                await asyncio.sleep(0.01)
        before = await store.begin(make_record("two"))
        assert [turn.invocation_id for turn in before.turns] == ["one"]
        await store.begin(make_record("three", OTHER))
        assert {key async for key in store.list_keys()} == {KEY, OTHER}
        assert len([turn async for turn in store.export()]) == 3
        assert await store.find(OTHER.user_id, "three")
        assert await store.purge(KEY) == 1
    reopened = SqliteStore(path)
    await reopened.open(Stops())
    assert [key async for key in reopened.list_keys()] == [OTHER]
    await reopened.close()


async def test_readiness_tells_it_and_turns_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Echo:
        async def reply(self, turn: Turn) -> AsyncIterator[str]:
            yield f"You said {turn.text}."

    (tmp_path / ".voicelive-agent").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    app = create_app(Echo(), Settings(conversations="sqlite"))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        ready = await http.get("/readiness")
        assert ready.status_code == 200
        assert ready.json()["status"] == "healthy"
        assert ready.json()["details"]["conversations"].startswith("in memory")
        answer = await http.post("/invocations", json={"message": "hello"})
        assert "You said hello." in answer.text
