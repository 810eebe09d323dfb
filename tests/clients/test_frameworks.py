"""Voice frameworks' own Voice Live services, unmodified, against the emulator (clients.md)."""

import asyncio
from pathlib import Path

import pytest

from tests.clients.environments import python
from tests.clients.test_clients import run
from tests.emulator.conversing import open_desk
from voicelive_agent.emulator.tls import make_certificate

SCRIPTS = Path(__file__).parent / "python"

# Half a gigabyte each to install, and seconds to import.
pytestmark = [pytest.mark.slow, pytest.mark.nightly, pytest.mark.timeout(700)]


async def test_livekit_s_realtime_model() -> None:
    """A reply that is asked for, a spoken turn, and a chat context that has both."""
    interpreter = await asyncio.to_thread(python, "livekit-plugins-azure")
    async with open_desk() as desk:
        told = await run(
            interpreter, "-P", SCRIPTS / "livekit_realtime.py", desk.url, PYTHONPATH=str(SCRIPTS)
        )
    assert told["errors"] == []
    assert told["reply"] == "You said good morning."
    assert told["heard"] == "hello"
    assert told["context"] == [
        ["user", "good morning"],
        ["assistant", "You said good morning."],
        ["user", "hello"],
        ["assistant", "You said hello."],
    ]


async def test_pipecat_s_service_behind_tls(tmp_path: Path) -> None:
    """It connects by wss:// whatever scheme it is given; a file makes it trust the emulator."""
    certificate = make_certificate(tmp_path, "127.0.0.1")
    interpreter = await asyncio.to_thread(python, "pipecat")
    async with open_desk(certificate) as desk:
        told = await run(
            interpreter,
            "-P",
            SCRIPTS / "pipecat_service.py",
            desk.url,
            PYTHONPATH=str(SCRIPTS),
            SSL_CERT_FILE=str(certificate.authority),
        )
    assert told["errors"] == []
    assert told["reply"] == "You said good morning."
    assert told["heard"] == "hello"
    assert told["transcript"] == "You said hello."
