"""Event loop of the servers: uvloop where it is installed (the extra ``fast``), else asyncio's."""

import asyncio

FACTORY = f"{__name__}:new_event_loop"
"""``new_event_loop`` as uvicorn's option ``loop`` names it."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        from voicelive_agent.accepting import AcceptingLoop
    except ImportError:
        return asyncio.new_event_loop()
    return AcceptingLoop()
