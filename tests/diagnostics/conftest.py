"""Programs of authors as real processes, of which each test may run many."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.processes import ROOT
from voicelive_agent.listening import find_free_port

KEPT = ("PATH", "LANG", "VIRTUAL_ENV")


class Program:
    """A process that runs: its URL, if it serves, and what its terminal shows."""

    def __init__(self, pid: int, port: int, log: Path, launcher: "Launcher") -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._pid = pid
        self._log = log
        self._launcher = launcher
        self._code: asyncio.Task[str] | None = None

    @property
    def said(self) -> str:
        return self._log.read_text()

    async def wait(self) -> int:
        """Its exit code."""
        if self._code is None:
            self._code = asyncio.create_task(asyncio.to_thread(self._launcher.read))
        async with asyncio.timeout(60):
            return int(await asyncio.shield(self._code))

    async def wait_until_listening(self) -> None:
        async with httpx.AsyncClient() as client, asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await client.get(f"{self.url}/readiness")
                    return
                assert self._is_running(), self.said
                await asyncio.sleep(0.02)

    def _is_running(self) -> bool:
        # The fork server waits for it, so that none stays behind.
        return Path(f"/proc/{self._pid}").exists()

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        await self.wait()


class Launcher:
    """Starts programs, one after the other; all of them share their imports."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.diagnostics.fork_server"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline()

    @contextlib.asynccontextmanager
    async def launch(
        self, folder: Path, *arguments: str, **environment: str
    ) -> AsyncIterator[Program]:
        """``python -m ARGUMENTS`` in a folder; killed at the end."""
        port = environment.pop("PORT", None) or str(find_free_port())
        program = {
            "arguments": arguments,
            "cwd": str(folder),
            "log": str(folder / "terminal.log"),
            "environment": {
                **{name: os.environ[name] for name in KEPT if name in os.environ},
                "HOME": str(folder),
                "PORT": port,
                "PYTHONPATH": str(ROOT),
                **environment,
            },
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(program) + "\n")
        self._server.stdin.flush()
        pid = int(await asyncio.to_thread(self.read))
        started = Program(pid, int(port), folder / "terminal.log", self)
        try:
            yield started
        finally:
            await started.kill()

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(20)
        assert self._server.stdout is not None
        self._server.stdout.close()


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    launcher = Launcher()
    yield launcher
    launcher.close()
