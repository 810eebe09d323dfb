"""Servers under comparison as real processes on one core, and a caller on the other."""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from voicelive_agent.listening import find_free_port

ROOT = Path(__file__).parents[1]
# Before anything is pinned: a child may only choose among the cores of its parent.
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
REQUEST_BODY = b'{"type":"input_audio.transcription","input":"hello"}'
REQUEST = (
    b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(REQUEST_BODY), REQUEST_BODY)
)


@dataclass
class Peer:
    """A running server."""

    name: str
    port: int
    process: asyncio.subprocess.Process

    @property
    def rss_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.split("VmRSS:")[1].split()[0])

    @property
    def threads(self) -> list[int]:
        return [int(path.name) for path in Path(f"/proc/{self.process.pid}/task").iterdir()]

    @property
    def cpu_s(self) -> float:
        return read_cpu_s(self.process.pid)


@dataclass(frozen=True, slots=True)
class CoreTime:
    """Seconds in which a process had a core, and in which it wanted one and had none."""

    used_s: float
    waited_s: float

    def __sub__(self, earlier: "CoreTime") -> "CoreTime":
        return CoreTime(self.used_s - earlier.used_s, self.waited_s - earlier.waited_s)


def read_core_time(pid: int) -> CoreTime:
    """As the kernel's scheduler counts it."""
    used_ns, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    return CoreTime(int(used_ns) / 1e9, int(waited_ns) / 1e9)


def read_cpu_s(pid: int) -> float:
    """Seconds of a core that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def find_commands(mode: str) -> dict[str, list[str]]:
    """The command of each peer that answers as ``mode`` says (see ``benchmarks.agents``)."""
    return {
        "ours": ["-m", "voicelive_agent", "serve"],
        "official": ["-m", "benchmarks.official_host", mode],
        "official-bridge": ["-m", "benchmarks.official_bridge"],
        "official-responses": ["-m", "benchmarks.official_responses"],
        "bare": ["-m", "benchmarks.bare_asyncio", mode],
        "uvicorn": ["-m", "benchmarks.bare_uvicorn", mode],
        "fastapi": ["-m", "benchmarks.bare_fastapi"],
    }


def pin_to_core(core: int) -> None:
    """Keep this process on one core, where the system can and there are several."""
    if _CORES:
        os.sched_setaffinity(0, {_CORES[core % len(_CORES)]})


@contextlib.asynccontextmanager
async def start_peer(
    name: str, mode: str, core: int | None = 0, /, **environment: str
) -> AsyncIterator[Peer]:
    """One peer, ready, on one core (None: any); a temporary HOME keeps it from real data."""
    port = find_free_port()
    with tempfile.TemporaryDirectory() as home:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *find_commands(mode)[name],
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={
                "PATH": os.environ["PATH"],
                "HOME": home,
                "PORT": str(port),
                "VOICELIVE_AGENT": f"benchmarks.agents:{mode}",
                "VOICELIVE_LOG_LEVEL": "WARNING",
                "VOICELIVE_TURN_TIMEOUT_SECONDS": "3600",
                "VOICELIVE_IDLE_TIMEOUT_SECONDS": "3600",
                **environment,
            },
            preexec_fn=None if core is None else partial(pin_to_core, core),
        )
        try:
            await wait_until_ready(port, process)
            yield Peer(name, port, process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def wait_until_ready(port: int, process: asyncio.subprocess.Process) -> float:
    """Seconds on the monotonic clock when ``GET /readiness`` first answered 200."""
    while process.returncode is None:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readiness HTTP/1.1\r\nhost: localhost\r\n\r\n")
            status = await reader.readline()
            writer.close()
            if b" 200 " in status:
                return time.monotonic()
        await asyncio.sleep(0.002)
    raise RuntimeError(f"the server ended with {process.returncode} before it was ready")


async def take_turn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """One turn on an open connection; seconds to its first delta. Raises where it isn't whole."""
    return await read_answer(reader, writer, REQUEST)


async def read_answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> float:
    """Likewise, with a request of one's own."""
    started = time.perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(head.decode())
    first_delta = 0.0
    body = bytearray()
    while not body.endswith(b"0\r\n\r\n"):
        chunk = await reader.read(1 << 16)
        if not chunk:
            raise RuntimeError("the connection was closed in mid-stream")
        if not first_delta:
            first_delta = time.perf_counter() - started
        body += chunk
    if b'"done"' not in body[-60:]:
        raise RuntimeError(f"no done at the end: {bytes(body[-80:])!r}")
    return first_delta
