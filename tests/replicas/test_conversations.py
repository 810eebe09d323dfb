"""One conversation whose turns reach any replica."""

import asyncio
import uuid
from pathlib import Path

import httpx
import pytest

from tests.replicas.deployment import Deployment, Talker, deploy

pytestmark = [pytest.mark.component, pytest.mark.asyncio(loop_scope="package")]


@pytest.fixture
def talker(client: httpx.AsyncClient) -> Talker:
    return Talker(client)


async def test_history_and_state_go_on_at_the_other_replica(
    deployment: Deployment, talker: Talker
) -> None:
    said: list[str] = []
    ports: list[str] = []
    for number in range(1, 7):
        answer = await talker.say(deployment.url, f"line {number}")
        count, _, port, _, earlier = answer.split(" ", 4)
        assert (count, earlier) == (str(number), f"[{', '.join(said)}]")
        said.append(f"line {number}")
        ports.append(port)
    assert set(map(int, ports)) == set(deployment.ports), "nginx kept the session at one replica"


async def test_the_demo_books_a_table_though_each_turn_reaches_another_replica(
    tmp_path: Path, talker: Talker
) -> None:
    async with deploy(tmp_path, agent="examples.front_desk:reply") as deployment:
        for number, line in enumerate(
            ("hello", "a table for four tomorrow at seven under the name Badofi", "yes", "yes")
        ):
            await talker.say(deployment.urls[number % 2], line)
        for url in deployment.urls:
            assert "Badofi" in await talker.say(url, "can you repeat my booking")


async def test_a_new_turn_supersedes_the_one_at_the_other_replica(
    deployment: Deployment, talker: Talker
) -> None:
    here, there = deployment.urls
    async with talker.start(here, "wait here") as waiting:
        answer = await talker.say(there, "and now there")
        events = await asyncio.wait_for(waiting.finish(), 5)
    assert [event["type"] for event in events] == [
        "output_audio_transcription.delta",
        "output_audio_transcription.done",
        "done",
    ]
    # What the agent left in the state before it was interrupted is there, too.
    assert answer.startswith("2 at ")
    assert answer.endswith("after [wait here]")
    for url in deployment.urls:
        report = await talker.report(url, waiting.invocation_id)
        assert (report["status"], report["interrupted"]) == ("cancelled", True)
        assert report["text"] == "Waiting."


async def test_many_turns_at_once_at_both_replicas_end_one_after_the_other(
    deployment: Deployment, talker: Talker
) -> None:
    """Each supersedes the one before it, wherever that runs; the last one answers."""

    async def say(number: int) -> str:
        url = deployment.urls[number % 2]
        headers = {"x-agent-invocation-id": f"{talker.session_id}-{number}"}
        return await talker.say(url, f"wait {number}" if number < 7 else "last", headers)

    turns = []
    for number in range(8):
        turns.append(asyncio.create_task(say(number)))
        await asyncio.sleep(0.01)
    _, pending = await asyncio.wait(turns, timeout=20)
    running = []
    for number in range(8):
        report = await talker.report(deployment.url, f"{talker.session_id}-{number}")
        assert report["http_status"] == 200
        if report["status"] == "running":
            running.append(number)
    # Which one came last is the network's choice; but at most one turn is active.
    assert len(running) == len(pending) <= 1
    for number in running:
        await talker.cancel(deployment.url, f"{talker.session_id}-{number}")
    await asyncio.gather(*turns)


async def test_get_and_cancel_reach_the_replica_that_runs_the_turn(
    deployment: Deployment, talker: Talker
) -> None:
    here, there = deployment.urls
    async with talker.start(here, "wait here") as waiting:
        report = await talker.report(there, waiting.invocation_id)
        assert (report["http_status"], report["status"]) == (200, "running")
        cancelled = await talker.cancel(there, waiting.invocation_id)
        assert (cancelled["http_status"], cancelled["status"]) == (200, "cancelled")
        assert cancelled["text"] == "Waiting."
        await asyncio.wait_for(waiting.finish(), 5)
    assert await talker.report(here, waiting.invocation_id) == cancelled
    again = await talker.cancel(there, waiting.invocation_id)
    assert again == cancelled


async def test_users_of_one_session_are_kept_apart(
    deployment: Deployment, client: httpx.AsyncClient
) -> None:
    """The same session id and invocation id of two users name two conversations and two turns."""
    session_id = uuid.uuid4().hex
    ids = {"x-agent-invocation-id": "the-same"}
    here, there = deployment.urls
    ann, bob, nobody = (
        Talker(client, session_id, {"x-agent-user-id": name} if name else {})
        for name in ("ann", "bob", "")
    )
    async with ann.start(here, "wait, says Ann", ids) as waiting:
        assert (await ann.report(there, "the-same"))["status"] == "running"
        answer = await bob.say(there, "Bob here", ids)
        assert answer.startswith("1 at ")
        assert answer.endswith("after []")
        assert (await bob.report(here, "the-same"))["text"] == answer
        assert (await bob.cancel(here, "the-same"))["status"] == "completed"
        assert (await ann.report(there, "the-same"))["status"] == "running"
        for url in deployment.urls:
            assert (await nobody.cancel(url, "the-same"))["http_status"] == 404
        assert (await ann.report(there, "the-same"))["status"] == "running"
        await ann.cancel(there, "the-same")
        await waiting.finish()
    answer = await ann.say(there, "again")
    assert answer.endswith("after [wait, says Ann]")


async def test_a_caller_who_hangs_up_is_known_at_the_other_replica(
    deployment: Deployment, talker: Talker
) -> None:
    """nginx passes the broken connection on; the next turn sees where it broke off."""
    async with talker.start(deployment.url, "wait for me") as waiting:
        pass
    async with asyncio.timeout(10):
        while (await talker.report(deployment.url, waiting.invocation_id))["status"] == "running":
            await asyncio.sleep(0.02)
    report = await talker.report(deployment.url, waiting.invocation_id)
    assert (report["status"], report["interrupted"]) == ("cancelled", True)
    assert (await talker.say(deployment.url, "back")).endswith("after [wait for me]")
