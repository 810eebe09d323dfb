"""A scripted Voice Live on a real socket, and a proxy before it that breaks what passes."""

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.client.stage import pcm

Fault = Callable[[str], list[str] | None]
"""What becomes of a frame from the service; None cuts the connection without a close."""


class Service:
    """Answers each ``response.create`` with one sentence, as the service does."""

    def __init__(self) -> None:
        self.url = ""
        self.status: list[int] = []
        """HTTP statuses for the next connections, then 101."""
        self.first_frames: list[str | bytes] = []
        """Sent in place of ``session.created``."""
        self.close_code: int | None = None
        """Close each connection with this code as soon as its session is configured."""
        self.is_mute = False
        """Send nothing at all."""
        self.transcripts: list[str] = []
        """What is understood of each committed turn; the answer to it says so."""
        self.is_deaf = False
        """Hear a turn in the first audio, and never answer it."""
        self.thread_id = "thread_1"
        self.expires_at: float | None = None
        self.paths: list[str] = []
        self.headers: list[Any] = []
        self.received: list[dict[str, Any]] = []
        self._heard = ""
        self._ids = itertools.count(1)
        self._server: Server

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Service"]:
        async with serve(
            self._hold, "127.0.0.1", 0, process_request=self._admit, max_size=None
        ) as server:
            self._server = server
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"http://127.0.0.1:{port}"
            yield self

    def of(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.received if event["type"] == type]

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        self.headers.append(request.headers)
        if self.status:
            return connection.respond(HTTPStatus(self.status.pop(0)), "refused\n")
        return None

    async def _hold(self, socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            if self.is_mute:
                await socket.wait_closed()
                return
            for frame in self.first_frames:
                await socket.send(frame)
            await self._send(socket, "session.created", session={})
            async for frame in socket:
                await self._answer(socket, json.loads(frame))

    async def _answer(self, socket: ServerConnection, event: dict[str, Any]) -> None:
        self.received.append(event)
        if event["type"] == "session.update":
            session = {
                **event["session"],
                "agent": {"type": "agent", "name": "a", "thread_id": self.thread_id},
                "expires_at": self.expires_at,
            }
            await self._send(socket, "session.updated", session=session)
            if self.close_code is not None:
                await socket.close(self.close_code, "as scripted")
        elif event["type"] == "input_audio_buffer.append" and self.is_deaf:
            self.is_deaf = False
            for edge, at in (("started", "start"), ("stopped", "end")):
                type = f"input_audio_buffer.speech_{edge}"
                await self._send(socket, type, item_id="u1", **{f"audio_{at}_ms": 0})
            failed = "conversation.item.input_audio_transcription.failed"
            await self._send(socket, failed, item_id="u1", error={"message": "too noisy"})
        elif event["type"] == "input_audio_buffer.commit" and self.transcripts:
            heard = self.transcripts.pop(0)
            completed = "conversation.item.input_audio_transcription.completed"
            await self._send(socket, completed, item_id=f"u{len(heard)}", transcript=heard)
            self._heard = heard
        elif event["type"] == "response.create":
            await self._respond(socket)

    async def _respond(self, socket: ServerConnection) -> None:
        number = next(self._ids)
        said = f"{number}. You said {self._heard}." if self._heard else f"{number}."
        response_id, item_id = f"resp_{number}", f"item_{number}"
        part = {"response_id": response_id, "item_id": item_id, "content_index": 0}
        await self._send(socket, "response.created", response={"id": response_id})
        for word in ("This ", "is ", f"answer {said}"):
            await self._send(socket, "response.audio_transcript.delta", **part, delta=word)
            audio = base64.b64encode(pcm(20)).decode()
            await self._send(socket, "response.audio.delta", **part, delta=audio)
        text = f"This is answer {said}"
        await self._send(socket, "response.audio_transcript.done", **part, transcript=text)
        await self._send(
            socket, "response.done", response={"id": response_id, "status": "completed"}
        )

    async def _send(self, socket: ServerConnection, type: str, **members: Any) -> None:
        event = {"type": type, "event_id": f"event_{next(self._ids)}", **members}
        await socket.send(json.dumps(event))


class Endless(Service):
    """Never stops to answer, and never says goodbye."""

    async def _respond(self, socket: ServerConnection) -> None:
        part = {"response_id": "r", "item_id": "i", "content_index": 0}
        await self._send(socket, "response.created", response={"id": "r"})
        while True:
            await self._send(socket, "response.audio_transcript.delta", **part, delta="and on ")


@contextlib.asynccontextmanager
async def proxy(service_url: str, fault: Fault) -> AsyncIterator[str]:
    """The URL of a proxy that passes each frame of the service through ``fault``."""

    async def pass_on(socket: ServerConnection) -> None:
        target = service_url.replace("http", "ws") + socket.request.path  # type: ignore[union-attr]
        async with connect(target, max_size=None) as upstream:

            async def up() -> None:
                with contextlib.suppress(ConnectionClosed):
                    async for frame in socket:
                        await upstream.send(frame)
                await upstream.close()

            sending = asyncio.create_task(up())
            try:
                with contextlib.suppress(ConnectionClosed):
                    async for frame in upstream:
                        frames = fault(str(frame))
                        if frames is None:
                            socket.transport.abort()
                            return
                        for one in frames:
                            await socket.send(one)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    async with serve(pass_on, "127.0.0.1", 0, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"
