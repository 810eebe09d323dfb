"""Access: who may send turns outside Foundry, where no platform stands before the container.

With ``VOICELIVE_AGENT_API_KEY`` set, every request but readiness needs it. Without one, only this
machine may ask: a server that others can reach and that checks nothing would let anyone spend its
owner's model tokens and read along.
"""

import hmac
import ipaddress
import socket
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.settings import Settings
from voicelive_agent.wire.net import is_this_machine

HINT = (
    "set VOICELIVE_AGENT_API_KEY (callers send it as `api-key` or `Authorization: Bearer`), or,"
    " where something in front of this server checks callers, VOICELIVE_ALLOW_ANONYMOUS=true"
)


def is_open_to_anyone(settings: Settings) -> bool:
    """Whether the server would listen to others than this machine and check nothing."""
    return not _is_checked(settings) and not all(map(_is_loopback, _resolve(settings.bind_host)))


def _is_checked(settings: Settings) -> bool:
    return bool(settings.hosted or settings.api_key or settings.allow_anonymous)


class Access:
    """ASGI middleware that lets through whoever has the key."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._key = settings.api_key.get_secret_value().encode()
        self._local_only = not _is_checked(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = None if _is_free(scope) else self._check(scope)
        if error is not None:
            await error.send(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> ApiError | None:
        if self._key:
            if not hmac.compare_digest(_find_key(Headers(scope=scope)), self._key):
                return ApiError(
                    401,
                    "unauthorized",
                    "Send this server's key as `api-key`, or as `Authorization: Bearer`.",
                    headers={"www-authenticate": "Bearer"},
                )
        elif self._local_only:
            if not _is_loopback((scope.get("server") or ("",))[0]):
                return ApiError(
                    403,
                    "forbidden",
                    f"This server answers only its own machine: {HINT}.",
                    "platform",
                )
            if _is_from_another_site(Headers(scope=scope).get("origin")):
                return ApiError(
                    403,
                    "forbidden",
                    f"This server takes no turns from a web page of another machine: {HINT}.",
                )
        return None


def _is_free(scope: Scope) -> bool:
    """Whether nobody has to show who they are: at the start of the server, and for readiness."""
    if scope["type"] == "http":
        return bool(scope["path"] == "/readiness")
    return bool(scope["type"] == "lifespan")


def _find_key(headers: Headers) -> bytes:
    """The key that a request brings, as bytes as they came."""
    given = headers.get("api-key")
    if not given:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else ""
    return given.encode("latin-1")


def _is_from_another_site(origin: str | None) -> bool:
    """Whether a browser sends this for a page that did not come from this machine.

    Without a key, any page that its owner opens could otherwise send turns; browsers ask nobody
    before they send ``text/plain``.
    """
    if origin is None:
        return False
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return True
    return not is_this_machine(host)


def _resolve(host: str) -> list[str]:
    """The addresses of a name; none where there are none, which the server will say itself."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None)]
    except OSError:
        return []


@lru_cache(maxsize=256)
def _is_loopback(host: str | None) -> bool:
    """Whether an address is this machine's own; a socket's path is."""
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return True
    return is_this_machine(host)
