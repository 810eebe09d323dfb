"""Clause of a contract: what is asked of an agent, by whom, and where it can be judged."""

from typing import Literal, NamedTuple

Level = Literal["documented", "strict"]
"""``documented``: what the platform and Voice Live need. ``strict``: what this project adds."""

Reach = Literal["anywhere", "container"]
"""``container``: judged only where no platform stands between the tests and the agent."""

Protocol = Literal["invocations", "bridge", "responses"]

HOSTING = "Microsoft Learn, Foundry: hosted agent contract"
VOICE_LIVE = "Microsoft Learn, Speech: Voice Live with hosted agents"
CANCELLING = "Microsoft Learn, Foundry: cancel a hosted agent's turn"
CORE = "azure-ai-agentserver-core 2.2.0"
INVOCATIONS = "azure-ai-agentserver-invocations 1.2.0"
BRIDGE_DESIGN = "azure-sdk-for-python: Voice Live Bridge SDK design"
RESPONSES = "azure-ai-agentserver-responses 2.3.0"
WEBSOCKET = "RFC 6455"
SDK = "azure-ai-voicelive 1.3.1"
SSE = "WHATWG HTML: server-sent events"
HTTP = "RFC 9110"
PROJECT = "this project"


class Clause(NamedTuple):
    """One thing that the contract asks of an agent."""

    id: str
    level: Level
    title: str
    source: str
    reach: Reach = "anywhere"
    protocol: Protocol = "invocations"
    left: str = ""
    """What Microsoft's host leaves to the application here; empty where it does it itself."""
