"""Which protocol an agent speaks, found by asking it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.emulator.conversing import Client, loud, open_client, open_desk, quiet
from tests.server.serving import serve
from tests.server.wires.bridge.bridge_side import serve_calls
from voicelive_agent.agent import Agent, Output, Turn
from voicelive_agent.emulator.agents import AgentBackend, AgentRequest, AnswerError, TextDelta
from voicelive_agent.emulator.agents.auto import AutoBackend
from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend
from voicelive_agent.emulator.agents.invocations import InvocationsBackend


class Echo:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield f"You said {turn.text}."


async def ask(backend: AgentBackend, text: str = "hello") -> str:
    await backend.start()
    session = backend.open_session("s_1")
    try:
        events = [event async for event in session.answer(AgentRequest(text=text))]
    finally:
        await session.close()
        await backend.stop()
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("wires", [("bridge",), ("invocations",), ("invocations", "bridge")])
async def test_our_server_is_called_by_what_it_serves(
    wires: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with serve_calls(Echo(), wires=wires) as url:
        assert await ask(AutoBackend(url.replace("ws", "http", 1))) == "You said hello."
    # As in a manifest, the Bridge goes before Invocations.
    expected = "bridge" if "bridge" in wires else "invocations"
    assert f"by its protocol {expected}" in caplog.text


async def test_an_agent_of_responses_is_called_by_responses() -> None:
    async def answer(request: object) -> JSONResponse:
        return JSONResponse({"error": {"message": "not today"}}, status_code=503)

    app = Starlette(routes=[Route("/responses", answer, methods=["POST"])])
    async with serve(app) as url:
        with pytest.raises(AnswerError, match="/responses with HTTP 503"):
            await ask(AutoBackend(url))


async def test_nobody_there() -> None:
    with pytest.raises(AnswerError) as error:
        await ask(AutoBackend("http://127.0.0.1:9"))
    assert error.value.code == "agent_unreachable"


async def test_the_bridge_where_only_invocations_is_served_names_the_other() -> None:
    async with serve_calls(Echo(), wires=("invocations",)) as url:
        with pytest.raises(AnswerError, match="--agent-protocol invocations"):
            await ask(BridgeBackend(url.replace("ws", "http", 1)))


async def test_invocations_where_only_the_bridge_is_served_names_the_other() -> None:
    async with serve_calls(Echo(), wires=("bridge",)) as url:
        with pytest.raises(AnswerError, match="--agent-protocol bridge"):
            await ask(InvocationsBackend(url.replace("ws", "http", 1)))


@asynccontextmanager
async def calling(agent: Agent) -> AsyncIterator[Client]:
    """A caller of our own server, by way of the emulator and the Bridge."""
    async with serve_calls(agent) as url, open_desk() as desk:
        desk.engines.agents["desk"] = BridgeBackend(url.replace("ws", "http", 1))  # type: ignore[index]
        async with open_client(desk) as client:
            yield client


async def test_what_was_heard_is_known_to_the_agent() -> None:
    """Voice Live tells it in words; the history holds them and no more."""
    histories: list[list[str]] = []

    class LongAnswers:
        async def reply(self, turn: Turn) -> AsyncIterator[Output]:
            histories.append([one.reply for one in turn.history])
            yield "One two three four five six seven eight nine ten. " * 4

    async with calling(LongAnswers()) as client:
        await client.append(loud(600) + quiet(1200))
        await client.receive("response.done")
        # The text has run far ahead of its sound, which plays on.
        await asyncio.sleep(1.0)
        await client.append(loud(600) + quiet(1200))
        await client.receive("response.created")
        await client.receive("response.audio_transcript.delta")
    assert len(histories) == 2
    heard = histories[1][0]
    assert heard.startswith("One two")
    assert len(heard) < 150
