"""An agent that repeats what it was told; it can be told to fail, or to go on for ever."""

import asyncio
from collections.abc import AsyncIterator

from voicelive_agent.agent import Output, Turn


async def reply(turn: Turn) -> AsyncIterator[Output]:
    if turn.text == "fail":
        raise RuntimeError("failed on xyzzy")
    yield turn.text
    if turn.text == "wait":
        await asyncio.Event().wait()
