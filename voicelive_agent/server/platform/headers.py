"""Headers that every response carries: ``x-request-id`` and ``x-platform-server``.

Every answer to POST /invocations, errors included, also names its invocation and its session
(Foundry, hosted agent contract); handlers find these two in ``request.state``.
"""

import sys

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voicelive_agent import __version__
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.ids import (
    choose_invocation_id,
    choose_request_id,
    choose_session_id,
)
from voicelive_agent.server.platform.telemetry.spans import continue_trace
from voicelive_agent.server.settings import Settings

SERVER = f"voicelive-agent/{__version__} (python/{sys.version_info[0]}.{sys.version_info[1]})"
_SERVER_BYTES = SERVER.encode()

MAX_HEADER_BYTES = 32 * 1024
_HEADERS_TOO_LARGE = ApiError(
    431, "headers_too_large", f"The headers of a request have at most {MAX_HEADER_BYTES} bytes."
).response()


class PlatformHeaders:
    """ASGI middleware that adds these headers, whoever answers, and continues the caller's trace.

    They are in ``scope["state"]["platform_headers"]`` for whoever answers without ASGI.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._default_session_id = settings.foundry_agent_session_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = choose_request_id(headers)
        ours = [
            (b"x-request-id", request_id.encode()),
            (b"x-platform-server", _SERVER_BYTES),
        ]
        state = scope.setdefault("state", {})
        if scope["method"] == "POST" and _read_path(scope) == "/invocations":
            requested = QueryParams(scope["query_string"]).get("agent_session_id")
            session_id = choose_session_id(requested, self._default_session_id)
            invocation_id = choose_invocation_id(headers.get("x-agent-invocation-id"))
            state["session_id"], state["invocation_id"] = session_id, invocation_id
            ours += [
                (b"x-agent-invocation-id", invocation_id.encode()),
                (b"x-agent-session-id", session_id.encode()),
            ]
        state["platform_headers"] = ours
        app = self._app
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            app = _HEADERS_TOO_LARGE

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *(item for item in message.get("headers", ()) if item[0] != b"x-request-id"),
                    *ours,
                ]
            await send(message)

        with continue_trace(headers, request_id):
            await app(scope, receive, add_headers)


def _read_path(scope: Scope) -> str:
    """The path as routes see it: without what the application is mounted at or a last newline."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).removesuffix("\n")
