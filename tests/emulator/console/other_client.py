"""A client beside the page: a program that calls the emulator, as an SDK does."""

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.emulator.console.rig import RATE_HZ, Desk
from tests.emulator.service import Service

CHUNK_MS = 20


class OtherClient:
    """Speaks and types in real time, and keeps what it is answered."""

    def __init__(self, socket: Connection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.session_id = self.receive("session.created")["session"]["id"]

    def send(self, type: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": type, **fields}))

    def receive(self, type: str) -> dict[str, Any]:
        """Read on to the next event of this type."""
        while True:
            event: dict[str, Any] = json.loads(self.socket.recv(20))
            self.events.append(event)
            if event["type"] == type:
                return event

    def type(self, text: str) -> dict[str, Any]:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        self.send("conversation.item.create", item=item)
        self.send("response.create")
        return self.receive("response.done")

    def speak(self, seconds: float, silent_s: float = 0.8) -> None:
        """A tone, which fake voice activity takes for speech, and a pause after it."""
        at_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        tone = (9000 * np.sin(2 * np.pi * 220 * at_s)).astype("<i2").tobytes()
        self.play(tone, silent_s)

    def play(self, pcm: bytes, silent_s: float = 0.8) -> None:
        """PCM16 at 24 kHz, and a pause after it."""
        pcm += bytes(int(silent_s * RATE_HZ) * 2)
        step = RATE_HZ * CHUNK_MS // 1000 * 2
        due_s = time.monotonic()
        for start in range(0, len(pcm), step):
            audio = base64.b64encode(pcm[start : start + step]).decode()
            self.send("input_audio_buffer.append", audio=audio)
            due_s += CHUNK_MS / 1000
            time.sleep(max(0.0, due_s - time.monotonic()))


@contextlib.contextmanager
def call(desk: Desk | Service) -> Iterator[OtherClient]:
    query = "agent-name=agent&agent-project-name=local&api-version=2026-07-15"
    url = f"ws{desk.url.removeprefix('http')}/voice-live/realtime?{query}"
    with connect(url, max_size=None) as socket:
        yield OtherClient(socket)
