"""The response that carries a turn: sse-starlette's, with fewer tasks.

Intentional divergence: ``EventSourceResponse`` runs each stream in a task group of three tasks
and a ping, and each send in a scope of its own. Here the stream runs in the request's own task
beside one that watches the peer. Comments while it is quiet and the end at shutdown are the
turn's own business (``engine.turn``, ``platform.drain``), and task group and scopes cost as
much as all else of a short turn.
"""

import asyncio
from collections.abc import AsyncIterable, Mapping
from contextlib import nullcontext, suppress
from typing import cast

from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Message, Receive, Scope, Send

from voicelive_agent.server.engine.watchdog import Watchdog
from voicelive_agent.wire.invocations import LAST_EVENT

_LAST_EVENT = LAST_EVENT.encode()

_NO_LOCK = nullcontext()


class TurnStream(EventSourceResponse):
    """Server-sent events as bytes, already framed, until they end or the peer goes.

    Raises SendTimeoutError where the peer takes longer than ``send_timeout`` seconds to read.
    """

    def __init__(
        self, frames: AsyncIterable[bytes], headers: Mapping[str, str], send_timeout: float
    ) -> None:
        super().__init__(frames, headers=headers, ping=0, sep="\n", send_timeout=send_timeout)
        # Guards against the ping, of which there is none.
        self._send_lock = _NO_LOCK  # type: ignore[assignment]
        # Whether the connection is kept is for the server and the caller to say.
        self.raw_headers.remove((b"connection", b"keep-alive"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streaming = cast("asyncio.Task[None]", asyncio.current_task())
        ended_by = ""

        def end(reason: str) -> None:
            nonlocal ended_by
            if not ended_by:
                ended_by = reason
                streaming.cancel()

        async def watch_peer() -> None:
            await self._listen_for_disconnect(receive)
            end("peer gone")

        self._slowness: Watchdog[str] = Watchdog(end)
        watcher = asyncio.create_task(watch_peer())
        try:
            await self._stream_response(self._write(send))
        except asyncio.CancelledError:
            if not ended_by:
                raise
            if ended_by == "too slow":
                raise SendTimeoutError from None
        finally:
            watcher.cancel()
            self._slowness.close()
            if ended_by:
                # The cancellation may come with the end of the stream; then it is taken here.
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
                streaming.uncancel()

    def _write(self, send: Send) -> Send:
        """``send``, watched, and with the last event and the end of the body in one write."""
        seconds = cast(float, self.send_timeout)
        last_event = b""

        async def write(message: Message) -> None:
            nonlocal last_event
            if message["type"] == "http.response.body":
                if message["body"].endswith(_LAST_EVENT):
                    last_event = message["body"]
                    return
                message = {**message, "body": last_event + message["body"]}
            self._slowness.expect("too slow", seconds)
            await send(message)
            self._slowness.clear()

        return write

    async def _send_with_timeout(self, send: Send, message: Message) -> None:
        await send(message)
