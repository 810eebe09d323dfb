"""Fillers: spoken once for each wait, and never in the middle of a sentence."""

import asyncio

import pytest

from tests.frameworks.asking import Interrupted, collect, end, say, speech
from tests.frameworks.openai_server import Call, OpenAIServer
from tests.model_agent.running import Configure, running
from voicelive_agent.agent import ClientEvent


@pytest.fixture
def gate(configure: Configure) -> asyncio.Event:
    """What the weather waits for; fillers come after 10 ms of it."""
    configure(
        VOICELIVE_AGENT_TOOLS="desk_tools:get_weather",
        VOICELIVE_AGENT_FILLER_AFTER_MS="10",
        VOICELIVE_AGENT_FILLER_TEXTS="Hm.|Well.",
    )
    import desk_tools  # type: ignore[import-not-found]

    gate = asyncio.Event()
    desk_tools.gate = gate
    return gate


async def test_a_filler_is_spoken_once_for_each_wait(
    gate: asyncio.Event, server: OpenAIServer
) -> None:
    async with running() as agent:
        server.answer("Let me see.", Call("get_weather", city="Oslo"))
        server.answer(Call("get_weather", city="Rome"))
        server.answer("Both wet. And", " Bern?", Call("get_weather", city="Bern"))
        server.answer("Wet too.")
        turn = speech("weather?")
        replies = agent.reply(turn)
        assert await anext(replies) == "Let me see."
        filler = await anext(replies)
        assert filler in (" Hm.", " Well.")
        # The second tool belongs to the same wait, though it takes long again.
        import desk_tools

        gate.set()
        assert await anext(replies) == ClientEvent("ui.card", title="Oslo")
        again = desk_tools.gate = asyncio.Event()
        reading = asyncio.ensure_future(anext(replies))
        await server.wait_for_request(2)
        while desk_tools.calls != ["Oslo", "Rome"]:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert not reading.done()
        again.set()
        assert await reading == ClientEvent("ui.card", title="Rome")
        desk_tools.gate = asyncio.Event()
        assert [await anext(replies), await anext(replies)] == [" Both wet. And", " Bern?"]
        # The model has spoken, so this is a new wait; the same filler doesn't come twice.
        other = await anext(replies)
        assert {filler, other} == {" Hm.", " Well."}
        desk_tools.gate.set()
        assert await collect(replies) == [ClientEvent("ui.card", title="Bern"), " Wet too."]
        # The fillers are no words of the model's own.
        past = end(turn, f"Let me see.{filler} Both wet. And Bern?{other} Wet", interrupted=True)
        await say(agent, speech("stop", past))
    assert [line for line in server.requests[4].transcript() if "assistant" in line] == [
        "assistant: Let me see.",
        "assistant: Both wet. And Bern?",
        "assistant: Wet",
    ]


async def test_no_filler_in_the_middle_of_a_sentence(
    gate: asyncio.Event, server: OpenAIServer
) -> None:
    async with running() as agent:
        server.answer("The weather in Oslo is", Call("get_weather", city="Oslo"))
        server.answer("wet.")
        replies = agent.reply(speech("weather?"))
        assert await anext(replies) == "The weather in Oslo is"
        reading = asyncio.ensure_future(anext(replies))
        await asyncio.sleep(0.05)
        assert not reading.done()
        gate.set()
        assert [await reading, *await collect(replies)] == [
            ClientEvent("ui.card", title="Oslo"),
            " wet.",
        ]


async def test_a_filler_is_in_the_callers_language(
    gate: asyncio.Event, configure: Configure, server: OpenAIServer
) -> None:
    configure(VOICELIVE_AGENT_FILLER_AFTER_MS="10", VOICELIVE_AGENT_FILLER_TEXTS="[]")
    async with running() as agent:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Nass.")
        replies = agent.reply(speech("wetter?", language="de-AT"))
        assert await anext(replies) in (
            "Einen Moment bitte.",
            "Ich sehe kurz nach.",
            "Das dauert nur einen Augenblick.",
        )
        gate.set()
        await collect(replies)


async def test_no_filler_for_a_quick_tool(
    gate: asyncio.Event, configure: Configure, server: OpenAIServer
) -> None:
    configure(VOICELIVE_AGENT_FILLER_AFTER_MS="10000")
    gate.set()
    async with running() as agent:
        server.answer(Call("get_weather", city="Oslo"))
        server.answer("Wet.")
        outputs = await collect(agent.reply(speech("weather?")))
        assert outputs == [ClientEvent("ui.card", title="Oslo"), "Wet."]


async def test_no_filler_after_a_barge_in(gate: asyncio.Event, server: OpenAIServer) -> None:
    async with running() as agent:
        server.answer(Call("get_weather", city="Oslo"))
        turn = Interrupted(agent, speech("weather?"))
        while not turn.outputs:
            await asyncio.sleep(0.001)
        past = await turn.cancel()
        server.answer("All right.")
        assert await say(agent, speech("never mind", past)) == "All right."
    lines = server.requests[1].transcript()
    assert "call get_weather(city=Oslo)" in lines
    assert not [line for line in lines if line.startswith("assistant")]
