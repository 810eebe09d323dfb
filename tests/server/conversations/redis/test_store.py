"""What only the Redis store does: leases, a Redis that goes away, access rights."""

import asyncio
import base64
import json
import signal
import socket
import time
from typing import Any

import pytest
from redis.crc import key_slot

from tests.server.conversations.backends import KEY, RedisServer, Stops, converse, end, make_record
from tests.server.conversations.redis.opening import command, connect, open_redis, wait_until_ready
from voicelive_agent.server.conversations import ConversationKey, StoreError
from voicelive_agent.server.conversations.redis.entra import EntraCredentials
from voicelive_agent.server.conversations.redis.link import RedisLink
from voicelive_agent.server.conversations.redis.store import RedisStore
from voicelive_agent.server.conversations.store import Limits

pytestmark = pytest.mark.component

# An operation may take two attempts of a second each, and a loaded machine adds its share.
BOUND_SECONDS = 6.0


async def test_a_lost_redis_is_an_error_in_bounded_time_and_recovers(
    own_redis_server: RedisServer,
) -> None:
    stops = Stops()
    async with (
        open_redis(own_redis_server, stops=stops) as store,
        open_redis(own_redis_server) as other,
    ):
        record = make_record("one")
        conversation = await store.begin(record)
        own_redis_server.stop()

        started = time.monotonic()
        assert not await store.ready()
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:\d+ can't be reached: check"):
            await store.begin(make_record("two", ConversationKey("", "other")))
        with pytest.raises(StoreError):
            await store.settle(end(record), conversation, heard_before=None)
        with pytest.raises(StoreError):
            await store.find("user", "one")
        with pytest.raises(StoreError):
            await store.purge()
        assert time.monotonic() - started < 2 * BOUND_SECONDS

        own_redis_server.start()
        await wait_until_ready(store)
        await wait_until_ready(other)
        await store.settle(end(record), conversation, heard_before=None)
        assert await other.find("user", "one") == record
        await converse(store, "two")

        # The subscription is back as well.
        running = make_record("running")
        await store.begin(running)
        async with asyncio.timeout(20):
            while not stops.requests:
                stopping = asyncio.create_task(other.stop_elsewhere(running, "cancelled"))
                await asyncio.wait(
                    [stopping, asyncio.create_task(stops.received.wait())],
                    return_when="FIRST_COMPLETED",
                )
                stopping.cancel()
        assert stops.requests[0] == (KEY, "running", "cancelled")


async def test_a_redis_that_does_not_answer_is_an_error_in_bounded_time() -> None:
    """A firewall that drops packets, a machine that hangs: connected, but silent."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        await store.open(Stops())
        assert not await store.ready()
        with pytest.raises(StoreError, match="can't be reached"):
            await store.begin(make_record("one"))
        assert time.monotonic() - started < 3 * BOUND_SECONDS
        await store.close()


async def test_a_redis_that_freezes_holds_nobody_up(own_redis_server: RedisServer) -> None:
    assert own_redis_server.process
    async with open_redis(own_redis_server) as store:
        await converse(store, "one")
        own_redis_server.process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        results = await asyncio.gather(
            store.ready(),
            *(store.begin(make_record(str(n), ConversationKey("", str(n)))) for n in range(50)),
            return_exceptions=True,
        )
        assert time.monotonic() - started < BOUND_SECONDS
        assert results[0] is False
        assert all(isinstance(result, StoreError) for result in results[1:])
        own_redis_server.process.send_signal(signal.SIGCONT)
        await wait_until_ready(store)
        await converse(store, "two")


async def test_a_redis_that_comes_after_the_start_is_used_then(
    own_redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Both are started at once by an orchestrator: the server once ended, and was tried again
    later and later."""
    own_redis_server.stop()
    stops = Stops()
    async with open_redis(own_redis_server, stops=stops) as store:
        assert "no turns until the conversation store is there: Redis at" in caplog.text
        assert not await store.ready()
        with pytest.raises(StoreError, match="check that it runs"):
            await store.begin(make_record("early"))
        own_redis_server.start()
        await wait_until_ready(store)
        record = make_record("late")
        await store.begin(record)
        async with open_redis(own_redis_server) as other:
            # It listens, too.
            await other.stop_elsewhere(record, "cancelled")
        assert stops.requests[0] == (KEY, "late", "cancelled")


async def test_a_closed_store_says_so(own_redis_server: RedisServer) -> None:
    store = RedisStore(own_redis_server.url)
    assert not await store.ready()
    with pytest.raises(StoreError, match="open it first"):
        await store.find("user", "one")


async def test_a_restarted_redis_forgets_scripts_and_learns_them_again(
    redis_server: RedisServer,
) -> None:
    async with open_redis(redis_server) as store, connect(redis_server) as client:
        await client.script_flush()
        await converse(store, "forgotten script", key=ConversationKey("", "scripts"))


async def test_a_wrong_password_is_told_without_the_password(
    own_redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(own_redis_server) as client:
        await client.config_set("requirepass", "right")
    wrong = own_redis_server.url.replace("//", "//:wr0ng@")
    async with open_redis(own_redis_server, url=wrong) as refused:
        with pytest.raises(StoreError, match="refuses this user") as caught:
            await refused.begin(make_record("one"))
    assert "wr0ng" not in str(caught.value)
    assert "wr0ng" not in caplog.text
    assert "check the user name, password and rights" in caplog.text
    store = RedisStore(own_redis_server.url.replace("//", "//:right@"))
    await store.open(Stops())
    assert await store.ready()
    await store.close()


async def test_a_user_without_rights_is_told_so(own_redis_server: RedisServer) -> None:
    async with connect(own_redis_server) as client:
        rights = ("on", ">x", "~*", "&*", "+@all", "-evalsha", "-eval", "-info")
        await command(client, "ACL", "SETUSER", "poor", *rights)
    store = RedisStore(own_redis_server.url.replace("//", "//poor:x@"))
    await store.open(Stops())
    with pytest.raises(StoreError, match="refuses this user"):
        await store.begin(make_record("one"))
    await store.close()


async def test_a_full_redis_is_told_so(own_redis_server: RedisServer) -> None:
    async with open_redis(own_redis_server) as store, connect(own_redis_server) as client:
        await converse(store, "one")
        await client.config_set("maxmemory", "1mb")
        with pytest.raises(StoreError, match="is full: raise its maxmemory"):
            await store.begin(make_record("two", text="x" * 2_000_000))
        assert not await store.ready()
        assert await store.find("user", "one") is not None
        await client.config_set("maxmemory", "0")
        assert await store.ready()


async def test_an_old_redis_is_refused(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(self: RedisLink, *commands: Any) -> list[Any]:
        return [{"redis_version": "6.2.14"}]

    monkeypatch.setattr(RedisLink, "run", run)
    with pytest.raises(StoreError, match=r"version 6\.2\.14: upgrade it to 7"):
        await RedisStore(redis_server.url).open(Stops())


async def test_everything_expires_and_a_conversation_shares_one_slot(
    own_redis_server: RedisServer,
) -> None:
    limits = Limits(retention_days=3)
    async with (
        open_redis(own_redis_server, limits, lease_seconds=30) as store,
        connect(own_redis_server) as client,
    ):
        await converse(store, "one", key=ConversationKey("us{er", "ses}sion"))
        await store.begin(make_record("two", ConversationKey("us{er", "ses}sion")))
        names = [str(name) for name in await client.keys("*")]
        assert len(names) == 8
        for name in names:
            assert 0 < await client.pttl(name) <= 3 * 86_400_000
        kept = [n for n in names if ":replica:" not in n and ":invocation:" not in n]
        shares = [n for n in kept if n.endswith((":order", ":sizes"))]
        assert len(shares) == 2 and len(kept) == 5
        for group in (shares, set(kept) - set(shares)):
            assert len({key_slot(name.encode()) for name in group}) == 1


async def test_purge_removes_what_a_shorter_retention_does_not_allow(
    own_redis_server: RedisServer,
) -> None:
    async with (
        open_redis(own_redis_server, Limits(retention_days=30)) as store,
        open_redis(own_redis_server, Limits(retention_days=1)) as strict,
        connect(own_redis_server) as client,
    ):
        for name in ("old", "new", "running"):
            await converse(store, name, key=ConversationKey("", name))
        await store.begin(make_record("x", ConversationKey("", "running")))
        two_days_ago = int(time.time()) - 2 * 86_400
        for name in ("old", "running"):
            await client.hset(
                f"voicelive-agent:{{:{name}}}:conversation", "updated_at", str(two_days_ago)
            )
        assert await strict.purge() == 1
        assert {key.session_id async for key in store.list_keys()} == {"new", "running"}


async def test_agents_with_different_prefixes_are_apart(redis_server: RedisServer) -> None:
    key = ConversationKey("", "prefixed")
    stores = [RedisStore(f"{redis_server.url}?prefix={name}") for name in ("desk", "shop")]
    for store in stores:
        await store.open(Stops())
    await converse(stores[0], "one", key=key)
    assert (await stores[1].begin(make_record("two", key))).turns == []
    assert await stores[1].find("user", "one") is None
    assert [k async for k in stores[0].list_keys()] == [key]
    await stores[0].purge(key)
    await stores[1].purge(key)
    for store in stores:
        await store.close()


async def test_a_replica_whose_lease_lapsed_but_which_lives_keeps_its_turn(
    redis_server: RedisServer,
) -> None:
    """It was cut off for a while, nobody took its place, and then it settled."""
    key, leases = ConversationKey("", "lapsed"), "voicelive-agent:replica:*"
    async with connect(redis_server) as client:
        of_others = set(await client.keys(leases))
        async with open_redis(redis_server, lease_seconds=30) as store:
            record = make_record("one", key)
            conversation = await store.begin(record)
            conversation.state["x"] = 1
            (lease,) = set(await client.keys(leases)) - of_others
            async with open_redis(redis_server) as other:
                await client.delete(lease)
                found = await other.find("", "one")
                assert found is not None and found.reason == "replica_died"
                await store.settle(end(record), conversation, heard_before=None)
                assert await other.find("", "one") == record
                assert (await other.begin(make_record("two", key))).state == {"x": 1}
    async with open_redis(redis_server) as store:
        await store.purge(key)


async def test_a_begin_whose_answer_was_lost_begins_once(redis_server: RedisServer) -> None:
    """redis-py sends a command again when the connection broke before the answer came."""
    key = ConversationKey("", "twice")
    async with open_redis(redis_server) as store:
        evaluate = store._link.evaluate

        async def evaluate_twice(*arguments: Any, **options: Any) -> Any:
            await evaluate(*arguments, **options)
            return await evaluate(*arguments, **options)

        store._link.evaluate = evaluate_twice  # type: ignore[method-assign]
        await converse(store, "one", "two", key=key)
        store._link.evaluate = evaluate  # type: ignore[method-assign]
        turns = [turn async for turn in store.export(key)]
        assert [(t["invocation_id"], t["sequence"]) for t in turns] == [("one", 1), ("two", 2)]
        await store.purge(key)


class FakeCredential:
    """azure-identity's credential, as far as it is used."""

    def __init__(self, object_id: str) -> None:
        claims = base64.urlsafe_b64encode(json.dumps({"oid": object_id}).encode()).decode()
        self.token = f"header.{claims.rstrip('=')}.signature"
        self.scopes: list[str] = []

    async def get_token(self, scope: str) -> "FakeCredential":
        self.scopes.append(scope)
        return self

    async def close(self) -> None:
        self.scopes.append("closed")


async def test_entra_signs_in_with_object_id_and_token(
    own_redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id = "11111111-2222-3333-4444-555555555555"
    credential = FakeCredential(object_id)
    async with connect(own_redis_server) as client:
        rights = f"on ~* &* +@all >{credential.token}".split()
        await command(client, "ACL", "SETUSER", object_id, *rights)
        await command(client, "ACL", "SETUSER", "default", "off")
    monkeypatch.setattr("azure.identity.aio.DefaultAzureCredential", lambda: credential)
    store = RedisStore(own_redis_server.url + "?auth=entra")
    await store.open(Stops())
    await converse(store, "one")
    await store.close()
    assert set(credential.scopes) == {"https://redis.azure.com/.default", "closed"}


def test_entra_is_for_asyncio_only() -> None:
    with pytest.raises(NotImplementedError, match="asyncio"):
        EntraCredentials(FakeCredential("x")).get_credentials()
