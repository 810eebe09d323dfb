"""What arrives on a connection and is no request that could be answered."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.processes import ROOT, ServerProcess, connect, start_server
from voicelive_agent.listening import find_free_port
from voicelive_agent.server.platform.headers import SERVER


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with start_server(tmp_path) as server:
        yield server


async def send(server: ServerProcess, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what comes back before the server closes the connection."""
    async with connect(server) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
        head, _, body = (await asyncio.wait_for(reader.read(), 30)).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


async def test_what_is_no_http_is_answered_in_the_envelope(server: ServerProcess) -> None:
    """uvicorn's own answer was plain text, without the source of the error and without ids."""
    post = b"POST /invocations HTTP/1.1\r\nhost: localhost\r\n"
    for request in (
        b"GARBAGE\r\n\r\n",
        b"GET /readiness HTTP/1.1\r\nname: a\x00b\r\n\r\n",
        post + b"content-length: many\r\n\r\n",
        post + b"transfer-encoding: chunked\r\n\r\nZZ\r\n\r\n",
    ):
        status, headers, body = await send(server, request)
        assert status == 400
        assert json.loads(body)["error"]["code"] == "bad_request"
        assert headers["x-platform-error-source"] == "user"
        assert headers["x-platform-server"] == SERVER
        assert headers["x-request-id"]
        assert headers["connection"] == "close"


async def test_an_upgrade_is_answered_in_the_envelope(server: ServerProcess) -> None:
    status, headers, body = await send(
        server,
        b"GET /invocations_ws HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade, close\r\n"
        b"upgrade: websocket\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    assert (status, headers["x-platform-error-source"]) == (404, "user")
    assert json.loads(body)["error"]["code"] == "not_found"


async def test_a_caller_that_goes_in_mid_request_is_one_line_in_the_log(
    server: ServerProcess,
) -> None:
    """It was an error with a traceback, as though the server had failed."""
    async with connect(server) as (_, writer):
        writer.write(
            b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{"
        )
        await writer.drain()
    async with asyncio.timeout(30):
        while "a caller went" not in server.log.read_text():
            await asyncio.sleep(0.05)
    assert "Traceback" not in server.log.read_text()


async def test_a_server_that_is_stopped_while_it_starts_exits_with_0(tmp_path: Path) -> None:
    """Python's own handling of SIGTERM made it -15, which orchestrators report as a crash."""
    agent = tmp_path / "slow_to_import.py"
    agent.write_text(
        "import pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'importing')!r}).touch()\n"
        "time.sleep(60)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "voicelive_agent",
        "serve",
        cwd=ROOT,
        env={
            "HOME": str(tmp_path),
            "PORT": str(find_free_port()),
            "PYTHONPATH": str(tmp_path),
            "VOICELIVE_AGENT": "slow_to_import:reply",
        },
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        while not (tmp_path / "importing").exists():
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
