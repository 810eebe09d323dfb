"""The service: the WebSocket at ``…/voice-live/realtime``, and HTTP routes beside it.

``create_app`` gives the ASGI application for engines that are warm; ``serve`` binds the port,
warms the engines up, and runs until it is told to stop::

    bind ──▶ warm up the engines ──▶ accept ──▶ stop, in reverse order

A client that connects during the warm-up waits in the listen queue, so warm-up ends before its
``session.created``.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from voicelive_agent.emulator.access import Access
from voicelive_agent.emulator.engines import Engines, open_engines
from voicelive_agent.emulator.handshake import (
    ADDRESSES,
    PATH_SUFFIXES,
    REALTIME_SUFFIX,
    VOICE_AGENT_ADDRESS,
    is_address,
)
from voicelive_agent.emulator.routes import HttpRoutes
from voicelive_agent.emulator.routes.errors import answer_http_error
from voicelive_agent.emulator.routes.files import PageHeaders
from voicelive_agent.emulator.settings import Settings
from voicelive_agent.emulator.shell.connection import hold_session
from voicelive_agent.emulator.socket import SessionSocket
from voicelive_agent.emulator.tls import Certificate, PlainPort, find_certificate, watch_port
from voicelive_agent.emulator.watch.feed import Feed
from voicelive_agent.emulator.watch.recording import check_directory
from voicelive_agent.emulator.watch.sessions import Sessions
from voicelive_agent.listening import bind, is_reachable_by_others, url_of
from voicelive_agent.settings_sources import variable_of

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""What a client may send in one frame: 15 MiB of audio are 20 MiB of base64, and some JSON."""
STOP_TIMEOUT_S = 5

logger = logging.getLogger(__name__)


class ServiceError(Exception):
    """The service can't start; the message says what to do."""


def create_app(settings: Settings, engines: Engines, sessions: Sessions | None = None) -> Starlette:
    """The application; ``engines`` must be started and outlive it.

    ``sessions`` are those that it has and had, where somebody else tells their feed something too.
    """
    kept = Sessions() if sessions is None else sessions
    http = HttpRoutes(settings, engines, kept)

    async def ask_for_upgrade(request: Request) -> Response:
        return PlainTextResponse(
            "This is the address of a WebSocket: connect with azure-ai-voicelive, or an SDK of "
            "OpenAI Realtime where the path is its own.\n",
            status_code=426,
            headers={"Upgrade": "websocket", "Connection": "Upgrade"},
        )

    async def open_session(websocket: WebSocket) -> None:
        if not is_address(websocket.url.path):
            await websocket.send_denial_response(
                PlainTextResponse(
                    f"No such path: it must end in {PATH_SUFFIXES[0]}, in {REALTIME_SUFFIX} for "
                    "clients of OpenAI Realtime, or be a voice agent's, "
                    f"{VOICE_AGENT_ADDRESS}\n",
                    status_code=404,
                )
            )
        elif websocket.query_params.get("transport") == "webrtc":
            await websocket.send_denial_response(
                PlainTextResponse(
                    "The emulator doesn't do WebRTC: leave 'transport' out\n", status_code=400
                )
            )
        elif (full := http.about.find_lack_of_room()) is not None:
            await websocket.send_denial_response(PlainTextResponse(f"{full}\n", status_code=429))
        else:
            await hold_session(websocket, settings, engines, kept)

    app = Starlette(
        routes=[
            *http.routes,
            *(Route(f"/{{prefix:path}}{path[1:]}", ask_for_upgrade) for path in ADDRESSES),
            WebSocketRoute("/{path:path}", open_session),
        ],
        middleware=[
            Middleware(PageHeaders),
            *_share_with_pages(settings),
            Middleware(Access, settings=settings),
        ],
        exception_handlers={HTTPException: answer_http_error},
    )
    app.state.stop = http.stop
    return app


def _share_with_pages(settings: Settings) -> list[Middleware]:
    """What lets pages of other origins read answers, where such pages are let in."""
    origins = settings.allow_origins
    if not origins:
        return []
    return [Middleware(CORSMiddleware, allow_origins=origins, allow_headers=["*"])]


class _Server(uvicorn.Server):
    """Leaves signals to ``serve``, which has more to stop than the sockets."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # They would be waited for; sessions end by themselves.
        await self._stop()
        await super().shutdown(sockets)


def _is_news(record: logging.LogRecord) -> bool:
    # uvicorn takes a handshake that was refused on purpose for a mistake of the application, and
    # asyncio tells of each frame on its way to a client that has hung up.
    message = str(record.msg)
    return "without completing handshake" not in message and "socket.send() raised" not in message


def create_server(app: Starlette, certificate: Certificate | None = None) -> uvicorn.Server:
    """A server for sockets that are bound already; with a certificate it speaks TLS alone."""
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(_is_news)
    config = uvicorn.Config(
        app,
        http=PlainPort if certificate is None else "auto",
        ws=SessionSocket,
        ws_max_size=MAX_FRAME_BYTES,
        # Compressing audio would take a whole core for some dozens of sessions.
        ws_per_message_deflate=False,
        # A client that stands at a breakpoint is not gone.
        ws_ping_interval=60,
        ws_ping_timeout=600,
        lifespan="off",
        access_log=False,
        log_config=None,
        # At info it logs each URL, and a key may stand in its query.
        log_level="warning",
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    config.load()
    watch_port(config)
    return _Server(config, app.state.stop)


@contextlib.asynccontextmanager
async def _serving(server: uvicorn.Server, listener: socket.socket) -> AsyncIterator[None]:
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def serve(
    settings: Settings,
    on_ready: Callable[[str, Engines], None],
    beside: Callable[[Feed], AbstractAsyncContextManager[Any]] = contextlib.nullcontext,
) -> int:
    """Run until SIGINT or SIGTERM; the exit code.

    ``on_ready`` gets the service's URL and its engines once it accepts sessions. ``beside`` makes
    what runs beside the service, from before its engines are warm until its sessions are closed,
    and may tell its feed something.
    Raises ServiceError, TlsError, ListenError, and what ``open_engines`` and ``beside`` raise.
    """
    _check_recordings(settings.record)
    _check_host(settings)
    certificate = find_certificate(settings)
    listener = bind(
        settings.host, settings.port, names=f"--port or {variable_of(Settings, 'port')}"
    )
    with _cancelled_by_signals():
        try:
            async with contextlib.AsyncExitStack() as stack:
                sessions = Sessions()
                await stack.enter_async_context(beside(sessions.feed))
                engines = await stack.enter_async_context(open_engines(settings))
                app = create_app(settings, engines, sessions)
                server = create_server(app, certificate)
                await stack.enter_async_context(_serving(server, listener))
                on_ready(url_of(listener, settings.host, is_tls=server.config.is_ssl), engines)
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            return 0
        finally:
            listener.close()
    return 0


def _check_host(settings: Settings) -> None:
    """Raises ServiceError where anyone on another machine could use the emulator."""
    if not settings.api_key and is_reachable_by_others(settings.host):
        raise ServiceError(
            f"--host {settings.host} ({variable_of(Settings, 'host')}) is open to other machines"
            " without a key: add --api-key KEY, which clients then send, or leave --host out"
        )


def _check_recordings(directory: Path | None) -> None:
    """Raises ServiceError where no recording could be kept there."""
    if directory is not None:
        try:
            check_directory(directory)
        except OSError as error:
            raise ServiceError(
                f"--record {directory}: nothing can be written there ({error.strerror or error}): "
                "choose another directory"
            ) from error


@contextlib.contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """The first SIGINT or SIGTERM cancels the current task; its clean-up is left in peace."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping and task is not None:
            stopping = True
            task.cancel()

    installed = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers; there, asyncio.run turns Ctrl-C into a cancellation.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
