"""The Invocations routes over a real socket."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.server.serving import read_events, serve, serve_agent
from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings

SPEECH = "input_audio.transcription"


def speech(text: str) -> dict[str, str]:
    return {"type": SPEECH, "input": text}


class Parrot:
    """Says what it was told, shows what it was shown, and stalls or fails when asked to."""

    def __init__(self) -> None:
        self.cancelled_at: list[float] = []

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        if turn.kind == "greeting":
            yield "Hello!"
        elif turn.action is not None:
            yield ClientEvent("ui.echo", action=turn.action)
            yield "Clicked."
        elif turn.text == "stall":
            try:
                yield "Wait, "
                await asyncio.Event().wait()
            finally:
                self.cancelled_at.append(time.perf_counter())
        elif turn.text == "fail":
            raise RuntimeError("postgres://secret")
        elif turn.text == "bye":
            yield "Bye."
            yield EndCall("completed")
        else:
            yield "You said "
            yield turn.text
            yield f" ({turn.call_id})" if turn.call_id else "."


async def test_a_turn_is_framed_as_voice_live_reads_it() -> None:
    async with serve_agent(Parrot()) as client:
        response = await client.post(
            "/invocations?agent_session_id=s1",
            json=speech("grüß dich — 東京"),
            headers={"x-agent-invocation-id": "i1", "x-agent-foundry-call-id": "c1"},
        )
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-agent-invocation-id"] == "i1"
        assert response.headers["x-agent-session-id"] == "s1"
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        assert read_events(response.content.decode()) == [
            {"type": "output_audio_transcription.delta", "delta": "You said "},
            {"type": "output_audio_transcription.delta", "delta": "grüß dich — 東京"},
            {"type": "output_audio_transcription.delta", "delta": " (c1)"},
            {"type": "output_audio_transcription.done", "text": "You said grüß dich — 東京 (c1)"},
            {"type": "done"},
        ]


async def test_greeting_action_and_end_of_the_call() -> None:
    async with serve_agent(Parrot()) as client:
        greeting = await client.post("/invocations")
        assert read_events(greeting.text)[0]["delta"] == "Hello!"
        action = {"type": "button_click", "x": [1, None, {"y": "é"}]}
        clicked = read_events((await client.post("/invocations", json=action)).text)
        assert clicked[0] == {"type": "ui.echo", "action": action}
        bye = read_events((await client.post("/invocations", json={"message": "bye"})).text)
        assert bye[1] == {"type": "agent.end_call", "reason": "completed"}
        assert bye[-1] == {"type": "done"}


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"host": "0.0.0.0", "api_key": "k"}, {"api-key": "k"}),
        ({"foundry_agent_name": "mine"}, {}),
        ({"show_errors": False}, {}),
        ({}, {"x-forwarded-for": "203.0.113.7"}),
    ],
    ids=["a public address", "Foundry", "switched off", "behind a proxy"],
)
async def test_a_failing_agent_says_so_without_its_insides(
    settings: dict[str, Any], headers: dict[str, str]
) -> None:
    async with serve_agent(Parrot(), **settings) as client:
        response = await client.post("/invocations", json=speech("fail"), headers=headers)
        assert "secret" not in response.text
        delta, error, done, end = read_events(response.text)
        assert (error["type"], error["error"]["code"]) == ("agent.error", "agent_failed")
        assert done["text"] == delta["delta"]
        assert end == {"type": "done"}
        path = "/invocations/" + response.headers["x-agent-invocation-id"]
        state = await client.get(path, headers=headers)
        assert state.json()["status"] == "failed"


async def test_a_developer_is_told_why_the_agent_failed() -> None:
    """The screen showed a code, and the log advised a variable in place of the KeyError."""
    async with serve_agent(Parrot()) as client:
        response = await client.post("/invocations", json=speech("fail"))
    error = read_events(response.text)[1]["error"]
    assert error["code"] == "agent_failed"
    assert error["message"].startswith("RuntimeError: postgres://secret (")
    assert "test_wire.py:" in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "status", "code"),
    [
        ("GET", "/", {}, 404, "not_found"),
        ("GET", "/healthz", {}, 404, "not_found"),
        ("GET", "/docs", {}, 404, "not_found"),
        ("GET", "/openapi.json", {}, 404, "not_found"),
        ("POST", "/readiness", {}, 405, "method_not_allowed"),
        ("GET", "/invocations", {}, 405, "method_not_allowed"),
        ("DELETE", "/invocations/x", {}, 405, "method_not_allowed"),
        ("GET", "/invocations/unknown", {}, 404, "not_found"),
        ("POST", "/invocations/unknown/cancel", {}, 404, "not_found"),
        ("GET", "/invocations/a%20b%0Ac", {}, 400, "invalid_invocation_id"),
        ("GET", "/invocations/a%0A", {}, 400, "invalid_invocation_id"),
        ("POST", "/invocations", {"content": b"{"}, 400, "invalid_json"),
        ("POST", "/invocations", {"content": b"x" * 2000}, 413, "body_too_large"),
    ],
)
async def test_every_error_has_the_envelope_and_its_source(
    method: str, path: str, kwargs: dict[str, Any], status: int, code: str
) -> None:
    async with serve_agent(Parrot(), max_body_bytes=1000) as client:
        response = await client.request(method, path, **kwargs)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.json()["error"]["message"]
        assert response.headers["x-platform-error-source"] == "user"
        assert response.headers["x-request-id"]
        assert response.headers["x-platform-server"].startswith("voicelive-agent/")
        if status == 405:
            assert response.headers["allow"]
        if (method, path) == ("POST", "/invocations"):
            assert response.headers["x-agent-invocation-id"]
            assert response.headers["x-agent-session-id"]


async def test_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    async with serve_agent(Parrot(), max_body_bytes=1000) as client:
        response = await client.post("/invocations", content=chunks())
        assert response.status_code == 413


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", "é" * 600),
        ("application/json", '{"message": "%s"}' % ("x" * 1001)),
        ("application/json", '{"input": "%s"}' % ("x" * 1001)),
    ],
)
async def test_what_is_said_in_one_turn_has_a_limit(content_type: str, body: str) -> None:
    """Fifty turns of 1 MB in one session took the server to 1.4 GB, and everybody's turn to 2 s."""
    headers = {"content-type": content_type}
    async with serve_agent(Parrot(), max_speech_bytes=1000) as client:
        refused = await client.post("/invocations", content=body.encode(), headers=headers)
        assert refused.status_code == 413
        error = refused.json()["error"]
        assert error["code"] == "speech_too_long"
        assert "1000 bytes" in error["message"]
        assert "VOICELIVE_MAX_SPEECH_BYTES" in error["message"]
        text = {"content-type": "text/plain"}
        taken = await client.post("/invocations", content=b"x" * 1000, headers=text)
        assert taken.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/invocations", "x-agent-user-id"),
        ("POST", "/invocations", "x-agent-invocation-id"),
        ("GET", "/invocations/i1", "x-agent-user-id"),
        ("POST", "/invocations/i1/cancel", "x-agent-user-id"),
    ],
)
async def test_a_header_that_says_whose_turn_it_is_comes_once(
    method: str, path: str, name: str
) -> None:
    """The first of two users' ids won, whoever had put the second there."""
    async with serve_agent(Parrot()) as client:
        headers = [(name, "me"), (name, "you")]
        content = json.dumps(speech("hi")) if path == "/invocations" else None
        response = await client.request(method, path, content=content, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "repeated_header")
        assert f"Send {name} once" in response.json()["error"]["message"]


async def test_get_and_cancel_report_the_turn_to_its_user_only() -> None:
    mine = {"x-agent-user-id": "me", "x-agent-invocation-id": "i1"}
    async with serve_agent(Parrot()) as client:
        async with client.stream("POST", "/invocations", json=speech("stall"), headers=mine) as s:
            lines = s.aiter_lines()
            assert "Wait" in await anext(lines)
            running = await client.get("/invocations/i1", headers=mine)
            assert running.json()["status"] == "running"
            assert running.json()["text"] == "Wait, "
            assert "x-agent-session-id" not in running.headers
            other = await client.post("/invocations/i1/cancel", headers={"x-agent-user-id": "you"})
            assert other.status_code == 404
            cancelled = await client.post("/invocations/i1/cancel", headers=mine)
            assert cancelled.json()["status"] == "cancelled"
            rest = [json.loads(line[6:]) async for line in lines if line]
            assert [event["type"] for event in rest] == [
                "output_audio_transcription.done",
                "done",
            ]
            assert rest[0]["text"] == "Wait, "
        again = await client.get("/invocations/i1", headers=mine)
        assert (again.json()["status"], again.json()["interrupted"]) == ("cancelled", True)


async def test_a_dropped_connection_cancels_the_agent_within_20_ms() -> None:
    parrot = Parrot()
    delays_ms = []
    async with serve_agent(parrot) as client:
        for i in range(50):
            async with client.stream("POST", "/invocations", json=speech("stall")) as stream:
                await anext(stream.aiter_bytes())
                before = time.perf_counter()
            while len(parrot.cancelled_at) <= i:
                await asyncio.sleep(0)
            delays_ms.append(1000 * (parrot.cancelled_at[-1] - before))
    assert statistics.quantiles(delays_ms, n=100)[98] < 20 or statistics.median(delays_ms) < 5


async def test_comments_come_while_it_is_quiet() -> None:
    goes_on = asyncio.Event()

    class Slow:
        async def reply(self, turn: Turn) -> AsyncIterator[Output]:
            yield "one"
            await goes_on.wait()
            yield "two"

    body = ""
    async with (
        serve_agent(Slow(), sse_keepalive_interval=1) as client,
        client.stream("POST", "/invocations", json=speech("x")) as stream,
    ):
        async for piece in stream.aiter_text():
            body += piece
            if body.count(": keep-alive\n\n") == 2:
                goes_on.set()
        assert goes_on.is_set()
        assert [event["type"] for event in read_events(body)][-1] == "done"


@pytest.mark.parametrize(
    ("root_path", "path"), [("/agent", "/invocations"), ("", "/invocations%0A")]
)
async def test_whatever_is_taken_for_a_turn_has_its_ids(root_path: str, path: str) -> None:
    """Behind a root path, routes took for a turn what the ids were not chosen for: status 500."""
    app = create_app(Parrot(), Settings(conversations="memory:"))
    async with serve(app, root_path=root_path) as url, httpx.AsyncClient() as client:
        answer = await client.post(url + path, json=speech("hello"))
        assert answer.status_code == 200
        assert answer.headers["x-agent-invocation-id"] and answer.headers["x-agent-session-id"]


async def test_too_many_turns_are_refused_and_told_when_to_come_back() -> None:
    async with (
        serve_agent(Parrot(), max_active_turns=1) as client,
        client.stream("POST", "/invocations", json=speech("stall")) as stream,
    ):
        await anext(stream.aiter_bytes())
        refused = await client.post("/invocations", json=speech("hello"))
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-platform-error-source"] == "platform"


async def test_a_barge_in_takes_the_place_of_the_turn_that_it_ends() -> None:
    """On a full server callers could not interrupt, though that needs no further place."""
    async with (
        serve_agent(Parrot(), max_active_turns=1) as client,
        client.stream("POST", "/invocations", json=speech("stall")) as stream,
    ):
        await anext(stream.aiter_bytes())
        session = {"agent_session_id": stream.headers["x-agent-session-id"]}
        answer = await client.post("/invocations", params=session, json=speech("hello"))
        assert answer.status_code == 200
        assert "hello" in answer.text


async def test_the_description_covers_the_routes() -> None:
    async with serve_agent(Parrot()) as client:
        document = (await client.get("/invocations/docs/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        assert set(document["paths"]) == {
            "/readiness",
            "/invocations",
            "/invocations/{invocation_id}",
            "/invocations/{invocation_id}/cancel",
        }


async def test_the_description_says_how_to_send_the_key_and_what_is_refused() -> None:
    """It knew of no key, so what was generated from it was refused with a status it lacked."""
    key = {"api-key": "s3cret"}
    async with serve_agent(Parrot(), api_key="s3cret") as client:
        document = (await client.get("/invocations/docs/openapi.json", headers=key)).json()
        schemes = document["components"]["securitySchemes"]
        assert [set(each) for each in document["security"]] == [{name} for name in schemes]
        assert {scheme["type"] for scheme in schemes.values()} == {"apiKey", "http"}
        answers = document["paths"]["/invocations"]["post"]["responses"]
        for refused in (
            await client.post("/invocations"),
            await client.post("/invocations", headers=key, content=b"[]"),
            await client.post("/invocations", headers={"x-client-a": "x" * 40_000}),
        ):
            described = answers[str(refused.status_code)]
            assert all(refused.headers[name] for name in described["headers"])
    async with serve_agent(Parrot()) as client:
        document = (await client.get("/invocations/docs/openapi.json")).json()
        assert document["security"] == []


async def test_the_ids_of_a_request_are_followed_or_replaced() -> None:
    async with serve_agent(Parrot(), foundry_agent_session_id="sandbox") as client:

        async def ask(query: str = "", **headers: str) -> httpx.Headers:
            return (await client.post("/invocations" + query, headers=headers)).headers

        assert (await ask())["x-agent-session-id"] == "sandbox"
        invalid = (await ask("?agent_session_id=abc%0A"))["x-agent-session-id"]
        assert invalid not in ("abc", "sandbox")
        assert (await ask("?agent_session_id=mine"))["x-agent-session-id"] == "mine"
        trace = "0af7651916cd43dd8448eb211c80319c"
        both = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "x-request-id": "r"}
        assert (await ask(**both))["x-request-id"] == trace
        assert (await ask(**{"x-request-id": "r"}))["x-request-id"] == "r"
