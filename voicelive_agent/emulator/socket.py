"""WebSocket of a session, by uvicorn, without what that does for each message of one who speaks."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

_SHORT_BYTES = 64 * 1024


class SessionSocket(WebSocketsSansIOProtocol):
    """Reads on while one short message waits for the session.

    uvicorn stops reading with each message and goes on when that is taken: two calls of the system
    for 20 ms of audio.
    """

    def shutdown(self) -> None:
        # Of one who has said goodbye uvicorn would take leave again, which is an error.
        if self.handshake_complete and self.conn.state is not OPEN:
            self.stop_keepalive()
            self.transport.close()
            return
        super().shutdown()

    def send_receive_event_to_app(self) -> None:
        if not self.queue.empty() or sum(map(len, self.frames)) > _SHORT_BYTES:
            super().send_receive_event_to_app()
            return
        # As if it had stopped already.
        self.read_paused = True
        super().send_receive_event_to_app()
        self.read_paused = False
