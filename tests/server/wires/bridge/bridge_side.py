"""The Bridge's side of a call, in tests: the protocol's own frames over a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.server.serving import serve
from voicelive_agent.agent import Agent, ClientEvent, EndCall, Output, Turn, VoiceChange
from voicelive_agent.server.app import create_app
from voicelive_agent.server.engine.announcements import announce
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.bridge.socket import BridgeSocket
from voicelive_agent.wire.bridge import messages as bridge

DEADLINES = bridge.ResponseTimeouts(first_output_ms=10_000, idle_ms=15_000, max_duration_ms=120_000)


class Bridge:
    """One connection to an agent."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._inputs = count(1)

    async def send(self, message: bridge.ForAgent) -> None:
        await self.socket.send(bridge.encode(message))

    async def receive(self) -> bridge.ForBridge:
        async with asyncio.timeout(10):
            frame = await self.socket.recv()
        assert isinstance(frame, str)
        message = bridge.read_for_bridge(frame)
        assert message is not None
        return message

    async def start(self, **fields: Any) -> bridge.ForBridge:
        fields = {"protocol_version": "1.0", "reconnect": False, **fields}
        await self.send(bridge.SessionStart(response_timeouts=DEADLINES, **fields))
        return await self.receive()

    async def say(self, text: str, item_id: str = "") -> str:
        item_id = item_id or f"in_{next(self._inputs)}"
        part = bridge.InputText(text=text)
        await self.send(bridge.UserMessage(item_id=item_id, content=[part]))
        return item_id

    async def hear(self) -> list[bridge.ForBridge]:
        """All messages up to the end of a response, or to the input that got none."""
        heard: list[bridge.ForBridge] = []
        while not heard or not isinstance(
            heard[-1], bridge.ResponseDone | bridge.ResponseNone | bridge.ResponseCancel
        ):
            heard.append(await self.receive())
        return heard

    async def ask(self, text: str) -> str:
        """What is answered; asserts the order of its messages."""
        item_id = await self.say(text)
        return check_response(await self.hear(), [item_id])

    async def closed(self) -> int:
        """The code with which the agent closes, whatever it says before."""
        async with asyncio.timeout(10):
            await self.socket.wait_closed()
        return self.socket.close_code or 0

    async def is_quiet(self, seconds: float = 0.2) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.socket.recv()
            return False
        return True


class Parrot:
    """Says what it was told, and keeps the turns that it was given."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.may_go_on = asyncio.Event()
        self.background: list[asyncio.Task[bool]] = []

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        self.turns.append(turn)
        if turn.kind == "no_input":
            if turn.no_input_count < 3:
                yield "Are you still there?"
            return
        match turn.text:
            case "slowly":
                yield "One. "
                await self.may_go_on.wait()
                yield "Two."
            case "think":
                await self.may_go_on.wait()
                yield "Thought."
            case "bye":
                yield "Goodbye."
                yield EndCall("done")
            case "louder":
                yield VoiceChange(volume="+20%", type="custom")
                yield "Louder now. "
                yield "Still."
            case "leave":
                yield EndCall()
            case "whisper":
                yield VoiceChange(volume="+20%", style="whispering")
                yield VoiceChange(volume=None, locale="de-DE")
                yield "Psst."
            case "show":
                yield ClientEvent("ui.card", title="Weather")
            case "fail":
                yield "I was about"
                raise RuntimeError("my secret")
            case "later":
                self.background.append(asyncio.create_task(announce(turn, "Your taxi is here.")))
                yield "I will tell you."
            case "half":
                yield "A \ud83d B."
            case text:
                yield f"You said {text}."


def check_response(messages: list[bridge.ForBridge], inputs: list[str] | None) -> str:
    """The text of a whole response, whose messages come in their order and name each other."""
    created, *deltas, done, end = messages
    assert isinstance(created, bridge.ResponseCreated)
    assert created.in_reply_to == inputs
    assert isinstance(done, bridge.OutputTextDone)
    assert isinstance(end, bridge.ResponseDone)
    text = ""
    for delta in deltas:
        assert isinstance(delta, bridge.OutputTextDelta)
        assert (delta.response_id, delta.item_id) == (created.response_id, done.item_id)
        text += delta.delta
    assert text == done.text
    assert created.response_id == done.response_id == end.response_id
    return text


@contextlib.asynccontextmanager
async def serve_calls(agent: Agent, **settings: Any) -> AsyncIterator[str]:
    """The WebSocket URL of a server that runs ``agent``, without a path."""
    app = create_app(
        agent, Settings(**{"conversations": "memory:", "wires": ("bridge",), **settings})
    )
    async with serve(app, ws=BridgeSocket, ws_per_message_deflate=False) as url:
        yield url.replace("http", "ws")


@contextlib.asynccontextmanager
async def call(
    url: str, path: str = "/voice_conversation_engine?agent_session_id=s1", **options: Any
) -> AsyncIterator[Bridge]:
    async with connect(url + path, **options) as socket:
        yield Bridge(socket)


@contextlib.asynccontextmanager
async def open_call(agent: Agent, **settings: Any) -> AsyncIterator[Bridge]:
    """A call that has begun."""
    async with serve_calls(agent, **settings) as url, call(url) as bridge_side:
        assert isinstance(await bridge_side.start(), bridge.SessionReady)
        yield bridge_side
