"""The response that carries a turn: its events as server-sent events, until they end or the peer
goes.

Why it is none of a library's stands in ``wires.invocations``. The stream runs in the request's own
task beside one that watches the peer. Comments while it is quiet and the end at shutdown are the
turn's own business (``engine.turn``, ``platform.drain``).
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing, suppress
from typing import cast

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from voicelive_agent.server.engine.deadline import Watchdog
from voicelive_agent.server.engine.events import (
    CallEnded,
    Delta,
    EngineEvent,
    Failed,
    Finished,
    Shown,
    SpeechDone,
    VoiceChanged,
)
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.engine.repeat import StoredTurn
from voicelive_agent.server.platform.errors import SlowCallerError
from voicelive_agent.wire.invocations import (
    AGENT_ERROR,
    END_CALL,
    KEEP_ALIVE,
    LAST_EVENT,
    SPEECH_DONE,
    write_delta,
    write_encoded_event,
    write_event,
)

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # nginx would collect the answer before it sends any of it.
    (b"x-accel-buffering", b"no"),
]


def encode_events(events: Iterable[EngineEvent]) -> bytes:
    """Events as Voice Live reads them."""
    text = "".join(
        [
            # Most are deltas by far, so these are asked for first.
            write_delta(event.text) if type(event) is Delta else _encode_event(event)
            for event in events
        ]
    )
    # A lone surrogate is no character; it must not cost the rest of the answer.
    return text.encode("utf-8", "replace")


def _encode_event(event: EngineEvent) -> str:
    if isinstance(event, Shown):
        return write_encoded_event(event.text)
    if isinstance(event, SpeechDone):
        return write_event({"type": SPEECH_DONE, "text": event.text})
    if isinstance(event, CallEnded):
        return write_event({"type": END_CALL, "reason": event.reason})
    if isinstance(event, Failed):
        return write_event(
            {"type": AGENT_ERROR, "error": describe_failure(event.ending.value, event.why)}
        )
    if isinstance(event, VoiceChanged):
        # This protocol has no way to tell it.
        return ""
    return LAST_EVENT


def describe_failure(code: str, why: str = "") -> dict[str, str]:
    """A code and a sentence: to others than the developer, nothing of what is inside."""
    return {"code": code, "message": why or f"This turn failed: {code}."}


class TurnStream(Response):
    """The events of a turn, and a comment after each ``keepalive_seconds`` of quiet (0: none).

    Raises SlowCallerError where the peer takes longer than ``send_timeout`` seconds to read.
    """

    def __init__(
        self, listener: Listener | StoredTurn, keepalive_seconds: float, send_timeout: float
    ) -> None:
        # Not Response's own, which would state the length of a body that is there already.
        self.status_code = 200
        self.background = None
        self.raw_headers = list(_HEADERS)
        self._listener = listener
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
        watcher = asyncio.create_task(watch_peer())
        try:
            await self._stream(send, slowness)
        except asyncio.CancelledError:
            if not ended_by:
                raise
            if ended_by == "too slow":
                raise SlowCallerError from None
        finally:
            watcher.cancel()
            slowness.close()
            self._listener.leave()
            if ended_by:
                # The cancellation may come with the end of the stream; then it is taken here.
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
                streaming.uncancel()

    async def _stream(self, send: Send, slowness: Watchdog[str]) -> None:
        async def write(message: Message) -> None:
            slowness.expect("too slow", self._send_timeout)
            await send(message)
            slowness.clear()

        await write({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._listener.events(self._keepalive_seconds)) as events:
            async for batch in events:
                body = encode_events(batch) or KEEP_ALIVE
                # The last event and the end of the body leave in one write.
                more = not (batch and isinstance(batch[-1], Finished))
                await write({"type": "http.response.body", "body": body, "more_body": more})
