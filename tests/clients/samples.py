"""Microsoft's samples, as they stand in the SDK's source package, run as processes.

Given are an endpoint, a key or an Azure CLI that has a token, and a microphone: no line of theirs
is changed.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.environments import python, sources
from tests.emulator.conversing import Desk, loud, quiet

_PYTHON = Path(__file__).parent / "python"
_SDK = "azure-ai-voicelive"
_PIECE_BYTES = 4096


@dataclass
class Sample:
    """A sample that runs, and what it told and played so far."""

    process: asyncio.subprocess.Process
    loudspeaker: Path
    told: str = ""

    async def tells(self, text: str, times: int = 1, timeout_s: float = 45) -> None:
        """Read on until its output has ``text`` so many times."""
        assert self.process.stdout is not None
        async with asyncio.timeout(timeout_s):
            while self.told.count(text) < times:
                piece = await self.process.stdout.read(_PIECE_BYTES)
                assert piece, f"it ended without telling {text!r}:\n{self.told}"
                self.told += piece.decode(errors="replace")

    async def plays(self, more_than: int, timeout_s: float = 20) -> None:
        """Wait until more than so many bytes of sound were played."""
        async with asyncio.timeout(timeout_s):
            while not self.loudspeaker.exists() or self.loudspeaker.stat().st_size <= more_than:
                await asyncio.sleep(0.02)

    async def ends(self, timeout_s: float = 45) -> None:
        """Read to its end, which has to be a good one."""
        output, _ = await asyncio.wait_for(self.process.communicate(), timeout_s)
        self.told += output.decode(errors="replace")
        assert self.process.returncode == 0, self.told


def find_sample(name: str) -> Path:
    (package,) = sources(f"{_SDK}-sdist").iterdir()
    return package / "samples" / name


@asynccontextmanager
async def run_sample(
    name: str, desk: Desk, folder: Path, *arguments: str, **environment: str
) -> AsyncIterator[Sample]:
    """A sample of the SDK whose user says one thing; killed where it hasn't ended by itself."""
    interpreter = await asyncio.to_thread(python, f"{_SDK}-samples")
    sample = await asyncio.to_thread(find_sample, name)
    microphone, loudspeaker = folder / "said.pcm", folder / "played.pcm"
    await asyncio.to_thread(microphone.write_bytes, quiet(300) + loud(800))
    process = await asyncio.create_subprocess_exec(
        str(interpreter),
        "-u",
        str(sample),
        *arguments,
        env={
            **os.environ,
            "PYTHONPATH": str(_PYTHON / "microphone"),
            "PATH": f"{_PYTHON / 'bin'}:{os.environ['PATH']}",
            "PYTHONIOENCODING": "utf-8",
            "MICROPHONE": str(microphone),
            "LOUDSPEAKER": str(loudspeaker),
            "AZURE_VOICELIVE_ENDPOINT": desk.url,
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Sample(process, loudspeaker)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


KEY = {"AZURE_VOICELIVE_USE_API_KEY": "true", "AZURE_VOICELIVE_API_KEY": "local"}
