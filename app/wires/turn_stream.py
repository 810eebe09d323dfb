"""The response that carries a turn: sse-starlette's, with fewer tasks.

Intentional divergence: ``EventSourceResponse`` runs each stream in a task group of three tasks
and a ping, and each send in a scope of its own. Here the stream runs in the request's own task
beside one that watches the peer. Comments while it is quiet and the end at shutdown are the
turn's own business (``app.turns``, ``app.platform.drain``), and task group and scopes cost as
much as all else of a short turn.
"""

import asyncio
from collections.abc import AsyncIterable, Mapping
from contextlib import suppress

from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Message, Receive, Scope, Send


class TurnStream(EventSourceResponse):
    """Server-sent events as bytes, already framed, until they end or the peer goes."""

    def __init__(
        self, frames: AsyncIterable[bytes], headers: Mapping[str, str], send_timeout: float
    ) -> None:
        super().__init__(frames, headers=headers, ping=0, sep="\n", send_timeout=send_timeout)
        # Whether the connection is kept is for the server and the caller to say.
        del self.headers["connection"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streaming = asyncio.current_task()
        peer_gone = False

        async def watch_peer() -> None:
            nonlocal peer_gone
            await self._listen_for_disconnect(receive)
            if streaming is not None:
                peer_gone = True
                streaming.cancel()

        watcher = asyncio.create_task(watch_peer())
        try:
            await self._stream_response(send)
        except asyncio.CancelledError:
            if not peer_gone:
                raise
        finally:
            watcher.cancel()
            if peer_gone and streaming is not None:
                # The cancellation may come with the end of the stream; then it is taken here.
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
                streaming.uncancel()

    async def _send_with_timeout(self, send: Send, message: Message) -> None:
        try:
            async with asyncio.timeout(self.send_timeout):
                await send(message)
        except TimeoutError:
            raise SendTimeoutError from None
