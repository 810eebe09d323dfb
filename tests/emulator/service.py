"""The emulator and agents as real processes, and a person's voice, for end-to-end tests."""

import contextlib
import os
import re
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from tests.forked_processes import EMULATOR, find_fork_server
from voicelive_agent.listening import find_free_port

ROOT = Path(__file__).parents[2]
READY_TIMEOUT_S = 90
AUDIBLE = 0.003


@cache
def _open_voice() -> Any:
    from hibari import Hibari

    return Hibari(voice="heart")


@cache
def say(text: str, rate_hz: int = 24_000) -> bytes:
    """``text`` as PCM16 mono without silence around it, spoken unlike the emulator speaks."""
    spoken = np.asarray(_open_voice()(text, seed=7), np.float32)
    loud = np.flatnonzero(np.abs(spoken) > AUDIBLE)
    spoken = spoken[loud[0] : loud[-1] + 1]
    said = soxr.resample(spoken, 24_000, rate_hz) * 32767
    return bytes(np.clip(said, -32768, 32767).astype("<i2").tobytes())


def silence(ms: int, rate_hz: int = 24_000) -> bytes:
    return bytes(rate_hz * ms // 1000 * 2)


class Service:
    """A process that is ready; ``output`` is what it wrote so far, errors included."""

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.logger = tempfile.NamedTemporaryFile(prefix="service-", suffix=".log")  # noqa: SIM115
        self.url = ""
        self.process = find_fork_server(*EMULATOR).start(
            arguments,
            cwd=ROOT,
            environment={"VOICELIVE_CONVERSATIONS": "memory:", **os.environ, **environment},
            output=Path(self.logger.name),
        )

    @property
    def output(self) -> str:
        return Path(self.logger.name).read_text(encoding="utf-8", errors="replace")

    def wait_until(self, pattern: str) -> re.Match[str]:
        """Wait until it has written something like this."""
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while (match := re.search(pattern, self.output)) is None:
            assert self.process.returncode is None, f"ended too early:\n{self.output}"
            assert time.monotonic() < deadline_s, f"not ready:\n{self.output}"
            time.sleep(0.02)
        return match

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it as a person or a supervisor does; its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.join(30)
        finally:
            self.kill()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.join(30)
        self.logger.close()


@contextlib.contextmanager
def emulator(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """``voicelive-agent emulate`` on a free port, ready."""
    service = Service(
        ("-m", "voicelive_agent", "emulate", "--port", "0", *arguments), environment or {}
    )
    try:
        service.url = service.wait_until(r"ready at (http\S+)")[1]
        yield service
    finally:
        service.kill()


@contextlib.contextmanager
def dev(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """``voicelive-agent dev`` with the emulator on a free port, ready."""
    service = Service(
        ("-m", "voicelive_agent", "dev", "--port", "0", *arguments), environment or {}
    )
    try:
        service.url = service.wait_until(r"ready at (http\S+)")[1]
        yield service
    finally:
        service.kill()


@contextlib.contextmanager
def agent_server(environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """``voicelive-agent serve`` of the front desk on a free port, ready."""
    port = find_free_port()
    service = Service(
        ("-m", "voicelive_agent", "serve", "examples.front_desk:reply"),
        {"VOICELIVE_HOST": "127.0.0.1", "PORT": str(port), **(environment or {})},
    )
    service.url = f"http://127.0.0.1:{port}"
    try:
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{service.url}/readiness", timeout=5).close()
                break
            assert service.process.returncode is None, f"ended too early:\n{service.output}"
            assert time.monotonic() < deadline_s, f"not ready:\n{service.output}"
            time.sleep(0.02)
        yield service
    finally:
        service.kill()


@contextlib.contextmanager
def front_desk() -> Iterator[Service]:
    """An emulator that knows the demo's phrases, with the demo's agent server behind it."""
    phrases = ROOT / "examples" / "front_desk" / "phrases.txt"
    with (
        agent_server() as agent,
        emulator("--agent", agent.url, "--phrases", str(phrases)) as service,
    ):
        yield service
