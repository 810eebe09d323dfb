"""Access: who may send turns outside Foundry, where no platform stands before the container.

With ``VOICELIVE_AGENT_API_KEY`` set, every request but readiness needs it. Without one, only this
machine may ask: a server that others can reach and that checks nothing would let anyone spend its
owner's model tokens and read along.
"""

import ipaddress
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from voicelive_agent.diagnostics import from_elsewhere
from voicelive_agent.listening import is_reachable_by_others
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import read_headers
from voicelive_agent.server.settings import Settings
from voicelive_agent.wire.admission import LocalAdmission, has_key
from voicelive_agent.wire.net import is_this_machine

HINT = (
    "set VOICELIVE_AGENT_API_KEY (callers send it as `api-key` or `Authorization: Bearer`), or,"
    " where something in front of this server checks callers, VOICELIVE_ALLOW_ANONYMOUS=true"
)


def is_open_to_anyone(settings: Settings) -> bool:
    """Whether the server would listen to others than this machine and check nothing."""
    return not _is_checked(settings) and is_reachable_by_others(settings.bind_host)


def _is_checked(settings: Settings) -> bool:
    return bool(settings.hosted or settings.api_key or settings.allow_anonymous)


class Access:
    """ASGI middleware that lets through whoever has the key."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._key = settings.api_key.get_secret_value()
        self._local_only = not _is_checked(settings)
        local = LocalAdmission(how_to_open=HINT, origins=settings.allow_origins)
        self._find_fault = lru_cache(maxsize=256)(local.find_fault)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = None if _is_free(scope) else self._check(scope)
        if error is not None:
            await error.send(scope, receive, send)
            return
        if scope["type"] == "lifespan" or _is_local(scope):
            await self._app(scope, receive, send)
            return
        with from_elsewhere():
            await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> ApiError | None:
        if self._key:
            if has_key(self._key, read_headers(scope)):
                return None
            return ApiError(
                401,
                "unauthorized",
                "Send this server's key as `api-key`, or as `Authorization: Bearer`.",
                headers={"www-authenticate": "Bearer"},
            )
        if not self._local_only:
            return None
        if not _is_loopback((scope.get("server") or ("",))[0]):
            message = f"This server answers only its own machine: {HINT}."
            return ApiError(403, "forbidden", message, "platform")
        hosts, origins = _read_all(scope, b"host"), _read_all(scope, b"origin")
        fault = self._find_fault(scope.get("scheme", "http"), hosts, origins)
        return ApiError(403, "forbidden", fault) if fault else None


def _is_free(scope: Scope) -> bool:
    """Whether nobody has to show who they are: at the start of the server, and for readiness."""
    if scope["type"] == "http":
        return bool(scope["path"] == "/readiness")
    return bool(scope["type"] == "lifespan")


def _is_local(scope: Scope) -> bool:
    """Whether caller and server are this machine, and no proxy speaks for somebody else."""
    ends = (scope.get("client") or ("",))[0], (scope.get("server") or ("",))[0]
    given = read_headers(scope)
    forwarded = "forwarded" in given or "x-forwarded-for" in given
    return not forwarded and all(map(_is_loopback, ends))


def _read_all(scope: Scope, name: bytes) -> tuple[str, ...]:
    return tuple([value.decode("latin-1") for key, value in scope["headers"] if key == name])


@lru_cache(maxsize=256)
def _is_loopback(host: str | None) -> bool:
    """Whether an address is this machine's own; a socket's path is."""
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return True
    return is_this_machine(host)
