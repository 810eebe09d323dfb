"""SIGTERM and SIGINT with a real process: no stream is cut without ``done``, exit code 0."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from tests.server.processes import start_server
from tests.server.serving import read_events
from voicelive_agent.listening import find_free_port
from voicelive_agent.server.engine.ending import find_phrases

# Their grace is real time.
pytestmark = pytest.mark.slow
CLOSING = find_phrases("en").closing


async def _talk(client: httpx.AsyncClient, started: asyncio.Event, seconds: float) -> str:
    body = b""
    async with client.stream("POST", "/invocations", json={"message": str(seconds)}) as stream:
        async for chunk in stream.aiter_bytes():
            body += chunk
            started.set()
    events = read_events(body.decode())
    assert [event["type"] for event in events][-2:] == ["output_audio_transcription.done", "done"]
    return str(events[-2]["text"])


@pytest.mark.parametrize("command", ["voicelive-agent serve", "uvicorn app.main:app"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_turns_finish_or_are_closed_and_the_process_exits_with_0(
    tmp_path: Path, command: str, number: signal.Signals
) -> None:
    """uvicorn raises a signal again after its own shutdown, which made the exit code -15."""
    port = str(find_free_port())
    words = ["-m", "voicelive_agent", "serve"]
    if command.startswith("uvicorn"):
        words = ["-m", "uvicorn", "app.main:app", "--port", port]
    async with (
        start_server(
            tmp_path,
            words,
            PORT=port,
            VOICELIVE_AGENT="tests.server.slow_agent:reply",
            VOICELIVE_SHUTDOWN_GRACE_SECONDS="2",
        ) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as client,
    ):
        started = [asyncio.Event(), asyncio.Event()]
        quick = asyncio.create_task(_talk(client, started[0], 1))
        slow = asyncio.create_task(_talk(client, started[1], 60))
        await asyncio.gather(*(event.wait() for event in started))
        server.signal(number)
        while (readiness := await client.get("/readiness")).status_code == 200:
            await asyncio.sleep(0.01)
        assert readiness.status_code == 503
        refused = await client.post("/invocations", json={"message": "0"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
        assert refused.headers["x-platform-error-source"] == "platform"
        assert await quick == "Started. Finished."
        assert await slow == f"Started. {CLOSING}"
        assert await server.wait() == 0, server.log.read_text()
        assert "Traceback" not in server.log.read_text()


async def test_a_second_signal_ends_the_server_at_once(tmp_path: Path) -> None:
    async with (
        start_server(
            tmp_path,
            VOICELIVE_AGENT="tests.server.slow_agent:reply",
            VOICELIVE_SHUTDOWN_GRACE_SECONDS="300",
        ) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as client,
    ):
        started = asyncio.Event()
        talk = asyncio.create_task(_talk(client, started, 300))
        await started.wait()
        server.signal(signal.SIGTERM)
        while (await client.get("/readiness")).status_code == 200:
            await asyncio.sleep(0.01)
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
        assert await talk == f"Started. {CLOSING}"


async def test_without_turns_it_exits_at_once(tmp_path: Path) -> None:
    async with start_server(tmp_path, VOICELIVE_SHUTDOWN_GRACE_SECONDS="300") as server:
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0


async def test_an_agent_that_never_ends_does_not_keep_the_server(tmp_path: Path) -> None:
    """asyncio waited for its task for ever, until the platform killed the whole container."""
    async with (
        start_server(
            tmp_path,
            VOICELIVE_AGENT="tests.server.stubborn_agent:StubbornAgent",
            VOICELIVE_SHUTDOWN_GRACE_SECONDS="0.1",
        ) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as client,
    ):
        started = asyncio.Event()
        talk = asyncio.create_task(_talk(client, started, 0))
        await started.wait()
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
        assert await talk == f"Started. {CLOSING}"
        assert "the agent's stop failed" in server.log.read_text()
        assert "does not end" in server.log.read_text()


async def test_a_second_signal_ends_a_server_whose_event_loop_is_blocked(tmp_path: Path) -> None:
    """Ctrl-C did nothing, however often: only ``kill -9`` ended it."""
    agent = "tests.server.platform.blocking_agent:reply"
    async with (
        start_server(tmp_path, VOICELIVE_AGENT=agent) as server,
        httpx.AsyncClient() as client,
    ):
        turn = asyncio.create_task(client.post(f"{server.url}/invocations", timeout=60))
        async with asyncio.timeout(60):
            while "has been blocked" not in server.log.read_text():
                await asyncio.sleep(0.1)
            while server.process.returncode is None:
                server.signal(signal.SIGINT)
                await asyncio.sleep(0.5)
        with pytest.raises(httpx.TransportError):
            await turn
    assert server.process.returncode == 1
    assert "the event loop is blocked" in server.log.read_text()
