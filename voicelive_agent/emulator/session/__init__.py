"""The state machine of one session: facts in, effects out.

::

    client's events ──┐                        ┌── Send
    speech to text  ──┤                        ├── BeginUtterance, FinishUtterance, …
    the agent       ──┼─▶ Session.handle() ────┼── AskAgent, StopAgent
    text to speech  ──┤    (pure)              ├── Speak, StopSpeaking
    timers ───────────┘                        └── SetTimer, ClearTimer, Close
"""

from voicelive_agent.emulator.session import effects, facts
from voicelive_agent.emulator.session.agent_call import CallOptions
from voicelive_agent.emulator.session.conversation import ConversationLimits
from voicelive_agent.emulator.session.effects import Effect
from voicelive_agent.emulator.session.facts import Fact
from voicelive_agent.emulator.session.machine import AgentIdentity, Session, SessionOptions

__all__ = [
    "AgentIdentity",
    "CallOptions",
    "ConversationLimits",
    "Effect",
    "Fact",
    "Session",
    "SessionOptions",
    "effects",
    "facts",
]
