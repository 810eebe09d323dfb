from collections.abc import AsyncIterator

import httpx

from tests.emulator.conversing import open_desk
from tests.server.serving import serve_agent
from voicelive_agent.agent import Output, Turn
from voicelive_agent.emulator.agents.endpoint import LOCAL_USER_ID
from voicelive_agent.wire.invocations import SESSION_QUERY, USER_HEADER, speech_input


class Greeter:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield "Good morning."


async def test_a_local_agent_is_asked_for_its_history() -> None:
    async with serve_agent(Greeter()) as agent:
        await agent.post(
            "/invocations",
            params={SESSION_QUERY: "conv_1"},
            json=speech_input("hello"),
            headers={USER_HEADER: LOCAL_USER_ID},
        )
        agents = [f"desk={agent.base_url}", "far=http://198.51.100.7:1"]
        async with (
            open_desk(agents=agents) as desk,
            httpx.AsyncClient(base_url=desk.url) as http,
        ):
            shown = await http.get("/conversations/conv_1?agent=desk")
            assert shown.status_code == 200, shown.text
            (turn,) = shown.json()["turns"]
            assert (turn["text"], turn["reply"]) == ("hello", "Good morning.")
            for query, reason in (("far", "elsewhere"), ("nobody", "GET /about")):
                refused = await http.get(f"/conversations/conv_1?agent={query}")
                assert refused.status_code == 404
                assert reason in refused.json()["error"]["message"]


async def test_an_agent_that_is_away_or_shows_nothing_is_told() -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        away = await http.get("/conversations/conv_1?agent=desk")
        assert away.status_code == 404
        assert "does not answer" in away.json()["error"]["message"]
    async with serve_agent(Greeter(), api_key="s3cret") as agent:
        agents = [f"desk={agent.base_url}"]
        async with (
            open_desk(agents=agents) as desk,
            httpx.AsyncClient(base_url=desk.url) as http,
        ):
            closed = await http.get("/conversations/conv_1?agent=desk")
            assert "shows no conversations" in closed.json()["error"]["message"]
