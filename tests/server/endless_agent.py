"""An agent that never stops talking, for callers that don't listen."""

from collections.abc import AsyncIterator

from voicelive_agent.agent import Output, Turn


async def reply(turn: Turn) -> AsyncIterator[Output]:
    while True:
        yield "blah " * 1000
