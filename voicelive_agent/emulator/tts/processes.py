"""Text-to-speech worker processes, seen from their parent.

Each process speaks one clause at a time, as fast as it can: what it made waits here to be
read, so that a slow reader occupies no process. One that crashes or hangs fails its clause
and is replaced.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.worker import FRAME_HEAD, PhonemeMark, WordMark

START_TIMEOUT_S = 60.0
FRAME_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 2.0
_PACKAGE_ROOT = str(Path(__file__).parents[3])


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of a clause as its engine made it."""

    pcm: bytes
    words: tuple[WordMark, ...] = ()
    phonemes: tuple[PhonemeMark, ...] = ()


@dataclass(slots=True)
class _Job:
    """One clause in one process; frames, then None or an error."""

    number: int
    frames: asyncio.Queue[Frame | TtsError | None] = field(default_factory=asyncio.Queue)


class _ProcessLost(TtsError):
    """The engine's process has died, or can't be started."""


class EngineProcesses:
    """A pool of ``count`` processes of one engine.

    ``module`` is the full name of the engine's module, ``name`` what messages call it.
    """

    def __init__(
        self,
        module: str,
        options: Mapping[str, Any],
        count: int,
        *,
        name: str = "",
        frame_timeout_s: float = FRAME_TIMEOUT_S,
    ) -> None:
        self._frame_timeout_s = frame_timeout_s
        self._workers = [_Worker(module, options, name or module) for _ in range(max(count, 1))]
        self._free: asyncio.Queue[_Worker] = asyncio.Queue()

    async def start(self) -> None:
        """Start all of them; returns when they are ready. Raises TtsError."""
        try:
            await asyncio.gather(*(worker.start(self._free) for worker in self._workers))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """They may be started again."""
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._free = asyncio.Queue()

    @property
    def sample_rate_hz(self) -> int:
        return self._workers[0].sample_rate_hz

    @property
    def about(self) -> Mapping[str, Any]:
        """What the engine tells of itself."""
        return self._workers[0].about

    async def speak(self, text: str, settings: Mapping[str, Any]) -> AsyncGenerator[Frame, None]:
        """Have a text spoken; closing the generator stops it. Raises TtsError."""
        is_heard = False
        lost: _ProcessLost | None = None
        # Those that died while they were idle, perhaps all, have lost nothing yet.
        for _ in range(len(self._workers) + 1):
            try:
                async with contextlib.aclosing(self._speak_once(text, settings)) as frames:
                    async for frame in frames:
                        is_heard = True
                        yield frame
            except _ProcessLost as error:
                if is_heard:
                    raise
                lost = error
            else:
                return
        if lost is not None:
            raise lost

    async def _speak_once(
        self, text: str, settings: Mapping[str, Any]
    ) -> AsyncGenerator[Frame, None]:
        worker = await self._free.get()
        try:
            await worker.wait_ready()
            job = worker.begin(text, settings)
        except BaseException:
            self._free.put_nowait(worker)
            raise
        ended = False
        try:
            while True:
                try:
                    async with asyncio.timeout(self._frame_timeout_s):
                        frame = await job.frames.get()
                except TimeoutError:
                    worker.kill()
                    raise TtsError(
                        f"the speech engine made nothing for {self._frame_timeout_s:g} s and is "
                        "restarted"
                    ) from None
                if not isinstance(frame, Frame):
                    ended = True
                    if frame is not None:
                        raise frame
                    return
                yield frame
        finally:
            if not ended:
                worker.cancel(job)


class _Worker:
    """One process, and the task that reads from it and replaces it when it dies."""

    _numbers = itertools.count(1)

    def __init__(self, module: str, options: Mapping[str, Any], name: str) -> None:
        self.sample_rate_hz = 0
        self.about: Mapping[str, Any] = {}
        self._module = module
        self._name = name
        self._options = options
        self._process: Process | None = None
        self._job: _Job | None = None
        self._task: asyncio.Task[None] | None = None
        self._known = asyncio.Event()
        """Set unless the process is being started: it runs, or it failed to."""
        self._failure = ""

    async def start(self, free: "asyncio.Queue[_Worker]") -> None:
        await self._spawn()
        self._task = asyncio.create_task(self._run(free), name=f"speaking-{self._name}")
        free.put_nowait(self)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._job is not None:
            self._job.frames.put_nowait(TtsError("the speech engine was stopped"))
            self._job = None
        await self._end_process()

    async def wait_ready(self) -> None:
        """Raises TtsError where the process could not be started again."""
        await self._known.wait()
        if self._process is None:
            raise _ProcessLost(self._failure)

    def begin(self, text: str, settings: Mapping[str, Any]) -> _Job:
        job = self._job = _Job(next(self._numbers))
        self._write({"id": job.number, "text": text, "settings": settings})
        return job

    def cancel(self, job: _Job) -> None:
        """Stop a job; the process is free again when it has seen that."""
        if self._job is job:
            self._write({"cancel": job.number})

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _write(self, message: Mapping[str, Any]) -> None:
        # A broken pipe shows as the end of the output, where it is dealt with.
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _run(self, free: "asyncio.Queue[_Worker]") -> None:
        while True:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    self._handle(*await self._read_frame(), free)
            self._known.clear()
            await self._end_process()
            job, self._job = self._job, None
            if job is not None:
                job.frames.put_nowait(_ProcessLost("the speech engine crashed and is restarted"))
                free.put_nowait(self)
            await self._respawn()

    async def _respawn(self) -> None:
        delay_s = 0.05
        while True:
            try:
                return await self._spawn()
            except TtsError as error:
                self._failure = str(error)
                self._known.set()
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, 5.0)
                # What is asked of a process that is being started would be lost with it.
                self._known.clear()

    def _handle(
        self, header: Mapping[str, Any], pcm: bytes, free: "asyncio.Queue[_Worker]"
    ) -> None:
        job = self._job
        if job is None or header.get("id") != job.number:
            return
        if not header.get("end"):
            words = tuple((start, offset) for start, offset in header["words"])
            phonemes = tuple((ipa, offset) for ipa, offset in header["phonemes"])
            job.frames.put_nowait(Frame(pcm, words, phonemes))
            return
        error = header.get("error")
        job.frames.put_nowait(TtsError(f"the speech engine failed: {error}") if error else None)
        self._job = None
        free.put_nowait(self)

    async def _read_frame(self) -> tuple[dict[str, Any], bytes]:
        if self._process is None or self._process.stdout is None:
            raise ConnectionError("the process has ended")
        stdout = self._process.stdout
        head_bytes, pcm_bytes = FRAME_HEAD.unpack(await stdout.readexactly(FRAME_HEAD.size))
        header = json.loads(await stdout.readexactly(head_bytes))
        return header, await stdout.readexactly(pcm_bytes)

    async def _spawn(self) -> None:
        """Start the process and wait until it is ready. Raises TtsError."""
        paths = [_PACKAGE_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "voicelive_agent.emulator.tts.worker",
            self._module,
            json.dumps(self._options),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                header, _ = await self._read_frame()
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            await self._end_process()
            raise TtsError(
                f"the process of the speech engine {self._name!r} does not start: see its "
                "messages above"
            ) from None
        except BaseException:
            await self._end_process()
            raise
        if "error" in header:
            await self._end_process()
            raise TtsError(f"the speech engine {self._name!r} fails: {header['error']}")
        self.sample_rate_hz = header["sample_rate_hz"]
        self.about = header["about"]
        self._known.set()

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                # Reading to the end keeps a process that still writes from blocking.
                await process.communicate()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
