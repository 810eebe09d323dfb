"""Headers that every response carries: ``x-request-id`` and ``x-platform-server``."""

import sys

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__
from app.platform.errors import ApiError
from app.platform.ids import choose_request_id

SERVER = f"voicelive-agent/{__version__} (python/{sys.version_info[0]}.{sys.version_info[1]})"

MAX_HEADER_BYTES = 32 * 1024
_HEADERS_TOO_LARGE = ApiError(
    431, "headers_too_large", f"The headers of a request have at most {MAX_HEADER_BYTES} bytes."
).response()


class PlatformHeaders:
    """ASGI middleware that adds the two headers, whoever answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = choose_request_id(Headers(scope=scope))
        app = self._app
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            app = _HEADERS_TOO_LARGE

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *(item for item in message.get("headers", ()) if item[0] != b"x-request-id"),
                    (b"x-request-id", request_id.encode()),
                    (b"x-platform-server", SERVER.encode()),
                ]
            await send(message)

        await app(scope, receive, add_headers)
