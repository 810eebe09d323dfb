"""WebSocket of the Bridge, by uvicorn, with what that lacks: long headers, and several messages in
one write."""

from typing import Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import http11
from websockets.exceptions import InvalidState
from websockets.http11 import Request
from websockets.protocol import OPEN

from voicelive_agent.server.platform.headers import MAX_HEADER_BYTES
from voicelive_agent.server.wires.bridge.call import BATCHES

# Of one header; with its name, the 8,192 bytes that baggage may have (W3C) are more than its own
# limit. All headers together are bounded by ``PlatformHeaders``.
http11.MAX_LINE_LENGTH = MAX_HEADER_BYTES


class BridgeSocket(WebSocketsSansIOProtocol):
    """One write costs 20 us, as much as the making of ten short messages."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][BATCHES] = {}

    def shutdown(self) -> None:
        # Of one who has said goodbye uvicorn would take leave again, which is an error.
        if self.handshake_complete and self.conn.state is not OPEN:
            self.stop_keepalive()
            self.transport.close()
            return
        super().shutdown()

    async def send(self, message: Any) -> None:
        texts = cast("list[str] | None", message.get("texts"))
        if texts is None:
            await super().send(message)
            return
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        try:
            for text in texts:
                self.conn.send_text(text.encode())
        except InvalidState:
            raise ClientDisconnected from None
        self.transport.write(b"".join(self.conn.data_to_send()))
