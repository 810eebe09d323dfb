"""A connection that is given up leaves nothing behind."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.client.service import Endless
from voicelive_agent.client import connection
from voicelive_agent.client.settings import load_settings

KEY = "s3cret-key"
PATIENCE_S = 20


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[aiohttp.ClientSession]:
    """The HTTP sessions that are opened."""
    opened: list[aiohttp.ClientSession] = []
    initialise = aiohttp.ClientSession.__init__

    def note(session: aiohttp.ClientSession, *args: Any, **options: Any) -> None:
        opened.append(session)
        initialise(session, *args, **options)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", note)
    return opened


async def test_who_gives_up_while_connecting_leaves_nothing_open(
    sessions: list[aiohttp.ClientSession],
) -> None:
    """The SDK left its HTTP session open: after Ctrl-C aiohttp wrote of it on the terminal."""
    reached = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connecting = connection.open_connection(load_settings({"api_key": KEY}), url).__aenter__()
        task = asyncio.create_task(connecting)
        async with asyncio.timeout(PATIENCE_S):
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert [session.closed for session in sessions] == [True]


async def test_who_gives_up_while_closing_leaves_nothing_open(
    sessions: list[aiohttp.ClientSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Python 3.11.4 a limit of time within what is cancelled ended like a cancellation,
    and the SDK's HTTP session stayed open."""
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT_S", 0.2)
    settings = load_settings({"api_key": KEY})
    async with Endless().running() as service:
        opened = asyncio.Event()

        async def talk() -> None:
            async with connection.open_connection(settings, service.url) as talking:
                talking.send({"type": "response.create"})
                await talking.receive()
                opened.set()

        task = asyncio.create_task(talk())
        async with asyncio.timeout(PATIENCE_S):
            await opened.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert [session.closed for session in sessions] == [True]
