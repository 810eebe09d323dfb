"""Replicas that are replaced while people talk: no stream is cut, no completed turn is lost."""

import asyncio
import signal
from dataclasses import dataclass, field

import httpx
import pytest

from tests.replicas.deployment import Deployment, Talker, find_text
from voicelive_agent.listening import find_free_port
from voicelive_agent.server.engine.ending import find_phrases

pytestmark = [pytest.mark.component, pytest.mark.asyncio(loop_scope="package")]

CLOSING = find_phrases("en").closing
CALLERS = 20
THINK_SECONDS = 0.2


@dataclass
class _Call:
    """One caller who talks on and on; ``texts`` are the answers that arrived whole."""

    talker: Talker
    url: str
    texts: dict[str, str] = field(default_factory=dict)

    async def talk(self, until: asyncio.Event) -> None:
        while not until.is_set():
            number = len(self.texts) + 1
            invocation_id = f"{self.talker.session_id}-{number}"
            # Every fifth takes seconds, so that the signal finds turns in their middle.
            text = f"slow {number}" if number % 5 == 0 else f"{number}"
            ids = {"x-agent-invocation-id": invocation_id}
            answer = await self.talker.say(self.url, text, ids)
            expected = f"{'Slowly: ' if number % 5 == 0 else ''}{number} at "
            assert answer.startswith(expected), "the state lost a completed turn"
            self.texts[invocation_id] = answer
            await asyncio.sleep(THINK_SECONDS)

    async def check(self) -> None:
        """Every turn whose end was heard is stored as it was heard."""
        for invocation_id, text in self.texts.items():
            report = await self.talker.report(self.url, invocation_id)
            assert (report["status"], report["text"]) == ("completed", text)


@pytest.mark.slow
async def test_a_rolling_restart_under_load_is_not_noticed(
    deployment: Deployment, client: httpx.AsyncClient
) -> None:
    calls = [_Call(Talker(client), deployment.url) for _ in range(CALLERS)]
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as talking:
        for call in calls:
            talking.create_task(call.talk(enough))
        # Each has turns behind it, and some are in the middle of a long one.
        while min(len(call.texts) for call in calls) < 4:
            await asyncio.sleep(0.01)
        for port in deployment.ports:
            await deployment.restart(port)
        enough.set()
    await asyncio.gather(*(call.check() for call in calls))
    ports = {text.split(" at ")[1].split(" ")[0] for call in calls for text in call.texts.values()}
    assert set(map(int, ports)) == set(deployment.ports)


async def test_a_draining_replica_is_left_by_new_turns_and_keeps_its_own(
    deployment: Deployment, client: httpx.AsyncClient
) -> None:
    draining_port, other_port = deployment.ports
    draining = deployment.replicas[draining_port]
    slow, talker = Talker(client), Talker(client)
    async with slow.start(draining.url, "slow") as stream:
        draining.signal(signal.SIGTERM)
        while (await client.get(draining.url + "/readiness")).status_code == 200:
            await asyncio.sleep(0.01)
        for _ in range(6):
            answer = await talker.say(deployment.url, "hello")
            assert f" at {other_port} " in answer
        report = await talker.report(deployment.url, stream.invocation_id)
        assert report["status"] == "running"
        events = await stream.finish()
    assert find_text(events) == f"Slowly: 1 at {draining_port} after []"
    assert await draining.wait() == 0, draining.log.read_text()
    # Turns that come while one replica is gone find the other.
    answers = [await slow.say(deployment.url, "on") for _ in range(2)]
    assert answers == [
        f"2 at {other_port} after [slow]",
        f"3 at {other_port} after [slow, on]",
    ]


async def test_a_turn_that_outlasts_the_grace_is_closed_and_goes_on_elsewhere(
    deployment: Deployment, client: httpx.AsyncClient
) -> None:
    port = find_free_port()
    await deployment.start_replica(port, VOICELIVE_SHUTDOWN_GRACE_SECONDS="0.5")
    ending = deployment.replicas[port]
    talker = Talker(client)
    async with talker.start(ending.url, "wait") as stream:
        ending.signal(signal.SIGTERM)
        events = await stream.finish()
    assert find_text(events) == f"Waiting. {CLOSING}"
    answer = await talker.say(deployment.url, "and again")
    assert answer.startswith("2 at ")
    assert await ending.wait() == 0, ending.log.read_text()
    report = await talker.report(deployment.url, stream.invocation_id)
    assert (report["status"], report["text"]) == ("cancelled", f"Waiting. {CLOSING}")
