"""Whole calls by the emulator over the Bridge: to our own server, and to Microsoft's host."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed

from tests.emulator.conversing import Client, loud, open_client, open_desk, quiet
from tests.server.serving import serve
from tests.server.wires.bridge.bridge_side import serve_calls
from voicelive_agent.agent import Agent, EndCall, Output, Turn
from voicelive_agent.emulator.agents import AgentBackend
from voicelive_agent.emulator.agents.auto import AutoBackend
from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend
from voicelive_agent.server.engine.announcements import announce

TAXI = "Your taxi is here, " + "and it waits for you at the gate, " * 4 + "in the rain."


class Desk:
    """Greets back, announces what it is asked to, and gives up on those who say nothing."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.said: list[bool] = []
        self.background: set[asyncio.Task[None]] = set()

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        self.turns.append(turn)
        if turn.kind == "no_input":
            if turn.no_input_count == 2:
                yield "Goodbye."
                yield EndCall("nobody there")
            return
        if turn.text == "call me":
            self.background.add(asyncio.create_task(self.watch(turn)))
        yield f"You said {turn.text}."

    async def watch(self, turn: Turn) -> None:
        self.said.append(await announce(turn, TAXI, wait_ms=20_000))


@asynccontextmanager
async def calling(backend: AgentBackend) -> AsyncIterator[Client]:
    """A caller of an agent, by way of the emulator."""
    async with open_desk() as desk:
        desk.engines.agents["desk"] = backend  # type: ignore[index]
        async with open_client(desk) as client:
            yield client


@asynccontextmanager
async def calling_ours(
    agent: Agent, kind: type[BridgeBackend] | type[AutoBackend] = BridgeBackend, **options: Any
) -> AsyncIterator[Client]:
    async with (
        serve_calls(agent) as url,
        calling(kind(url.replace("ws", "http", 1), **options)) as client,
    ):
        yield client


async def hear(client: Client) -> str:
    """What the next response says."""
    await client.receive("response.created")
    done = await client.receive("response.done")
    assert done["response"]["status"] == "completed", done
    (item,) = done["response"]["output"]
    return str(item["content"][0]["transcript"])


@pytest.mark.parametrize("kind", [BridgeBackend, AutoBackend])
async def test_our_agent_speaks_first_when_what_it_said_has_been_played(
    kind: type[BridgeBackend] | type[AutoBackend],
) -> None:
    desk = Desk()
    async with calling_ours(desk, kind) as client:
        await client.say_text("call me")
        assert await hear(client) == "You said call me."
        assert await hear(client) == TAXI
        await client.say_text("thanks")
        assert await hear(client) == "You said thanks."
    assert desk.said == [True]
    assert [past.reply for past in desk.turns[-1].history] == ["You said call me.", TAXI]


async def test_our_agent_is_told_of_silences_and_hangs_up() -> None:
    """The first stays without an answer, and the client sees nothing of it."""
    desk = Desk()
    async with calling_ours(desk, no_input_ms=300) as client:
        assert await hear(client) == "Goodbye."
        told = await client.receive("response.invocation.delta")
        assert told["delta"] == {"type": "agent.end_call", "reason": "nobody there"}
        with pytest.raises(ConnectionClosed):
            await client.receive("response.done")
        assert client.socket.close_code == 1000
    assert [turn.no_input_count for turn in desk.turns] == [1, 2]
    assert client.types().count("response.created") == 1


async def test_our_agent_knows_what_it_was_greeted_with() -> None:
    desk = Desk()
    async with calling_ours(desk) as client:
        prepared = {"content": [{"type": "text", "text": "Welcome aboard."}]}
        await client.send("response.create", response={"pre_generated_assistant_message": prepared})
        assert await hear(client) == "Welcome aboard."
        await client.say_text("hello")
        assert await hear(client) == "You said hello."
    (greeting,) = desk.turns[0].history
    assert (greeting.kind, greeting.reply) == ("greeting", "Welcome aboard.")


async def test_what_was_played_of_an_announcement_is_known() -> None:
    desk = Desk()
    async with calling_ours(desk) as client:
        await client.say_text("call me")
        assert await hear(client) == "You said call me."
        assert await hear(client) == TAXI
        await asyncio.sleep(0.5)
        await client.append(loud(600) + quiet(1200))
        assert (await hear(client)).startswith("You said")
    (announced,) = [past for past in desk.turns[-1].history if past.kind == "announcement"]
    assert announced.reply.startswith("Your taxi")
    assert len(announced.reply) < len(TAXI)


def official_host() -> Starlette:
    """An agent of Microsoft's host that speaks first, and answers silences."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from azure.ai.agentserver.invocations import voice
    host = voice.VoiceAgentServerHost(configure_observability=None)

    async def say(session: Any, text: str, response_id: str, ts: str) -> None:
        ids: Any = {"response_id": response_id, "ts": ts}
        message = voice.new_message_id
        await session.send(
            voice.ResponseOutputTextDone(
                id=message(), item_id=voice.new_item_id(), text=text, **ids
            )
        )
        await session.send(voice.ResponseDone(id=message(), **ids))

    async def answer(session: Any, message: Any, text: str) -> None:
        response_id = voice.new_response_id()
        created = voice.ResponseCreated(
            id=voice.new_message_id(),
            ts=message.ts,
            response_id=response_id,
            in_reply_to=(message.item_id,),
        )
        await session.send(created)
        await say(session, text, response_id, message.ts)

    @host.on_session_start
    async def start(session: Any, message: Any) -> None:
        await session.send(voice.SessionReady(id=voice.new_message_id(), ts=message.ts))
        created = voice.ResponseCreated(
            id=voice.new_message_id(),
            ts=message.ts,
            response_id=voice.new_response_id(),
            supersede_key="hello",
        )
        await session.send(created)

    @host.on_response_accepted
    async def accepted(session: Any, message: Any) -> None:
        await say(session, "Good day from the host.", message.response_id, message.ts)

    @host.on_user_message
    async def heard(session: Any, message: Any) -> None:
        await answer(session, message, f"You said {message.content[0].text}.")

    @host.on_user_no_input
    async def silence(session: Any, message: Any) -> None:
        await answer(session, message, f"Silence {message.count}.")

    return host


@pytest.mark.filterwarnings("ignore")
async def test_microsofts_host_speaks_first_answers_and_hears_silences() -> None:
    async with (
        serve(official_host()) as url,
        calling(BridgeBackend(url, no_input_ms=600)) as client,
    ):
        assert await hear(client) == "Good day from the host."
        await client.say_text("hello")
        assert await hear(client) == "You said hello."
        assert await hear(client) == "Silence 1."
        assert await hear(client) == "Silence 2."


async def test_our_agent_is_greeted_for() -> None:
    desk = Desk()
    async with calling_ours(desk, greeting="Welcome aboard.") as client:
        assert await hear(client) == "Welcome aboard."
        await client.say_text("hello")
        assert await hear(client) == "You said hello."
    (greeting,) = desk.turns[0].history
    assert (greeting.kind, greeting.reply) == ("greeting", "Welcome aboard.")
