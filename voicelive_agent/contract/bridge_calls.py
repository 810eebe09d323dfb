"""Calls to the agent that is judged, over the Bridge: Voice Live's side, message by message."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from voicelive_agent.contract.judge import Judge
from voicelive_agent.contract.target import Target, new_session
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import FrameError
from voicelive_agent.wire.invocations import SESSION_QUERY

_SHOWN = 12
_SHOWN_CHARACTERS = 200
_QUIET_S = 0.5
ENDS = (bridge.ResponseDone, bridge.ResponseNone, bridge.ResponseCancel)


class Call:
    """One connection. Its text form shows what was said last, for people to read."""

    def __init__(self, target: Target, socket: ClientConnection, path: str) -> None:
        self.target = target
        self.socket = socket
        self.path = path
        self.session = ""
        self.received: list[bridge.ForBridge] = []
        self.wrong: list[str] = []
        """What was no message, and why."""
        self._shown: list[str] = []

    def __str__(self) -> str:
        left_out = len(self._shown) - _SHOWN
        more = [f"({left_out} earlier frames)"] if left_out > 0 else []
        closed = [f"closed with {self.socket.close_code}"] if self.socket.close_code else []
        return "\n".join([f"WebSocket {self.path}", *more, *self._shown[-_SHOWN:], *closed])

    async def send(self, message: bridge.ForAgent) -> None:
        await self.send_frame(bridge.encode(message))

    async def send_frame(self, frame: str | bytes) -> None:
        self._shown.append(f"> {_show(frame)}")
        with contextlib.suppress(ConnectionClosed):
            await self.socket.send(frame)

    async def receive(self, seconds: float | None = None) -> bridge.ForBridge | None:
        """The next message that is one; None where none comes in time, or the call is over."""
        with contextlib.suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(seconds or self.target.timeout_seconds):
                while True:
                    frame = await self.socket.recv()
                    self._shown.append(f"< {_show(frame)}")
                    if (message := self._read(frame)) is not None:
                        self.received.append(message)
                        return message
        return None

    def _read(self, frame: str | bytes) -> bridge.ForBridge | None:
        if isinstance(frame, bytes):
            self.wrong.append("a binary frame")
            return None
        try:
            return bridge.read_for_bridge(frame)
        except FrameError as error:
            self.wrong.append(str(error))
            return None

    async def start(self, **fields: Any) -> bridge.ForBridge | None:
        """``session.start``, and what it is answered with."""
        timeouts = bridge.ResponseTimeouts(
            first_output_ms=60_000, idle_ms=60_000, max_duration_ms=300_000
        )
        start = {"protocol_version": "1.0", "reconnect": False, **fields}
        await self.send(bridge.SessionStart(response_timeouts=timeouts, **start))
        return await self.receive()

    async def say(self, text: str, item_id: str = "") -> str:
        """A turn; the id of its input."""
        item_id = item_id or bridge.new_id("in_")
        part = bridge.InputText(text=text)
        await self.send(bridge.UserMessage(item_id=item_id, content=[part]))
        return item_id

    async def until(self, *kinds: type[bridge.ForBridge]) -> list[bridge.ForBridge]:
        """The messages up to one of these kinds, it included; all there were, if it never came."""
        found: list[bridge.ForBridge] = []
        while not (found and isinstance(found[-1], kinds)):
            message = await self.receive()
            if message is None:
                break
            found.append(message)
        return found

    async def ask(self, text: str) -> tuple[str, list[bridge.ForBridge]]:
        """A turn and its answer, to its end."""
        item_id = await self.say(text)
        return item_id, await self.until(*ENDS)

    async def further(self) -> list[bridge.ForBridge]:
        """What comes for a while after all that was waited for."""
        found = []
        while (message := await self.receive(_QUIET_S)) is not None:
            found.append(message)
        return found

    async def closed(self) -> int | None:
        """The code with which the agent closes; None where it doesn't."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(10.0, self.target.timeout_seconds)):
                await self.socket.wait_closed()
        return self.socket.close_code


def _show(frame: str | bytes) -> str:
    """A frame for people to read, without what each has: its own id and the time."""
    with contextlib.suppress(ValueError, RecursionError):
        message = json.loads(frame)
        if isinstance(message, dict) and isinstance(frame, str):
            shown = {name: value for name, value in message.items() if name not in ("id", "ts")}
            return json.dumps(shown, ensure_ascii=False)[:_SHOWN_CHARACTERS]
    return repr(frame[:_SHOWN_CHARACTERS])


class Caller:
    """Calls one agent."""

    def __init__(self, target: Target, judge: Judge) -> None:
        self.target = target
        self.judge = judge

    @contextlib.asynccontextmanager
    async def connect(
        self, *, session: str | None = None, headers: Any = (), clause: str = "BR-1"
    ) -> AsyncIterator[Call]:
        """A connection that has not begun. Judges that it is taken and, in the end, BR-3."""
        session = session or (self.target.session if self.target.deployed else new_session())
        call, refused = None, []
        for path in bridge.PATHS:
            try:
                socket = await self._connect(path, session, headers)
            except (InvalidHandshake, OSError, TimeoutError) as error:
                refused.append(f"{path}: {error}")
                continue
            call = Call(self.target, socket, path)
            break
        self.judge(call is not None, clause, "101 Switching Protocols", *refused)
        assert call is not None
        call.session = session
        try:
            yield call
        finally:
            await call.socket.close()
        self.judge(not call.wrong, "BR-3", "messages of the protocol", *call.wrong, call)

    async def _connect(self, path: str, session: str, headers: Any) -> ClientConnection:
        query = httpx.QueryParams({**self.target.query, SESSION_QUERY: session})
        return await connect(
            f"{self.target.url.replace('http', 'ws', 1)}{path}?{query}",
            additional_headers=[*self.target.headers.items(), *headers],
            open_timeout=self.target.timeout_seconds,
            proxy=None,
            max_size=None,
        )

    @contextlib.asynccontextmanager
    async def call(self, *, session: str | None = None, **start: Any) -> AsyncIterator[Call]:
        """A call that has begun. Judges BR-2 too."""
        async with self.connect(session=session) as call:
            ready = await call.start(**start)
            self.judge(isinstance(ready, bridge.SessionReady), "BR-2", "session.ready", call)
            yield call

    def judge_answer(self, call: Call, item_id: str, messages: list[bridge.ForBridge]) -> str:
        """Judge one whole answer; its text, empty where the input got none."""
        judge = self.judge
        if len(messages) == 1 and isinstance(messages[0], bridge.ResponseNone):
            judge(messages[0].in_reply_to == [item_id], "BR-4", f"in_reply_to: {item_id}", call)
            return ""
        created = [one for one in messages if isinstance(one, bridge.ResponseCreated)]
        judge(
            len(created) == 1 and created[0].in_reply_to == [item_id],
            "BR-4",
            f"one response.created or response.none with in_reply_to [{item_id}]",
            call,
        )
        judge(
            created[0] is messages[0] and isinstance(messages[-1], bridge.ResponseDone),
            "BR-5",
            "response.created first, response.done last",
            call,
        )
        ids = {getattr(one, "response_id", None) for one in messages}
        judge(ids == {created[0].response_id}, "BR-5", "messages of that response alone", call)
        earlier = [one for one in call.received if isinstance(one, bridge.ResponseCreated)]
        fresh = [one.response_id for one in earlier].count(created[0].response_id) == 1
        judge(fresh, "BR-7", "a response_id that was not there before", call)
        return self._judge_items(call, messages[1:-1])

    def _judge_items(self, call: Call, messages: list[bridge.ForBridge]) -> str:
        spoken, streamed, open_item = "", "", None
        for message in messages:
            if not isinstance(message, bridge.OutputTextDelta | bridge.OutputTextDone):
                continue
            self.judge(
                open_item in (None, message.item_id),
                "BR-5",
                "an item that is done before the next begins",
                call,
            )
            open_item = message.item_id
            if isinstance(message, bridge.OutputTextDelta):
                streamed += message.delta
                continue
            self.judge(
                message.text == streamed or not streamed,
                "BR-6",
                json.dumps(streamed),
                json.dumps(message.text),
                call,
            )
            spoken, streamed, open_item = spoken + message.text, "", None
        self.judge(open_item is None, "BR-5", "response.output_text.done of each item", call)
        return spoken
