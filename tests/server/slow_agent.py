"""An agent for drain tests: speaks a word, then as long as the turn's text says (seconds)."""

import asyncio
from collections.abc import AsyncIterator

from voicelive_agent.agent import Output, Turn


async def reply(turn: Turn) -> AsyncIterator[Output]:
    yield "Started."
    await asyncio.sleep(float(turn.text or 0))
    yield " Finished."
