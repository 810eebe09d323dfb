"""Agents on Microsoft's own host, as processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from voicelive_agent.contract.servers import ServerProcess, start_process


@pytest.fixture
def good_agent(tmp_path: Path) -> Iterator[ServerProcess]:
    """An agent that keeps the contract; a test may end it."""
    with start_process(
        ["-m", "tests.official.agent"], tmp_path, {"SSE_KEEPALIVE_INTERVAL": "1"}
    ) as server:
        yield server


@pytest.fixture(scope="session")
def broken_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """An agent with the fault that each request names."""
    directory = tmp_path_factory.mktemp("broken")
    with start_process(["-m", "tests.official.broken"], directory, {}) as server:
        yield server
