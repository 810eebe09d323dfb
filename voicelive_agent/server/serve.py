"""``voicelive-agent serve``: serve an agent over HTTP."""

import argparse
import asyncio
import importlib.util
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from voicelive_agent.command_name import spell_command, spell_commands, spell_pip
from voicelive_agent.event_loop import FACTORY
from voicelive_agent.listening import ListenError, bind, url_of
from voicelive_agent.server.settings import Settings, load_settings
from voicelive_agent.server.workers import Supervisor, find_sockets, follow
from voicelive_agent.settings_sources import (
    SettingsError,
    add_options,
    variable_of,
)

logger = logging.getLogger(__name__)

_RETIRING_SECONDS = 1.0

DESCRIPTION = """\
Serve an agent: turns in, spoken text out, as Foundry's Voice Live asks for it.

  voicelive-agent serve
      app/agent.py of this directory (app.agent:reply)
  voicelive-agent serve my_agent:reply
      the function reply in my_agent.py
  voicelive-agent serve model
      a language model by configuration alone: see VOICELIVE_AGENT_MODEL in .env.example

To talk to it on this machine: voicelive-agent dev, which serves it with a local Voice Live.
"""
EPILOG = """\
Each option can be set as the variable in brackets, in the environment or in .env, or as a key of
[server] in voicelive.toml, such as history-turns = 20. Options come first, then the environment.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicelive-agent serve",
        usage="voicelive-agent serve [MODULE:ATTRIBUTE] [options]",
        description=spell_commands(DESCRIPTION),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "module", nargs="?", metavar="MODULE:ATTRIBUTE", help="who answers; the same as --agent"
    )
    parser.add_argument("--env-file", type=Path, metavar="FILE", help="read this instead of .env")
    parser.add_argument("--quiet", action="store_true", help="say nothing but the log")
    add_options(parser, Settings)
    return parser


def main(arguments: Sequence[str] = ()) -> None:
    """Serve until a signal ends it."""
    # Until the server is up, and has handlers of its own, no turn runs: there is nothing to end.
    # No exception, which an import that is going on could take for its own.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    parser = build_parser()
    options = vars(parser.parse_args(arguments))
    module, env_file = options.pop("module"), options.pop("env_file")
    say = _say_nothing if options.pop("quiet") else _say_ready
    if module and options["agent"]:
        parser.error("name the agent once: MODULE:ATTRIBUTE or --agent")
    try:
        settings = load_settings({**options, "agent": module or options["agent"]}, env_file)
    except SettingsError as error:
        parser.exit(2, f"{error}\n")
    _refuse_open_doors(settings)
    if sockets := find_sockets():
        listener, supervisor = sockets
        serve(settings, lambda *_: follow(supervisor), listener)
    elif settings.workers > 1:
        sys.exit(_supervise(settings, arguments, say))
    else:
        serve(settings, say)


def _refuse_open_doors(settings: Settings) -> None:
    from voicelive_agent.server.platform.access import HINT, is_open_to_anyone

    if is_open_to_anyone(settings):
        sys.exit(
            f"--host ({variable_of(Settings, 'host')}) {settings.bind_host} is open to other"
            f" machines without a key: {HINT}."
        )


def _supervise(
    settings: Settings, arguments: Sequence[str], say: Callable[[Settings, str], None]
) -> int:
    """Workers on one port, until a signal ends them; the exit code."""
    from voicelive_agent.server.platform.logs import configure_logs

    variable = f"--workers ({variable_of(Settings, 'workers')})"
    if sys.platform != "linux":
        sys.exit(f"{variable}: only Linux spreads connections among processes; serve one here.")
    if settings.conversations.startswith("memory"):
        sys.exit(
            f"{variable}: conversations in memory are those of one process; leave them in sqlite,"
            f" or name redis://… ({variable_of(Settings, 'conversations')})."
        )
    configure_logs(settings)
    # Once alone: a second server on this port has to be told that it is taken.
    _bind(settings).close()
    listeners = [_bind(settings, shared=True) for _ in range(settings.workers)]
    url = url_of(listeners[0], settings.bind_host)
    return asyncio.run(Supervisor(listeners, arguments, lambda: say(settings, url)).run())


def _bind(settings: Settings, *, shared: bool = False) -> socket.socket:
    try:
        return bind(settings.bind_host, settings.port, names="--port or PORT", shared=shared)
    except ListenError as error:
        sys.exit(str(error))


def serve(
    settings: Settings,
    say: Callable[[Settings, str], None],
    listener: socket.socket | None = None,
) -> None:
    """Serve until a signal ends it; ``say`` gets the URL once it serves there.

    ``listener`` is given to one of several workers, which SIGHUP takes out of service.
    """
    from voicelive_agent.server.app import create_or_exit
    from voicelive_agent.server.platform.descriptors import raise_limit

    raise_limit()
    # Made here: what uvicorn makes itself, it makes with its own handlers of signals in place.
    app = create_or_exit(settings=settings)
    served = listener or _bind(settings)
    config = uvicorn.Config(
        app,
        http=_find_http(),
        **_find_websockets(settings),
        loop=FACTORY,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Longer than proxies keep their connections, so that it is never they who find one gone.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config, lambda: say(settings, url_of(served, settings.bind_host)))
    if listener is not None:
        signal.signal(signal.SIGHUP, lambda *_: server.retire())
    try:
        server.run(sockets=[served])
    except KeyboardInterrupt:
        return
    if not server.started:
        sys.exit(1)


class _Server(uvicorn.Server):
    """Says that it is ready after it listens, not before."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def retire(self) -> None:
        """Take no new connections, which another takes now, and drain. For a signal handler."""
        if self.started:
            self._loop.call_soon_threadsafe(self._retire)

    def _retire(self) -> None:
        for server in self.servers:
            server.close()
        # Whoever has just connected is answered.
        self._loop.call_later(_RETIRING_SECONDS, signal.raise_signal, signal.SIGTERM)


def _say_nothing(settings: Settings, url: str) -> None:
    pass


def _say_ready(settings: Settings, url: str) -> None:
    if settings.hosted or settings.log_format == "json":
        logger.info("listening at %s", url)
        return
    key = '-H "api-key: $VOICELIVE_AGENT_API_KEY" ' if settings.api_key.get_secret_value() else ""
    sys.stdout.write(
        f"{settings.agent} is served at {url}\n\n"
        "  Ask it:\n\n"
        f"    curl -N '{url}/invocations?agent_session_id=me' {key}\\\n"
        "      -H 'content-type: application/json' \\\n"
        """      -d '{"type": "input_audio.transcription", "input": "hello"}'\n\n"""
        f"  Talk to it: {spell_command('dev')} instead of this, which reloads as well; or\n"
        f"  {spell_command('emulate')} beside it, then {spell_command('talk')}.\n"
    )
    sys.stdout.flush()


def _find_websockets(settings: Settings) -> dict[str, Any]:
    """How uvicorn takes WebSockets, where a wire needs them."""
    if "bridge" not in settings.wires:
        # An upgrade is then a request like any other, answered in the envelope.
        return {"ws": "none"}
    if importlib.util.find_spec("websockets") is None:
        sys.exit(
            "--wires (VOICELIVE_WIRES): the Bridge needs the package websockets:"
            f" {spell_pip()} install websockets"
        )
    from voicelive_agent.server.wires.bridge.socket import BridgeSocket
    from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES

    interval = settings.ws_keepalive_interval or None
    return {
        "ws": BridgeSocket,
        "ws_max_size": MAX_FRAME_BYTES,
        # Frames are small: compressing each costs more than it saves.
        "ws_per_message_deflate": False,
        "ws_ping_interval": interval,
        "ws_ping_timeout": interval,
    }


def _find_http() -> Any:
    """uvicorn's own protocol in pure Python where the extra `fast` is missing."""
    try:
        from voicelive_agent.server.platform.connections import BoundedHttp
    except ImportError:
        return "h11"
    return BoundedHttp
