"""A replica that is killed, and a Redis that goes away."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.replicas.deployment import LEASE_SECONDS, Deployment, Talker, find_text
from tests.server.conversations.backends import RedisServer
from tests.server.processes import launch_server
from voicelive_agent.server.engine.ending import find_phrases

pytestmark = [pytest.mark.component, pytest.mark.asyncio(loop_scope="package")]

APOLOGY = find_phrases("en").apology
# An operation may take two attempts of a second each, and a turn has two operations.
BOUND_SECONDS = 10.0


async def test_a_killed_replica_leaves_no_turn_running(
    deployment: Deployment, client: httpx.AsyncClient
) -> None:
    """``kill -9`` in mid-turn: nobody settles the turn, so its lease has to run out."""
    here, there = deployment.urls
    killed = deployment.replicas[deployment.ports[0]]
    ann, bob = Talker(client), Talker(client)
    await ann.say(there, "earlier")
    async with ann.start(here, "wait, Ann") as ann_waits, bob.start(here, "wait") as bob_waits:
        killed.signal(signal.SIGKILL)
        await killed.wait()
        killed_at = time.monotonic()
        for waiting in (ann_waits, bob_waits):
            with pytest.raises(httpx.TransportError):
                await waiting.finish()

    # Bob speaks again at once; the balancer finds the replica that lives.
    answer = await bob.say(deployment.url, "still there?")
    assert time.monotonic() - killed_at < LEASE_SECONDS + BOUND_SECONDS
    assert answer.endswith("after [wait]")
    assert (await bob.report(there, bob_waits.invocation_id))["status"] == "failed"

    while (report := await ann.report(there, ann_waits.invocation_id))["status"] == "running":
        assert time.monotonic() - killed_at < LEASE_SECONDS + 2
        await asyncio.sleep(0.05)
    assert (report["http_status"], report["status"]) == (200, "failed")
    assert report["error"]["code"] == "replica_died"
    assert await ann.cancel(there, ann_waits.invocation_id) == report
    answer = await ann.say(deployment.url, "go on")
    assert answer.startswith("2 at ")
    assert answer.endswith("after [earlier, wait, Ann]")

    await deployment.mend()
    answers = [await ann.say(deployment.url, "both again") for _ in range(4)]
    assert {int(answer.split(" ")[2]) for answer in answers} == set(deployment.ports)


def _stop(redis: RedisServer) -> None:
    redis.stop()


def _freeze(redis: RedisServer) -> None:
    assert redis.process
    redis.process.send_signal(signal.SIGSTOP)


def _resume(redis: RedisServer) -> None:
    assert redis.process
    redis.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("lose", "give_back"), [(_stop, RedisServer.start), (_freeze, _resume)], ids=["stop", "freeze"]
)
async def test_a_lost_redis_is_apologised_for_until_it_is_back(
    deployment: Deployment,
    client: httpx.AsyncClient,
    lose: Callable[[RedisServer], None],
    give_back: Callable[[RedisServer], None],
) -> None:
    redis, url = deployment.redis, deployment.url
    talker = Talker(client)
    first = await talker.say(url, "before")
    async with talker.start(url, "slow") as slow:
        lose(redis)
        try:
            await _expect_apologies(deployment, client)
            # It could be answered, but not recorded; its stream is whole, and says so.
            events = await asyncio.wait_for(slow.finish(), BOUND_SECONDS)
            assert "agent.error" in [event["type"] for event in events]
        finally:
            give_back(redis)
    async with asyncio.timeout(20):
        for replica in deployment.urls:
            while (await client.get(replica + "/readiness")).status_code != 200:
                await asyncio.sleep(0.05)
    assert first.startswith("1 at ")
    answer = await talker.say(url, "after")
    assert ", slow" in answer or answer.endswith("after [before]")
    # Supersede works again, too: the replicas hear each other.
    here, there = deployment.urls
    async with talker.start(here, "wait") as waiting:
        answer = await talker.say(there, "last")
        await asyncio.wait_for(waiting.finish(), BOUND_SECONDS)
    assert answer.endswith("after, wait]")
    for server in deployment.replicas.values():
        log = server.log.read_text()
        assert "lost the conversation store" in log
        assert "turn broke off" not in log


async def _expect_apologies(deployment: Deployment, client: httpx.AsyncClient) -> None:
    """From both replicas and by way of the balancer, each in bounded time."""

    async def call(url: str) -> None:
        started = time.monotonic()
        async with Talker(client).start(url, "hello") as stream:
            events = await stream.finish()
        assert time.monotonic() - started < BOUND_SECONDS
        assert find_text(events) == APOLOGY
        errors = [event["error"]["code"] for event in events if event["type"] == "agent.error"]
        assert errors == ["conversation_unavailable"]
        assert "edis" not in json.dumps(events)

    async def probe(url: str) -> None:
        started = time.monotonic()
        readiness = await client.get(url + "/readiness")
        assert time.monotonic() - started < BOUND_SECONDS
        assert readiness.status_code == 503
        assert readiness.json()["status"] == "conversations_unavailable"

    async def look_up(url: str) -> None:
        report = await client.get(url + "/invocations/unknown")
        assert report.status_code == 503
        assert report.json()["error"]["code"] == "conversations_unavailable"

    places = [deployment.url, *deployment.urls]
    calls = [call(places[number % 3]) for number in range(30)]
    await asyncio.gather(*calls, *map(probe, deployment.urls), *map(look_up, deployment.urls))


async def test_replicas_that_start_before_their_redis_wait_for_it(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    """They once ended with a traceback, and an orchestrator tried again later and later."""
    redis = RedisServer(tmp_path)
    url = f"redis://127.0.0.1:{redis.port}/0"
    async with launch_server(tmp_path, VOICELIVE_CONVERSATIONS=url) as server:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    readiness = await client.get(server.url + "/readiness")
                    break
                await asyncio.sleep(0.05)
        assert readiness.status_code == 503
        assert readiness.json()["status"] == "conversations_unavailable"
        async with Talker(client).start(server.url, "hello") as stream:
            assert find_text(await stream.finish()) == APOLOGY
        redis.start()
        try:
            async with asyncio.timeout(60):
                while (await client.get(server.url + "/readiness")).status_code != 200:
                    await asyncio.sleep(0.05)
            assert await Talker(client).say(server.url, "hello") != APOLOGY
            server.signal(signal.SIGTERM)
            assert await server.wait() == 0
        finally:
            redis.stop()
        log = server.log.read_text()
        assert "no turns until the conversation store is there: Redis at 127.0.0.1:" in log
