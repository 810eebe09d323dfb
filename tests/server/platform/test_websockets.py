"""WebSockets pass the same doors as requests: access, headers, ids and errors.

They passed all of these unseen: the first wire to be routed on one would have had no key check,
no ids and no trace.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry import trace
from pydantic import SecretStr
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.platform.access import Access
from voicelive_agent.server.platform.errors import CatchErrors
from voicelive_agent.server.platform.headers import SERVER, PlatformHeaders
from voicelive_agent.server.settings import Settings

PATH = "/invocations_ws"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Greeter:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield "Hello."


async def echo(socket: WebSocket) -> None:
    if socket.query_params.get("fail") == "before":
        raise RuntimeError("on purpose")
    await socket.accept()
    if socket.query_params.get("fail") == "after":
        raise RuntimeError("on purpose")
    if socket.query_params.get("trace"):
        context = trace.get_current_span().get_span_context()
        await socket.send_text(trace.format_trace_id(context.trace_id))
    await socket.send_text(await socket.receive_text())


def open_client(**settings: Any) -> TestClient:
    app = create_app(Greeter(), Settings(conversations="memory:", **settings))
    app.add_api_websocket_route(PATH, echo)
    return TestClient(app, headers={"host": "localhost"})


@pytest.mark.parametrize(
    ("settings", "headers", "status", "code"),
    [
        ({"api_key": "s3cret"}, {}, 401, "unauthorized"),
        ({"api_key": "s3cret"}, {"api-key": "wrong"}, 401, "unauthorized"),
        ({}, {"origin": "https://elsewhere.example"}, 403, "forbidden"),
        ({}, {"x-client-a": "x" * 40_000}, 431, "headers_too_large"),
    ],
)
def test_who_may_not_come_in_is_told_why_and_by_whom(
    settings: dict[str, Any], headers: dict[str, str], status: int, code: str
) -> None:
    with (
        open_client(**settings) as client,
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(PATH, headers=headers),
    ):
        pass
    answer = refused.value
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["x-platform-error-source"] == "user"
    assert answer.headers["x-platform-server"] == SERVER
    assert answer.headers["x-request-id"]


def test_readiness_is_free_to_ask_and_no_door_for_others() -> None:
    with open_client(api_key="s3cret") as client:
        assert client.get("/readiness").status_code == 200
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            client.websocket_connect("/readiness"),
        ):
            pass
        assert refused.value.status_code == 401


def test_a_handshake_says_who_answers_and_goes_on_with_the_trace() -> None:
    headers = {"api-key": "s3cret", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    with (
        open_client(api_key="s3cret") as client,
        client.websocket_connect(f"{PATH}?trace=1", headers=headers) as socket,
    ):
        accepted: dict[bytes, bytes] = dict(socket.extra_headers or ())
        assert accepted[b"x-platform-server"] == SERVER.encode()
        assert accepted[b"x-request-id"] == TRACE.encode()
        assert socket.receive_text() == TRACE
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


def test_a_failure_before_the_handshake_is_answered_in_the_envelope() -> None:
    with (
        open_client() as client,
        pytest.raises(WebSocketDenialResponse) as failed,
        client.websocket_connect(f"{PATH}?fail=before"),
    ):
        pass
    assert failed.value.status_code == 500
    assert failed.value.json()["error"]["code"] == "internal_error"
    assert "purpose" not in failed.value.text


def test_a_failure_after_the_handshake_closes_it_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.INFO),
        open_client() as client,
        client.websocket_connect(f"{PATH}?fail=after") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_text()
    assert closed.value.code == 1011
    assert caplog.text.count("request failed: WEBSOCKET /invocations_ws") == 1


def test_a_caller_that_goes_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.INFO),
        open_client() as client,
        client.websocket_connect(PATH),
    ):
        pass
    assert "a caller went" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_server_that_can_not_send_a_denial_closes_with_the_reason() -> None:
    app = PlatformHeaders(
        CatchErrors(Access(_unreachable, Settings(api_key=SecretStr("s3cret")))),
        choose_ids=lambda scope, headers: {},
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "websocket", "path": PATH, "headers": [], "query_string": b""}
    await app(scope, receive, send)
    (closed,) = sent
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert "api-key" in closed["reason"]


async def _unreachable(scope: Scope, receive: Any, send: Any) -> None:
    raise AssertionError("a caller without the key came in")


def test_a_wire_on_a_websocket_names_its_sessions() -> None:
    """Ids were hard-wired to one path of HTTP."""

    async def accept(scope: Scope, receive: Any, send: Any) -> None:
        assert scope["state"]["ids"] == {"x-agent-session-id": "room-1"}
        await receive()
        await send({"type": "websocket.accept"})

    app = PlatformHeaders(accept, choose_ids=lambda *_: {"x-agent-session-id": "room-1"})
    with TestClient(app).websocket_connect(PATH) as socket:
        assert (b"x-agent-session-id", b"room-1") in list(socket.extra_headers or ())
