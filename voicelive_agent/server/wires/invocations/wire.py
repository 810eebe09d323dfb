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

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from voicelive_agent.server.conversations import ConversationKey, StoreError, TurnRecord
from voicelive_agent.server.engine.ending import Ending
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import TurnRequest
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.engine.past.repeat import IdReusedError, StoredTurn
from voicelive_agent.server.platform.body import read_body
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import (
    change_id,
    read_headers,
    read_query,
    read_route,
    read_session,
)
from voicelive_agent.server.platform.ids import (
    choose_invocation_id,
    choose_session_id,
    is_valid_id,
)
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.admission import begin_turn, check_speech, refuse_repeated
from voicelive_agent.server.wires.invocations.input import parse_turn
from voicelive_agent.server.wires.invocations.stream import InvocationsStream, describe_failure
from voicelive_agent.wire.invocations import (
    CALL_HEADER,
    INVOCATION_HEADER,
    SESSION_HEADER,
    SESSION_QUERY,
    USER_HEADER,
)

_TURNS = "/invocations"
_ONCE = frozenset({USER_HEADER, INVOCATION_HEADER, CALL_HEADER})
_NO_IDS: Mapping[str, str] = {}

LookUp = Callable[[str, str, str | None], Awaitable[TurnRecord | None]]


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


class _Turns:
    """An endpoint as ASGI has it, which answers its errors itself."""

    def __init__(self, invoke: Callable[[Request], Awaitable[Response]]) -> None:
        self._invoke = invoke

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._invoke(Request(scope, receive, send))
        except ApiError as error:
            response = error.response()
        await response(scope, receive, send)


class InvocationsWire:
    """The routes of the protocol around one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self.endpoints: Mapping[str, ASGIApp] = {_TURNS: _Turns(self.invoke)}
        self.routes = [
            Route(_TURNS, self.endpoints[_TURNS], methods=["POST"], name="invoke"),
            Route("/invocations/docs/openapi.json", self.describe, methods=["GET"]),
            Route("/invocations/{invocation_id}", self.report, methods=["GET"]),
            Route("/invocations/{invocation_id}/cancel", self.cancel, methods=["POST"]),
        ]

    def choose_ids(self, scope: Scope, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The ids of a turn's invocation and session, for ``platform.headers``."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return _NO_IDS
        if read_route(scope) != _TURNS:
            return _NO_IDS
        session_id = read_session(scope)
        default = self._settings.foundry_agent_session_id
        return {
            INVOCATION_HEADER: choose_invocation_id(headers.get(INVOCATION_HEADER)),
            SESSION_HEADER: choose_session_id(session_id, default),
        }

    async def invoke(self, request: Request) -> Response:
        """Answer one turn as a stream of events."""
        refuse_repeated_names(request)
        turn = await self._read_turn(request)
        listener = await self._follow(turn, request) or begin_turn(self._engine, turn).listen()
        settings = self._settings
        return InvocationsStream(
            listener, settings.sse_keepalive_interval, settings.send_timeout_seconds
        )

    async def _read_turn(self, request: Request) -> TurnRequest:
        settings, ids = self._settings, request.scope["state"]["ids"]
        headers = read_headers(request.scope)
        body = await read_body(request, settings.max_body_bytes)
        said = parse_turn(headers.get("content-type", ""), body)
        check_speech(said.text, settings)
        return TurnRequest(
            key=ConversationKey(headers.get(USER_HEADER, ""), ids[SESSION_HEADER]),
            invocation_id=ids[INVOCATION_HEADER],
            kind=said.kind,
            text=said.text,
            action=said.action,
            typed=said.typed,
            call_id=headers.get(CALL_HEADER, ""),
            named_session=self._is_named(ids[SESSION_HEADER], request.scope),
        )

    def _is_named(self, session_id: str, scope: Scope) -> bool:
        """Whether the caller or the platform knew a session's id before it was asked for."""
        return session_id in (read_session(scope), self._settings.foundry_agent_session_id)

    async def _follow(self, turn: TurnRequest, request: Request) -> Listener | StoredTurn | None:
        """The turn that is asked for again, if this is one that was asked before."""
        if read_headers(request.scope).get(INVOCATION_HEADER) != turn.invocation_id:
            return None
        try:
            listener = await self._engine.find_repeated(turn)
        except IdReusedError:
            raise ApiError(
                409,
                Ending.ID_REUSED.value,
                f"Another turn has this {INVOCATION_HEADER}: send the same body to hear its answer"
                " again, or a new id for a new turn.",
            ) from None
        if listener is not None:
            # Where the caller named no session, it is the one of the turn.
            change_id(request.scope, SESSION_HEADER, listener.record.key.session_id)
        return listener

    async def drain(self) -> None:
        """A request is a turn, which the engine drains."""

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
        refuse_repeated_names(request)
        session_id = read_session(request.scope) or None
        try:
            record = await look_up(request.headers.get(USER_HEADER, ""), invocation_id, session_id)
        except StoreError as error:
            raise ApiError(
                503,
                "conversations_unavailable",
                "The conversation store does not answer; try again shortly.",
                "upstream",
                headers={**ids, "retry-after": "1"},
            ) from error
        if record is None:
            raise ApiError(404, "not_found", "There is no invocation with this id.", headers=ids)
        return JSONResponse(describe_turn(record), headers=ids)

    async def describe(self, request: Request) -> Response:
        """The OpenAPI description of these routes."""
        from voicelive_agent.server.wires.invocations.openapi import build_openapi

        settings = self._settings
        return JSONResponse(
            build_openapi(settings.max_body_bytes, needs_key=bool(settings.api_key))
        )


def refuse_repeated_names(request: Request) -> None:
    """Raises ApiError (400) where what says whose turn it is came more than once."""
    refuse_repeated(request, _ONCE)
    if len(read_query(request.scope, SESSION_QUERY)) > 1:
        raise ApiError(400, "repeated_query", f"Send {SESSION_QUERY} once: which one counts?")
