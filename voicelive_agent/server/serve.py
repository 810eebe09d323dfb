"""``voicelive-agent serve``: serve the agent on VOICELIVE_HOST and PORT."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str] = ()) -> None:
    """Start the server with the settings of the environment."""
    # Until the server is up, and has handlers of its own, no turn runs: there is nothing to end.
    # No exception, which an import that is going on could take for its own.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    import uvicorn

    from voicelive_agent.server.app import create_or_exit
    from voicelive_agent.server.platform.access import HINT, is_open_to_anyone
    from voicelive_agent.server.platform.descriptors import raise_limit
    from voicelive_agent.server.settings import SettingsError, load_settings

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    if is_open_to_anyone(settings):
        sys.exit(
            f"VOICELIVE_HOST={settings.bind_host} is open to other machines without a key: {HINT}."
        )
    raise_limit()
    uvicorn.run(
        # Made here: what uvicorn makes itself, it makes with its own handlers of signals in place.
        create_or_exit(),
        http=_find_http(),
        # An upgrade is then a request like any other, answered in the envelope.
        ws="none",
        # uvloop takes one new connection in each turn of its loop: under load those who come wait
        # for all who are there, three times as long and longer (`benchmarks.load`).
        loop="asyncio",
        host=settings.bind_host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Longer than proxies keep their connections, so that it is never they who find one gone.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


def _find_http() -> Any:
    """uvicorn's own protocol in pure Python where the extra `fast` is missing."""
    try:
        from voicelive_agent.server.platform.connections import BoundedHttp
    except ImportError:
        return "h11"
    return BoundedHttp
