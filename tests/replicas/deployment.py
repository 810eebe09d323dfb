"""Two replicas that share a Redis, behind nginx; all of them real processes."""

import asyncio
import contextlib
import signal
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.replicas.nginx import start_nginx
from tests.server.conversations.backends import RedisServer
from tests.server.processes import ServerProcess, start_server
from tests.server.serving import read_events
from voicelive_agent.listening import find_free_port

LEASE_SECONDS = 3.0
_DELTA = "output_audio_transcription.delta"
_DONE = "output_audio_transcription.done"


@dataclass
class Deployment:
    """``replicas`` by their port; ``url`` is the balancer's, ``urls`` are those behind it."""

    url: str
    redis: RedisServer
    directory: Path
    environment: Mapping[str, str]
    ports: list[int]
    """Of the replicas that the balancer knows."""
    replicas: dict[int, ServerProcess] = field(default_factory=dict)
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def urls(self) -> list[str]:
        return [self.replicas[port].url for port in self.ports]

    async def start_replica(self, port: int, **environment: str) -> None:
        environment = {**self.environment, **environment, "PORT": str(port)}
        server = start_server(self.directory, **environment)
        self.replicas[port] = await self.stack.enter_async_context(server)

    async def mend(self) -> None:
        """Start what does not run."""
        if self.redis.process is None:
            self.redis.start()
        elif self.redis.process.poll() is None:
            self.redis.process.send_signal(signal.SIGCONT)
        dead = (p for p in self.ports if self.replicas[p].process.returncode is not None)
        await asyncio.gather(*map(self.start_replica, dead))

    async def restart(self, port: int) -> None:
        """SIGTERM, until it has exited, and a new one in its place."""
        self.replicas[port].signal(signal.SIGTERM)
        assert await self.replicas[port].wait() == 0, self.replicas[port].log.read_text()
        await self.start_replica(port)


@contextlib.asynccontextmanager
async def deploy(
    directory: Path, agent: str = "tests.replicas.agents:reply", **environment: str
) -> AsyncIterator[Deployment]:
    """A whole deployment, ready; ``environment`` is that of each replica."""
    redis = RedisServer(directory)
    redis.start()
    ports = [find_free_port(), find_free_port()]
    environment = {
        "VOICELIVE_AGENT": agent,
        "VOICELIVE_CONVERSATIONS": redis.url,
        "VOICELIVE_LEASE_SECONDS": str(LEASE_SECONDS),
        # As in production: the addresses here are a developer's own.
        "VOICELIVE_SHOW_ERRORS": "false",
        **environment,
    }
    try:
        async with start_nginx(directory, ports) as url, contextlib.AsyncExitStack() as stack:
            deployment = Deployment(url, redis, directory, environment, ports, stack=stack)
            await asyncio.gather(*map(deployment.start_replica, ports))
            yield deployment
    finally:
        redis.stop()


def find_text(events: Sequence[dict[str, Any]]) -> str:
    """All that was spoken in a whole stream."""
    (text,) = (event["text"] for event in events if event["type"] == _DONE)
    return str(text)


@dataclass
class Stream:
    """One turn of which the first event has arrived."""

    invocation_id: str
    response: httpx.Response
    chunks: AsyncIterator[bytes]
    body: bytes = b""

    async def finish(self) -> list[dict[str, Any]]:
        """All events; asserts that the stream is whole."""
        async for chunk in self.chunks:
            self.body += chunk
        events = read_events(self.body.decode())
        types = [event["type"] for event in events]
        assert types.index("done") == len(types) - 1, types
        deltas = [event["delta"] for event in events if event["type"] == _DELTA]
        assert find_text(events) == "".join(deltas)
        return events


class Talker:
    """One caller in one session, through whichever URL a turn is sent to."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        session_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.client = client
        self.session_id = session_id or uuid.uuid4().hex
        self.headers = dict(headers or {})

    @contextlib.asynccontextmanager
    async def start(
        self, url: str, text: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        async with self.client.stream(
            "POST",
            url + "/invocations",
            params={"agent_session_id": self.session_id},
            json={"type": "input_audio.transcription", "input": text},
            headers={**self.headers, **(headers or {})},
        ) as response:
            if response.status_code != 200:
                await response.aread()
                raise AssertionError((response.status_code, response.text))
            chunks = response.aiter_bytes()
            invocation_id = response.headers["x-agent-invocation-id"]
            stream = Stream(invocation_id, response, chunks)
            stream.body += await anext(chunks)
            yield stream

    async def say(self, url: str, text: str, headers: Mapping[str, str] | None = None) -> str:
        """What is answered, in a whole stream."""
        async with self.start(url, text, headers) as stream:
            return find_text(await stream.finish())

    async def report(self, url: str, invocation_id: str) -> dict[str, Any]:
        response = await self.client.get(f"{url}/invocations/{invocation_id}", headers=self.headers)
        return {"http_status": response.status_code, **response.json()}

    async def cancel(self, url: str, invocation_id: str) -> dict[str, Any]:
        path = f"{url}/invocations/{invocation_id}/cancel"
        response = await self.client.post(path, headers=self.headers)
        return {"http_status": response.status_code, **response.json()}
