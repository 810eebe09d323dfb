"""The agent server as a child process on a port of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence

import httpx

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
_POLL_S = 0.03
_PIECE_BYTES = 64 * 1024
_LAST_WORDS_S = 1.0


class AgentServerError(Exception):
    """The agent server doesn't start; its own messages have said why, or this says it."""


class AgentServer:
    """``voicelive-agent serve`` on ``port`` of this machine; ``ended`` when the process does."""

    def __init__(
        self,
        port: int,
        arguments: Sequence[str] = (),
        on_line: Callable[[str], None] = lambda line: None,
    ) -> None:
        """``on_line`` gets each line that it writes to stderr, which goes to ours as well."""
        self.port = port
        self._arguments = arguments
        self._on_line = on_line
        self._reading: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it takes turns. Raises AgentServerError."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voicelive_agent", "serve", "--quiet"),
            *("--host", "127.0.0.1", "--port", str(self.port), *self._arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._reading = asyncio.create_task(self._read(self._process.stderr), name="agent's log")
        try:
            async with asyncio.timeout(READY_TIMEOUT_S), httpx.AsyncClient(timeout=2) as http:
                while not await self._is_up(http) and self._process.returncode is None:  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise AgentServerError(
                f"the agent server doesn't answer after {READY_TIMEOUT_S:.0f} s: see its messages"
            ) from None
        if self._process.returncode is not None:
            await self._read_out()
            raise AgentServerError("the agent server did not start: see the message above")

    async def ended(self) -> int:
        """Wait for the process to end; its exit code."""
        code = await self._get_process().wait()
        await self._read_out()
        return code

    async def stop(self) -> None:
        """End it: its turns end first, and after ``STOP_TIMEOUT_S`` all ends by force."""
        process = self._process
        if process is not None and process.returncode is None:
            await self._end(process)
        await self._read_out()
        if self._reading is not None:
            self._reading.cancel()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        rest = b""
        while stream is not None and (piece := await stream.read(_PIECE_BYTES)):
            sys.stderr.write(piece.decode(errors="replace"))
            sys.stderr.flush()
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[-_PIECE_BYTES:]
            for line in lines:
                self._on_line(line.decode(errors="replace").rstrip("\r"))

    async def _read_out(self) -> None:
        """What it wrote last is read; a process that it left behind may hold the pipe open."""
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=_LAST_WORDS_S)

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
