import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.emulator.conversing import AGENT, Desk, loud, open_client, open_desk, quiet
from voicelive_agent.command_name import spell_command, spell_pip
from voicelive_agent.emulator.command import build_parser, main
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.emulator.welcome import render_welcome
from voicelive_agent.listening import ListenError, bind, url_of
from voicelive_agent.settings_sources import SettingsError


def ws(desk: Desk, path: str = "/voice-live/realtime", query: str = AGENT) -> str:
    return desk.url.replace("http", "ws", 1) + f"{path}?{query}"


async def refusal(url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """The HTTP answer of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, additional_headers=headers):
            pass
    response = refused.value.response
    return httpx.Response(response.status_code, content=bytes(response.body or b""))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"api-key": "wrong"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic s3cret"},
    ],
)
async def test_a_wrong_key_is_refused_before_the_upgrade(headers: dict[str, str]) -> None:
    async with open_desk(api_key=SecretStr("s3cret")) as desk:
        answer = await refusal(ws(desk), headers)
        assert answer.status_code == 401
        assert "api-key" in answer.json()["error"]["message"]
        async with httpx.AsyncClient() as http:
            for path in ("/sessions", "/sessions/x", "/about", "/feed", "/nothing"):
                assert (await http.get(desk.url + path, headers=headers)).status_code == 401


@pytest.mark.parametrize("headers", [{"api-key": "s3cret"}, {"Authorization": "Bearer s3cret"}])
async def test_the_right_key_is_let_in_as_key_or_token(headers: dict[str, str]) -> None:
    async with (
        open_desk(api_key=SecretStr("s3cret")) as desk,
        connect(ws(desk), additional_headers=headers) as socket,
    ):
        assert json.loads(await socket.recv())["type"] == "session.created"


@pytest.mark.parametrize(
    "path", ["/voice-live/realtime", "/any/prefix/voice-live/realtime", "/voice-agent/realtime"]
)
async def test_the_address_may_stand_under_any_prefix(path: str) -> None:
    async with open_desk() as desk:
        async with connect(ws(desk, path)) as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"
        async with httpx.AsyncClient() as http:
            assert (await http.get(desk.url + path)).status_code == 426


async def test_a_browser_gets_the_sub_protocol_that_it_offers() -> None:
    async with open_desk() as desk:
        async with connect(ws(desk), subprotocols=[Subprotocol("realtime")]) as socket:
            assert socket.subprotocol == "realtime"
        async with connect(ws(desk), subprotocols=[Subprotocol("other")]) as socket:
            assert socket.subprotocol is None


async def test_a_connection_for_nobody_is_told_where_its_agent_was_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """``agent_config={…}``, as Microsoft's page has it, is swallowed by the SDK from 1.2.0 on."""
    async with open_desk() as desk, connect(ws(desk, query="api-version=2026-07-15")) as socket:
        error = json.loads(await socket.recv())["error"]
    assert error["code"] == "missing_agent"
    assert "agent_config" in error["message"]
    assert "agent_name=…" in error["message"]
    assert error["message"] in caplog.text


async def test_another_address_is_not_found() -> None:
    async with open_desk() as desk:
        assert (await refusal(ws(desk, "/openai/realtime"))).status_code == 404
        async with httpx.AsyncClient() as http:
            assert (await http.get(desk.url + "/nothing")).status_code == 404


async def test_any_api_version_and_unknown_keys_are_accepted() -> None:
    query = f"{AGENT}&api-version=1999-01-01&trafficType=x&debug=on"
    async with open_desk() as desk, open_client(desk, query):
        pass


async def test_pings_are_answered() -> None:
    async with open_desk() as desk, open_client(desk) as client:
        await asyncio.wait_for(await client.socket.ping(), 5)


async def test_no_compression_even_where_the_client_offers_it() -> None:
    async with open_desk() as desk, connect(ws(desk), compression="deflate") as socket:
        assert socket.protocol.extensions == []


async def test_too_many_sessions_are_turned_away() -> None:
    async with open_desk(max_sessions=1) as desk, open_client(desk):
        assert (await refusal(ws(desk))).status_code == 429


async def test_the_service_shows_its_sessions() -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        async with open_client(desk) as client:
            desk.stt.texts = ["<b>good</b> morning"]
            await client.append(quiet(200) + loud(600) + quiet(900))
            await client.receive("response.done")
            session_id = client.events[0]["session"]["id"]
            await client.send("response.create")
            await client.receive("response.done")

            listed = (await http.get("/sessions")).json()["sessions"]
            assert [one["id"] for one in listed] == [session_id]
            assert listed[0]["state"] == "open"
            shown: dict[str, Any] = (await http.get(f"/sessions/{session_id}")).json()
            spoken, greeting = shown["turns"]
            assert (spoken["kind"], greeting["kind"]) == ("speech", "greeting")
            assert spoken["user_text"] == "<b>good</b> morning"
            assert spoken["agent_text"] == "You said <b>good</b> morning."
            assert all(
                value is not None
                for name, value in spoken["marks_ms"].items()
                if name != "barge_in"
            )
            assert spoken["marks_ms"]["barge_in"] is None
            assert greeting["marks_ms"]["speech_end"] is None
            assert greeting["marks_ms"]["first_audio_byte"] is not None

            page = await http.get("/sessions", headers={"Accept": "text/html,*/*;q=0.8"})
            assert page.headers["content-type"].startswith("text/html")
            assert session_id in page.text
            assert "&lt;b&gt;good&lt;/b&gt; morning" in page.text
            assert "<b>good" not in page.text
        async with asyncio.timeout(5):
            while (await http.get("/sessions")).json()["sessions"][0]["state"] != "closed":
                await asyncio.sleep(0.01)
        missing = await http.get("/sessions/nothing")
        assert missing.status_code == 404
        assert "GET /sessions" in missing.json()["error"]["message"]


async def test_a_barge_in_is_marked_on_the_turn_that_it_cut() -> None:
    async with open_desk() as desk, httpx.AsyncClient(base_url=desk.url) as http:
        async with open_client(desk) as client:
            await client.say_text("a long story that goes on for quite some time")
            await client.receive("response.done")
            await client.append(loud(600) + quiet(900))
            await client.receive("response.done")
            session_id = client.events[0]["session"]["id"]
            turns = (await http.get(f"/sessions/{session_id}")).json()["turns"]
        assert turns[0]["kind"] == "text"
        assert turns[0]["user_text"] == "a long story that goes on for quite some time"
        assert turns[0]["marks_ms"]["barge_in"] is not None
        assert turns[1]["marks_ms"]["barge_in"] is None


async def test_a_stopping_service_closes_its_sessions() -> None:
    async with open_desk() as desk:
        client = await connect(ws(desk))
        await client.recv()
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code in (1001, 1012)


def test_a_port_that_is_taken_is_said_plainly() -> None:
    listener = bind("127.0.0.1", 0)
    try:
        with pytest.raises(ListenError, match=r"port \d+ is taken: .*--port"):
            bind("127.0.0.1", listener.getsockname()[1])
    finally:
        listener.close()
    with pytest.raises(ListenError, match="--host"):
        bind("203.0.113.1", 0)


async def test_small_frames_are_not_held_back() -> None:
    """Each event waited up to 40 ms for the client's acknowledgement of the one before it."""
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        of_client = writer.get_extra_info("socket")
        accepted.set_result(of_client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = bind("127.0.0.1", 0)
    async with await asyncio.start_server(look, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted
        writer.close()


def test_the_url_is_one_that_a_client_can_use() -> None:
    listener = bind("0.0.0.0", 0)
    port = listener.getsockname()[1]
    assert url_of(listener, "0.0.0.0") == f"http://127.0.0.1:{port}"
    assert url_of(listener, "::1") == f"http://[::1]:{port}"
    assert url_of(listener, "my.host") == f"http://my.host:{port}"
    listener.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--agent", "desk="], "--agent (VOICELIVE_EMULATOR_AGENTS): 'desk='"),
        (["--agent-protocol", "nobody=responses"], "--agent-protocol names nobody"),
        (["--port", "99999"], "--port (VOICELIVE_EMULATOR_PORT): "),
        (["--phrases", "/nowhere/phrases.txt"], "/nowhere/phrases.txt"),
    ],
)
def test_a_wrong_option_is_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "needed", "extra"),
    [
        ("voicelive_agent.emulator.command", "numpy", "emulator"),
        ("voicelive_agent.emulator.watch.replay", "orjson", "emulator"),
        ("voicelive_agent.emulator.watch.replay", "websockets", "emulator"),
        ("voicelive_agent.client.command", "aiohttp", "client"),
        ("voicelive_agent.client.command", "numpy", "client"),
        ("voicelive_agent.client.command", "azure", "client"),
    ],
)
def test_what_is_not_installed_is_named(module: str, needed: str, extra: str) -> None:
    """Without the extra, the first thing that a newcomer saw was a stack trace."""
    code = (
        f"import sys; sys.modules['{needed}'] = None\nfrom {module} import main\nsys.exit(main([]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith(needed)
    assert f"is missing: {spell_pip()} install 'voicelive-agent[{extra}" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_every_option_is_a_setting() -> None:
    options = vars(build_parser().parse_args([]))
    assert set(options.values()) == {None}
    # Those of speech engines and of `models`, the keys among them, have no option.
    without = {"models_url", "stt_key", "stt_model", "tts_key", "tts_model"}
    assert set(options) == {"env_file", *type(load_settings()).model_fields} - without


def test_errors_without_a_setting_are_described_too() -> None:
    with pytest.raises(SettingsError, match="which no --agent NAME=URL"):
        load_settings(agents=["a=http://h:1"], agent_protocols=["b=responses"])


async def test_the_welcome_tells_how_to_talk_to_it() -> None:
    engines = Desk().engines
    local = render_welcome("http://127.0.0.1:8090", load_settings(), engines)
    assert f"{spell_command('talk')}   (" in local
    named = load_settings(agents=["desk=http://127.0.0.1:1"], api_key=SecretStr("secret"))
    elsewhere = render_welcome("http://127.0.0.1:1", named, engines)
    assert "--endpoint http://127.0.0.1:1 --agent-name desk --project-name local" in elsewhere
    assert "--api-key KEY" in elsewhere
    assert "secret" not in elsewhere
