"""A service with fake engines on a real socket, and a bare WebSocket client for it."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from tests.emulator.fakes import (
    FakeAgentBackend,
    FakeSpeechToText,
    FakeTextToSpeech,
    FakeVoiceActivity,
)
from voicelive_agent.emulator.agents import AgentBackend
from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.service import create_app, create_server
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.emulator.tls import Certificate
from voicelive_agent.listening import bind, url_of

AGENT = "agent-name=desk&agent-project-name=any"


@dataclass
class Desk:
    """The engines of a service, and where it answers."""

    url: str = ""
    stt: FakeSpeechToText = field(default_factory=FakeSpeechToText)
    tts: FakeTextToSpeech = field(default_factory=FakeTextToSpeech)
    agent: FakeAgentBackend = field(default_factory=FakeAgentBackend)
    model: FakeAgentBackend = field(default_factory=FakeAgentBackend)
    other_model: AgentBackend | None = None
    engines: Engines = field(init=False)

    def __post_init__(self) -> None:
        self.engines = Engines(
            stt=self.stt,
            tts=self.tts,
            agents={"desk": self.agent},
            model=self.other_model or self.model,
            open_voice_activity=FakeVoiceActivity,
            phrases=("book a room",),
        )


@contextlib.asynccontextmanager
async def open_desk(
    certificate: Certificate | None = None, *, model: AgentBackend | None = None, **options: Any
) -> AsyncIterator[Desk]:
    """A running service, with TLS by a certificate; when it ends, no task of it is left."""
    before = asyncio.all_tasks()
    desk = Desk(other_model=model)
    settings = load_settings(**{"agents": ["desk=http://127.0.0.1:1"], **options})
    listener = bind("127.0.0.1", 0)
    desk.url = url_of(listener, "127.0.0.1", is_tls=certificate is not None)
    server = create_server(create_app(settings, desk.engines), certificate)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield desk
    finally:
        server.should_exit = True
        await serving
        await desk.engines.stop()
    left = [task for task in asyncio.all_tasks() - before if not task.done()]
    assert left == [], left


class Client:
    """A client without the SDK: it can send what the SDK would not."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def append(self, pcm: bytes) -> None:
        await self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    async def receive(self, type: str, timeout_s: float = 10) -> dict[str, Any]:
        """Read on to the next event of this type."""
        async with asyncio.timeout(timeout_s):
            while True:
                event: dict[str, Any] = json.loads(await self.socket.recv())
                self.events.append(event)
                if event["type"] == type:
                    return event

    async def say_text(self, text: str) -> None:
        await self.send(
            "conversation.item.create",
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": text}],
            },
        )
        await self.send("response.create")

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@contextlib.asynccontextmanager
async def open_client(desk: Desk, query: str = AGENT, **options: Any) -> AsyncIterator[Client]:
    """A session that has begun."""
    url = desk.url.replace("http", "ws", 1) + f"/voice-live/realtime?{query}"
    async with connect(url, compression=None, max_size=None, **options) as socket:
        client = Client(socket)
        await client.receive("session.created")
        yield client


def loud(ms: int, rate_hz: int = 24_000) -> bytes:
    """What the fake detector takes for speech."""
    samples = np.arange(rate_hz * ms // 1000)
    return bytes((12_000 * np.sin(samples * 0.2)).astype("<i2").tobytes())


def quiet(ms: int, rate_hz: int = 24_000) -> bytes:
    return bytes(rate_hz * ms // 1000 * 2)
