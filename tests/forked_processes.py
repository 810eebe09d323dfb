"""Processes of Python that are forked: they share the imports of one that has done them.

Starting a server anew imports for seconds what the one before had imported as well. Where the start
itself is what a test is about, it starts a process of its own.
"""

import asyncio
import atexit
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_S = 60
SERVER = (
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "uvicorn.lifespan.on",
    "uvicorn.main",
    "voicelive_agent.cli",
    "voicelive_agent.server.app",
    "voicelive_agent.server.conversations.sqlite.store",
    "voicelive_agent.server.platform.connections",
    "voicelive_agent.server.serve",
)
"""What every agent server imports, one that reports to a collector too."""
PROGRAMS = (
    *SERVER,
    "agent_framework.openai",
    "agents",
    "azure.identity.aio",
    "hypothesis",
    "langchain_openai",
    "langgraph.graph",
    "openai.resources.chat",
    "pydantic_ai",
    "pytest",
    "voicelive_agent.contract.command",
    "voicelive_agent.model_agent.agent",
    "voicelive_agent.testing.voice_live",
)
"""What agents, their tests and their judge import: one fork server for all of them is started
sooner than several."""
EMULATOR = (
    *SERVER,
    "azure.ai.voicelive.aio",
    "onnxruntime",
    "voicelive_agent.client.command",
    "voicelive_agent.client.say",
    "voicelive_agent.emulator.command",
    "voicelive_agent.emulator.service",
    "voicelive_agent.emulator.stt.moonshine.engine",
    "voicelive_agent.emulator.tts.engines.hibari.engine",
    "voicelive_agent.emulator.vad.smart_turn",
    "voicelive_agent.emulator.vad.voice_activity",
)
"""What the emulator imports, and its clients. Models are loaded by each."""


class ForkedProcess:
    """One that runs, or has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: Future[int] = Future()

    @property
    def returncode(self) -> int | None:
        """As of ``subprocess``: negative where a signal ended it, None while it runs."""
        return self.ended.result() if self.ended.done() else None

    def send_signal(self, number: int) -> None:
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def join(self, timeout_s: float) -> int:
        """Its exit code. Raises TimeoutError."""
        return self.ended.result(timeout_s)

    async def wait(self) -> int:
        return await asyncio.shield(asyncio.wrap_future(self.ended))


class ForkServer:
    """A process with ``modules`` imported, and those that are forked from it."""

    def __init__(self, *modules: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", *modules],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for whoever runs the tests.
            start_new_session=True,
        )
        self._asking = threading.Lock()
        self._started: queue.SimpleQueue[ForkedProcess] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def start(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        output: Path,
        errors: Path | None = None,
        given: Path = Path(os.devnull),
    ) -> ForkedProcess:
        """Run ``python ARGUMENTS`` with this environment alone.

        Its output is added to a file, and what it writes to stderr too, where no other is named;
        ``given`` is its standard input.
        """
        wanted = {
            "arguments": list(arguments),
            "cwd": str(cwd),
            "environment": dict(environment),
            "given": str(given),
            "output": str(output),
            "errors": str(errors or output),
        }
        assert self._process.stdin is not None
        with self._asking:
            self._process.stdin.write(json.dumps(wanted) + "\n")
            self._process.stdin.flush()
            return self._started.get(timeout=START_S)

    def run(
        self,
        *arguments: str,
        cwd: Path,
        environment: Mapping[str, str] | None = None,
        given: str = "",
        timeout_s: float = 110,
    ) -> "subprocess.CompletedProcess[str]":
        """Run ``python ARGUMENTS`` to its end, in this environment with some more.

        ``given`` is what it reads from its standard input.
        """
        with tempfile.TemporaryDirectory() as folder:
            output, errors, read = (Path(folder, name) for name in ("output", "errors", "given"))
            read.write_text(given, encoding="utf-8")
            process = self.start(
                arguments,
                cwd=cwd,
                environment=os.environ | dict(environment or {}),
                output=output,
                errors=errors,
                given=read,
            )
            try:
                code = process.join(timeout_s)
            finally:
                process.send_signal(signal.SIGKILL)
            texts = (file.read_text(encoding="utf-8") for file in (output, errors))
            return subprocess.CompletedProcess(arguments, code, *texts)

    def _read(self) -> None:
        assert self._process.stdout is not None
        running: dict[int, ForkedProcess] = {}
        for line in self._process.stdout:
            pid, *code = map(int, line.split())
            if code:
                running.pop(pid).ended.set_result(code[0])
            else:
                running[pid] = ForkedProcess(pid)
                self._started.put(running[pid])

    def close(self) -> None:
        """End it, and what still runs of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(START_S)
        self._reading.join()
        self._process.stdout.close()


@cache
def find_fork_server(*modules: str) -> ForkServer:
    """The one with these modules, started when it is first asked for."""
    server = ForkServer(*modules)
    atexit.register(server.close)
    return server
