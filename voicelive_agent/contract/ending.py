"""End of the agent's process: SIGTERM, by which the platform ends a container."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from voicelive_agent.contract.servers import start_process
from voicelive_agent.contract.target import Target

EXIT_SECONDS = 30.0
SCRIPTED = "voicelive_agent.contract.agents:scripted"
SERVE = ("-m", "voicelive_agent", "serve")
OWN: Mapping[str, str] = {
    "VOICELIVE_AGENT": SCRIPTED,
    "VOICELIVE_LOG_LEVEL": "DEBUG",
    "VOICELIVE_SHUTDOWN_GRACE_SECONDS": "20",
}
"""The environment of a server of this project that is to be ended."""


@contextmanager
def open_ending(target: Target, directory: Path, **environment: str) -> Iterator[Target]:
    """An agent whose process may be ended: of this project's server one of its own."""
    if not target.scripted:
        yield target
        return
    with start_process(SERVE, directory, {**OWN, **environment}) as server:
        yield replace(target, url=server.url, pid=server.pid, slow_text="think 0.5")


def require_pid(target: Target) -> int:
    """The process that may be ended; skips the test where none is named."""
    if target.pid is None:
        pytest.skip("not judged: give --agent-pid, which ends the agent's process")
    return target.pid


def terminate(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


async def wait_until_drained(url: str) -> None:
    """Return once the signal has arrived: from then on, readiness is not 200."""
    async with asyncio.timeout(EXIT_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{url}/readiness")).status_code != 200:
                    return
            except httpx.TransportError:
                return
            await asyncio.sleep(0.01)


async def is_gone(pid: int) -> bool:
    """Whether the process ends in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + EXIT_SECONDS
    while (alive := _is_alive(pid)) and loop.time() < deadline:
        await asyncio.sleep(0.05)
    return not alive


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    # A process that has ended keeps its id until whoever started it asks for its exit status.
    return state != "Z"
