"""Wires that are served: each is imported only where ``VOICELIVE_WIRES`` names it."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from starlette.routing import BaseRoute
from starlette.types import Scope

from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.platform.headers import ChooseIds
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


def join_ids(wires: Sequence[Wire]) -> ChooseIds:
    """The ids that any of the wires chooses; a request is of one wire at most."""

    def choose(scope: Scope, headers: Mapping[str, str]) -> Mapping[str, str]:
        for wire in wires:
            if ids := wire.choose_ids(scope, headers):
                return ids
        return _NO_IDS

    return choose
