"""An agent that shows what reaches it: which replica it runs in, its state and its history."""

import asyncio
import os
from collections.abc import AsyncIterator

from voicelive_agent.agent import Output, Turn


async def reply(turn: Turn) -> AsyncIterator[Output]:
    """Answers "<n> at <port> after <earlier texts>"; ``n`` counts the turns of the state.

    "wait" in what was said makes it speak a word and go on for ever; "slow", for two seconds.
    """
    count = turn.state["count"] = turn.state.get("count", 0) + 1
    if "wait" in turn.text:
        yield "Waiting."
        await asyncio.Event().wait()
    if "slow" in turn.text:
        yield "Slowly: "
        await asyncio.sleep(2)
    earlier = ", ".join(past.text for past in turn.history)
    yield f"{count} at {os.environ['PORT']} after [{earlier}]"
