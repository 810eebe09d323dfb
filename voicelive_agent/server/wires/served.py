"""Wires that are served: each is imported only where ``VOICELIVE_WIRES`` names it; and the straight
way of a turn to its wire."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.platform.headers import ChooseIds, read_route
from voicelive_agent.server.settings import Settings, WireName

_NO_IDS: Mapping[str, str] = {}
_CLASSES: Mapping[WireName, str] = {
    "invocations": "InvocationsWire",
    "bridge": "BridgeWire",
    "responses": "ResponsesWire",
}


class Wire(Protocol):
    """One protocol around one engine."""

    routes: Sequence[BaseRoute]
    endpoints: Mapping[str, ASGIApp]
    """Which of the routes are called without a router: what is posted, by its path. They answer
    their own errors."""

    def choose_ids(self, scope: Scope, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The ids of the turn or call that a request begins, by header; empty for none."""
        ...

    async def drain(self) -> None:
        """Return once nothing of this protocol is open that outlives the engine's turns."""
        ...


def make_wires(engine: Engine, settings: Settings) -> list[Wire]:
    """The wires that the settings name."""
    return [_make_wire(name, engine, settings) for name in dict.fromkeys(settings.wires)]


def _make_wire(name: WireName, engine: Engine, settings: Settings) -> Wire:
    module = importlib.import_module(f"voicelive_agent.server.wires.{name}.wire")
    return cast(Wire, getattr(module, _CLASSES[name])(engine, settings))


class StraightRoute:
    """ASGI middleware that takes what is posted to a wire's ``endpoints`` past the router.

    What stands before a route (the router, handlers of errors, a stack of contexts) takes 30 us,
    and a layer for each write. Where FastAPI counts requests, its router tells it which is which.
    """

    def __init__(self, app: ASGIApp, wires: Sequence[Wire]) -> None:
        self._app = app
        self._endpoints = {path: to for wire in wires for path, to in wire.endpoints.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        is_posted = scope["type"] == "http" and scope["method"] == "POST"
        if is_posted and scope.get("fastapi.telemetry") is None:
            app = self._endpoints.get(read_route(scope), app)
        await app(scope, receive, send)


def join_ids(wires: Sequence[Wire]) -> ChooseIds:
    """The ids that any of the wires chooses; a request is of one wire at most."""

    def choose(scope: Scope, headers: Mapping[str, str]) -> Mapping[str, str]:
        for wire in wires:
            if ids := wire.choose_ids(scope, headers):
                return ids
        return _NO_IDS

    return choose
