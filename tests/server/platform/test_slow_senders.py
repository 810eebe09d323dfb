"""Strangers who send headers without end, or a request that never ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from tests.server.processes import connect, start_server
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.platform.connections import MAX_HEAD_BYTES, BoundedHttp
from voicelive_agent.server.settings import Settings

HEAD = b"POST /invocations HTTP/1.1\r\nhost: localhost\r\n"


class HastyHttp(BoundedHttp):
    arrival_seconds = 0.2


class Sleeper:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield "Wait. "
        await self.wake.wait()
        yield "Done."


@contextlib.asynccontextmanager
async def serve(agent: Sleeper, http: type[BoundedHttp]) -> AsyncIterator[uvicorn.Server]:
    """A server in this process."""
    app = create_app(agent, Settings(conversations="memory:"))
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http=http, log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


def find_port(server: uvicorn.Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def listen(agent: Sleeper, http: type[BoundedHttp] = HastyHttp) -> AsyncIterator[int]:
    """The port of such a server."""
    async with serve(agent, http) as server:
        yield find_port(server)


async def send(port: int, data: bytes) -> bytes:
    """What comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"x-a: half of a he", b"408"),
        (HEAD + b"content-length: 100\r\n\r\nhalf of a bo", b""),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhal", b""),
        (b"", b""),
    ],
)
async def test_a_request_that_does_not_arrive_is_given_up(data: bytes, status: bytes) -> None:
    async with listen(Sleeper()) as port:
        answer = await send(port, data)
        assert answer[9:12] == status
        assert b"internal_error" not in answer


async def test_headers_without_end_are_cut() -> None:
    """httptools has no limit: a single connection could fill the memory."""
    async with listen(Sleeper(), BoundedHttp) as port:
        sent = 0
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and sent < 100 * MAX_HEAD_BYTES:
                writer.write(b"x-a: " + b"y" * 8000 + b"\r\n")
                await writer.drain()
                sent += 8000
                await asyncio.sleep(0)
            assert b" 431 " in await reader.read()
        assert sent < 100 * MAX_HEAD_BYTES
        writer.close()


async def test_a_turn_that_takes_long_is_not_cut_by_a_half_request_behind_it() -> None:
    agent = Sleeper()
    async with listen(agent) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"content-length: 0\r\n\r\n" + b"GET /readiness HTT")
        await reader.readuntil(b"Wait. ")
        await asyncio.sleep(3 * HastyHttp.arrival_seconds)
        agent.wake.set()
        await reader.readuntil(b'"type":"done"')
        writer.close()


async def test_a_connection_that_is_kept_waits_for_nothing_between_turns() -> None:
    """uvicorn's own time-out for kept connections counts then."""
    agent = Sleeper()
    agent.wake.set()
    async with serve(agent, BoundedHttp) as server, httpx.AsyncClient(timeout=20) as client:
        for _ in range(2):
            url = f"http://127.0.0.1:{find_port(server)}/invocations"
            response = await client.post(url, json={"input": "x" * 50_000})
            assert response.status_code == 200
            (connection,) = server.server_state.connections
            assert isinstance(connection, BoundedHttp)
            assert connection._arrival is None


async def test_the_server_uses_it(tmp_path: Path) -> None:
    async with start_server(tmp_path) as server, httpx.AsyncClient() as client:
        async with connect(server) as (reader, writer):
            writer.write(HEAD)
            with contextlib.suppress(ConnectionError):
                for _ in range(100):
                    writer.write(b"x-a: " + b"y" * 8000 + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.001)
                assert b" 431 " in await reader.read()
        assert (await client.get(server.url + "/readiness")).status_code == 200
