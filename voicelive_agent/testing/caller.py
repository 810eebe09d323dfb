"""The caller's end of a Voice Live session: sends events and audio, keeps what comes back."""

import asyncio
import base64
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voicelive_agent.wire.audio.formats import DEFAULT_RATE_HZ

RATE_HZ = DEFAULT_RATE_HZ
_FRAME_MS = 20
_FRAME_BYTES = RATE_HZ * _FRAME_MS // 1000 * 2

Event = dict[str, Any]


class HungUpError(Exception):
    """The session is over."""


@dataclass(frozen=True, slots=True)
class Received:
    """An event of the service, and when it came, in ms since the call began."""

    at_ms: float
    event: Event


class Caller:
    """One open session; audio is PCM16 mono at ``RATE_HZ`` both ways, in real time."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._began_s = time.monotonic()
        self._frames: deque[bytes] = deque()
        self._said = asyncio.Event()
        self._came = asyncio.Condition()
        self._over = False
        self._played_until_ms = 0.0
        self.received: list[Received] = []

    def now_ms(self) -> float:
        """Milliseconds since the session began."""
        return (time.monotonic() - self._began_s) * 1000

    async def send(self, type: str, **fields: Any) -> None:
        """Raises HungUpError."""
        try:
            await self._socket.send(json.dumps({"type": type, **fields}))
        except ConnectionClosed as error:
            raise HungUpError("the session is over") from error

    async def say(self, pcm: bytes) -> None:
        """Returns when the last of it was sent."""
        padded = pcm + bytes(-len(pcm) % _FRAME_BYTES)
        self._frames.extend(
            padded[start : start + _FRAME_BYTES] for start in range(0, len(padded), _FRAME_BYTES)
        )
        self._said.clear()
        await self._said.wait()

    async def wait_for(self, is_it: Callable[[Event], bool], *, since: int = 0) -> Received:
        """The first such event from index ``since`` of ``received`` on.

        Raises HungUpError where the session ends before it.
        """
        looked_at = since
        async with self._came:
            while True:
                for one in self.received[looked_at:]:
                    if is_it(one.event):
                        return one
                looked_at = len(self.received)
                if self._over:
                    raise HungUpError("the session is over")
                await self._came.wait()

    async def hear_out(self) -> None:
        """Until what came so far has been played, if it is played at once."""
        # More may come while it plays.
        while (left_ms := self._played_until_ms - self.now_ms()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left_ms / 1000)

    def stop_playing(self) -> None:
        """Play no more of what came so far."""
        self._played_until_ms = min(self._played_until_ms, self.now_ms())

    async def listen(self) -> None:
        """Take in events until the session is over."""
        with contextlib.suppress(ConnectionClosed):
            async for frame in self._socket:
                event = json.loads(frame)
                self._play(event)
                await self._tell(Received(self.now_ms(), event))
        self._over = True
        self._said.set()
        await self._tell(None)

    async def talk(self) -> None:
        """Send what is said, and silence where nothing is, frame by frame as a microphone does."""
        next_s = time.monotonic()
        with contextlib.suppress(HungUpError):
            while True:
                next_s += _FRAME_MS / 1000
                await asyncio.sleep(next_s - time.monotonic())
                frame = self._frames.popleft() if self._frames else bytes(_FRAME_BYTES)
                await self.send(
                    "input_audio_buffer.append", audio=base64.b64encode(frame).decode("ascii")
                )
                if not self._frames:
                    self._said.set()

    def _play(self, event: Event) -> None:
        if event["type"] == "response.audio.delta":
            duration_ms = len(base64.b64decode(event["delta"])) / 2 / RATE_HZ * 1000
            self._played_until_ms = max(self._played_until_ms, self.now_ms()) + duration_ms
        elif event["type"] == "input_audio_buffer.speech_started":
            self.stop_playing()

    async def _tell(self, received: Received | None) -> None:
        async with self._came:
            if received is not None:
                self.received.append(received)
            self._came.notify_all()


@contextlib.asynccontextmanager
async def open_call(url: str, *, speaks: bool) -> AsyncIterator[Caller]:
    """A call to the agent of the emulator at ``url``; with ``speaks``, the microphone is open."""
    address = url.replace("http", "ws", 1) + "/voice-live/realtime"
    query = "agent-name=agent&agent-project-name=test"
    async with connect(f"{address}?{query}", compression=None, max_size=None) as socket:
        caller = Caller(socket)
        tasks = [asyncio.create_task(caller.listen(), name="caller listens")]
        if speaks:
            tasks.append(asyncio.create_task(caller.talk(), name="caller talks"))
        try:
            yield caller
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
