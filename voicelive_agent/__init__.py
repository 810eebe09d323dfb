"""One Python function as a hosted voice agent for Microsoft Foundry.

What an agent's author imports is here; importing it starts nothing and reads no environment::

    from voicelive_agent import ClientEvent, Turn

    async def reply(turn: Turn):
        yield f"You said {turn.text}."
"""

import importlib
from typing import TYPE_CHECKING, Any

from voicelive_agent.agent import Agent, ClientEvent, EndCall, PastTurn, Turn, VoiceChange

if TYPE_CHECKING:
    from voicelive_agent.frameworks.loading import adapt
    from voicelive_agent.frameworks.outlet import current_turn, end_call, show
    from voicelive_agent.server.app import create_app
    from voicelive_agent.server.engine.announcements import announce

__version__ = "0.1.0"
__all__ = [
    "Agent",
    "ClientEvent",
    "EndCall",
    "PastTurn",
    "Turn",
    "VoiceChange",
    "__version__",
    "adapt",
    "announce",
    "create_app",
    "current_turn",
    "end_call",
    "show",
]

# Imported when they are asked for: an agent's module needs no web framework.
_LATER = {
    "announce": "voicelive_agent.server.engine.announcements",
    "adapt": "voicelive_agent.frameworks.loading",
    "create_app": "voicelive_agent.server.app",
    "current_turn": "voicelive_agent.frameworks.outlet",
    "end_call": "voicelive_agent.frameworks.outlet",
    "show": "voicelive_agent.frameworks.outlet",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
