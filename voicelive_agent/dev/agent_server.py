"""The agent server as a child process on a port of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import httpx

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
_POLL_S = 0.03


class AgentServerError(Exception):
    """The agent server doesn't start; its own messages have said why, or this says it."""


class AgentServer:
    """``voicelive-agent serve`` on ``port`` of this machine; ``ended`` when the process does."""

    def __init__(self, port: int, arguments: Sequence[str] = ()) -> None:
        self.port = port
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it takes turns. Raises AgentServerError."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voicelive_agent", "serve", "--quiet"),
            *("--host", "127.0.0.1", "--port", str(self.port), *self._arguments),
            stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            async with asyncio.timeout(READY_TIMEOUT_S), httpx.AsyncClient(timeout=2) as http:
                while not await self._is_up(http) and self._process.returncode is None:  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise AgentServerError(
                f"the agent server doesn't answer after {READY_TIMEOUT_S:.0f} s: see its messages"
            ) from None
        if self._process.returncode is not None:
            raise AgentServerError("the agent server did not start: see the message above")

    async def ended(self) -> int:
        """Wait for the process to end; its exit code."""
        return await self._get_process().wait()

    async def stop(self) -> None:
        """End it: its turns end first, and after ``STOP_TIMEOUT_S`` all ends by force."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _get_process(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the agent server was not started")
        return self._process

    async def _is_up(self, http: httpx.AsyncClient) -> bool:
        """Whether it answers at all: a store that is away is told by its turns."""
        try:
            await http.get(f"http://127.0.0.1:{self.port}/readiness")
        except httpx.HTTPError:
            return False
        return True
