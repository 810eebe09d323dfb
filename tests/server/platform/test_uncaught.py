"""What an agent's own tasks and threads raise and nobody catches."""

import json
import signal
from pathlib import Path

import httpx
import pytest

from tests.server.processes import start_server

FAILURES = {
    "Task exception was never retrieved: to_thread",
    "a callback failed: -",
    "an exception was ignored in: Careless.__del__",
}


@pytest.mark.parametrize("shown", ["false", "true"])
async def test_it_is_logged_as_all_else_is(tmp_path: Path, shown: str) -> None:
    """asyncio and Python wrote the words to stderr, in lines that were no JSON."""
    environment = {
        "VOICELIVE_AGENT": "tests.server.platform.careless_agent:reply",
        "VOICELIVE_LOG_FORMAT": "json",
        "VOICELIVE_SHOW_ERRORS": shown,
    }
    async with (
        start_server(tmp_path, **environment) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as client,
    ):
        response = await client.post("/invocations", json={"input": "my word is xyzzy"})
        assert '{"type":"done"}' in response.text
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    failures = [
        line for line in lines if line["logger"] == "voicelive_agent.server.platform.uncaught"
    ]
    messages = {line["message"] for line in failures}
    assert messages >= FAILURES
    assert any(message.startswith("a thread failed: Thread-") for message in messages)
    assert all("careless_agent.py" in line["exception"] for line in failures)
    assert ("xyzzy" in server.log.read_text()) is (shown == "true")
