"""A Redis store that is open, and a client beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from tests.server.conversations.backends import RedisServer, Stops
from voicelive_agent.server.conversations.redis.store import RedisStore
from voicelive_agent.server.conversations.store import Limits


@asynccontextmanager
async def open_redis(
    server: RedisServer,
    limits: Limits | None = None,
    *,
    stops: Stops | None = None,
    url: str = "",
    **options: Any,
) -> AsyncIterator[RedisStore]:
    options.setdefault("lease_seconds", 0.6)
    store = RedisStore(url or server.url, limits, **options)
    await store.open(stops or Stops())
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def connect(server: RedisServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(server.url, decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()


async def command(client: Redis, *words: str) -> Any:
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]


async def wait_until_ready(store: RedisStore) -> None:
    async with asyncio.timeout(20):
        while not await store.ready():
            await asyncio.sleep(0.05)
