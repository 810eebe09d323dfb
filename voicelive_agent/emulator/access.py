"""Access: who may use the emulator. With ``--api-key``, who has the key; without, this machine."""

import logging

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from voicelive_agent.emulator.settings import Settings
from voicelive_agent.wire.admission import LocalAdmission, has_key

CONSOLE_PATH = "/console/"
"""Below it are the files of the page that ``GET /`` is."""

logger = logging.getLogger(__name__)


class Access:
    """ASGI middleware that lets HTTP requests and WebSockets through, or says what to do."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._key = settings.api_key.get_secret_value() if settings.api_key else ""
        self._local = LocalAdmission(
            how_to_open="start it with --api-key KEY", origins=settings.allow_origins
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None if scope["type"] == "lifespan" else self._refuse(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
        await refusal(scope, receive, send)

    def _refuse(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if self._key:
            if _is_page(scope) or self._has_key(scope, headers):
                return None
            return _say(
                401,
                "Access denied: send the key that the emulator was started with (--api-key) as "
                "api-key, or as a bearer token.",
                {"WWW-Authenticate": "Bearer"},
            )
        fault = self._local.find_fault(
            scope["scheme"], headers.getlist("host"), headers.getlist("origin")
        )
        if fault is None:
            return None
        # Neither browsers nor the SDK show the body that a WebSocket is refused with.
        logger.warning("Refused %s: %s", scope["path"], fault)
        return _say(403, fault)

    def _has_key(self, scope: Scope, headers: Headers) -> bool:
        if scope["type"] == "http":
            # A key in the address of a page would stand in histories, logs and links.
            return has_key(self._key, headers)
        query = HTTPConnection(scope).query_params
        return has_key(self._key, headers, query, scope["subprotocols"])


def _is_page(scope: Scope) -> bool:
    """The console's own files: a browser can send no key for them, and they hold nothing secret."""
    path: str = scope["path"]
    return bool(scope["type"] == "http") and (path == "/" or path.startswith(CONSOLE_PATH))


def _say(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": str(status), "message": message}}, status, headers)
