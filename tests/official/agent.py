"""A Voice Live compatible agent on Microsoft's own host, for tests.

``python -m tests.official.agent`` serves it on PORT. It repeats what it hears, remembers what
each caller of each session said, and thinks for a while when it is told to.
"""

import asyncio
import json
import os
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from azure.ai.agentserver.invocations import InvocationAgentServerHost
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

Event = dict[str, Any]
Caller = tuple[str, str]
"""User id and session id."""

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "official", "version": "1.0.0"},
    "paths": {"/invocations": {"post": {"responses": {"200": {"description": "SSE"}}}}},
}


@dataclass
class Invocation:
    """One turn, as GET and cancel know it."""

    user_id: str
    status: str = "running"
    text: str = ""


class BadInputError(Exception):
    """The body is no turn."""


def read_turn(content_type: str, body: bytes) -> tuple[str, Event | None]:
    """What was said, and the action; both empty for a greeting. Raises BadInputError."""
    try:
        text = body.decode("utf-8").strip()
        if not text:
            return "", None
        if content_type.startswith("text/plain"):
            return text, None
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError from error
    if not isinstance(value, dict):
        raise BadInputError
    if value.get("type") == "input_audio.transcription" or value.keys() <= {"input", "message"}:
        said = value.get("input", value.get("message"))
        if not isinstance(said, str | None):
            raise BadInputError
        # Half a surrogate pair is no text.
        return (said or "").encode("utf-8", "replace").decode(), None
    return "", value


class EchoAgent:
    """Answers turns with text and events; what it remembers is kept by user and session."""

    def __init__(self) -> None:
        self.heard: defaultdict[Caller, deque[str]] = defaultdict(lambda: deque(maxlen=8))

    async def answer(
        self, caller: Caller, said: str, action: Event | None
    ) -> AsyncIterator[str | Event]:
        if action is not None:
            yield {"type": "ui.pressed", "action": str(action.get("type"))}
            yield "You pressed something."
            return
        if not said.strip():
            yield "Hello. "
            yield "Say something."
            return
        if said == "think":
            yield "Let me think. "
            await asyncio.sleep(1.5)
        earlier = "; ".join(self.heard[caller]) or "nothing"
        for piece in ("I heard ", said, ". ", f"Before that: {earlier}."):
            yield piece
        self.heard[caller].append(said)


class OfficialAgent:
    """The agent on the host: parses, streams, and keeps the state of its invocations."""

    def __init__(self) -> None:
        self.agent = EchoAgent()
        self.invocations: dict[str, Invocation] = {}
        # The host's own telemetry reaches for the internet when it starts.
        self.host = InvocationAgentServerHost(openapi_spec=OPENAPI, configure_observability=None)
        self.host.invoke_handler(self.invoke)
        self.host.get_invocation_handler(self.report)
        self.host.cancel_invocation_handler(self.cancel)

    async def invoke(self, request: Request) -> Response:
        try:
            said, action = read_turn(request.headers.get("content-type", ""), await request.body())
        except BadInputError:
            return refuse(400, "invalid_request", "Send a JSON object such as Voice Live does.")
        return StreamingResponse(
            self.stream(request, said, action),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    def identify(self, request: Request) -> Caller:
        return request.state.user_id, request.state.session_id

    async def stream(
        self, request: Request, said: str, action: Event | None
    ) -> AsyncIterator[bytes]:
        caller = self.identify(request)
        invocation = Invocation(request.state.user_id)
        self.invocations[request.state.invocation_id] = invocation
        async for output in self.agent.answer(caller, said, action):
            if invocation.status == "cancelled":
                break
            if isinstance(output, str):
                invocation.text += output
                output = {"type": "output_audio_transcription.delta", "delta": output}
            yield encode(output)
        if invocation.status == "running":
            invocation.status = "completed"
        yield encode({"type": "output_audio_transcription.done", "text": invocation.text})
        yield encode({"type": "done"})

    async def report(self, request: Request) -> Response:
        invocation_id = request.state.invocation_id
        invocation = self.invocations.get(invocation_id)
        if invocation is None or invocation.user_id != request.state.user_id:
            return refuse(404, "not_found", "There is no such invocation.")
        return JSONResponse(
            {
                "invocation_id": invocation_id,
                "status": invocation.status,
                "text": invocation.text,
            }
        )

    async def cancel(self, request: Request) -> Response:
        answer = await self.report(request)
        if answer.status_code == 200:
            invocation = self.invocations[request.state.invocation_id]
            if invocation.status == "running":
                invocation.status = "cancelled"
                return await self.report(request)
        return answer


def encode(event: Event) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def refuse(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse(
        {"error": {"code": code, "message": message}},
        status,
        {"x-platform-error-source": "user"},
    )


if __name__ == "__main__":
    OfficialAgent().host.run(host="127.0.0.1", port=int(os.environ["PORT"]))
