"""Turns asked of an agent as the engine asks them, and what came of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from voicelive_agent.agent import Output, PastTurn, Turn
from voicelive_agent.frameworks import LoadedAgent


def speech(text: str, *history: PastTurn, **fields: Any) -> Turn:
    return Turn("speech", text, history=history, session_id="s1", user_id="u1", **fields)


def end(turn: Turn, reply: str, *, interrupted: bool = False) -> PastTurn:
    """The turn as a later one sees it: what is kept of it went through the store's JSON."""
    notes = json.loads(json.dumps(turn.notes, allow_nan=False))
    return PastTurn(turn.kind, turn.text, turn.action, reply, interrupted, notes)


async def collect(replies: AsyncIterator[Output]) -> list[Output]:
    return [output async for output in replies]


async def say(agent: LoadedAgent, turn: Turn) -> str:
    outputs = await collect(agent.reply(turn))
    return "".join(output for output in outputs if isinstance(output, str))


class Interrupted:
    """A turn whose reply is read in a task, as the engine reads it, and then cancelled."""

    def __init__(self, agent: LoadedAgent, turn: Turn) -> None:
        self.outputs: list[Output] = []
        self._grew = asyncio.Event()
        self._agent = agent
        self._turn = turn
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for output in self._agent.reply(self._turn):
            self.outputs.append(output)
            self._grew.set()

    async def wait_for(self, *expected: Output) -> None:
        while self.outputs[-len(expected) :] != list(expected):
            self._grew.clear()
            await asyncio.wait_for(self._grew.wait(), 20)

    async def cancel(self) -> PastTurn:
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=20)
        assert self._task.cancelled()
        heard = "".join(output for output in self.outputs if isinstance(output, str))
        return end(self._turn, heard, interrupted=True)
