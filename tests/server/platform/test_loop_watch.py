"""An agent that blocks the event loop is named in the log."""

import asyncio
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.server.processes import start_server
from voicelive_agent.server.platform import loop_watch
from voicelive_agent.server.platform.loop_watch import LoopWatch


@pytest.mark.slow
async def test_an_agent_that_blocks_is_named_once_and_so_is_its_end(tmp_path: Path) -> None:
    """All calls were silent, readiness failed, and no line of the log said why."""
    async with (
        start_server(
            tmp_path, VOICELIVE_AGENT="tests.server.platform.blocking_agent:reply"
        ) as server,
        httpx.AsyncClient(base_url=server.url, timeout=60) as client,
    ):
        turn = asyncio.create_task(client.post("/invocations", json={"input": "my secret"}))
        async with asyncio.timeout(60):
            while "the event loop has been blocked" not in server.log.read_text():
                await asyncio.sleep(0.1)
            (tmp_path / "goes-on").touch()
            assert "Done." in (await turn).text
            while "the event loop goes on" not in server.log.read_text():
                await asyncio.sleep(0.1)
    log = server.log.read_text()
    assert log.count("has been blocked") == 1
    assert "by reply (" in log
    assert "blocking_agent.py:" in log
    assert "asyncio.to_thread" in log
    assert "my secret" not in log


@pytest.mark.parametrize(("is_development", "is_told"), [(True, True), (False, False)])
async def test_an_author_is_told_early_on_their_own_machine(
    is_development: bool,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A service was asked without await: each turn took seconds, and no line said why."""
    monkeypatch.setattr(loop_watch, "_PERIOD_SECONDS", 0.01)
    monkeypatch.setattr(loop_watch, "_BLOCKED_BY_AUTHOR_SECONDS", 0.1)
    watch = LoopWatch(is_development=is_development)
    watch.start()
    await asyncio.sleep(0.05)
    time.sleep(1)
    watch.stop()
    await asyncio.sleep(0.05)
    assert ("blocked" in caplog.text) is is_told
    assert ("test_loop_watch.py" in caplog.text) is is_told


async def test_a_loop_that_runs_is_not_complained_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop_watch, "_PERIOD_SECONDS", 0.01)
    before = threading.active_count()
    watch = LoopWatch(blocked_seconds=10)
    watch.start()
    assert threading.active_count() == before + 1
    await asyncio.sleep(0.2)
    watch.stop()
    async with asyncio.timeout(10):
        while threading.active_count() > before:
            await asyncio.sleep(0.01)
    assert not caplog.records
