from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.replicas.deployment import Deployment, deploy


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with deploy(tmp_path_factory.mktemp("replicas")) as deployed:
        yield deployed


@pytest_asyncio.fixture(loop_scope="package")
async def deployment(shared_deployment: Deployment) -> Deployment:
    """All of it running, whatever the test before may have left."""
    await shared_deployment.mend()
    return shared_deployment


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=30, limits=limits) as opened:
        yield opened
