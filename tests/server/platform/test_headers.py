"""Headers that answers carry, whoever answers."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.server.serving import serve_agent
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.engine.engine import Engine

IDS = {"x-agent-invocation-id": "turn-7", "x-agent-session-id": "room-1"}


class Greeter:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield "Hello."


async def post(client: httpx.AsyncClient, **kwargs: Any) -> httpx.Response:
    headers = {"x-agent-invocation-id": "turn-7", **kwargs.pop("headers", {})}
    return await client.post("/invocations?agent_session_id=room-1", headers=headers, **kwargs)


def read_ids(response: httpx.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in IDS}


@pytest.mark.parametrize(
    ("settings", "request_", "status"),
    [
        ({}, {}, 200),
        ({}, {"content": b"[]"}, 400),
        ({"api_key": "s3cret"}, {}, 401),
        ({}, {"headers": {"origin": "https://elsewhere.example"}}, 403),
        ({"max_body_bytes": 10}, {"content": b"x" * 11}, 413),
        ({}, {"headers": {"x-client-a": "x" * 40_000}}, 431),
    ],
)
async def test_every_answer_to_an_invocation_names_it_and_its_session(
    settings: dict[str, Any], request_: dict[str, Any], status: int
) -> None:
    """Those that were refused before they came to the wire had no ids, unlike the others."""
    async with serve_agent(Greeter(), **settings) as client:
        response = await post(client, **request_)
        assert response.status_code == status
        assert read_ids(response) == IDS


async def test_an_unexpected_failure_names_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(Engine, "begin", fail)
    async with serve_agent(Greeter()) as client:
        response = await post(client)
        assert response.status_code == 500
        assert response.json()["error"]["code"] == "internal_error"
        assert read_ids(response) == IDS


async def test_ids_are_made_where_there_are_none_and_only_for_invocations() -> None:
    async with serve_agent(Greeter(), api_key="s3cret") as client:
        first, second = [await client.post("/invocations") for _ in range(2)]
        assert all(read_ids(first).values())
        assert not set(read_ids(first).values()) & set(read_ids(second).values())
        for other in (
            await client.put("/invocations"),
            await client.get("/invocations/turn-7"),
            await client.get("/readiness"),
        ):
            assert not set(IDS) & set(other.headers)
            assert other.headers["x-request-id"]
