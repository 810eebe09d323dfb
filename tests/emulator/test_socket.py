"""WebSocket of a session: when it stops reading."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from voicelive_agent.emulator.socket import SessionSocket
from voicelive_agent.server.wires.bridge.socket import BridgeSocket

_APPEND = '{"type": "input_audio_buffer.append", "audio": "' + "A" * 1280 + '"}'
_Receive = Callable[[], Awaitable[Any]]


class _Transport(asyncio.Transport):
    """Counts how often reading stops and goes on; hands what is written to the client."""

    def __init__(self, client: ClientProtocol) -> None:
        super().__init__()
        self._client = client
        self.calls: list[str] = []

    def write(self, data: Any) -> None:
        self._client.receive_data(bytes(data))

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def is_closing(self) -> bool:
        return "close" in self.calls

    def close(self) -> None:
        self.calls.append("close")


class _Call:
    """A connected client, and the application's side of its socket."""

    def __init__(self, kind: type[WebSocketsSansIOProtocol] = SessionSocket) -> None:
        self.received: list[Any] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._client = ClientProtocol(parse_uri("ws://localhost/"))
        self.transport = _Transport(self._client)
        config = uvicorn.Config(self._serve, interface="asgi3", log_config=None)
        config.load()
        self._socket = kind(config, ServerState(), {})
        self._socket.connection_made(self.transport)

    async def open(self) -> None:
        self._client.send_request(self._client.connect())
        self._deliver()
        await _settle()
        self.transport.calls.clear()

    def send(self, *texts: str) -> None:
        """The messages come in one piece."""
        for text in texts:
            self._client.send_text(text.encode())
        self._deliver()

    def hang_up(self) -> None:
        self._client.send_close(1000)
        self._deliver()

    @property
    def close_code(self) -> int | None:
        return self._client.close_rcvd.code if self._client.close_rcvd else None

    def stop_server(self) -> None:
        self._socket.shutdown()

    def _deliver(self) -> None:
        self._socket.data_received(b"".join(self._client.data_to_send()))

    async def _serve(self, scope: Any, receive: _Receive, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await self.gate.wait()
            self.received.append((await receive()).get("text"))


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_who_speaks_in_real_time_is_read_without_a_stop() -> None:
    """Each 20 ms of audio took the socket out of the loop's selector and put it in again."""
    call = _Call()
    await call.open()
    for _ in range(50):
        call.send(_APPEND)
        await _settle()
    assert call.received == [_APPEND] * 50
    assert call.transport.calls == []


async def test_one_who_sends_more_than_is_taken_is_not_read_on() -> None:
    call = _Call()
    await call.open()
    call.gate.clear()
    call.send(_APPEND)
    await _settle()  # The application was waiting for this one.
    call.send(_APPEND)
    assert call.transport.calls == []
    call.send(_APPEND)
    assert call.transport.calls == ["pause"]
    call.gate.set()
    await _settle()
    assert call.received == [_APPEND] * 3
    assert call.transport.calls == ["pause", "resume"]


async def test_messages_that_come_in_one_piece_stop_it_once() -> None:
    call = _Call()
    await call.open()
    call.send(*[_APPEND] * 20)
    assert call.transport.calls == ["pause"]
    await _settle()
    assert call.received == [_APPEND] * 20
    assert call.transport.calls == ["pause", "resume"]


async def test_a_long_message_stops_it_at_once() -> None:
    """Megabytes of one client wait once, and not twice."""
    call = _Call()
    await call.open()
    call.send("x" * 100_000)
    assert call.transport.calls == ["pause"]
    await _settle()
    assert call.transport.calls == ["pause", "resume"]


@pytest.mark.parametrize("kind", [SessionSocket, BridgeSocket])
async def test_a_server_that_stops_while_a_client_hangs_up_takes_no_leave_of_it(
    kind: type[WebSocketsSansIOProtocol],
) -> None:
    """With TLS a connection is closed some time after the goodbyes: whoever stopped the emulator
    just then was shown `InvalidState: connection is closing`, and other clients were left open."""
    call = _Call(kind)
    await call.open()
    call.hang_up()
    call.stop_server()
    await _settle()
    assert set(call.transport.calls) == {"close"}
    assert call.received == [None]


async def test_a_server_that_stops_takes_leave_of_its_clients() -> None:
    call = _Call()
    await call.open()
    call.stop_server()
    await _settle()
    assert call.transport.calls == ["close"]
    assert call.close_code == 1012
