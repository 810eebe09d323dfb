"""The Invocations protocol: turns as HTTP requests, answers as server-sent events.

What Voice Live sends and reads is documented in "Use Voice Live with hosted agents"
(aka.ms/VoiceLive-HostedAgent); the container contract is Foundry's hosted agent contract.

The application is FastAPI's, for its metrics of requests and for the routes that an author adds
to it; a turn uses neither its routes nor sse-starlette's response. Measured in this process, CPU
for one turn of 40 deltas (Python 3.11, fastapi 0.165, sse-starlette 3.7):

- a plain route and ``TurnStream``: 138 us, of which FastAPI's application is 33;
- a route of FastAPI's in its place: 201 us, with a pydantic model of the body 290 us;
- ``EventSourceResponse`` in place of ``TurnStream``: 978 us, for its group of four tasks and a
  scope with a timeout around each write.

FastAPI itself costs 0.2 s and 7 MB at start, once.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from voicelive_agent.server.conversations import ConversationKey, StoreError, TurnRecord
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import TurnRequest
from voicelive_agent.server.engine.turn import RunningTurn
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import read_route
from voicelive_agent.server.platform.ids import (
    choose_invocation_id,
    choose_session_id,
    is_valid_id,
)
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.invocations_input import parse_turn
from voicelive_agent.server.wires.invocations_stream import TurnStream, describe_failure
from voicelive_agent.wire.invocations import (
    CALL_HEADER,
    INVOCATION_HEADER,
    SESSION_HEADER,
    SESSION_QUERY,
    USER_HEADER,
)

_TURNS = "/invocations"
_NO_IDS: Mapping[str, str] = {}

LookUp = Callable[[str, str], Awaitable[TurnRecord | None]]


def describe_turn(record: TurnRecord) -> dict[str, Any]:
    """A turn's state as GET and cancel report it."""
    state: dict[str, Any] = {
        "invocation_id": record.invocation_id,
        "session_id": record.key.session_id,
        "status": record.status,
        "text": record.reply,
        "interrupted": record.interrupted,
    }
    if record.status == "failed":
        state["error"] = describe_failure(record.reason)
    return state


class InvocationsWire:
    """The routes of the protocol around one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self.routes = [
            Route(_TURNS, self.invoke, methods=["POST"]),
            Route("/invocations/docs/openapi.json", self.describe, methods=["GET"]),
            Route("/invocations/{invocation_id}", self.report, methods=["GET"]),
            Route("/invocations/{invocation_id}/cancel", self.cancel, methods=["POST"]),
        ]

    def choose_ids(self, scope: Scope, headers: Headers) -> Mapping[str, str]:
        """The ids of a turn's invocation and session, for ``platform.headers``."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return _NO_IDS
        if read_route(scope) != _TURNS:
            return _NO_IDS
        session_id = QueryParams(scope["query_string"]).get(SESSION_QUERY)
        default = self._settings.foundry_agent_session_id
        return {
            INVOCATION_HEADER: choose_invocation_id(headers.get(INVOCATION_HEADER)),
            SESSION_HEADER: choose_session_id(session_id, default),
        }

    async def invoke(self, request: Request) -> Response:
        """Answer one turn as a stream of events."""
        turn = await self._begin(request)
        settings = self._settings
        return TurnStream(turn, settings.sse_keepalive_interval, settings.send_timeout_seconds)

    async def _begin(self, request: Request) -> RunningTurn:
        engine = self._engine
        body = await read_body(request, self._settings.max_body_bytes)
        headers, ids = request.headers, request.scope["state"]["ids"]
        said = parse_turn(headers.get("content-type", ""), body)
        key = ConversationKey(headers.get(USER_HEADER, ""), ids[SESSION_HEADER])
        # Checked last, so that nothing is awaited between the check and the start.
        if engine.draining:
            raise ApiError(
                503,
                "draining",
                "This server is shutting down; send the turn again.",
                "platform",
                headers={"retry-after": "1"},
            )
        if engine.is_full_for(key):
            raise ApiError(
                429,
                "too_many_turns",
                "Too many turns are active on this server; try again shortly.",
                "platform",
                headers={"retry-after": "1"},
            )
        return engine.begin(
            TurnRequest(
                key=key,
                invocation_id=ids[INVOCATION_HEADER],
                kind=said.kind,
                text=said.text,
                action=said.action,
                typed=said.typed,
                call_id=headers.get(CALL_HEADER, ""),
            )
        )

    async def report(self, request: Request) -> Response:
        """The state of a turn: running, completed, cancelled or failed, with its text."""
        return await self._answer_state(request, self._engine.find)

    async def cancel(self, request: Request) -> Response:
        """Stop a turn if it runs, and report its state."""
        return await self._answer_state(request, self._engine.cancel)

    async def _answer_state(self, request: Request, look_up: LookUp) -> Response:
        invocation_id = request.path_params["invocation_id"]
        if not is_valid_id(invocation_id):
            raise ApiError(
                400,
                "invalid_invocation_id",
                "An invocation id has 1 to 256 of the characters a-z A-Z 0-9 - _ . and :",
            )
        ids = {INVOCATION_HEADER: invocation_id}
        try:
            record = await look_up(request.headers.get(USER_HEADER, ""), invocation_id)
        except StoreError as error:
            raise ApiError(
                503,
                "conversations_unavailable",
                "The conversation store does not answer; try again shortly.",
                "upstream",
                headers={**ids, "retry-after": "1"},
            ) from error
        session_id = request.query_params.get(SESSION_QUERY)
        if record is None or (session_id and record.key.session_id != session_id):
            raise ApiError(404, "not_found", "There is no invocation with this id.", headers=ids)
        return JSONResponse(describe_turn(record), headers=ids)

    async def describe(self, request: Request) -> Response:
        """The OpenAPI description of these routes."""
        from voicelive_agent.server.wires.invocations_openapi import build_openapi

        settings = self._settings
        return JSONResponse(
            build_openapi(settings.max_body_bytes, needs_key=bool(settings.api_key))
        )


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The request's body. Raises ApiError (413) as soon as it is longer than ``max_bytes``."""
    too_large = ApiError(
        413, "body_too_large", f"The body of a turn has at most {max_bytes} bytes."
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)
