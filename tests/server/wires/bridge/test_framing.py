"""Frames and headers of a call over the Bridge: close codes, keep-alive, the upgrade."""

from typing import Any

import pytest

from tests.server.serving import serve
from tests.server.wires.bridge.bridge_side import (
    Parrot,
    call,
    check_response,
    open_call,
    serve_calls,
)
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.bridge import call as bridge_call
from voicelive_agent.server.wires.bridge.socket import BridgeSocket
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES

HEAD = '"id":"m_1","ts":"2026-11-28T08:00:00Z"'


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


BREACHES: dict[str, tuple[str | bytes, int]] = {
    "no JSON": ("{", 1002),
    "nothing": ("", 1002),
    "a list": ("[]", 1002),
    "no id": ('{"type":"x"}', 1002),
    "a key twice": (f'{{"type":"x",{HEAD},"a":1,"a":1}}', 1002),
    "not a number": (f'{{"type":"x",{HEAD},"a":NaN}}', 1002),
    "half a pair": (f'{{"type":"x",{HEAD},"a":"\\ud83d"}}', 1002),
    "too deep": (f'{{"type":"x",{HEAD},"a":{"[" * 32}{"]" * 32}}}', 1002),
    "too full": (f'{{"type":"x",{HEAD},"a":[{"0," * 8192}0]}}', 1002),
    "a long number": (f'{{"type":"x",{HEAD},"a":{"1" * 129}}}', 1002),
    "null": (f'{{"type":"barge_in",{HEAD},"response_id":"r_1","item_id":null}}', 1002),
    "of an agent": (f'{{"type":"response.done",{HEAD},"response_id":"r_1"}}', 1002),
    "excluded": (f'{{"type":"dtmf",{HEAD}}}', 1003),
    "binary": (b"\x00\x01", 1003),
    "binary text": (f'{{"type":"x",{HEAD}}}'.encode(), 1003),
    "too long": ("é" * (MAX_FRAME_BYTES // 2) + "x", 1009),
}


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("name", BREACHES)
async def test_a_breach_of_the_framing_closes_the_call(
    parrot: Parrot, name: str, started: bool
) -> None:
    frame, code = BREACHES[name]
    async with serve_calls(parrot) as url, call(url) as voice:
        if started:
            await voice.start()
        await voice.socket.send(frame)
        assert await voice.closed() == code
        assert not voice.socket.close_reason or code == 1009


@pytest.mark.parametrize("text", [b"\xff", b'{"a":"\xed\xa0\xbd"}'], ids=["bytes", "half a pair"])
async def test_a_text_that_is_no_utf_8_closes_the_call(parrot: Parrot, text: bytes) -> None:
    async with open_call(parrot) as voice:
        await voice.socket.send(text, text=True)
        assert await voice.closed() == 1007


async def test_a_text_may_come_in_fragments_and_as_long_as_the_limit(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        part = bridge.InputText(text="hello")
        frame = bridge.encode(bridge.UserMessage(item_id="in_1", content=[part]))
        frame += " " * (MAX_FRAME_BYTES - len(frame))
        await voice.socket.send([frame[:10], frame[10:500_000], frame[500_000:]])
        assert check_response(await voice.hear(), ["in_1"]) == "You said hello."


async def test_nobody_who_starts_nothing_is_waited_for(
    parrot: Parrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_call, "_START_SECONDS", 0.1)
    async with serve_calls(parrot) as url, call(url) as voice:
        await voice.socket.send(f'{{"type":"x",{HEAD}}}')
        assert await voice.closed() == 1008


async def test_pings_are_answered_while_an_answer_is_made(parrot: Parrot) -> None:
    async with open_call(parrot) as voice:
        await voice.say("slowly")
        await voice.receive()
        for _ in range(20):
            await (await voice.socket.ping())
        parrot.may_go_on.set()
        assert isinstance((await voice.hear())[-1], bridge.ResponseDone)


HEADERS: dict[str, list[tuple[str, str]]] = {
    "nonsense": [("traceparent", "nonsense"), ("tracestate", "=,=;"), ("baggage", "=;=,%%%")],
    "twice": [
        *[("traceparent", f"00-{'1' * 32}-{'2' * 16}-01")] * 2,
        *[("x-agent-user-id", user) for user in ("a", "b")],
        *[("x-agent-foundry-call-id", name) for name in ("a", "b")],
        *[("x-request-id", name) for name in ("a", "b")],
    ],
    "no ASCII": [("x-request-id", "\x80"), ("x-agent-user-id", "ü"), ("baggage", "a=ß")],
    "empty": [("x-request-id", ""), ("x-agent-user-id", ""), ("traceparent", "")],
    "long": [("baggage", ",".join(f"key{number}={'v' * 100}" for number in range(80)))],
    "many": [(f"x-own-{number}", "v") for number in range(110)],
    "a request id that is none": [("x-request-id", "a b\tc" * 200)],
    "a sub-protocol": [("sec-websocket-protocol", "realtime, x")],
}


@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_fails_the_upgrade(parrot: Parrot, name: str) -> None:
    """8,192 bytes of baggage, which W3C's recommendation allows, were answered with 400."""
    options: dict[str, Any] = {"additional_headers": HEADERS[name]}
    if name == "a sub-protocol":
        options = {"subprotocols": ["realtime", "x"]}
    async with serve_calls(parrot) as url, call(url, **options) as voice:
        response = voice.socket.response
        assert response is not None
        assert len(response.headers.get_all("x-platform-server")) == 1
        assert len(response.headers.get_all("x-request-id")) == 1
        assert isinstance(await voice.start(), bridge.SessionReady)
        assert await voice.ask("hello") == "You said hello."


@pytest.mark.parametrize(
    "query", ["", "?agent_session_id=", "?agent_session_id=%00%ff", "?agent_session_id=a&x=%"]
)
async def test_no_query_fails_the_upgrade(parrot: Parrot, query: str) -> None:
    async with serve_calls(parrot) as url, call(url, f"/invocations_ws{query}") as voice:
        await voice.start()
        assert await voice.ask("hello") == "You said hello."


@pytest.mark.parametrize("options", [{}, {"ws": BridgeSocket}], ids=["any server", "ours"])
async def test_a_call_on_any_server(parrot: Parrot, options: dict[str, Any]) -> None:
    """Frames leave together where the server can do that, and one by one elsewhere."""
    settings = Settings(conversations="memory:", wires=("bridge",))
    app = create_app(parrot, settings)
    async with serve(app, **options) as url, call(url.replace("http", "ws")) as voice:
        await voice.start()
        assert await voice.ask("hello") == "You said hello."
        await voice.say("slowly")
        parrot.may_go_on.set()
        assert check_response(await voice.hear(), ["in_2"]) == "One. Two."
