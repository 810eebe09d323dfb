"""The places where stores keep conversations, and several stores on one of them."""

import asyncio
import shutil
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelive_agent.listening import find_free_port
from voicelive_agent.server.conversations import ConversationKey, ConversationStore, TurnRecord
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.conversations.store import Limits

KEY = ConversationKey("user", "session")
LEASE_SECONDS = 0.6


@dataclass
class Stops:
    """The stop requests that one store received; settles nothing by itself."""

    requests: list[tuple[ConversationKey, str, str]] = field(default_factory=list)
    received: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, key: ConversationKey, invocation_id: str, reason: str) -> None:
        self.requests.append((key, invocation_id, reason))
        self.received.set()


class RedisServer:
    """A real redis-server on a port of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = find_free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        command = shutil.which("redis-server")
        assert command, "install redis-server, or deselect with -m 'not component'"
        arguments = f"--port {self.port} --bind 127.0.0.1 --dir {self.directory} --appendonly yes"
        self.process = subprocess.Popen(
            [command, *arguments.split(), "--save", "", *options], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    connection.sendall(b"PING\r\n")
                    answer = connection.recv(100)
                    if answer.startswith((b"+PONG", b"-NOAUTH")):
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


class Backend:
    """One place; ``open`` gives a store on it, as another replica or process would have it."""

    def __init__(self, kind: str, directory: Path, redis: RedisServer | None) -> None:
        self.kind = kind
        self.path = directory / "store" / "conversations.sqlite3"
        self._memory: MemoryStore | None = None
        self._redis = redis
        self._prefix = f"test-{uuid.uuid4().hex}"
        self._open: list[ConversationStore] = []

    @property
    def url(self) -> str:
        if self.kind == "sqlite":
            return f"sqlite://{self.path}"
        assert self._redis
        return f"{self._redis.url}?prefix={self._prefix}"

    def make(self, limits: Limits | None = None, **options: Any) -> ConversationStore:
        if self.kind == "memory":
            return MemoryStore(limits, **options)
        if self.kind == "sqlite":
            return SqliteStore(self.path, limits, **options)
        from voicelive_agent.server.conversations.redis.store import RedisStore

        return RedisStore(self.url, limits, lease_seconds=LEASE_SECONDS, **options)

    async def open(
        self, limits: Limits | None = None, *, stops: Stops | None = None, **options: Any
    ) -> Any:
        store = self.make(limits, **options)
        await store.open(stops or Stops())
        self._open.append(store)
        return store

    async def close(self, store: ConversationStore) -> None:
        self._open.remove(store)
        await store.close()

    async def close_all(self) -> None:
        for store in list(self._open):
            await self.close(store)


def make_record(invocation_id: str, key: ConversationKey = KEY, **fields: Any) -> TurnRecord:
    fields.setdefault("text", f"what about {invocation_id}")
    fields.setdefault("started_at", 1_000.0)
    return TurnRecord(invocation_id, key, "speech", **fields)


def end(record: TurnRecord, reply: str = "An answer.", **fields: Any) -> TurnRecord:
    fields = {"status": "completed", "reason": "completed", "ended_at": 1_001.0, **fields}
    record.reply = reply
    for name, value in fields.items():
        setattr(record, name, value)
    return record


async def converse(
    store: ConversationStore, *invocation_ids: str, key: ConversationKey = KEY, **fields: Any
) -> TurnRecord:
    """Turns from begin to settle; the last one is returned."""
    record = None
    for invocation_id in invocation_ids:
        record = make_record(invocation_id, key)
        conversation = await store.begin(record)
        end(record, f"Answer to {invocation_id}.", **fields)
        await store.settle(record, conversation, heard_before=None)
    assert record
    return record
