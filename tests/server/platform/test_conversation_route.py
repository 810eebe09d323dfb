import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.server.serving import serve_agent
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings
from voicelive_agent.wire.invocations import speech_input

USER = {"x-agent-user-id": "ann"}
PATH = "/conversations/call-1"


class Counter:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        turn.state["turns"] = len(turn.history) + 1
        turn.notes["length"] = len(turn.text)
        self.turn = turn
        yield f"That was {turn.text}."


async def say(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post(
        "/invocations",
        params={"agent_session_id": "call-1"},
        json=speech_input(text),
        headers=USER,
    )
    assert answer.status_code == 200, answer.text


async def test_a_developer_sees_what_the_next_turn_will_be_given() -> None:
    agent = Counter()
    async with serve_agent(agent) as client:
        await say(client, "one")
        await say(client, "two")
        shown: dict[str, Any] = (await client.get(PATH, headers=USER)).json()
        await say(client, "three")
    assert [turn["reply"] for turn in shown["turns"]] == [past.reply for past in agent.turn.history]
    assert shown["next"]["history"] == json.loads(
        json.dumps([dict_of(past) for past in agent.turn.history], default=dict)
    )
    assert shown["next"]["state"] == shown["state"] == {"turns": 2}
    assert shown["turns"][0]["notes"]["length"] > 0
    assert shown["running"] is None


def dict_of(past: Any) -> dict[str, Any]:
    return {name: getattr(past, name) for name in past.__dataclass_fields__}


async def test_a_conversation_of_another_user_is_empty() -> None:
    async with serve_agent(Counter()) as client:
        await say(client, "one")
        assert (await client.get(PATH)).json()["turns"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Host": "evil.example:8088"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
    ],
)
async def test_nobody_else_sees_it(headers: dict[str, str]) -> None:
    async with serve_agent(Counter()) as client:
        await say(client, "one")
        answer = await client.get(PATH, headers={**USER, **headers})
        assert answer.status_code in (403, 404)
        assert "That was" not in answer.text


@pytest.mark.parametrize(
    "settings", [{"host": "0.0.0.0", "api_key": "s3cret"}, {"foundry_agent_name": "desk"}]
)
def test_outside_development_there_is_no_such_route(settings: dict[str, Any]) -> None:
    app = create_app(Counter(), Settings(conversations="memory:", **settings))
    assert not any("conversations" in getattr(route, "path", "") for route in app.routes)
