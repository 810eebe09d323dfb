"""Agent servers as real processes."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.forked_processes import SERVER, ForkedProcess, find_fork_server
from voicelive_agent.listening import find_free_port

ROOT = Path(__file__).parents[2]
SERVE = ("-m", "voicelive_agent", "serve")


@dataclass
class ServerProcess:
    """A running server: its process, its URL, and what it logged (stderr and stdout)."""

    process: ForkedProcess
    url: str
    log: Path

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def wait(self) -> int:
        return await asyncio.wait_for(self.process.wait(), 60)


def start_python(
    home: Path,
    command: Sequence[str],
    output: Path,
    *,
    cwd: Path = ROOT,
    imported: Sequence[str] = SERVER,
    **environment: str,
) -> ForkedProcess:
    """``python COMMAND`` of somebody at ``home``, in ``environment`` and hardly more.

    ``imported`` are the modules that its fork server has imported.
    """
    kept = ("PATH", "LANG", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONWARNINGS")
    return find_fork_server(*imported).start(
        command,
        cwd=cwd,
        output=output,
        environment={
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": str(home),
            **environment,
        },
    )


@contextlib.asynccontextmanager
async def launch_server(
    home: Path,
    command: Sequence[str] = SERVE,
    *,
    cwd: Path = ROOT,
    imported: Sequence[str] = SERVER,
    **environment: str,
) -> AsyncIterator[ServerProcess]:
    """``voicelive-agent serve`` with ``environment``, not yet ready; killed at the end."""
    port = environment.pop("PORT", None) or str(find_free_port())
    log = home / f"server-{port}.log"
    process = start_python(home, command, log, cwd=cwd, imported=imported, PORT=port, **environment)
    try:
        yield ServerProcess(process, f"http://127.0.0.1:{port}", log)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


@contextlib.asynccontextmanager
async def start_server(
    home: Path,
    command: Sequence[str] = SERVE,
    *,
    imported: Sequence[str] = SERVER,
    **environment: str,
) -> AsyncIterator[ServerProcess]:
    """Likewise, once it is ready."""
    async with launch_server(home, command, cwd=ROOT, imported=imported, **environment) as server:
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
