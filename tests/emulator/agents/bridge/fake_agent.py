"""An agent of the Bridge that does what a test says, and a session that asks it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from voicelive_agent.emulator.agents import (
    DEFAULT_LIMITS,
    AgentEvent,
    AgentRequest,
    AnswerFinished,
    AnswerLimits,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend
from voicelive_agent.emulator.agents.bridge.session import BridgeSession
from voicelive_agent.wire.bridge import messages as bridge

TS = "2026-11-28T08:00:00Z"

SHORT = AnswerLimits(silence_s=0.2, whole_s=1)


class FakeAgent:
    """An agent that does with each input what the test says, and keeps what it received."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []
        self.received: list[dict[str, Any]] = []
        self.on_input: Callable[[ServerConnection, str], Awaitable[object]] = self.reply
        self.socket: ServerConnection | None = None
        self.first: list[dict[str, Any]] = [{"type": "session.ready"}]
        self.over = asyncio.Event()
        self.responses = 0

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.socket = socket
        async for frame in socket:
            message = json.loads(frame)
            # What the emulator sends is what the Bridge may send.
            assert bridge.read_for_agent(str(frame)) is not None
            self.received.append(message)
            if message["type"] == "session.start":
                for first in self.first:
                    await self.send(socket, **first)
            elif message["type"] in ("user.message", "user.no_input"):
                await self.on_input(socket, message["item_id"])
        self.over.set()

    async def send(self, socket: ServerConnection, **message: Any) -> None:
        await socket.send(json.dumps({"id": bridge.new_id("m_"), "ts": TS, **message}))

    async def reply(self, socket: ServerConnection, input_id: str) -> None:
        one = await self.begin(socket, input_id)
        await self.send(socket, type="response.output_text.done", text="We open at nine.", **one)
        await self.send(socket, type="response.done", response_id=one["response_id"])

    async def begin(
        self, socket: ServerConnection, input_id: str, id: str | None = None
    ) -> dict[str, str]:
        self.responses += 1
        id = id or f"r_{self.responses}"
        await self.send(socket, type="response.created", response_id=id, in_reply_to=[input_id])
        one = {"response_id": id, "item_id": f"it_{id}"}
        for delta in ("We open ", "at nine."):
            await self.send(socket, type="response.output_text.delta", delta=delta, **one)
        return one

    def types(self) -> list[str]:
        return [message["type"] for message in self.received]

    async def wait_for(self, type: str, count: int = 1) -> dict[str, Any]:
        """The message of this type, or the second or third of them, once it has come."""
        async with asyncio.timeout(10):
            while self.types().count(type) < count:
                await asyncio.sleep(0.005)
        return self.last(type)

    def last(self, type: str) -> dict[str, Any]:
        return next(one for one in reversed(self.received) if one["type"] == type)


@contextlib.asynccontextmanager
async def calling(
    agent: FakeAgent, limits: AnswerLimits = DEFAULT_LIMITS, no_input_ms: int | None = None
) -> AsyncIterator[BridgeSession]:
    async with serve(agent.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        agent.url = f"http://127.0.0.1:{port}"
        session = BridgeBackend(agent.url, limits=limits, no_input_ms=no_input_ms).open_session(
            "s_1"
        )
        try:
            yield session
        finally:
            await session.close()


async def ask(session: BridgeSession, text: str = "When?") -> list[AgentEvent]:
    return await collect(session, AgentRequest(text=text))


async def collect(session: BridgeSession, request: AgentRequest) -> list[AgentEvent]:
    return [event async for event in session.answer(request)]


ANSWER = [TextDelta("We open "), TextDelta("at nine."), TextDone(), AnswerFinished()]
