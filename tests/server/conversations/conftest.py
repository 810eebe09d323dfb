from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.server.conversations.backends import Backend, RedisServer

_REDIS = pytest.param("redis", marks=pytest.mark.component)


@pytest.fixture
def own_redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may stop."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", _REDIS])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    """Each store in turn."""
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None
    backend = Backend(request.param, tmp_path, server)
    yield backend
    await backend.close_all()


@pytest.fixture(params=["sqlite", _REDIS])
async def shared(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    """Each store that several processes can share."""
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None
    backend = Backend(request.param, tmp_path, server)
    yield backend
    await backend.close_all()
