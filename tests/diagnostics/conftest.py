"""Programs of authors as real processes, of which each test may run many."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.forked_processes import PROGRAMS, ROOT, ForkedProcess, find_fork_server
from voicelive_agent.listening import find_free_port

KEPT = ("PATH", "LANG", "VIRTUAL_ENV")


class Program:
    """A process that runs: its URL, if it serves, and what its terminal shows."""

    def __init__(self, process: ForkedProcess, port: str, terminal: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._process = process
        self._terminal = terminal

    @property
    def said(self) -> str:
        return self._terminal.read_text()

    async def wait(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(60):
            return await self._process.wait()

    async def wait_until_listening(self) -> None:
        async with httpx.AsyncClient() as client, asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await client.get(f"{self.url}/readiness")
                    return
                assert self._process.returncode is None, self.said
                await asyncio.sleep(0.02)

    async def wait_until_said(self, words: str) -> None:
        """Until its terminal shows these words, which a task beside its turns may log."""
        async with asyncio.timeout(60):
            while words not in self.said:
                assert self._process.returncode is None, self.said
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        await self.wait()


class Launcher:
    """Starts programs; all of them share their imports."""

    @contextlib.asynccontextmanager
    async def launch(
        self, folder: Path, *arguments: str, **environment: str
    ) -> AsyncIterator[Program]:
        """``python -m ARGUMENTS`` in a folder; killed at the end."""
        port = environment.pop("PORT", None) or str(find_free_port())
        terminal = folder / "terminal.log"
        server = find_fork_server(*PROGRAMS)
        process = await asyncio.to_thread(
            server.start,
            ("-m", *arguments),
            cwd=folder,
            output=terminal,
            environment={
                **{name: os.environ[name] for name in KEPT if name in os.environ},
                "HOME": str(folder),
                "PORT": port,
                "PYTHONPATH": str(ROOT),
                **environment,
            },
        )
        started = Program(process, port, terminal)
        try:
            yield started
        finally:
            await started.kill()


@pytest.fixture
def launcher() -> Launcher:
    return Launcher()
