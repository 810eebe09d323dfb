"""Headers that every response carries: ``x-request-id`` and ``x-platform-server``.

Every answer to a turn, errors included, also has the ids that its wire chooses for it (Foundry,
hosted agent contract). WebSockets carry the same headers in their handshake.
"""

import sys
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voicelive_agent import __version__
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.ids import choose_request_id
from voicelive_agent.server.platform.telemetry.spans import continue_trace, leave_trace
from voicelive_agent.wire.invocations import SESSION_QUERY

SERVER = f"voicelive-agent/{__version__} (python/{sys.version_info[0]}.{sys.version_info[1]})"
_SERVER_BYTES = SERVER.encode()
_REQUEST_ID = b"x-request-id"

MAX_HEADER_BYTES = 32 * 1024
_HEADERS_TOO_LARGE = ApiError(
    431, "headers_too_large", f"The headers of a request have at most {MAX_HEADER_BYTES} bytes."
)
_HANDSHAKES = frozenset(
    {"http.response.start", "websocket.accept", "websocket.http.response.start"}
)

ChooseIds = Callable[[Scope, Mapping[str, str]], Mapping[str, str]]
"""A wire's: the ids of the turn or session that this request begins, by their header's name; empty
where it begins none. Takes the request's scope and headers."""


class PlatformHeaders:
    """ASGI middleware that adds these headers, whoever answers, and continues the caller's trace.

    They are in ``scope["state"]["platform_headers"]`` for whoever answers without ASGI; the ids
    for whoever answers the turn in ``scope["state"]["ids"]``, by their header's name.
    """

    def __init__(self, app: ASGIApp, choose_ids: ChooseIds) -> None:
        self._app = app
        self._choose_ids = choose_ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = read_headers(scope)
        request_id = choose_request_id(headers)
        ids = self._choose_ids(scope, headers)
        ours = [
            (_REQUEST_ID, request_id.encode()),
            (b"x-platform-server", _SERVER_BYTES),
            *[(name.encode(), value.encode()) for name, value in ids.items()],
        ]
        state = scope.setdefault("state", {})
        state["ids"], state["platform_headers"] = ids, ours
        app = self._app
        if sum([len(name) + len(value) for name, value in scope["headers"]]) > MAX_HEADER_BYTES:
            app = _HEADERS_TOO_LARGE.send

        async def add_headers(message: Message) -> None:
            if message["type"] in _HANDSHAKES:
                others = [item for item in message.get("headers", ()) if item[0] != _REQUEST_ID]
                message["headers"] = others + ours
            await send(message)

        token = continue_trace(headers, request_id)
        try:
            await app(scope, receive, add_headers)
        finally:
            leave_trace(token)


def read_route(scope: Scope) -> str:
    """The path as routes see it: without what the application is mounted at or a last newline."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).removesuffix("\n")


def read_headers(scope: Scope) -> Mapping[str, str]:
    """Headers by lower-case name, of a repeated one the first; read once for a request.

    Starlette's look through all of them for each name: 1.5 us, a dozen times a turn.
    """
    headers: Mapping[str, str] | None = scope.get("voicelive.headers")
    if headers is None:
        headers = scope["voicelive.headers"] = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in reversed(scope["headers"])
        }
    return headers


def read_query(scope: Scope, name: str) -> list[str]:
    """What the query says of ``name``, decoded once for a request; most have none (20 us)."""
    if not scope["query_string"]:
        return []
    query: dict[str, list[str]] | None = scope.get("voicelive.query")
    if query is None:
        text = scope["query_string"].decode("latin-1")
        query = scope["voicelive.query"] = parse_qs(text, keep_blank_values=True)
    return query.get(name, [])


def read_session(scope: Scope) -> str:
    """The session that the query names, the last one if several; empty for none."""
    named = read_query(scope, SESSION_QUERY)
    return named[-1] if named else ""


def change_id(scope: Scope, name: str, value: str) -> None:
    """Correct an id that was chosen for a request, before it is answered."""
    state = scope["state"]
    if state["ids"].get(name) != value:
        state["ids"] = {**state["ids"], name: value}
        ours, at = state["platform_headers"], name.encode()
        ours[:] = [(at, value.encode()) if header[0] == at else header for header in ours]
