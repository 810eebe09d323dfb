"""The state machine of one session: facts in, effects out.

::

    client's events ──┐                        ┌── Send
    hearing's facts ──┤                        ├── BeginUtterance, FinishUtterance, …
    thinking's facts ─┼─▶ Session.handle() ────┼── AskAgent, StopAgent
    speaking's facts ─┤    (pure)              ├── Speak, StopSpeaking
    timers ───────────┘                        └── SetTimer, ClearTimer, Close
"""

from voicelive_agent.emulator.session import effects, facts
from voicelive_agent.emulator.session.effects import Effect
from voicelive_agent.emulator.session.facts import Fact
from voicelive_agent.emulator.session.machine import AgentIdentity, Session, SessionOptions

__all__ = [
    "AgentIdentity",
    "Effect",
    "Fact",
    "Session",
    "SessionOptions",
    "effects",
    "facts",
]
