"""Protocols that an agent speaks, found by asking it, for messages that name the right one."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Literal

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.net import is_this_machine

_PATHS = {"invocations": "/invocations", "responses": "/responses"}
_NO_ROUTE = 404
_PATIENCE_S = 2.0


async def find_request_protocols(url: httpx.URL) -> list[str]:
    """Which of ``invocations`` and ``responses`` have a path at ``url``."""
    found = []
    local = is_this_machine(url.host)
    async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=not local) as client:
        with contextlib.suppress(httpx.HTTPError):
            for protocol, path in _PATHS.items():
                reply = await client.options(_at(url, path))
                if reply.status_code != _NO_ROUTE:
                    found.append(protocol)
    return found


async def takes_bridge(url: httpx.URL) -> bool:
    """Whether a WebSocket of the Bridge is taken at ``url``; it is closed at once."""
    proxy: Literal[True] | None = None if is_this_machine(url.host) else True
    for path in bridge.PATHS:
        address = _at(url, path).copy_with(scheme="wss" if url.scheme == "https" else "ws")
        with contextlib.suppress(OSError, TimeoutError, InvalidHandshake):
            async with connect(str(address), open_timeout=_PATIENCE_S, proxy=proxy):
                return True
    return False


def advise_protocol(url: httpx.URL, asked: str) -> Callable[[], Awaitable[str]]:
    """What to do where nothing takes the protocol ``asked`` at ``url``."""

    async def advise() -> str:
        found = [each for each in await find_request_protocols(url) if each != asked]
        if await takes_bridge(url):
            found.insert(0, "bridge")
        if found:
            return (
                f"the agent there speaks {' and '.join(found)}: "
                f"call it with --agent-protocol {found[0]}"
            )
        others = [each for each in ("invocations", "responses", "bridge") if each != asked]
        return (
            f"nothing takes {asked} there: correct the URL in --agent, or, where the agent speaks "
            f"another protocol, name it with --agent-protocol {' or '.join(others)}"
        )

    return advise


def _at(url: httpx.URL, path: str) -> httpx.URL:
    stem = url.path.rstrip("/")
    for known in (*_PATHS.values(), *bridge.PATHS):
        stem = stem.removesuffix(known)
    return url.copy_with(path=stem + path, fragment=None)
