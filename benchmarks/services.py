"""The agent server and the emulator as processes: for the demo, benchmarks and tests."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from voicelive_agent.listening import find_free_port

READY_TIMEOUT_S = 120


class ServicesError(Exception):
    """The services don't start; the message says what is known of it."""


@contextlib.asynccontextmanager
async def start_services(
    directory: Path, *, record: bool = True, environment: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """The agent server and the emulator, together, on free ports; the emulator's URL.

    ``record``: every session leaves its sound and its events in ``directory``. ``environment``:
    further settings of both. Raises ServicesError.
    """
    agent_port = find_free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voicelive_agent", "dev", "--no-reload", "--port", "0"),
        *("--agent-port", str(agent_port), "--log-level", "warning"),
        *(("--record", str(directory)) if record else ()),
        stdout=asyncio.subprocess.PIPE,
        # Callers that are no people are nobody's to remember, unless somebody says otherwise.
        env={
            "VOICELIVE_LOG_LEVEL": "WARNING",
            "VOICELIVE_CONVERSATIONS": "memory:",
            **os.environ,
            **(environment or {}),
        },
    )
    try:
        yield await _read_url(process)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        await process.communicate()


async def _read_url(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise RuntimeError("the emulator's output is not read")
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while line := (await process.stdout.readline()).decode():
                if match := re.search(r"ready at (http\S+)", line):
                    return match[1]
    except TimeoutError:
        raise ServicesError(f"the emulator is not ready after {READY_TIMEOUT_S} s") from None
    raise ServicesError("the emulator did not start: see its messages above")
