"""Local servers for the tests: one that misbehaves on purpose, and agents as real processes."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from voicelive_agent.listening import find_free_port


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


class RawServer:
    """Answers each POST with whatever its script writes, byte for byte.

    ``gone`` completes when a client closes the connection before the script has ended; its result
    is the loop's time of that.
    """

    def __init__(self, script: "ServerScript") -> None:
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()
        self.received: list[Received] = []
        self.gone: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            target = urlsplit(head[0].split(" ")[1])
            headers = {
                name.lower(): value
                for name, value in (line.split(": ", 1) for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.received.append(
                Received(target.path, parse_qs(target.query), headers, json.loads(body or b"null"))
            )
            answer = asyncio.create_task(self._script(self.received[-1], writer))
            closed = asyncio.create_task(reader.read(1))
            await asyncio.wait({answer, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and not self.gone.done():
                self.gone.set_result(asyncio.get_running_loop().time())
            for part in (answer, closed):
                part.cancel()
            await asyncio.gather(answer, closed, return_exceptions=True)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


ServerScript = Callable[[Received, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@contextlib.asynccontextmanager
async def raw_server(script: ServerScript) -> AsyncIterator[RawServer]:
    server = RawServer(script)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


EVENT_STREAM = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def answering(body: str | bytes, head: str = EVENT_STREAM) -> ServerScript:
    """A script that writes all at once and closes."""

    async def script(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + (body.encode() if isinstance(body, str) else body))
        await writer.drain()

    return script


def lines_of(*events: dict[str, Any] | str) -> str:
    return "".join(
        f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events
    )


@contextlib.contextmanager
def agent_process(name: str, directory: Path) -> Iterator[str]:
    """An agent of ``agents/`` as its own process; its URL, once it is ready."""
    port = find_free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "HOME": str(directory),
        "AGENTSERVER_STATE_ROOT": str(directory / "state"),
    }
    log = directory / "agent.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "agents" / name)],
            env=environment,
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 100
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/readiness", trust_env=False).is_success:
                    break
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()
