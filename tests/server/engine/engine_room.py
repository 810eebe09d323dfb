"""An engine on a memory store, and callers that read its turns, for tests in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.conversations import ConversationKey, ConversationStore, TurnRecord
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import (
    CallEnded,
    Delta,
    EngineEvent,
    Failed,
    Finished,
    Shown,
    SpeechDone,
    TurnLimits,
    TurnRequest,
)
from voicelive_agent.server.engine.turn import RunningTurn

Reply = Callable[[Turn], AsyncIterator[Output]]
KEY = ConversationKey("user", "session")


async def count_to_three(turn: Turn) -> AsyncIterator[Output]:
    """An agent that says a word each second."""
    for word in ("one ", "two ", "three"):
        yield word
        await asyncio.sleep(1)


class FunctionAgent:
    def __init__(self, reply: Reply) -> None:
        self.reply = reply


@dataclass
class Heard:
    """What came out of one turn."""

    events: list[EngineEvent] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def deltas(self) -> list[str]:
        return [event for event in self.events if isinstance(event, Delta)]

    @property
    def text(self) -> str:
        return "".join(self.deltas)

    @property
    def shown(self) -> list[dict[str, Any]]:
        return [event.payload for event in self.events if isinstance(event, Shown)]

    @property
    def error_code(self) -> str:
        codes = [event.ending.value for event in self.events if isinstance(event, Failed)]
        return codes[0] if codes else ""

    @property
    def record(self) -> TurnRecord:
        assert isinstance(self.events[-1], Finished)
        return self.events[-1].record

    def check_end(self) -> None:
        """One SpeechDone with the deltas' concatenation, one Finished, and nothing after it."""
        done = [event for event in self.events if isinstance(event, SpeechDone)]
        assert [event.text for event in done] == [self.text]
        assert [type(event) for event in self.events if isinstance(event, Finished)] == [Finished]
        assert isinstance(self.events[-1], Finished)
        after = self.events[self.events.index(done[0]) + 1 :]
        assert not any(isinstance(event, Delta | CallEnded) for event in after)


class EngineRoom:
    """Starts turns of one agent and listens to them. Its wall clock is the loop's clock."""

    def __init__(self, reply: Reply, store: ConversationStore | None = None, **limits: Any) -> None:
        self.store = store or MemoryStore()
        self.loop = asyncio.get_running_loop()
        self.engine = Engine(
            FunctionAgent(reply),
            self.store,
            replace(TurnLimits(speakable=False), **limits),
            now=lambda: 1_000_000 + self.loop.time(),
        )
        self._count = 0

    async def __aenter__(self) -> "EngineRoom":
        await self.engine.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.stop()

    def begin(
        self, text: str = "hello", *, key: ConversationKey = KEY, **fields: Any
    ) -> RunningTurn:
        """A turn; ``fields`` are others of ``TurnRequest``."""
        self._count += 1
        fields = {"kind": "speech", **fields}
        return self.engine.begin(TurnRequest(key, f"turn-{self._count}", text=text, **fields))

    async def listen(self, turn: RunningTurn) -> Heard:
        heard = Heard()
        async for batch in turn.listen().events():
            heard.events += batch
            heard.times += [self.loop.time()] * len(batch)
        heard.check_end()
        return heard

    async def say(self, text: str = "hello", *, key: ConversationKey = KEY, **fields: Any) -> Heard:
        return await self.listen(self.begin(text, key=key, **fields))

    async def stored(self, key: ConversationKey = KEY) -> list[dict[str, Any]]:
        return [turn async for turn in self.store.export(key)]
