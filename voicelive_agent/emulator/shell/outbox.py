"""Outbox of one client: frames in order, complete, and at the client's own pace.

Nothing is dropped. Who produces a lot (audio, answers to a flood of events) waits for room first,
so a client that reads slowly holds back its own session and takes a bounded amount of memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

AUDIO_ROOM_BYTES = 256 * 1024
"""Speaking waits while more than this is queued."""
REPLY_ROOM_BYTES = 1024 * 1024
"""Reading from the client waits while more than this is queued."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The close frame that ends the connection."""

    code: int
    reason: str


class FrameOutbox:
    """A queue of text frames and the task that empties it into the socket."""

    def __init__(self) -> None:
        self._queue: deque[str | Closing] = deque()
        self._queued_bytes = 0
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._over = False

    @property
    def queued_bytes(self) -> int:
        return self._queued_bytes

    def put(self, frame: str) -> None:
        """Queue a frame. Does nothing once the connection is over or being closed."""
        if not self._over:
            self._queue.append(frame)
            self._queued_bytes += len(frame)
            self._filled.set()

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what is queued; nothing can be put behind it."""
        if not self._over:
            self._queue.append(Closing(code, reason))
            self._end()

    async def wait_room(self, limit_bytes: int) -> None:
        """Wait until at most ``limit_bytes`` are queued, or the connection is over."""
        while self._queued_bytes > limit_bytes and not self._over:
            self._drained.clear()
            await self._drained.wait()

    async def run(
        self,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[int, str], Awaitable[None]],
    ) -> None:
        """Send until closed; raises what ``send`` raises where the peer has gone."""
        try:
            while True:
                while not self._queue:
                    self._filled.clear()
                    await self._filled.wait()
                frame = self._queue.popleft()
                if isinstance(frame, Closing):
                    await close(frame.code, frame.reason)
                    return
                await send(frame)
                self._queued_bytes -= len(frame)
                self._drained.set()
        finally:
            self._end()

    def _end(self) -> None:
        self._over = True
        self._filled.set()
        self._drained.set()
