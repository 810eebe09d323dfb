"""A person on the line without a microphone: for the demo, benchmarks and end-to-end tests.

Holds a session through the official SDK, sends audio frame by frame in real time, silence where
there is nothing to say, and keeps every event with the moment at which it came.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

FRAME_MS = 20
_SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the service and when it came, by ``Caller.now_ms``."""

    at_ms: float
    event: Any
    sent_ms: float = 0.0
    """How much audio had been sent by then."""

    @property
    def type(self) -> str:
        return str(self.event.type)


@dataclass(slots=True)
class Caller:
    """Talks on an open SDK connection; PCM16 mono at ``rate_hz`` both ways."""

    connection: Any
    rate_hz: int = 24_000
    happened: list[Happened] = field(default_factory=list)
    on_event: Callable[[Any], None] = lambda event: None
    surroundings: Callable[[float, int], bytes] = lambda at_ms, size_bytes: bytes(size_bytes)
    """What the microphone picks up from then on where the caller says nothing."""
    played_until_ms: float = 0.0
    """When the last audio received so far will have been played, if it is played at once."""
    sent_ms: float = 0.0
    """How much audio was sent so far."""
    _queue: deque[bytes] = field(default_factory=deque)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _began_s: float = field(default_factory=time.monotonic)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _muted: bool = False

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._listen(), name="caller listens"),
            asyncio.create_task(self._talk(), name="caller talks"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def now_ms(self) -> float:
        return (time.monotonic() - self._began_s) * 1000

    def mute(self, muted: bool = True) -> None:
        """Send no audio at all, silence neither."""
        self._muted = muted

    async def say(self, pcm: bytes) -> float:
        """Say something; returns when the last of it was sent, with that moment."""
        size = self.rate_hz * FRAME_MS // 1000 * _SAMPLE_BYTES
        padded = pcm + bytes(-len(pcm) % size)
        self._queue.extend(padded[start : start + size] for start in range(0, len(padded), size))
        async with self._changed:
            await self._changed.wait_for(lambda: not self._queue or self._over())
        return self.now_ms() - (len(padded) - len(pcm)) / _SAMPLE_BYTES / self.rate_hz * 1000

    async def wait_for(
        self,
        kind: str,
        *,
        since: int = 0,
        where: Callable[[Any], bool] = lambda event: True,
        timeout_s: float = 20,
    ) -> Happened:
        """The first event of this type from index ``since`` of ``happened`` on.

        Raises TimeoutError, and ConnectionError where the service hung up before it.
        """

        def find() -> Happened | None:
            return next(
                (one for one in self.happened[since:] if one.type == kind and where(one.event)),
                None,
            )

        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: find() is not None or self._over())
        found = find()
        if found is None:
            raise ConnectionError(f"the service hung up before {kind}")
        return found

    async def hear_out(self) -> None:
        """Wait until what was received so far has been played."""
        # More may come while it plays.
        while (left_ms := self.played_until_ms - self.now_ms()) > 0:
            await asyncio.sleep(left_ms / 1000)

    def types(self, since: int = 0) -> list[str]:
        return [one.type for one in self.happened[since:]]

    def _over(self) -> bool:
        return any(task.done() for task in self._tasks)

    async def _listen(self) -> None:
        async for event in self.connection:
            now_ms = self.now_ms()
            self._play(event, now_ms)
            self.happened.append(Happened(now_ms, event, self.sent_ms))
            self.on_event(event)
            async with self._changed:
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()

    def _play(self, event: Any, now_ms: float) -> None:
        if event.type == "response.audio.delta":
            duration_ms = len(event.delta) / _SAMPLE_BYTES / self.rate_hz * 1000
            self.played_until_ms = max(self.played_until_ms, now_ms) + duration_ms
        elif event.type == "input_audio_buffer.speech_started":
            self.played_until_ms = min(self.played_until_ms, now_ms)

    async def _talk(self) -> None:
        size = self.rate_hz * FRAME_MS // 1000 * _SAMPLE_BYTES
        next_s = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while True:
                next_s += FRAME_MS / 1000
                # A frame is sent when its last sample has been spoken.
                await asyncio.sleep(next_s - time.monotonic())
                if self._muted:
                    continue
                if self._queue:
                    frame = self._queue.popleft()
                else:
                    began_ms = (next_s - self._began_s) * 1000 - FRAME_MS
                    frame = self.surroundings(began_ms, size)
                await self.connection.input_audio_buffer.append(audio=frame)
                self.sent_ms += FRAME_MS
                if not self._queue:
                    async with self._changed:
                        self._changed.notify_all()
