"""A busy or broken model: asked again only where waiting can mend it."""

import asyncio
import socket

import pytest

from tests.frameworks.asking import Interrupted, collect, say, speech
from tests.frameworks.openai_server import Break, Call, OpenAIServer, Refuse
from tests.model_agent.running import Configure, running
from voicelive_agent.agent import ClientEvent


async def test_a_busy_model_is_asked_again_when_it_said(
    configure: Configure, server: OpenAIServer
) -> None:
    configure()
    async with running() as agent:
        server.answer(Refuse(retry_after="0.01"))
        server.answer(Refuse(503))
        server.answer("Here.")
        assert await say(agent, speech("hi")) == "Here."
    assert len(server.requests) == 3


async def test_a_tool_does_not_run_twice_for_a_busy_model(
    configure: Configure, server: OpenAIServer
) -> None:
    configure(VOICELIVE_AGENT_TOOLS="desk_tools:get_weather")
    async with running() as agent:
        server.answer("A moment.", Call("get_weather", city="Oslo"))
        server.answer(Refuse(retry_after="0.01"))
        server.answer("Rain.")
        outputs = await collect(agent.reply(speech("weather?")))
        assert outputs == ["A moment.", ClientEvent("ui.card", title="Oslo"), " Rain."]
    import desk_tools  # type: ignore[import-not-found]

    assert desk_tools.calls == ["Oslo"]


@pytest.mark.parametrize(
    "refusal",
    [
        Refuse(retry_after="60"),
        Refuse(code="insufficient_quota"),
        Refuse(400, code="bad_request"),
        Refuse(401, code="invalid_api_key"),
    ],
    ids=["too long", "no quota", "bad request", "wrong key"],
)
async def test_what_waiting_can_not_mend_is_raised_at_once(
    configure: Configure, server: OpenAIServer, refusal: Refuse
) -> None:
    configure()
    async with running() as agent:
        server.answer(refusal)
        with pytest.raises(Exception, match="status_code"):
            await say(agent, speech("hi"))
    assert len(server.requests) == 1


async def test_it_stops_asking_at_the_deadline(configure: Configure, server: OpenAIServer) -> None:
    configure(VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS="0.5")
    async with running() as agent:
        for _ in range(9):
            server.answer(Refuse(retry_after="0.2"))
        with pytest.raises(Exception, match="429"):
            await say(agent, speech("hi"))
    assert 1 <= len(server.requests) <= 3


async def test_a_model_that_is_away_is_raised(configure: Configure) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        configure(
            VOICELIVE_AGENT_MODEL_BASE_URL=f"http://127.0.0.1:{unused.getsockname()[1]}/v1",
            VOICELIVE_FIRST_DELTA_TIMEOUT_SECONDS="0.3",
        )
        async with running() as agent:
            with pytest.raises(Exception, match=r"[Cc]onnection"):
                await say(agent, speech("hi"))


async def test_a_failure_after_the_first_words_is_not_repeated(
    configure: Configure, server: OpenAIServer
) -> None:
    configure()
    async with running() as agent:
        server.answer("One,", Break())
        replies = agent.reply(speech("count"))
        assert await anext(replies) == "One,"
        with pytest.raises(Exception, match=r"[Cc]onnection"):
            await collect(replies)
    assert len(server.requests) == 1


async def test_barge_in_while_it_waits_for_a_busy_model(
    configure: Configure, server: OpenAIServer
) -> None:
    configure()
    async with running() as agent:
        server.answer(Refuse(retry_after="8"))
        turn = Interrupted(agent, speech("hi"))
        await server.wait_for_request(1)
        await asyncio.wait_for(turn.cancel(), 5)
    assert len(server.requests) == 1
