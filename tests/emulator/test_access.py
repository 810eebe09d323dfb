"""Who may use the emulator, on real sockets."""

import base64
import json
from collections.abc import Mapping

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.emulator.conversing import AGENT, Desk, open_desk
from voicelive_agent.emulator.command import main
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.settings_sources import SettingsError

PATHS = (
    *("/", "/console/console.css", "/about", "/settings", "/feed", "/sessions", "/sessions/x"),
    *("/recordings", "/replays/x", "/conversations/x", "/sessions/x/recording.wav"),
    *("/sessions/x/feed", "/nothing", "/voice-live/realtime"),
)
REBOUND = {"Host": "localhost.evil.example:8090"}
FOREIGN = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"})


async def handshake(desk: Desk, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and message of a handshake; 101 where it is let in."""
    url = desk.url.replace("http", "ws", 1) + f"/voice-live/realtime?{AGENT}"
    given = dict(headers)
    # websockets sends a Host of its own beside ours: it has to go by the URL.
    host = given.pop("Host", None)
    if host is not None:
        return await raw_handshake(desk, host)
    try:
        async with connect(url, additional_headers=given) as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"
            return 101, ""
    except InvalidStatus as refused:
        body = refused.response.body or b"{}"
        return refused.response.status_code, json.loads(body)["error"]["message"]


async def raw_handshake(desk: Desk, host: str) -> tuple[int, str]:
    upgrade = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{desk.url}/voice-live/realtime?{AGENT}", headers=upgrade)
    return answer.status_code, answer.json()["error"]["message"]


@pytest.mark.parametrize("headers", [REBOUND, *FOREIGN])
async def test_no_web_page_of_others_talks_to_the_developers_agent(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The WebSocket took any ``Origin``, and ``GET /sessions/{id}`` any ``Host``: each page that
    the developer opened could talk to the agent, spend its tokens and read what was said.
    """
    async with open_desk() as desk:
        status, message = await handshake(desk, headers)
        assert status == 403
        assert "--api-key" in message
        # A browser shows its user no body of a WebSocket that was refused: the log has it.
        assert message in caplog.text
        assert desk.agent.sessions == []
        async with httpx.AsyncClient(base_url=desk.url, headers=headers) as http:
            for path in PATHS:
                answer = await http.get(path)
                assert answer.status_code == 403
                assert answer.json()["error"]["message"] == message


async def test_its_own_page_and_programs_are_let_in() -> None:
    async with open_desk() as desk:
        for headers in ({}, {"Origin": desk.url}):
            assert (await handshake(desk, headers))[0] == 101
            async with httpx.AsyncClient(base_url=desk.url, headers=headers) as http:
                assert (await http.get("/sessions")).status_code == 200


async def test_a_page_that_is_let_in_talks_and_reads() -> None:
    page = {"Origin": "http://localhost:3000"}
    async with open_desk(allow_origins=["http://LOCALHOST:3000"]) as desk:
        assert (await handshake(desk, page))[0] == 101
        assert (await handshake(desk, FOREIGN[0]))[0] == 403
        async with httpx.AsyncClient(base_url=desk.url, headers=page) as http:
            shared = (await http.get("/sessions")).headers["access-control-allow-origin"]
            assert shared == page["Origin"]


async def test_with_a_key_it_is_the_key_that_counts() -> None:
    async with open_desk(api_key=SecretStr("s3cret")) as desk:
        for headers in FOREIGN:
            assert (await handshake(desk, headers))[0] == 401
            assert (await handshake(desk, {**headers, "api-key": "s3cret"}))[0] == 101


def offer(key: str) -> list[Subprotocol]:
    encoded = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    return [Subprotocol("realtime"), Subprotocol(f"api-key.{encoded}")]


async def test_a_browser_offers_the_key_as_a_sub_protocol() -> None:
    """It can set no header, and a key in an address stands in histories and logs."""
    url_of_key = "schlüssel, mit=allem/drin"
    async with open_desk(api_key=SecretStr(url_of_key)) as desk:
        url = desk.url.replace("http", "ws", 1) + f"/voice-live/realtime?{AGENT}"
        async with connect(url, subprotocols=offer(url_of_key)) as socket:
            assert socket.subprotocol == "realtime"
            assert json.loads(await socket.recv())["type"] == "session.created"
        with pytest.raises(InvalidStatus, match="401"):
            async with connect(url, subprotocols=offer("another")):
                pass


async def test_the_page_needs_no_key_and_nothing_else_takes_it_from_its_address() -> None:
    """``?api-key=`` let a browser in, and was copied onto each link of the page."""
    async with (
        open_desk(api_key=SecretStr("s3cret")) as desk,
        httpx.AsyncClient(base_url=desk.url) as http,
    ):
        assert (await http.get("/console/sessions.css")).status_code == 200
        assert (await http.get("/")).status_code == 200
        for path in ("/sessions", "/about", "/sessions/x/feed"):
            assert (await http.get(path, params={"api-key": "s3cret"})).status_code == 401
            known = await http.get(path, headers={"api-key": "s3cret"})
            assert known.status_code in (200, 404)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
@pytest.mark.parametrize("key", [[], ["--api-key", ""], ["--api-key", " "]])
def test_a_public_address_needs_a_key(
    host: str, key: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """``--host 0.0.0.0`` started without one."""
    assert main(["--host", host, "--port", "0", *key]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"--host {host} (VOICELIVE_EMULATOR_HOST) is open to other machines")
    assert "add --api-key KEY" in said


def test_an_origin_that_is_none_is_named_with_its_option() -> None:
    with pytest.raises(SettingsError, match=r"--allow-origin \(VOICELIVE_EMULATOR_ALLOW_ORIGINS\)"):
        load_settings(allow_origins="null")
    several = load_settings(allow_origins="http://a.example, http://b.example:80")
    assert several.allow_origins == ("http://a.example", "http://b.example")
