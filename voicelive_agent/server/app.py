"""The agent server as an ASGI application: ``create_app(agent, settings)``."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from voicelive_agent import __version__
from voicelive_agent.command_name import spell_command
from voicelive_agent.frameworks.loading import LoadedAgent, adapt, load_agent
from voicelive_agent.frameworks.naming import AgentLoadError
from voicelive_agent.server.conversations import open_store
from voicelive_agent.server.conversations.location import describe_location
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.platform.access import Access
from voicelive_agent.server.platform.conversation_route import route_conversations
from voicelive_agent.server.platform.drain import Drain
from voicelive_agent.server.platform.errors import CatchErrors, add_error_handlers
from voicelive_agent.server.platform.headers import PlatformHeaders
from voicelive_agent.server.platform.logs import configure_logs, describe_error
from voicelive_agent.server.platform.loop_watch import LoopWatch
from voicelive_agent.server.platform.readiness import route_readiness
from voicelive_agent.server.platform.telemetry.exporters import Exporters
from voicelive_agent.server.platform.uncaught import explain_uncaught, log_uncaught
from voicelive_agent.server.settings import DEFAULT_AGENT, Settings, load_settings
from voicelive_agent.server.wires.admission import PacedTurns
from voicelive_agent.server.wires.served import StraightRoute, join_ids, make_wires
from voicelive_agent.settings_sources import SettingsError, print_unknown_names
from voicelive_agent.wire.invocations import INVOCATION_HEADER, SESSION_HEADER

logger = logging.getLogger(__name__)

# Here, as an author's module may fail before it calls anything of this.
explain_uncaught()

_NO_AGENT = """\
No agent is named, and there is no app/agent.py here. Write one, say into my_agent.py:

    async def reply(turn):
        yield f"You said {{turn.text}}."

and run: {command} my_agent:reply
(or, for a language model by configuration alone: {command} model)"""


def create_app(agent: Any = None, settings: Settings | None = None) -> FastAPI:
    """The application that serves one agent; nothing listens until a server runs it.

    ``agent`` is what an agent can be made of (a function, a class, an object with a ``reply``
    method, another framework's agent); without it, the one that ``settings.agent`` names. Without
    ``settings``, those of the environment. Raises SettingsError or AgentLoadError.
    """
    settings = settings or load_settings()
    configure_logs(settings)
    try:
        store = open_store(
            settings.conversations,
            settings.store_limits(),
            lease_seconds=settings.lease_seconds,
            # Not in memory, which is of one process, where several are to know the same.
            serving=settings.workers == 1,
        )
    except ValueError as error:
        raise SettingsError(f"--conversations (VOICELIVE_CONVERSATIONS): {error}") from None
    engine = Engine(_open_agent(agent, settings), store, settings.turn_limits())
    exporters = Exporters(settings)
    wires = make_wires(engine, settings)
    drain = Drain(engine, settings.shutdown_grace_seconds, [wire.drain for wire in wires])

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        try:
            await engine.start()
        except (Exception, SystemExit) as error:
            logger.critical("this server can't start", exc_info=error)
            raise
        drain.install()
        exporters.start()
        watch = LoopWatch(is_development=settings.is_development)
        watch.start()
        place = describe_location(settings.conversations)
        logger.info("agent %r is ready, conversations in %s", settings.agent, place)
        try:
            with log_uncaught():
                yield
        finally:
            watch.stop()
            drain.uninstall()
            await engine.stop()
            await exporters.stop()
            drain.see_to_exit()

    app = FastAPI(
        title="voicelive-agent",
        version=__version__,
        routes=[
            *(route for wire in wires for route in wire.routes),
            route_readiness(engine),
            *route_conversations(engine, settings),
        ],
        lifespan=run,
        openapi_url=None,
        redirect_slashes=False,
        # A turn's own span is the server's: another around it would count each request twice.
        telemetry={
            "tracing": False,
            "logs": False,
            "exclude": lambda scope: scope.get("path") == "/readiness",
        },
    )
    add_error_handlers(app)
    app.add_middleware(StraightRoute, wires=wires)
    app.add_middleware(Access, settings=settings)
    if settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=[INVOCATION_HEADER, SESSION_HEADER],
        )
    app.add_middleware(CatchErrors)
    app.add_middleware(PlatformHeaders, choose_ids=join_ids(wires))
    app.add_middleware(PacedTurns, pacing=engine.pacing)
    return app


def _open_agent(agent: Any, settings: Settings) -> LoadedAgent:
    if agent is not None:
        return adapt(agent)
    try:
        return load_agent(settings.agent)
    except AgentLoadError as error:
        if settings.agent == DEFAULT_AGENT and not Path("app", "agent.py").exists():
            raise AgentLoadError(_NO_AGENT.format(command=spell_command("serve"))) from error
        raise


def create_or_exit(agent: Any = None, settings: Settings | None = None) -> FastAPI:
    """The application of a process that serves it and does nothing else.

    Exits with one sentence instead of a traceback where a setting or the agent is unusable.
    """
    if settings is None:
        print_unknown_names()
    try:
        app = create_app(agent, settings)
    except SettingsError as error:
        raise SystemExit(str(error)) from error
    except AgentLoadError as error:
        raise SystemExit(describe_error(error, settings or load_settings())) from error
    # What was imported stays. A collection that goes through all of it stops every turn, for 30 ms
    # with a small agent and for 140 with a model's. A turn makes little garbage, which may wait for
    # that of others.
    gc.freeze()
    gc.set_threshold(10_000)
    return app
