"""The demo agent: the front desk of a small restaurant, offline and without a key.

``voicelive-agent dev examples.front_desk:reply`` runs it. Where to look for an agent of your own:
``house`` (the facts), ``understanding`` (what an utterance means), ``booking`` (the state of a
call, and the rules), ``memory`` (that state as JSON), ``reception`` and ``information`` (what is
said), ``screen`` and ``clicks`` (cards and buttons), ``desk`` (what is answered first).
"""

from collections.abc import AsyncIterator

from examples.front_desk.desk import FrontDesk
from examples.front_desk.phrases import phrase_list, phrases
from voicelive_agent.agent import Output, Turn

__all__ = ["FrontDesk", "phrase_list", "phrases", "reply"]

_desk = FrontDesk()


async def reply(turn: Turn) -> AsyncIterator[Output]:
    """Answer a turn by the local clock."""
    async for output in _desk.reply(turn):
        yield output
