"""Servers for tests: an ASGI application in a thread, or a command as a process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from voicelive_agent.listening import find_free_port

_START_SECONDS = 60.0


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """Serve an ASGI application in a thread of this process; gives its address."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the server did not start; its log says why")
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@dataclass
class ServerProcess:
    """A server that was started as a process."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_seconds: float) -> int:
        """Its exit status. Raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout_seconds)

    def read_log(self) -> str:
        return self.log.read_text(errors="replace")


@contextmanager
def start_process(
    arguments: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> Iterator[ServerProcess]:
    """Run ``python <arguments>`` with PORT set; gives it once /readiness answers."""
    port = find_free_port()
    log = directory / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, "HOME": str(directory), **environment, "PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = ServerProcess(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _wait_until_ready(server: ServerProcess) -> None:
    deadline = time.monotonic() + _START_SECONDS
    # One client for all tries: making one reads the authorities' certificates.
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < deadline and server.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{server.url}/readiness").status_code == 200:
                    return
            time.sleep(0.02)
    raise RuntimeError(f"the server did not get ready:\n{server.read_log()}")
