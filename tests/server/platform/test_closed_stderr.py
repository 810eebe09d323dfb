"""A server whose stderr is gone still obeys."""

import signal
from pathlib import Path

import httpx
import pytest

from tests.server.processes import ROOT, launch_server, wait_until_ready

AGENT = """
import os
async def reply(turn):
    os.close(2)
    yield "Closed."
"""


@pytest.mark.slow
async def test_an_agent_that_closes_stderr_does_not_keep_the_server_from_ending(
    tmp_path: Path,
) -> None:
    """The line of the log about SIGTERM raised, and the signal was not obeyed. Then the lines that
    were buffered were tried again at the end, where PYTHONUNBUFFERED was not set: 120."""
    (tmp_path / "my_agent.py").write_text(AGENT)
    command = ("-m", "voicelive_agent", "serve", "my_agent:reply")
    environment = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "",
        "VOICELIVE_CONVERSATIONS": "memory:",
    }
    async with launch_server(tmp_path, command, cwd=tmp_path, **environment) as server:
        await wait_until_ready(server)
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            answer = await client.post("/invocations", json={"input": "hello"})
            assert "Closed." in answer.text
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
