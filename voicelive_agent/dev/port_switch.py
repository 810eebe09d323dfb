"""The agent's port while developing: each connection goes to the server that is current.

Connections wait while a server is being started, and are refused with HTTP 503 where there is none.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

_HEAD_TIMEOUT_S = 5.0
_PIECE_BYTES = 64 * 1024


class Door:
    """Passes bytes between ``listener`` and the port that ``open_to`` names."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._changed = asyncio.Condition()
        self._port: int | None = None
        self._refusal: str | None = None
        self._taken: set[asyncio.Task[None]] = set()
        """Held here: the event loop alone would let one that waits be collected."""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._begin, sock=self._listener)
        try:
            yield
        finally:
            server.close()
            for task in self._taken:
                task.cancel()
            await asyncio.gather(*self._taken, return_exceptions=True)

    async def hold(self) -> None:
        """New connections wait."""
        await self._set(None, None)

    async def open_to(self, port: int) -> None:
        """They go, and those that waited go, to this port of this machine."""
        await self._set(port, None)

    async def refuse(self, why: str) -> None:
        """They are told that there is no agent."""
        await self._set(None, why)

    async def _set(self, port: int | None, refusal: str | None) -> None:
        async with self._changed:
            self._port, self._refusal = port, refusal
            self._changed.notify_all()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._take(reader, writer))
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._port or self._refusal)
            if self._port is None:
                await _answer_503(reader, writer, self._refusal or "")
            else:
                await _pass_on(reader, writer, self._port)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            # Whoever hung up knows it; the other side finds its connection closed.
            pass
        finally:
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, to_writer))
            group.create_task(_pump(to_reader, writer))
    except* OSError:
        to_writer.transport.abort()
    finally:
        to_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _answer_503(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: str
) -> None:
    async with asyncio.timeout(_HEAD_TIMEOUT_S):
        await reader.readuntil(b"\r\n\r\n")
    error = {"code": "agent_not_running", "message": message}
    body = json.dumps({"error": error}).encode()
    writer.write(
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
        b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    )
    await writer.drain()
