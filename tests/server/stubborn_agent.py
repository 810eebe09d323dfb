"""An agent that does not stop: neither its turn, when it is cancelled, nor itself, at the end."""

import asyncio
from collections.abc import AsyncIterator

from voicelive_agent.agent import Output, Turn


class StubbornAgent:
    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        yield "Started."
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    async def stop(self) -> None:
        raise RuntimeError("it does not want to")
