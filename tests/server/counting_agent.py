"""Counts its turns of a conversation, and says which process it is in; "wait" is never through."""

import asyncio
import os
from collections.abc import AsyncIterator

from voicelive_agent.agent import Turn


async def reply(turn: Turn) -> AsyncIterator[str]:
    turn.state["turns"] = turn.state.get("turns", 0) + 1
    yield f"{turn.state['turns']} at {os.getpid()}"
    if turn.text == "wait":
        await asyncio.sleep(3600)
