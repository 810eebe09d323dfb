"""The agent that the contract tests run where they may choose it: it does what it is told.

Speech tells it what to do, in the first word; a client event ``test.heard`` says what it heard.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from voicelive_agent.agent import ClientEvent, Output, Turn

GREETING = "Hello, this is the contract's agent."
RELEASE = "test.release"


class ScriptedAgent:
    """Commands, each the beginning of what is said:

    - ``hold NAME``: speaks, then waits until an action ``test.release`` names it;
    - ``think SECONDS``: is silent for so long in the middle of its answer;
    - ``card``: shows a client event between two pieces of speech;
    - ``recall``: says what it heard earlier in this conversation, ``recall replies`` what it said;
    - ``raise WORDS``, ``raise-later WORDS``: fails with these words, at once or after speaking;
    - ``nothing``: yields nothing; ``number``: yields no text;
    - anything else is repeated.
    """

    def __init__(self) -> None:
        self._gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        if turn.kind == "greeting":
            yield GREETING
            return
        if turn.action is not None:
            yield ClientEvent("test.heard", action=turn.action)
            if turn.action.get("type") == RELEASE:
                self._gates[str(turn.action.get("name"))].set()
            yield "You did something."
            return
        yield ClientEvent("test.heard", text=turn.text)
        command, _, words = turn.text.partition(" ")
        match command:
            case "hold":
                yield "I hold. "
                await self._gates[words].wait()
                yield "And I was released."
            case "think":
                yield "I think. "
                await asyncio.sleep(float(words))
                yield "I have thought."
            case "card":
                yield "Before the card. "
                yield ClientEvent("test.card", title="A card")
                yield "After the card."
            case "recall":
                if words == "replies":
                    yield ", ".join(f"[{past.reply}]" for past in turn.history)
                    return
                yield f"I remember {len(turn.history)} turns: "
                yield ", ".join(past.text for past in turn.history)
            case _:
                yield "You said: "
                for piece in turn.text.split(" "):
                    yield piece + " "


class FailingAgent:
    """Breaks in the way that it is told to, and repeats anything else."""

    def __init__(self, inner: ScriptedAgent) -> None:
        self._inner = inner

    async def reply(self, turn: Turn) -> AsyncIterator[Any]:
        command, _, words = turn.text.partition(" ")
        match command:
            case "raise":
                raise RuntimeError(words)
            case "raise-later":
                yield "This is going "
                raise RuntimeError(words)
            case "nothing":
                return
            case "number":
                yield 42
            case _:
                async for output in self._inner.reply(turn):
                    yield output


scripted = FailingAgent(ScriptedAgent())
