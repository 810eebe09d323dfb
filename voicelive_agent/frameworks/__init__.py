"""The built-in agents, and what makes agents of other frameworks answer turns.

An agent author imports from here what a tool inside a framework needs: ``current_turn``, ``show``
and ``end_call``. Frameworks themselves are imported only with an agent that is made of them.
"""

from voicelive_agent.frameworks.loading import LoadedAgent, adapt, load_agent
from voicelive_agent.frameworks.naming import AgentLoadError
from voicelive_agent.frameworks.outlet import current_turn, end_call, show

__all__ = [
    "AgentLoadError",
    "LoadedAgent",
    "adapt",
    "current_turn",
    "end_call",
    "load_agent",
    "show",
]
