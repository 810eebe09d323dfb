"""Agent server and emulator in this process, each on a port that the system chooses."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from voicelive_agent.agent import Agent
from voicelive_agent.emulator import service as emulator
from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.settings import Settings as EmulatorSettings
from voicelive_agent.emulator.watch.sessions import Sessions
from voicelive_agent.listening import bind, url_of
from voicelive_agent.server.app import create_app
from voicelive_agent.server.settings import Settings as ServerSettings

STOP_TIMEOUT_S = 5


class _Server(uvicorn.Server):
    """Leaves signals to the program that it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve_agent(agent: Agent, **settings: Any) -> AsyncIterator[str]:
    """The URL of an agent server that forgets what was said when it ends.

    ``settings`` are those of ``voicelive_agent.server``, by their fields' names.
    """
    given = {
        "_env_file": None,
        "conversations": "memory:",
        "api_key": "",
        "log_level": "WARNING",
        "shutdown_grace_seconds": 0,
        **settings,
    }
    app = create_app(agent, ServerSettings(**given))
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )
    async with _serving(_Server(config)) as url:
        yield url


@contextlib.asynccontextmanager
async def serve_emulator(
    settings: EmulatorSettings,
    engines: Engines,
    port: int = 0,
    sessions: Sessions | None = None,
) -> AsyncIterator[str]:
    """The URL of an emulator with engines that are started; ``sessions`` as ``create_app`` has."""
    app = emulator.create_app(settings, engines, sessions)
    async with _serving(emulator.create_server(app), port) as url:
        yield url


@contextlib.asynccontextmanager
async def _serving(server: uvicorn.Server, port: int = 0) -> AsyncIterator[str]:
    listener = bind("127.0.0.1", port)
    url = url_of(listener, "127.0.0.1")
    task = asyncio.create_task(_run(server, listener), name="server")
    try:
        while not server.started:
            if task.done():
                raise RuntimeError("the server does not start: its log says why")
            await asyncio.sleep(0.005)
        yield url
    finally:
        server.should_exit = True
        await task
        listener.close()


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    # uvicorn exits where the application does not start, and would take the event loop with it.
    with contextlib.suppress(SystemExit):
        await server.serve(sockets=[listener])
