"""What is left in Redis, and how it is told, when Redis, a replica or a clock goes wrong."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.server.conversations.backends import KEY, RedisServer, Stops, converse, end, make_record
from tests.server.conversations.redis.opening import connect, open_redis, wait_until_ready
from tests.server.engine.engine_room import FunctionAgent
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.conversations import ConversationKey, StoreError, TurnRecord
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import TurnLimits, TurnRequest

pytestmark = pytest.mark.component

PATIENCE_SECONDS = 20


async def wait_for(is_true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_true():
            await asyncio.sleep(0.02)


async def test_a_turn_that_could_not_be_stored_is_not_reported_as_running_for_ever(
    own_redis_server: RedisServer,
) -> None:
    """Redis froze while the turn ended. When it was back, every replica said that the turn ran,
    for as long as its own lived, and the next turn at another one waited for it in vain."""
    assert own_redis_server.process
    async with open_redis(own_redis_server) as store, open_redis(own_redis_server) as other:
        record = make_record("one")
        conversation = await store.begin(record)
        own_redis_server.process.send_signal(signal.SIGSTOP)
        with pytest.raises(StoreError):
            await store.settle(end(record), conversation, heard_before=None)
        own_redis_server.process.send_signal(signal.SIGCONT)

        async def has_ended() -> bool:
            try:
                found = await other.find("user", "one")
            except StoreError:
                return False
            return found is not None and found.status != "running"

        await wait_for(has_ended)
        found = await other.find("user", "one")
        # Or completed, when Redis took what was sent before it froze.
        assert found is not None and found.status in ("failed", "completed")
        assert found.status == "completed" or found.reason == "conversation_not_saved"
        assert (await other.begin(make_record("two"))).turns[0].reply == "An answer."


async def test_a_begin_that_was_not_answered_leaves_no_turn_running(
    own_redis_server: RedisServer,
) -> None:
    """A frozen Redis carries out what it was sent after all, when it goes on."""
    assert own_redis_server.process
    async with open_redis(own_redis_server) as store, open_redis(own_redis_server) as other:
        await converse(store, "zero")
        own_redis_server.process.send_signal(signal.SIGSTOP)
        with pytest.raises(StoreError):
            await store.begin(make_record("one"))
        own_redis_server.process.send_signal(signal.SIGCONT)
        await wait_until_ready(store)
        await wait_until_ready(other)

        async def runs_nothing() -> bool:
            return all([turn["status"] != "running" async for turn in other.export(KEY)])

        await wait_for(runs_nothing)


async def test_a_turn_that_begins_after_all_was_deleted_is_known_to_live(
    own_redis_server: RedisServer,
) -> None:
    """FLUSHALL takes the leases, too: until the next renewal the other replica took every new
    turn for that of a dead one, said that it had failed, and let a second one run beside it."""
    stops = Stops()
    async with (
        open_redis(own_redis_server, lease_seconds=60, stops=stops) as store,
        open_redis(own_redis_server, lease_seconds=60) as other,
        connect(own_redis_server) as client,
    ):
        await client.flushall()
        record = make_record("one")
        conversation = await store.begin(record)
        found = await other.find("user", "one")
        assert found is not None and found.status == "running"
        beginning = asyncio.create_task(other.begin(make_record("two")))
        await asyncio.wait_for(stops.received.wait(), PATIENCE_SECONDS)
        await store.settle(end(record), conversation, heard_before=None)
        assert [turn.invocation_id for turn in (await beginning).turns] == ["one"]


async def test_what_began_after_all_was_deleted_is_not_overwritten(
    own_redis_server: RedisServer,
) -> None:
    """A turn from before the FLUSHALL settled after it, and with it an older turn that was heard
    in part: that one took the place of a newer turn, and the old state that of the new."""
    async with (
        open_redis(own_redis_server) as store,
        open_redis(own_redis_server) as other,
        connect(own_redis_server) as client,
    ):
        zero = await converse(store, "zero")
        late = make_record("late")
        before = await store.begin(late)
        before.state["from"] = "before"
        await client.flushall()
        new = make_record("new")
        after = await other.begin(new)
        after.state["from"] = "after"
        await other.settle(end(new, "A new answer."), after, heard_before=None)
        zero.heard = ""
        await store.settle(end(late), before, heard_before=zero)

        conversation = await other.begin(make_record("next"))
        assert conversation.state == {"from": "after"}
        told = [(turn.invocation_id, turn.reply) for turn in conversation.turns]
        assert told == [("new", "A new answer."), ("late", "An answer.")]


async def test_the_next_turn_of_a_dead_replica_says_that_its_turn_failed(
    redis_server: RedisServer,
) -> None:
    """It came before the lease had run out, and the turn was said to be superseded."""
    key = ConversationKey("", "dead")
    async with open_redis(redis_server, stop_seconds=0.1) as other:
        async with open_redis(redis_server, lease_seconds=60) as dying:
            await dying.begin(make_record("one", key))
            # As after kill -9: the lease holds, and nobody listens.
            for task in dying._replica._tasks:
                task.cancel()
            await asyncio.wait(dying._replica._tasks)
            dying._replica._tasks = []
            await other.begin(make_record("two", key))
        found = await other.find("", "one")
        assert found is not None and (found.status, found.reason) == ("failed", "replica_died")
        await other.purge(key)


@pytest.mark.parametrize("skew_s", [-300.0, 300.0])
async def test_clocks_that_disagree_do_not_change_what_was_heard(
    redis_server: RedisServer, skew_s: float
) -> None:
    """A replica whose clock was slow took every answer of the other one for unheard, and one
    whose clock was fast every answer that was interrupted for heard."""
    key = ConversationKey("", f"skew {skew_s}")

    async def speak(turn: Turn) -> AsyncIterator[Output]:
        yield "word " * 400 if turn.text == "long" else "Yes."

    async def say(engine: Engine, text: str, invocation_id: str) -> TurnRecord:
        turn = engine.begin(TurnRequest(key, invocation_id, "speech", text))
        async for _ in turn.listen().events():
            pass
        return turn.snapshot()

    async with (
        open_redis(redis_server) as store,
        open_redis(redis_server, now=lambda: time.time() + skew_s) as skewed,
    ):
        agent, limits = FunctionAgent(speak), TurnLimits()
        here, there = Engine(agent, store, limits), Engine(agent, skewed, limits)
        assert abs(here.now() - there.now()) < PATIENCE_SECONDS
        await say(here, "long", "one")
        # Sooner, nobody can have said it: what comes at once was typed.
        await asyncio.sleep(0.7)
        await say(there, "go on", "two")
        one = await store.find("", "one")
        assert one is not None
        # Some minutes of speech, of which a moment passed.
        assert one.heard is not None and one.interrupted
        await store.purge(key)


async def test_bytes_that_are_no_text_make_no_replica_deaf(redis_server: RedisServer) -> None:
    """Another program published some: nobody listened from then on, and nothing told so."""
    stops = Stops()
    key = ConversationKey("", "noise")
    async with (
        open_redis(redis_server, stops=stops) as store,
        open_redis(redis_server, stop_seconds=PATIENCE_SECONDS) as other,
        connect(redis_server) as client,
    ):
        await client.publish(store._replica._name(store._replica.id), b"\xff\xfe")
        record = make_record("one", key)
        await store.begin(record)
        stopping = asyncio.create_task(other.stop_elsewhere(record, "cancelled"))
        await asyncio.wait_for(stops.received.wait(), PATIENCE_SECONDS)
        stopping.cancel()
        await store.purge(key)


async def test_a_command_that_can_not_be_sent_holds_nobody_up(redis_server: RedisServer) -> None:
    """Two of them ended both senders, and every turn after them waited for ever."""
    async with open_redis(redis_server) as store:
        for _ in range(4):
            with pytest.raises(StoreError, match="no valid Unicode"):
                await store._link.run(("GET", "\ud800"))
        assert await asyncio.wait_for(store.ready(), PATIENCE_SECONDS)


async def test_a_full_disk_of_redis_is_told_so(own_redis_server: RedisServer) -> None:
    """The advice was to check the version of Redis."""
    async with open_redis(own_redis_server) as store, connect(own_redis_server) as client:
        # What can't be replaced can't be saved, even by root.
        (own_redis_server.directory / "dump.rdb" / "in the way").mkdir(parents=True)
        await client.config_set("save", "1 1")
        await client.set("something", "changed")

        async def has_failed() -> bool:
            info = await client.info("persistence")
            return bool(info["rdb_last_bgsave_status"] == "err")

        await wait_for(has_failed)
        with pytest.raises(StoreError, match="can't write to its disk"):
            await store.begin(make_record("one"))
        assert not await store.ready()
        await client.config_set("save", "")
        assert await store.ready()


async def test_a_conversation_whose_turns_were_deleted_goes_on(redis_server: RedisServer) -> None:
    """Somebody removed one of its keys while a turn ran: no turn could begin any more."""
    key = ConversationKey("", "partly deleted")
    async with open_redis(redis_server) as store, connect(redis_server) as client:
        await store.begin(make_record("one", key))
        _, turns, _ = store._keys_of(key)
        await client.delete(turns)
        await converse(store, "two", key=key)
        assert [turn["invocation_id"] async for turn in store.export(key)] == ["two"]
        await store.purge(key)


async def test_a_key_that_redis_names_twice_is_listed_once(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it may while its table changes size: the conversation was exported twice."""
    key = ConversationKey("", "twice")
    async with open_redis(redis_server) as store:
        await converse(store, "one", key=key)
        run, pages = store._link.run, 0

        async def run_twice(*commands: Any) -> list[Any]:
            """All that is found is found again on a second page."""
            nonlocal pages
            if commands[0][0] != "SCAN":
                return await run(*commands)
            ((_, found),) = await run(("SCAN", 0, *commands[0][2:-1], 100_000))
            pages += 1
            return [[pages % 2, found]]

        monkeypatch.setattr(store._link, "run", run_twice)
        assert [each async for each in store.list_keys()].count(key) == 1
        await store.purge(key)


async def test_a_connection_that_fails_while_it_is_closed_does_not_keep_the_store_open(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine with much other work a store was never closed, nor its server ended.

    A connection's failure on the way out had taken the place of the cancellation, which is what
    ends those who listen.
    """
    give_back = PubSub.aclose
    failures = iter([RedisConnectionError("reset")])

    async def fail(channel: PubSub) -> None:
        await give_back(channel)  # type: ignore[no-untyped-call]
        if error := next(failures, None):
            raise error

    monkeypatch.setattr(PubSub, "aclose", fail)
    async with asyncio.timeout(PATIENCE_SECONDS), open_redis(redis_server) as store:
        assert await store.ready()
    assert next(failures, None) is None
