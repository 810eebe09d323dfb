"""The response that carries a turn: what one protocol makes of its events, until they end or the
peer goes.

Why it is none of a library's stands in ``wires.invocations.wire``. The stream runs in the request's
own task beside one that watches the peer. Comments while it is quiet, and the end at shutdown, are
the turn's own business (``engine.turn``, ``platform.drain``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import cast

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from voicelive_agent.server.engine.deadline import Watchdog
from voicelive_agent.server.engine.events import EngineEvent, Finished
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.engine.past.repeat import StoredTurn
from voicelive_agent.server.platform.errors import SlowCallerError
from voicelive_agent.wire.invocations import KEEP_ALIVE

Write = Callable[[Message], Awaitable[None]]


class TurnStream(Response):
    """The events of a turn, and a comment after each ``keepalive_seconds`` of quiet (0: none).

    A protocol's own says in ``opening`` and ``encode`` how they are written.

    Raises SlowCallerError where the peer takes longer than ``send_timeout`` seconds to read.
    """

    def __init__(
        self, listener: Listener | StoredTurn, keepalive_seconds: float, send_timeout: float
    ) -> None:
        # Not Response's own, which would state the length of a body that is there already.
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            # nginx would collect the answer before it sends any of it.
            (b"x-accel-buffering", b"no"),
        ]
        self.listener = listener
        self._keepalive_seconds = keepalive_seconds or None
        self._send_timeout = send_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streaming = cast("asyncio.Task[None]", asyncio.current_task())
        ended_by = ""

        def end(reason: str) -> None:
            nonlocal ended_by
            if not ended_by:
                ended_by = reason
                streaming.cancel()

        async def watch_peer() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            end("peer gone")

        slowness = Watchdog(end)

        async def write(message: Message) -> None:
            slowness.expect("too slow", self._send_timeout)
            await send(message)
            slowness.clear()

        watcher = asyncio.create_task(watch_peer())
        try:
            await self.write_all(write)
        except asyncio.CancelledError:
            if not ended_by:
                raise
            if ended_by == "too slow":
                raise SlowCallerError from None
        finally:
            watcher.cancel()
            slowness.close()
            self.listener.leave()
            if ended_by:
                # The cancellation may come with the end of the stream; then it is taken here.
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
                streaming.uncancel()

    def opening(self) -> bytes:
        """What is written before the turn has said anything."""
        return b""

    def encode(self, batch: Sequence[EngineEvent]) -> bytes:
        """Events as this protocol writes them."""
        raise NotImplementedError

    async def write_all(self, write: Write) -> None:
        """Write the whole response, as ASGI messages."""
        await write({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if opening := self.opening():
            await write({"type": "http.response.body", "body": opening, "more_body": True})
        async with aclosing(self.listener.events(self._keepalive_seconds)) as events:
            async for batch in events:
                # The last event and the end of the body leave in one write.
                more = not (batch and isinstance(batch[-1], Finished))
                body = self.encode(batch)
                if batch and more and not body:
                    # Nothing of it is for this protocol.
                    continue
                body = body or KEEP_ALIVE
                await write({"type": "http.response.body", "body": body, "more_body": more})
