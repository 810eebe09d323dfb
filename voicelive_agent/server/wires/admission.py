"""Admission of a turn, by whichever protocol it comes as an HTTP request."""

from collections.abc import Set

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from voicelive_agent.server.conversations.records import count_bytes
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import TurnRequest
from voicelive_agent.server.engine.pacing import Pacing
from voicelive_agent.server.engine.turn import RunningTurn
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import read_headers
from voicelive_agent.server.settings import Settings
from voicelive_agent.settings_sources import variable_of

# What ``Engine.find_surplus`` names.
_TOO_MANY = {
    "max_active_turns": "Too many turns are active on this server",
    "max_active_turns_per_session": "Too many turns of this session are active",
    "max_active_turns_per_user": "Too many turns of this user are active",
}


class PacedTurns:
    """ASGI middleware: of requests that come together, few begin at a time (``engine.pacing``)."""

    def __init__(self, app: ASGIApp, pacing: Pacing) -> None:
        self._app = app
        self._pacing = pacing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            await self._pacing.begin()
        await self._app(scope, receive, send)


def refuse_repeated(request: Request, once: Set[str]) -> None:
    """Raises ApiError (400) where a header that says whose turn it is came more than once."""
    if len(read_headers(request.scope)) == len(request.scope["headers"]):
        return
    names = [name for name, _ in request.scope["headers"]]
    for name in once:
        if names.count(name.encode()) > 1:
            raise ApiError(400, "repeated_header", f"Send {name} once: which one counts?")


def check_speech(text: str, settings: Settings) -> None:
    """Raises ApiError (413) for more than may be said in one turn."""
    if count_bytes(text) > settings.max_speech_bytes:
        raise ApiError(
            413,
            "speech_too_long",
            f"What is said in one turn has at most {settings.max_speech_bytes} bytes"
            f" ({variable_of(Settings, 'max_speech_bytes')}).",
        )


def begin_turn(engine: Engine, turn: TurnRequest) -> RunningTurn:
    """Start a turn. Raises ApiError (503, 429). Nothing is awaited between check and start."""
    if engine.draining:
        raise ApiError(
            503,
            "draining",
            "This server is shutting down; send the turn again.",
            "platform",
            headers={"retry-after": "1"},
        )
    if limit := engine.find_surplus(turn.key):
        raise ApiError(
            429,
            "too_many_turns",
            f"{_TOO_MANY[limit]}; try again shortly ({variable_of(Settings, limit)}).",
            "platform",
            headers={"retry-after": "1"},
        )
    return engine.begin(turn)
