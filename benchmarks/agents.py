"""The agents that are compared: 40 deltas, all at once or one per step of the event loop."""

import asyncio
import os
import time
from collections.abc import AsyncIterator

from voicelive_agent.agent import Output, Turn

DELTAS = [f"word{i} " for i in range(40)]


async def burst(turn: Turn) -> AsyncIterator[Output]:
    """All deltas without waiting for anything."""
    for delta in DELTAS:
        yield delta


async def five(turn: Turn) -> AsyncIterator[Output]:
    """Five deltas without waiting for anything."""
    for delta in DELTAS[:5]:
        yield delta


async def half(turn: Turn) -> AsyncIterator[Output]:
    """A whole answer, but to "wait" only half of one, for ever."""
    yield "Half of "
    if turn.text == "wait":
        await asyncio.sleep(3600)
    yield "it."


async def stepwise(turn: Turn) -> AsyncIterator[Output]:
    """Each delta in a step of its own, as tokens arrive from a model."""
    for delta in DELTAS:
        await asyncio.sleep(0)
        yield delta


async def work(turn: Turn) -> AsyncIterator[Output]:
    """40 deltas and BENCHMARK_WORK_MS of this core: what a framework and a model's stream cost.

    With BENCHMARK_CORE=own as if this process had a core to itself: it does nothing else for so
    long, and leaves the machine's cores to others.
    """
    each_s = float(os.environ["BENCHMARK_WORK_MS"]) / 1000 / len(DELTAS)
    own_core = os.environ.get("BENCHMARK_CORE") == "own"
    for delta in DELTAS:
        if own_core:
            time.sleep(each_s)
        until = time.thread_time() + (0 if own_core else each_s)
        while time.thread_time() < until:
            pass
        await asyncio.sleep(0)
        yield delta


async def idle(turn: Turn) -> AsyncIterator[Output]:
    """One delta, then quiet for longer than any benchmark takes."""
    yield "Wait. "
    await asyncio.sleep(3600)


READINGS = (
    "Welcome to the botanical garden. The tour begins at the glass house near the north gate, "
    "where orchids from all over the world grow under one roof. From there a path leads downhill "
    "to the pond. In spring you can watch frogs there, and in summer dragonflies rest on reeds. "
    "Please don't feed the ducks, however much they ask for it. At the far end of the pond stands "
    "an oak that was planted in 1794, long before there was a city around it.",
    "To reset your router, press the small button on its back for 10 seconds. All lights go out, "
    "and after a while the first one blinks again. Wait until it is green. Then open the settings "
    "of your phone, look for the network whose name ends in 42, and enter the password that is "
    "printed on the label. If it still does not work, unplug the cable, count to 30, and try once "
    "more. Most problems are gone by then, and the others are usually not the router's fault.",
    "The old lighthouse keeper had a habit that nobody on the island understood. Every evening, "
    "when the lamp was burning and the log book was written, he carried a chair down to the water "
    "and talked to the sea for a quarter of an hour about the weather of the day, the ships that "
    "had passed and the letters that had not come. Then he listened. Nobody ever heard an answer. "
    "But he nodded, took his chair, and climbed the hundred steps again.",
)
"""Texts that take about half a minute to say."""

PACES = {"at once": 0.0, "as a model": 0.1, "slower than speech": 0.4}
"""Seconds between two words."""


async def read_aloud(turn: Turn) -> AsyncIterator[Output]:
    """Reads a text at the pace that an action names; whatever is said gets a short answer."""
    if turn.action is None:
        yield "All right."
        return
    text = READINGS[turn.action["text"]]
    seconds = PACES[turn.action["pace"]]
    for piece in text.split(" ") if seconds else [text]:
        yield f"{piece} "
        await asyncio.sleep(seconds)
