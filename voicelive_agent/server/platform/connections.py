"""Limits of a connection: size of its headers, time to arrive, number of connections.

What is no request is answered here too, as all errors are (``server.platform.errors``).

httptools takes headers without end, and uvicorn waits for the rest of a request for ever, on as
many connections as come; each lets one stranger hold memory or file descriptors as they like.
"""

import asyncio
import uuid
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from voicelive_agent.server.platform.descriptors import find_max_connections
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import SERVER

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line and headers that are still coming; whole ones have a lower limit."""
ARRIVAL_SECONDS = 30.0
"""Within which a request has to be here, its body included."""

_TOO_MANY_CONNECTIONS = ApiError(
    503,
    "too_many_connections",
    "Too many connections are open on this server; try again shortly.",
    "platform",
    headers={"retry-after": "1"},
)


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 by httptools."""

    arrival_seconds = ARRIVAL_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._max_connections = find_max_connections()
        self._boundaries = 0
        self._head_bytes = 0
        self._in_head = True
        self._is_call = False
        self._arrival: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._max_connections:
            self._answer(_TOO_MANY_CONNECTIONS)
        else:
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        boundaries = self._boundaries
        super().data_received(data)
        if self._boundaries != boundaries and self._boundaries % 2 == 1 and not self._is_call:
            # Most requests come whole, and need no timer.
            self._expect_request()
        if self._in_head and self._boundaries == boundaries:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self._is_answering():
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._pass_boundary()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_waiting()
        self._pass_boundary()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        # From here on it is a call, which may be silent for long.
        self._is_call = True
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def _pass_boundary(self) -> None:
        """What comes next is a head."""
        self._boundaries += 1
        self._in_head, self._head_bytes = True, 0

    def _expect_request(self) -> None:
        self._stop_waiting()
        self._arrival = self.loop.call_later(self.arrival_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _is_answering(self) -> bool:
        """Whether a request that is here in full is being answered; it must not be cut."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _give_up(self) -> None:
        self._arrival = None
        if self._is_answering():
            self._expect_request()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def send_400_response(self, msg: str) -> None:
        """What arrived is no HTTP. In the middle of an answer there is no place to say so."""
        if self._is_answering():
            self.transport.close()
        else:
            self._answer(_describe(HTTPStatus.BAD_REQUEST, msg))

    def _refuse(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        cycle = self.cycle
        begun = self._boundaries % 2 == 1
        if begun and (cycle is None or cycle.response_complete):
            message = f"{status.phrase}: this is no request that can be answered."
            self._answer(_describe(status, message))
        self.transport.close()

    def _answer(self, error: ApiError) -> None:
        """An error in the envelope, with the headers of every response; then the end."""
        begun = self._boundaries % 2 == 1
        headers = self.scope["state"].get("platform_headers") if begun else None
        response = error.response()
        lines = [
            f"HTTP/1.1 {error.status:d} {HTTPStatus(error.status).phrase}".encode(),
            *(name + b": " + value for name, value in response.raw_headers),
            *(name + b": " + value for name, value in headers or _make_headers()),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body))
        self.transport.close()


def _describe(status: HTTPStatus, message: str) -> ApiError:
    return ApiError(status, status.phrase.lower().replace(" ", "_"), message)


def _make_headers() -> list[tuple[bytes, bytes]]:
    """Those of what is not even a request."""
    return [
        (b"x-request-id", uuid.uuid4().hex.encode()),
        (b"x-platform-server", SERVER.encode()),
    ]
