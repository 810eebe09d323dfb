"""Parent side of the processes that pocketsphinx runs in.

A process serves one utterance at a time. As many as there are processors stay ready; where more
people talk at once, more are forked, so that nobody waits for somebody else's sentence. One that
dies or hangs fails its utterance and is replaced.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.stt.pocketsphinx.messages import HEAD, PROCESS_ID, Begin, pack

START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 2.0
CAN_FORK = hasattr(os, "fork") and hasattr(socket, "send_fds")
"""Where not (on Windows), each process loads the models for itself."""
_MODULE = "voicelive_agent.emulator.stt.pocketsphinx.process"
_PACKAGE_ROOT = str(Path(__file__).parents[4])


class RecogniserProcess:
    """One process, lent to one utterance at a time; each method raises SttError."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, process_id: int
    ) -> None:
        self.process_id = process_id
        self._reader = reader
        self._writer = writer

    @property
    def is_usable(self) -> bool:
        """Whether it is alive and where both sides think it is."""
        return not self._writer.is_closing() and not self._reader.at_eof()

    async def wait_ready(self) -> None:
        await self._receive(b"R", START_TIMEOUT_S)

    async def begin(self, cmn: str | None, phrases: tuple[str, ...]) -> None:
        begin = Begin(cmn=cmn, phrases=list(phrases))
        await self._ask(b"B", json.dumps(begin).encode(), b"B")

    async def feed(self, pcm: bytes) -> str:
        """The text so far."""
        return (await self._ask(b"A", pcm, b"P")).decode()

    async def finish(self) -> dict[str, Any]:
        """The fields of a ``recogniser.Result``."""
        result: dict[str, Any] = json.loads(await self._ask(b"E", b"", b"F"))
        return result

    async def discard(self) -> None:
        await self._ask(b"D", b"", b"D")

    def close(self) -> None:
        """Let the process go; it ends by itself once its input has ended."""
        self._writer.close()

    def kill(self) -> None:
        """For a process that doesn't answer."""
        self.close()
        with contextlib.suppress(OSError):
            os.kill(self.process_id, getattr(signal, "SIGKILL", signal.SIGTERM))

    async def _ask(self, kind: bytes, body: bytes, answer: bytes) -> bytes:
        await self._send(kind, body)
        return await self._receive(answer, ANSWER_TIMEOUT_S)

    async def _send(self, kind: bytes, body: bytes) -> None:
        try:
            self._writer.write(pack(kind, body))
            await self._writer.drain()
        except OSError as error:
            raise self._fail() from error
        except asyncio.CancelledError:
            # What was asked is not known to have been answered.
            self.kill()
            raise

    async def _receive(self, expected: bytes, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                kind, size = HEAD.unpack(await self._reader.readexactly(HEAD.size))
                body = await self._reader.readexactly(size)
        except TimeoutError as error:
            self.kill()
            raise SttError(
                "The speech recogniser does not answer and is replaced: is the machine overloaded?"
            ) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise self._fail() from error
        except asyncio.CancelledError:
            self.kill()
            raise
        if kind != expected:
            self.kill()
            raise SttError("The speech recogniser answered out of turn and is replaced.")
        return body

    def _fail(self) -> SttError:
        self.close()
        return SttError("The speech recogniser's process ended; the next utterance gets a new one.")


class RecogniserPool:
    """``count`` processes that stay ready, and up to ``limit`` in all."""

    def __init__(
        self, count: int, limit: int, *, accurate: bool = False, can_fork: bool = CAN_FORK
    ) -> None:
        self._count = max(count, 1)
        self._limit = max(limit, self._count)
        self._arguments = ["--accurate"] if accurate else []
        self._starter: _Starter = (_Forker if can_fork else _Spawner)(self._arguments)
        self._free: list[RecogniserProcess] = []
        self._lent: set[RecogniserProcess] = set()
        self._starting = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def process_ids(self) -> list[int]:
        return [process.process_id for process in (*self._free, *self._lent)]

    async def start(self) -> None:
        """Start those that stay ready. Raises SttError."""
        try:
            await self._starter.start()
            self._free = [await self._starter.open() for _ in range(self._count)]
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        for process in (*self._free, *self._lent):
            process.close()
        self._free.clear()
        await self._starter.stop()

    async def borrow(self) -> RecogniserProcess:
        """A process of one's own, to be given back. Raises SttError."""
        while not (process := self._pop_free()):
            if len(self._lent) + self._starting < self._limit:
                self._starting += 1
                try:
                    process = await self._starter.open()
                finally:
                    self._starting -= 1
                    self._wake()
                self._lent.add(process)
                return process
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                with contextlib.suppress(ValueError):
                    self._waiters.remove(waiter)
        self._lent.add(process)
        return process

    def _pop_free(self) -> RecogniserProcess | None:
        while self._free:
            process = self._free.pop()
            if process.is_usable:
                return process
            process.close()
        return None

    def give_back(self, process: RecogniserProcess) -> None:
        self._lent.discard(process)
        if process.is_usable and len(self._free) < self._count:
            self._free.append(process)
        else:
            process.close()
        self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class _Starter:
    """Opens processes; ``_arguments`` are those of ``recogniser_process``."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments

    async def start(self) -> None: ...

    async def open(self) -> RecogniserProcess:
        raise NotImplementedError

    async def stop(self) -> None: ...


class _Spawner(_Starter):
    """Each process loads the models for itself."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._processes: list[Process] = []

    async def open(self) -> RecogniserProcess:
        process = await _execute(*self._arguments, stdin=PIPE, stdout=PIPE)
        self._processes = [other for other in self._processes if other.returncode is None]
        self._processes.append(process)
        assert process.stdin is not None and process.stdout is not None  # noqa: S101
        opened = RecogniserProcess(process.stdout, process.stdin, process.pid)
        await opened.wait_ready()
        return opened

    async def stop(self) -> None:
        await asyncio.gather(*(_wait_or_kill(process) for process in self._processes))


class _Forker(_Starter):
    """One process loads the models; each that is opened is a fork of it."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._loader: Process | None = None
        self._control: socket.socket | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        async with self._turn:
            await self._load()

    async def open(self) -> RecogniserProcess:
        ours, theirs = socket.socketpair()
        try:
            async with self._turn:
                process_id = await self._fork(theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        opened = RecogniserProcess(reader, writer, process_id)
        await opened.wait_ready()
        return opened

    async def stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._loader is not None:
            await _wait_or_kill(self._loader)
            self._loader = None

    async def _fork(self, theirs: socket.socket) -> int:
        if self._loader is None or self._loader.returncode is not None:
            await self.stop()
            await self._load()
        assert self._control is not None  # noqa: S101
        try:
            socket.send_fds(self._control, [b"w"], [theirs.fileno()])
            return await self._receive_id(ANSWER_TIMEOUT_S)
        except OSError as error:
            raise SttError(
                "The speech recogniser can't start a process; the next utterance tries again."
            ) from error

    async def _load(self) -> None:
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        with theirs:
            self._loader = await _execute(
                *self._arguments,
                "--control",
                str(theirs.fileno()),
                stdin=DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        try:
            await self._receive_id(START_TIMEOUT_S)
        except OSError as error:
            advice = "Is the emulator's extra installed (pip install 'voicelive-agent[emulator]')?"
            raise SttError(
                "The speech recogniser did not start: its message stands above. "
                + spell_commands(advice)
            ) from error

    async def _receive_id(self, timeout_s: float) -> int:
        """Raises OSError where the loader goes or hangs."""
        assert self._control is not None  # noqa: S101
        answer = b""
        async with asyncio.timeout(timeout_s):
            while len(answer) < PROCESS_ID.size:
                more = await asyncio.get_running_loop().sock_recv(
                    self._control, PROCESS_ID.size - len(answer)
                )
                if not more:
                    raise ConnectionResetError("the loader ended")
                answer += more
        process_id: int = PROCESS_ID.unpack(answer)[0]
        return process_id


async def _execute(*arguments: str, **options: Any) -> Process:
    path = os.pathsep.join(filter(None, (_PACKAGE_ROOT, os.environ.get("PYTHONPATH"))))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _MODULE,
        *arguments,
        env=os.environ | {"PYTHONPATH": path},
        **options,
    )


async def _wait_or_kill(process: Process) -> None:
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
