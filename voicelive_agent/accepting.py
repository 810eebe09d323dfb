"""Accepting of connections on uvloop: all that wait at once, as asyncio does.

uvloop itself takes one in each step of its loop: under load those who come would wait for as many
steps as there are callers before them, each as long as what all open connections have to do.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from ssl import SSLContext
from typing import Any

import uvloop

_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PAUSE_SECONDS = 1.0


class AcceptingLoop(uvloop.Loop):
    """uvloop whose servers of a socket that is bound already accept all who wait."""

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        *,
        sock: socket.socket | None = None,
        backlog: int = 100,
        ssl: SSLContext | None = None,
        **options: Any,
    ) -> asyncio.AbstractServer:
        if sock is None or options:
            return await super().create_server(
                protocol_factory, host, port, sock=sock, backlog=backlog, ssl=ssl, **options
            )
        sock.setblocking(False)
        sock.listen(backlog)
        return AcceptingServer(self, protocol_factory, sock, backlog, ssl)


class AcceptingServer(asyncio.AbstractServer):
    """Serves from its creation until it is closed, and closes its socket then."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        listener: socket.socket,
        at_once: int,
        ssl: SSLContext | None = None,
    ) -> None:
        self._loop = loop
        self._protocol_factory = protocol_factory
        self._listener = listener
        self._at_once = at_once
        self._ssl = ssl
        self._connecting: set[asyncio.Task[Any]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._serving = True
        self._resume()

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        return (self._listener,) if self._serving else ()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def is_serving(self) -> bool:
        return self._serving

    async def start_serving(self) -> None:
        """Nothing is left to do."""

    async def serve_forever(self) -> None:
        try:
            await self._loop.create_future()
        finally:
            self.close()
            await self.wait_closed()

    def close(self) -> None:
        """Accept no more; connections that were accepted go on."""
        if not self._serving:
            return
        self._serving = False
        self._loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()
        self._listener.close()

    async def wait_closed(self) -> None:
        """Until those who were accepted are connected; for what follows the protocols wait."""
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept_all)

    def _accept_all(self) -> None:
        for _ in range(self._at_once):
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno not in _OUT_OF_RESOURCES:
                    raise
                self._pause_for(error)
                return
            task = self._loop.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        # A caller may have gone again, or fail at the handshake.
        with suppress(OSError):
            await self._loop.connect_accepted_socket(
                self._protocol_factory, connection, ssl=self._ssl
            )

    def _pause_for(self, error: OSError) -> None:
        """Who waits goes on waiting in the listener's queue."""
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(_PAUSE_SECONDS, self._resume)
        self._loop.call_exception_handler(
            {
                "message": "socket.accept() out of system resource",
                "exception": error,
                "socket": self._listener,
            }
        )
