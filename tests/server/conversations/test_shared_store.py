"""Several stores on one place: workers of one machine (SQLite), replicas (Redis)."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.server.conversations.backends import KEY, Backend, Stops, converse, end, make_record
from voicelive_agent.server.conversations import Conversation, ConversationKey, TurnRecord

ROOT = Path(__file__).parents[3]
DIED = {"sqlite": "process_died", "redis": "replica_died"}

# Begins one turn in the store named by its argument, says so, and waits to be killed.
_OTHER_PROCESS = """
import asyncio, sys
from voicelive_agent.server.conversations import open_store
from tests.server.conversations.backends import make_record

async def main():
    store = open_store(sys.argv[1], lease_seconds=0.6)
    await store.open(lambda *request: print("asked", flush=True))
    await store.begin(make_record("left running"))
    print("begun", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def other_process(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that runs the turn "left running"."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OTHER_PROCESS, url, cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        assert await process.stdout.readline() == b"begun\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def settle_when_asked(store: Any, stops: Stops, record: TurnRecord, reply: str) -> None:
    """What an engine does when its turn is to be stopped."""
    await stops.received.wait()
    end(record, reply, status="cancelled", reason="superseded", interrupted=True)
    await store.settle(record, Conversation(state={"of": "a"}), heard_before=None)


async def wait_until_failed(store: Any, invocation_id: str) -> TurnRecord:
    while True:
        found = await store.find("user", invocation_id)
        assert found is not None
        if found.status != "running":
            assert isinstance(found, TurnRecord)
            return found
        await asyncio.sleep(0.02)


async def test_a_turn_of_one_is_seen_by_the_other(shared: Backend) -> None:
    a, b = await shared.open(), await shared.open()
    record = make_record("one")
    conversation = await a.begin(record)
    assert await b.find("user", "one") == record
    conversation.state["x"] = 1
    await a.settle(end(record), conversation, heard_before=None)
    assert await b.find("user", "one") == record
    assert await b.begin(make_record("two")) == Conversation([record], {"x": 1}, "")


async def test_a_turn_supersedes_one_that_runs_elsewhere(shared: Backend) -> None:
    stops = Stops()
    a, b = await shared.open(stops=stops), await shared.open()
    older, newer = make_record("older"), make_record("newer")
    await a.begin(older)
    conversation, _ = await asyncio.gather(
        b.begin(newer), settle_when_asked(a, stops, older, "Half an")
    )
    assert set(stops.requests) == {(KEY, "older", "superseded")}
    assert conversation == Conversation([older], {"of": "a"}, "")
    assert newer.sequence == older.sequence + 1


async def test_a_stop_asks_only_for_the_one_conversation(shared: Backend) -> None:
    """Two users may use the same invocation id at the same time."""
    stops = Stops()
    a, b = await shared.open(stops=stops), await shared.open()
    mine, theirs = make_record("same"), make_record("same", ConversationKey("them", "session"))
    await a.begin(mine)
    await a.begin(theirs)
    running = await b.find("them", "same")
    stopped, _ = await asyncio.gather(
        b.stop_elsewhere(running, "cancelled"), settle_when_asked(a, stops, theirs, "")
    )
    assert stopped == theirs
    assert set(stops.requests) == {(theirs.key, "same", "cancelled")}
    found = await b.find("user", "same")
    assert found is not None and found.status == "running"


async def test_who_does_not_stop_in_time_loses_its_place(shared: Backend) -> None:
    stops = Stops()
    a, b = await shared.open(stops=stops), await shared.open(stop_seconds=0.2)
    older, newer = make_record("older"), make_record("newer")
    late_conversation = await a.begin(older)
    conversation = await b.begin(newer)
    assert stops.requests
    assert [(t.status, t.reason) for t in conversation.turns] == [("cancelled", "superseded")]

    # Now it comes, too late: its own record is corrected, the newer turn is left alone.
    late_conversation.state["late"] = True
    await a.settle(end(older, "What was said."), late_conversation, heard_before=None)
    running = await a.find("user", "newer")
    assert running is not None and running.status == "running"
    conversation.state["newer"] = True
    await b.settle(end(newer), conversation, heard_before=None)
    conversation = await a.begin(make_record("next"))
    assert conversation.state == {"newer": True}
    assert [t.reply for t in conversation.turns] == ["What was said.", "An answer."]


async def test_two_begin_at_once_and_both_are_kept(shared: Backend) -> None:
    stops = {name: Stops() for name in "abc"}
    stores = {name: await shared.open(stops=stops[name]) for name in "abc"}

    async def talk(name: str) -> None:
        for number in range(3):
            record = make_record(f"{name}{number}")
            stops[name].received.clear()
            conversation = await stores[name].begin(record)
            assert [t.status for t in conversation.turns if t.status == "running"] == []
            await stores[name].settle(end(record, name), conversation, heard_before=None)

    await asyncio.gather(*(talk(name) for name in "abc"))
    exported = [turn async for turn in stores["a"].export(KEY)]
    assert sorted(t["invocation_id"] for t in exported) == sorted(
        f"{name}{number}" for name in "abc" for number in range(3)
    )
    assert [t["sequence"] for t in exported] == list(range(1, 10))


async def test_a_closed_store_leaves_no_turn_running(shared: Backend) -> None:
    a, b = await shared.open(), await shared.open()
    await a.begin(make_record("one"))
    await shared.close(a)
    found = await wait_until_failed(b, "one")
    assert (found.status, found.reason) == ("failed", DIED[shared.kind])


async def test_a_killed_process_leaves_no_turn_running(shared: Backend) -> None:
    store = await shared.open()
    async with other_process(shared.url) as process:
        found = await store.find("user", "left running")
        assert found is not None and found.status == "running"
        process.send_signal(signal.SIGKILL)
        await process.wait()
        found = await asyncio.wait_for(wait_until_failed(store, "left running"), 10)
    assert (found.status, found.reason, found.text) == (
        "failed",
        DIED[shared.kind],
        "what about left running",
    )
    assert found.ended_at


async def test_a_turn_goes_on_where_a_process_was_killed(shared: Backend) -> None:
    """The caller speaks again at once: the dead turn must not hold the next one up for long."""
    store = await shared.open(stop_seconds=30)
    await converse(store, "before")
    async with other_process(shared.url) as process:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        record = make_record("next")
        conversation = await asyncio.wait_for(store.begin(record), 10)
    assert [(t.invocation_id, t.reason) for t in conversation.turns] == [
        ("before", "completed"),
        ("left running", DIED[shared.kind]),
    ]


async def test_export_shows_a_killed_turn_as_failed(shared: Backend) -> None:
    store = await shared.open()
    async with other_process(shared.url) as process:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await asyncio.wait_for(wait_until_failed(store, "left running"), 10)
    assert [turn["status"] async for turn in store.export()] == ["failed"]


async def test_a_stop_reaches_another_process(shared: Backend) -> None:
    store = await shared.open(stop_seconds=0.5)
    async with other_process(shared.url) as process:
        running = await store.find("user", "left running")
        assert running is not None
        stopped = await store.stop_elsewhere(running, "cancelled")
        assert process.stdout
        assert await asyncio.wait_for(process.stdout.readline(), 10) == b"asked\n"
    assert (stopped.status, stopped.reason) == ("cancelled", "cancelled")
