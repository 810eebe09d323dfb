"""The console's files by URL, and the headers that every answer of the emulator has."""

import mimetypes
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voicelive_agent.emulator import console

FOLDER = Path(console.__file__).parent
INDEX = FOLDER / "index.html"

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""The system's own table may call a script text/plain, which browsers then refuse to run."""

_HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'self'",
            "connect-src 'self' ws: wss:",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "style-src 'self'",
            "object-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class PageHeaders:
    """ASGI middleware: no answer is taken for a script, framed, or lets a page load from others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def show_file(request: Request) -> Response:
    """A file of the console, or HTTP 404."""
    try:
        file = (FOLDER / request.path_params["path"]).resolve()
        is_served = file.is_relative_to(FOLDER) and file.suffix in _TYPES and file.is_file()
    except (OSError, ValueError):
        # A name that no file can have.
        is_served = False
    if not is_served:
        raise HTTPException(404)
    return send_file(request, file)


async def show_console(request: Request) -> Response:
    return send_file(request, INDEX)


def send_file(request: Request, file: Path) -> Response:
    """The file, or HTTP 304 where the browser has it."""
    response = FileResponse(
        file,
        stat_result=file.stat(),
        media_type=_TYPES.get(file.suffix) or mimetypes.guess_type(file)[0],
        # Asked for again each time: the page is that of the emulator that runs.
        headers={"cache-control": "no-cache"},
    )
    known = [tag.strip(" W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if response.headers["etag"] in known:
        return NotModifiedResponse(response.headers)
    return response
