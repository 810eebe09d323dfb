"""The official agent with faults that agents really have; the query's ``fault`` names one.

``python -m tests.official.broken`` serves all of them on PORT.
"""

import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.official.agent import (
    BadInputError,
    Caller,
    Event,
    OfficialAgent,
    encode,
    read_turn,
    refuse,
)

SPEECH_DONE = "output_audio_transcription.done"
DELTA = "output_audio_transcription.delta"


def say_other_text(event: Event) -> list[bytes]:
    """Writes the text another time, as agents that keep it twice do."""
    if event["type"] == SPEECH_DONE:
        event["text"] += " And more."
    return [encode(event)]


def forget_done(event: Event) -> list[bytes]:
    return [] if event["type"] == "done" else [encode(event)]


def forget_speech_done(event: Event) -> list[bytes]:
    return [] if event["type"] == SPEECH_DONE else [encode(event)]


def be_done_first(event: Event) -> list[bytes]:
    """Says that it is done before the whole text, as if the order did not matter."""
    if event["type"] == "done":
        return []
    done = [encode({"type": "done"})] if event["type"] == SPEECH_DONE else []
    return [*done, encode(event)]


def repeat_done(event: Event) -> list[bytes]:
    return [encode(event)] * (2 if event["type"] == "done" else 1)


def repeat_speech_done(event: Event) -> list[bytes]:
    return [encode(event)] * (2 if event["type"] == SPEECH_DONE else 1)


def speak_after_speech_done(event: Event) -> list[bytes]:
    late = {"type": DELTA, "delta": ""}
    return [encode(event)] + ([encode(late)] if event["type"] == SPEECH_DONE else [])


def name_events(event: Event) -> list[bytes]:
    return [f"event: {event['type']}\n".encode() + encode(event)]


def write_lines(event: Event) -> list[bytes]:
    """One JSON object a line, under the content type of a stream."""
    return [json.dumps(event).encode() + b"\n"]


def write_carriage_returns(event: Event) -> list[bytes]:
    return [encode(event).replace(b"\n", b"\r\n")]


def spread_over_lines(event: Event) -> list[bytes]:
    text = json.dumps(event, indent=1)
    return ["".join(f"data: {line}\n" for line in text.splitlines()).encode() + b"\n"]


def write_python(event: Event) -> list[bytes]:
    return [f"data: {event!r}\n\n".encode()]


def write_arrays(event: Event) -> list[bytes]:
    return [f"data: {json.dumps([event])}\n\n".encode()]


def write_latin_1(event: Event) -> list[bytes]:
    return [encode(event).replace(b"}", "ü}".encode("latin-1"))]


def count_instead_of_text(event: Event) -> list[bytes]:
    if event["type"] == DELTA:
        event["delta"] = len(event["delta"])
    return [encode(event)]


def leave(event: Event) -> list[bytes]:
    if event["type"] == SPEECH_DONE:
        raise ConnectionError("the model has gone")
    return [encode(event)]


ENCODERS: dict[str, Callable[[Event], list[bytes]]] = {
    encoder.__name__.replace("_", "-"): encoder
    for encoder in (
        say_other_text,
        forget_done,
        forget_speech_done,
        be_done_first,
        repeat_done,
        repeat_speech_done,
        speak_after_speech_done,
        name_events,
        write_lines,
        write_carriage_returns,
        spread_over_lines,
        write_python,
        write_arrays,
        write_latin_1,
        count_instead_of_text,
        leave,
    )
}


def fault_of(request: Request) -> str:
    return request.query_params.get("fault", "")


class BrokenAgent(OfficialAgent):
    """The official agent, but for the fault that each request names."""

    def __init__(self) -> None:
        super().__init__()
        self.running: set[Caller] = set()
        self.host.add_middleware(LoseHeaders)

    def identify(self, request: Request) -> Caller:
        user_id, session_id = super().identify(request)
        match fault_of(request):
            case "share-history":
                return "", ""
            case "share-history-of-users":
                return "", session_id
            case _:
                return user_id, session_id

    async def invoke(self, request: Request) -> Response:
        fault = fault_of(request)
        if fault == "answer-plain-text":
            return PlainTextResponse("I heard you.")
        if fault.startswith("fail-on-") and fault == f"fail-on-{await self.name_kind(request)}":
            raise KeyError("input")
        if fault == "check-token" and not self.knows_token(request):
            return refuse(401, "unauthorized", "Send a token.")
        if fault in ("refuse-a-second-turn", "fail-when-it-was-left"):
            caller = self.identify(request)
            if caller in self.running:
                return refuse(409, "busy", "One turn at a time.")
            self.running.add(caller)
        return await super().invoke(request)

    async def name_kind(self, request: Request) -> str:
        content_type = request.headers.get("content-type", "")
        try:
            said, action = read_turn(content_type, await request.body())
        except BadInputError:
            return "bad-input"
        if action is not None:
            return "action"
        if not said.strip():
            return "greeting"
        return "ascii" if said.isascii() else "umlauts"

    def knows_token(self, request: Request) -> bool:
        key = request.query_params.get("key", "")
        return bool(key) and request.headers.get("authorization") == f"Bearer {key}"

    async def stream(
        self, request: Request, said: str, action: Event | None
    ) -> AsyncIterator[bytes]:
        fault = fault_of(request)
        encoder = ENCODERS.get("leave" if fault == "check-token" else fault)
        async for line in super().stream(request, said, action):
            if encoder is None:
                yield line
                continue
            for piece in encoder(json.loads(line.removeprefix(b"data: "))):
                yield piece
        # Not in a `finally`, so whoever goes before the end leaves it locked.
        self.running.discard(self.identify(request))

    async def report(self, request: Request) -> Response:
        fault, answer = fault_of(request), await super().report(request)
        if fault == "state-of-its-own" and answer.status_code == 200:
            return Response(b'{"status":"finished"}', media_type="application/json")
        if fault == "error-as-text" and answer.status_code == 404:
            return PlainTextResponse("not found", 404, headers={"x-platform-error-source": "user"})
        if fault == "error-without-source":
            del answer.headers["x-platform-error-source"]
        if fault == "unknown-is-completed" and answer.status_code == 404:
            return Response(b'{"status":"completed"}', media_type="application/json")
        return answer


LOST_HEADERS = {
    "lose-request-id": b"x-request-id",
    "lose-server": b"x-platform-server",
    "lose-session-id": b"x-agent-session-id",
    "lose-invocation-id": b"x-agent-invocation-id",
}


class LoseHeaders:
    """ASGI middleware for the faults that are outside of the host's own code."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fault = fault_of(Request(scope))
        lost = LOST_HEADERS.get(fault)
        if fault == "plain-readiness" and scope["path"] == "/readiness":
            await PlainTextResponse("OK")(scope, receive, send)
            return

        async def send_less(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[tuple[bytes, Any]] = message.get("headers", [])
                message["headers"] = [item for item in headers if item[0].lower() != lost]
            await send(message)

        await self._app(scope, receive, send_less)


if __name__ == "__main__":
    BrokenAgent().host.run(host="127.0.0.1", port=int(os.environ["PORT"]))
