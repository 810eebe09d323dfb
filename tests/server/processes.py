"""Agent servers as real processes."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from voicelive_agent.listening import find_free_port

ROOT = Path(__file__).parents[2]


@dataclass
class ServerProcess:
    """A running server: its process, its URL, and what it logged (stderr and stdout)."""

    process: asyncio.subprocess.Process
    url: str
    log: Path

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def wait(self) -> int:
        return await asyncio.wait_for(self.process.wait(), 60)


@contextlib.asynccontextmanager
async def launch_server(
    home: Path,
    command: Sequence[str] = ("-m", "voicelive_agent", "serve"),
    *,
    cwd: Path = ROOT,
    **environment: str,
) -> AsyncIterator[ServerProcess]:
    """``voicelive-agent serve`` with ``environment``, not yet ready; killed at the end."""
    port = environment.pop("PORT", None) or str(find_free_port())
    log = home / f"server-{port}.log"
    kept = ("PATH", "LANG", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONWARNINGS")
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=cwd,
            stdout=output,
            stderr=output,
            env={
                **{name: os.environ[name] for name in kept if name in os.environ},
                "HOME": str(home),
                "PORT": port,
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
        )
    server = ServerProcess(process, f"http://127.0.0.1:{port}", log)
    try:
        yield server
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def start_server(
    home: Path, command: Sequence[str] = ("-m", "voicelive_agent", "serve"), **environment: str
) -> AsyncIterator[ServerProcess]:
    """Likewise, once it is ready."""
    async with launch_server(home, command, cwd=ROOT, **environment) as server:
        await wait_until_ready(server)
        yield server


@contextlib.asynccontextmanager
async def connect(
    server: ServerProcess, limit: int = 1 << 16
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection to it, closed whatever happens.

    One that a failed test left open was reported as a failure of whichever test ran when it was
    collected.
    """
    port = int(server.url.rpartition(":")[2])
    ours = socket.socket()
    # The kernel would take tens of megabytes for a caller that doesn't read.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limit)
    ours.setblocking(False)
    await asyncio.get_running_loop().sock_connect(ours, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=ours, limit=limit)
    with contextlib.closing(writer):
        yield reader, writer


async def wait_until_ready(server: ServerProcess) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while server.process.returncode is None:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(server.url + "/readiness")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"the server ended at start: {server.log.read_text()}")
