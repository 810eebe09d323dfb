"""One Python function as a hosted voice agent for Microsoft Foundry.

What an agent's author imports is here; importing it starts nothing and reads no environment.
"""

from voicelive_agent.agent import Agent, ClientEvent, EndCall, Turn

__version__ = "0.1.0"
__all__ = ["Agent", "ClientEvent", "EndCall", "Turn", "__version__"]
