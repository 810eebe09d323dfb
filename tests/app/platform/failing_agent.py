"""An agent that repeats what it was told, in its exception too when told to fail."""

from collections.abc import AsyncIterator

from app.agent import Output, Turn


async def reply(turn: Turn) -> AsyncIterator[Output]:
    if turn.text == "fail":
        raise RuntimeError("failed on xyzzy")
    yield turn.text
