"""Who may send turns."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.server.serving import serve_agent
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.platform.access import is_open_to_anyone
from voicelive_agent.server.settings import Settings, load_settings


class Greeter:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield "Hello."


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"api-key": "wrong"}, 401),
        ({"api-key": "ключ".encode()}, 401),
        ({"authorization": "Bearer x"}, 401),
        ({"authorization": "Basic  s3cret"}, 401),
        ({"authorization": "s3cret"}, 401),
        ({"api-key": "", "authorization": ""}, 401),
        ({"api-key": "s3cretx"}, 401),
        ({"authorization": "Bearer s3cret"}, 200),
        ({"authorization": "bearer s3cret"}, 200),
        ({"api-key": "s3cret"}, 200),
    ],
)
async def test_with_a_key_everybody_needs_it(headers: dict[str, str], status: int) -> None:
    async with serve_agent(Greeter(), api_key="s3cret") as client:
        response = await client.post("/invocations", headers=headers)
        assert response.status_code == status
        assert "s3cret" not in response.text
        if status == 401:
            assert response.json()["error"]["code"] == "unauthorized"
            assert response.headers["x-platform-error-source"] == "user"
            assert response.headers["x-request-id"]
        assert (await client.get("/readiness")).status_code == 200


async def test_a_key_may_hold_any_letter() -> None:
    """It was compared as UTF-8 of what had been read as Latin-1, and never fitted."""
    async with serve_agent(Greeter(), api_key="schlüssel") as client:
        headers = {b"api-key": "schlüssel".encode()}
        assert (await client.post("/invocations", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("address", "settings", "status"),
    [
        ("127.0.0.1", {}, 404),
        ("::1", {}, 404),
        ("10.1.2.3", {}, 403),
        ("10.1.2.3", {"allow_anonymous": True}, 404),
        ("10.1.2.3", {"foundry_agent_name": "desk"}, 404),
    ],
)
async def test_without_a_key_only_this_machine_is_answered(
    address: str, settings: dict[str, Any], status: int
) -> None:
    app = create_app(Greeter(), Settings(conversations="memory:", **settings))
    url = f"http://[{address}]" if ":" in address else f"http://{address}"
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        assert (await client.get("/nothing")).status_code == status


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"origin": "https://elsewhere.example"}, "--allow-origin"),
        ({"origin": "http://localhost.elsewhere.example"}, "--allow-origin"),
        ({"origin": "null"}, "--allow-origin"),
        ({"origin": "http://["}, "--allow-origin"),
        ({"origin": "http://localhost:3000"}, "--allow-origin"),
        ({"host": "elsewhere.example"}, "127.0.0.1"),
        ({"host": "localhost.elsewhere.example:8088"}, "127.0.0.1"),
    ],
)
async def test_without_a_key_no_web_page_of_others_sends_turns(
    headers: dict[str, str], said: str
) -> None:
    """Any page could: browsers send ``text/plain`` to this machine without asking, and a name may
    be pointed at it (DNS rebinding). Pages of this machine's other ports could until 2026-11.
    """
    headers = {**headers, "content-type": "text/plain"}
    async with serve_agent(Greeter()) as client:
        response = await client.post("/invocations", headers=headers, content="hello")
        assert response.status_code == 403
        assert said in response.json()["error"]["message"]
        assert (await client.get("/readiness", headers=headers)).status_code == 200
    async with serve_agent(Greeter(), api_key="s3cret") as client:
        response = await client.post("/invocations", headers={**headers, "api-key": "s3cret"})
        assert response.status_code == 200


async def test_its_own_page_and_those_that_are_let_in_send_turns() -> None:
    mine = "http://localhost:3000"
    async with serve_agent(Greeter(), allow_origins=[mine]) as client:
        own = str(client.base_url).rstrip("/")
        for origin, readable_by in ((own, None), (mine, mine)):
            response = await client.post("/invocations", headers={"origin": origin})
            assert response.status_code == 200
            assert response.headers.get("access-control-allow-origin") == readable_by
        response = await client.post("/invocations", headers={"origin": "http://localhost:3001"})
        assert response.status_code == 403
        asked = {"origin": mine, "access-control-request-method": "POST"}
        assert (await client.options("/invocations", headers=asked)).status_code == 200


def test_a_key_from_a_file_is_taken_without_its_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No header can hold one, so every caller was refused."""
    monkeypatch.setenv("VOICELIVE_AGENT_API_KEY", "s3cret\n")
    assert load_settings().api_key.get_secret_value() == "s3cret"
    monkeypatch.setenv("VOICELIVE_AGENT_API_KEY", " \n")
    assert is_open_to_anyone(load_settings().model_copy(update={"host": "0.0.0.0"}))


def test_an_open_server_is_seen_before_it_starts() -> None:
    assert is_open_to_anyone(Settings(host="0.0.0.0"))
    assert is_open_to_anyone(Settings(host="::"))
    # Names and short forms are what they stand for.
    assert is_open_to_anyone(Settings(host="0"))
    assert not is_open_to_anyone(Settings(host="localhost"))
    assert not is_open_to_anyone(Settings(host="127.1"))
    assert not is_open_to_anyone(Settings(host="0.0.0.0", allow_anonymous=True))
    assert not is_open_to_anyone(Settings(host="0.0.0.0", api_key=SecretStr("k")))
    assert not is_open_to_anyone(Settings(foundry_agent_name="desk"))
    assert not is_open_to_anyone(Settings())


async def test_large_headers_are_refused() -> None:
    async with serve_agent(Greeter()) as client:
        response = await client.post("/invocations", headers={"x-client-a": "x" * 40_000})
        assert response.status_code in (400, 431)
