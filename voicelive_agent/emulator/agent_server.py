"""The agent server as a child process of the emulator, for ``--start-agent`` and the demo."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping

import httpx

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
_POLL_S = 0.05


class AgentServerError(Exception):
    """The agent server doesn't start; the message says what to do."""


class AgentServer:
    """``voicelive-agent serve`` on ``port``; ``ended`` completes when the process does."""

    def __init__(self, host: str, port: int, environment: Mapping[str, str] | None = None) -> None:
        self.url = f"http://{host}:{port}"
        self._environment = {
            **os.environ,
            "VOICELIVE_HOST": host,
            "PORT": str(port),
            **(environment or {}),
        }
        self._http = httpx.AsyncClient(timeout=2)
        self._process: asyncio.subprocess.Process | None = None

    async def launch(self) -> None:
        """Start the process. Raises AgentServerError where its address is taken."""
        if await self._is_ready():
            raise AgentServerError(
                f"something answers on {self.url} already: stop it, or leave out --start-agent "
                "to use it"
            )
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "voicelive_agent", "serve", env=self._environment
        )

    async def wait_ready(self) -> None:
        """Wait until it takes turns. Raises AgentServerError."""
        process = self._get_process()
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while not await self._is_ready() and process.returncode is None:  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise AgentServerError(
                f"the agent server is not ready at {self.url} after {READY_TIMEOUT_S:.0f} s: "
                "see its messages above"
            ) from None
        if process.returncode is not None:
            raise AgentServerError(
                f"the agent server ended with code {process.returncode} before it was ready: "
                "see its messages above"
            )

    async def ended(self) -> int:
        """Wait for the process to end; its exit code."""
        return await self._get_process().wait()

    async def stop(self) -> None:
        """End it gracefully, and by force after ``STOP_TIMEOUT_S``."""
        await self._http.aclose()
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
            raise RuntimeError("the agent server was not launched")
        return self._process

    async def _is_ready(self) -> bool:
        try:
            return (await self._http.get(f"{self.url}/readiness")).is_success
        except httpx.HTTPError:
            return False
