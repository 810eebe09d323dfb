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
from voicelive_agent.server.conversations.records import count_bytes
from voicelive_agent.server.engine.ending import Ending
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import TurnRequest
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.engine.repeat import IdReusedError, StoredTurn
from voicelive_agent.server.platform.body import read_body
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import change_id, read_route
from voicelive_agent.server.platform.ids import (
    choose_invocation_id,
    choose_session_id,
    is_valid_id,
)
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.invocations_input import parse_turn
from voicelive_agent.server.wires.invocations_stream import TurnStream, describe_failure
from voicelive_agent.settings_sources import variable_of
from voicelive_agent.wire.invocations import (
    CALL_HEADER,
    INVOCATION_HEADER,
    SESSION_HEADER,
    SESSION_QUERY,
    USER_HEADER,
)

_TURNS = "/invocations"
_NO_IDS: Mapping[str, str] = {}

# What ``Engine.find_surplus`` names.
_TOO_MANY = {
    "max_active_turns": "Too many turns are active on this server",
    "max_active_turns_per_session": "Too many turns of this session are active",
    "max_active_turns_per_user": "Too many turns of this user are active",
}

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
        refuse_repeated_headers(request)
        turn = await self._read_turn(request)
        listener = await self._follow(turn, request) or self._begin(turn)
        settings = self._settings
        return TurnStream(listener, settings.sse_keepalive_interval, settings.send_timeout_seconds)

    async def _read_turn(self, request: Request) -> TurnRequest:
        settings, headers, ids = self._settings, request.headers, request.scope["state"]["ids"]
        body = await read_body(request, settings.max_body_bytes)
        said = parse_turn(headers.get("content-type", ""), body)
        if count_bytes(said.text) > settings.max_speech_bytes:
            raise ApiError(
                413,
                "speech_too_long",
                f"What is said in one turn has at most {settings.max_speech_bytes} bytes"
                f" ({variable_of(Settings, 'max_speech_bytes')}).",
            )
        return TurnRequest(
            key=ConversationKey(headers.get(USER_HEADER, ""), ids[SESSION_HEADER]),
            invocation_id=ids[INVOCATION_HEADER],
            kind=said.kind,
            text=said.text,
            action=said.action,
            typed=said.typed,
            call_id=headers.get(CALL_HEADER, ""),
            named_session=self._is_named(ids[SESSION_HEADER], request.query_params),
        )

    def _is_named(self, session_id: str, query: QueryParams) -> bool:
        """Whether the caller or the platform knew a session's id before it was asked for."""
        return session_id in (query.get(SESSION_QUERY), self._settings.foundry_agent_session_id)

    async def _follow(self, turn: TurnRequest, request: Request) -> Listener | StoredTurn | None:
        """The turn that is asked for again, if this is one that was asked before."""
        if request.headers.get(INVOCATION_HEADER) != turn.invocation_id:
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

    def _begin(self, turn: TurnRequest) -> Listener:
        # Checked last, so that nothing is awaited between the check and the start.
        engine = self._engine
        if engine.draining:
            raise ApiError(
                503,
                "draining",
                "This server is shutting down; send the turn again.",
                "platform",
                headers={"retry-after": "1"},
            )
        if limit := engine.find_surplus(turn.key):
            raise ApiError(
                429,
                "too_many_turns",
                f"{_TOO_MANY[limit]}; try again shortly ({variable_of(Settings, limit)}).",
                "platform",
                headers={"retry-after": "1"},
            )
        return engine.begin(turn).listen()

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
        refuse_repeated_headers(request)
        session_id = request.query_params.get(SESSION_QUERY) or None
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
        from voicelive_agent.server.wires.invocations_openapi import build_openapi

        settings = self._settings
        return JSONResponse(
            build_openapi(settings.max_body_bytes, needs_key=bool(settings.api_key))
        )


def refuse_repeated_headers(request: Request) -> None:
    """Raises ApiError (400) where a header that says whose turn it is came more than once."""
    for name in (USER_HEADER, INVOCATION_HEADER, CALL_HEADER):
        if len(request.headers.getlist(name)) > 1:
            raise ApiError(400, "repeated_header", f"Send {name} once: which one counts?")
    if len(request.query_params.getlist(SESSION_QUERY)) > 1:
        raise ApiError(400, "repeated_query", f"Send {SESSION_QUERY} once: which one counts?")
