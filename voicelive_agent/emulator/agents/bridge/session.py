"""Voice Live's side of one session with an agent of the Bridge: a call, and its connections.

The connection is made when the call begins, or for the first turn, and made anew where it is lost,
without replay.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    CallEvent,
    CallNote,
    Offer,
    OfferDropped,
    SilenceLasts,
    SpeechBegan,
)
from voicelive_agent.emulator.agents.bridge.answer import BridgeAnswer
from voicelive_agent.emulator.agents.bridge.connection import BridgeConnection, receive
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import FrameError

_START_S = 30.0
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between attempts to connect anew; after the last, the next turn connects."""
_KEPT = 8
"""Answers that may still play when somebody speaks."""

logger = logging.getLogger(__name__)


class BridgeSession:
    """One session's call."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[ClientConnection]],
        *,
        limits: AnswerLimits,
        no_input_ms: int | None = None,
    ) -> None:
        self._connect = connect
        self._limits = limits
        self._no_input_ms = no_input_ms
        self._greeting = ""
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self._is_held = False
        self._connecting = asyncio.Lock()
        self._connection: BridgeConnection | None = None
        self._answers: OrderedDict[str, tuple[BridgeConnection, BridgeAnswer]] = OrderedDict()
        self._has_started = False

    async def call(self, greeting: str) -> AsyncGenerator[CallEvent, None]:
        """Call the agent now, and hold the connection; ``greeting`` is what was said before."""
        self._greeting, self._is_held = greeting, True
        holding = asyncio.create_task(self._hold())
        try:
            while True:
                yield await self._events.get()
        finally:
            holding.cancel()
            await asyncio.wait([holding])

    async def open(self, greeting: str = "") -> None:
        """Connect before the first request. Raises AnswerError."""
        self._greeting = greeting
        await self._connected()

    async def close(self) -> None:
        """The call is over."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    def note(self, note: CallNote) -> None:
        """Something that an agent is told, if there is a connection to tell it."""
        connection = self._connection
        if connection is None or connection.error is not None:
            return
        match note:
            case SpeechBegan():
                connection.tell_speech()
            case SilenceLasts(count):
                connection.tell_silence(count)
            case OfferDropped(offer_id, reason):
                connection.drop(offer_id, reason)

    def note_heard(self, response_id: str, text: str) -> None:
        """The caller interrupted an answer, and heard so much of it."""
        if (known := self._answers.get(response_id)) is not None:
            connection, answer = known
            connection.interrupt(answer, text)

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        if request.kind == "action":
            raise AnswerError(
                "agent_contract_violation",
                "the Bridge carries speech and text alone: invoke_input needs an agent of the "
                "Invocations protocol",
            )
        if request.kind == "greeting":
            # Voice Live greets by itself, and tells the agent of it.
            yield AnswerFinished(
                warnings=(
                    "an agent of the Bridge says nothing first: greet with "
                    "pre_generated_assistant_message",
                )
            )
            return
        connection, answer = known = await self._begin_answer(request)
        self._answers[request.response_id] = known
        if len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        async with aclosing(connection.follow(answer)) as agent_events:
            async for agent_event in agent_events:
                yield agent_event

    async def _begin_answer(self, request: AgentRequest) -> tuple[BridgeConnection, BridgeAnswer]:
        if request.kind == "offer":
            connection = self._connection
            answer = connection.admit(request.offer_id) if connection is not None else None
            if connection is None or answer is None:
                raise AnswerError("agent_disconnected", "what the agent wanted to say is gone")
            return connection, answer
        connection = await self._connected()
        try:
            return connection, connection.ask(request.text)
        except FrameError as error:
            raise AnswerError("agent_contract_violation", f"a turn is too long: {error}") from error

    async def _hold(self) -> None:
        pauses = iter(_PAUSES_S)
        while True:
            try:
                connection = await self._connected()
            except AnswerError as error:
                logger.warning("The agent is not connected: %s", error.message)
            else:
                pauses = iter(_PAUSES_S)
                await connection.wait_over()
            pause_s = next(pauses, None)
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)

    async def _connected(self) -> BridgeConnection:
        """The connection, after ``session.ready``; a new one where the last was lost."""
        async with self._connecting:
            connection = self._connection
            if connection is None or connection.error is not None:
                if connection is not None:
                    await connection.close()
                self._connection = None
                connection = self._connection = await self._open()
            return connection

    async def _open(self) -> BridgeConnection:
        socket = await self._connect()
        limits = self._limits
        start = bridge.SessionStart(
            protocol_version=bridge.PROTOCOL_VERSION,
            reconnect=self._has_started,
            response_timeouts=bridge.ResponseTimeouts(
                first_output_ms=_ms(limits.silence_s),
                idle_ms=_ms(limits.silence_s),
                max_duration_ms=_ms(limits.whole_s),
            ),
            greeting=None if self._has_started else self._greeting or None,
            no_input_timeout_ms=self._no_input_ms,
        )
        try:
            await _await_ready(socket, start)
        except BaseException:
            await socket.close(1008)
            raise
        self._has_started = True
        connection = BridgeConnection(socket, limits, self._take)
        connection.start()
        return connection

    def _take(self, event: CallEvent) -> None:
        if self._is_held:
            self._events.put_nowait(event)
        elif isinstance(event, Offer) and self._connection is not None:
            self._connection.drop(event.id, "not_supported")


async def _await_ready(socket: ClientConnection, start: bridge.SessionStart) -> None:
    """Raises AnswerError unless the agent takes the session."""
    try:
        await socket.send(bridge.encode(start))
        async with asyncio.timeout(_START_S):
            ready = await receive(socket)
    except TimeoutError as error:
        raise AnswerError(
            "agent_timeout", f"the agent sent no session.ready in {_START_S:g} s"
        ) from error
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd is not None else 1006
        raise AnswerError(
            "agent_disconnected",
            f"the agent closed the connection ({code}) instead of session.ready: its log says why",
        ) from error
    except FrameError as error:
        raise AnswerError(
            "agent_contract_violation", f"a message of the agent is wrong: {error}"
        ) from error
    if isinstance(ready, bridge.SessionRejected):
        told = f": {ready.message}" if ready.message else ""
        raise AnswerError("agent_error", f"the agent rejects the session ({ready.code}){told}")
    if not isinstance(ready, bridge.SessionReady):
        raise AnswerError(
            "agent_contract_violation",
            "the agent's first message is not session.ready: send it first",
        )


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
