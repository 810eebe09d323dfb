"""One call over the Bridge: its inputs, each settled once, and the response that is open.

::

    user.message ─▶ turn of the engine ─▶ response.created with the first words ─▶ … ─▶ done
    barge_in, response.timeout, response.cancelled, session.end: the Bridge has ended the response;
        the turn stops, what was heard is kept, and nothing more of it is sent

A new input supersedes the one whose answer is still being made. Generation and playback end
separately: what was heard of a response that is done is told later, and cuts the history then.
"""

import asyncio
import logging
from collections import deque
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from voicelive_agent.agent import TurnKind
from voicelive_agent.server.conversations import ConversationKey, StoreError
from voicelive_agent.server.conversations.records import count_bytes
from voicelive_agent.server.engine.announcements import close_call, open_call
from voicelive_agent.server.engine.deadline import Watchdog
from voicelive_agent.server.engine.ending import Ending
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import TurnRequest
from voicelive_agent.server.engine.turn import RunningTurn
from voicelive_agent.server.platform.ids import choose_invocation_id
from voicelive_agent.server.wires.bridge.response import Response
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import UNSUPPORTED, FrameError

logger = logging.getLogger(__name__)

BATCHES: Final = "voicelive_agent.websocket.batches"
"""The ASGI extension: a ``websocket.send`` may have ``texts``, messages that leave together."""

_START_SECONDS = 30.0
_POLICY = 1008
_GOING_AWAY = 1001
_SERVER_FAILED = 1011
_RECENT = 8
"""Responses of which it may still be told what was heard."""
_ANSWER_SECONDS = 5.0
"""Beyond its time, within which the Bridge has to say what becomes of an announcement."""


class _IllegalStateError(FrameError):
    """A message that is known, at a time at which it can't come."""

    def __init__(self, message: str) -> None:
        super().__init__(message, _POLICY)


class _CallOver(Exception):
    """The call has ended; ``close_code`` closes its connection."""

    def __init__(self, close_code: int = 1000) -> None:
        super().__init__()
        self.close_code = close_code


@dataclass(eq=False, slots=True)
class _Waiting:
    """An announcement that the Bridge has not admitted yet."""

    text: str
    outcome: "asyncio.Future[bool]"
    """Whether it was said."""

    def settle(self, said: bool) -> None:
        if not self.outcome.done():
            self.outcome.set_result(said)


class BridgeCall:
    """One connection, from its handshake to its end."""

    def __init__(
        self,
        websocket: WebSocket,
        engine: Engine,
        key: ConversationKey,
        *,
        call_id: str,
        send_timeout: float,
        max_speech_bytes: int,
    ) -> None:
        self._socket = websocket
        self._engine = engine
        self._key = key
        self._call_id = call_id
        self._send_timeout = send_timeout
        self._max_speech_bytes = max_speech_bytes
        self._slowness = Watchdog(self._give_up_on)
        self._started = False
        self._draining = False
        self._seen: set[str] = set()
        self._open: Response | None = None
        self._recent: deque[Response] = deque(maxlen=_RECENT)
        self._waiting: dict[str, _Waiting] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._last_words: set[asyncio.Task[None]] = set()
        self._takes_batches = BATCHES in (websocket.scope.get("extensions") or ())
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Hold the call. Returns once its connection is closed and its turns have stopped."""
        await self._socket.accept()
        reading = asyncio.create_task(self._read())
        self._over.add_done_callback(lambda _: reading.cancel())
        try:
            close_code = await self._wait_for_end(reading)
            if close_code is not None and self._is_connected:
                with suppress(RuntimeError, OSError):
                    await self._socket.close(close_code)
        finally:
            reading.cancel()
            await self._end()

    def drain(self) -> None:
        """Take nothing more; the connection closes with 1001 once what is open is done."""
        self._draining = True
        if not self._answers:
            self._finish(_GOING_AWAY)

    async def announce(self, text: str, *, supersede_key: str | None, wait_ms: int) -> bool:
        """Ask the Bridge to let this be said. Whether it was said."""
        if not self._started or self._draining or self._over.done():
            return False
        response_id = bridge.new_id("r_")
        waiting = _Waiting(text, asyncio.get_running_loop().create_future())
        self._waiting[response_id] = waiting
        await self._send(
            bridge.ResponseCreated(
                response_id=response_id,
                admission_timeout_ms=wait_ms,
                supersede_key=supersede_key,
            )
        )
        loop = asyncio.get_running_loop()
        too_late = loop.call_later(wait_ms / 1000 + _ANSWER_SECONDS, waiting.settle, False)
        try:
            return await waiting.outcome
        finally:
            too_late.cancel()
            if self._waiting.pop(response_id, None) is not None:
                # Whoever has it said has given up, or the Bridge says nothing of it.
                self._take_back(response_id)

    def _take_back(self, response_id: str) -> None:
        cancel = bridge.ResponseCancel(response_id=response_id, reason="no_longer_wanted")
        sending = asyncio.create_task(self._send(cancel))
        self._last_words.add(sending)
        sending.add_done_callback(self._last_words.discard)

    # Reading

    async def _wait_for_end(self, reading: "asyncio.Task[None]") -> int | None:
        """With which code to close; None where the peer has gone."""
        try:
            await reading
        except _CallOver as over:
            return over.close_code
        except FrameError as error:
            logger.warning("the Bridge is disconnected: %s", error)
            return error.close_code
        except WebSocketDisconnect:
            return None
        except asyncio.CancelledError:
            if not self._over.done():
                raise
            return self._over.result()
        except Exception:
            logger.exception("a call broke off: session %s", self._key.session_id)
            return _SERVER_FAILED
        return None

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                start = await self._receive_start()
        except TimeoutError:
            raise _IllegalStateError("session.start did not come") from None
        await self._start(start)
        while True:
            message = await self._receive()
            if message is not None:
                await self._take(message)

    async def _receive(self) -> bridge.ForAgent | None:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1006))
        text = received.get("text")
        if text is None:
            raise FrameError("a frame is binary", UNSUPPORTED)
        return bridge.read_for_agent(text)

    async def _receive_start(self) -> bridge.SessionStart:
        while (message := await self._receive()) is None:
            pass
        if not isinstance(message, bridge.SessionStart):
            raise _IllegalStateError(f"{message.type} came before session.start")
        return message

    async def _start(self, message: bridge.SessionStart) -> None:
        if message.protocol_version != bridge.PROTOCOL_VERSION:
            await self._send(
                bridge.SessionRejected(
                    code="protocol_mismatch",
                    retriable=False,
                    message=f"This agent speaks version {bridge.PROTOCOL_VERSION}.",
                )
            )
            raise FrameError("another version of the Bridge")
        await self._send(bridge.SessionReady())
        if message.greeting:
            try:
                await self._engine.note_greeting(
                    self._key, choose_invocation_id(None), message.greeting
                )
            except StoreError:
                logger.exception("the greeting was not kept: session %s", self._key.session_id)
        self._started = True
        open_call(self._key, self)

    async def _take(self, message: bridge.ForAgent) -> None:
        match message:
            case bridge.UserMessage():
                await self._hear(message.item_id, message.text)
            case bridge.UserNoInput():
                await self._answer(message.item_id, "no_input", no_input_count=message.count)
            case bridge.BargeIn() | bridge.ResponseCancelled():
                self._cut(message.response_id, message.heard_text)
            case bridge.ResponseTimeout():
                self._time_out(message)
            case bridge.ResponseAccepted():
                await self._speak_unasked(message.response_id)
            case bridge.ResponseDropped():
                if (waiting := self._waiting.pop(message.response_id, None)) is not None:
                    waiting.settle(False)
            case bridge.SessionStart():
                raise _IllegalStateError("session.start came twice")
            case bridge.SessionEnd():
                raise _CallOver
        # Others are advice that needs nothing done.

    async def _hear(self, item_id: str, text: str) -> None:
        if not text.strip():
            await self._decline(item_id, "no_reply_needed")
        elif count_bytes(text) > self._max_speech_bytes:
            await self._decline(item_id, "input_too_large")
        else:
            await self._answer(item_id, "speech", text=text)

    def _time_out(self, timeout: bridge.ResponseTimeout) -> None:
        response = self._open
        if response is None:
            return
        if timeout.response_id == response.id:
            # What was heard of it is not told, so what was delivered stays.
            response.over = True
            self._open = None
            response.turn.stop(Ending.CANCELLED)
        elif set(timeout.item_ids or ()) & set(response.inputs):
            self._close_response(response, heard="")

    async def _speak_unasked(self, response_id: str) -> None:
        """An announcement is admitted."""
        waiting = self._waiting.pop(response_id, None)
        if waiting is None:
            return
        if self._open is not None or self._draining:
            # Who is being answered comes first.
            await self._send(bridge.ResponseCancel(response_id=response_id, reason="superseded"))
            waiting.settle(False)
            return
        turn = self._begin("announcement", announcement=waiting.text)
        self._speak(Response(turn, [], response_id), waiting)

    # Answering

    async def _answer(
        self, item_id: str, kind: TurnKind, *, text: str = "", no_input_count: int = 0
    ) -> None:
        if item_id in self._seen:
            return
        reason = "draining" if self._draining or self._engine.draining else ""
        if not reason and self._engine.find_surplus(self._key):
            reason = "capacity_exceeded"
        if reason:
            await self._decline(item_id, reason)
            return
        self._seen.add(item_id)
        if self._open is not None:
            await self._send(self._open.give_up("superseded"))
        turn = self._begin(kind, text=text, no_input_count=no_input_count)
        self._speak(Response(turn, [item_id]))

    def _begin(
        self,
        kind: TurnKind,
        *,
        text: str = "",
        no_input_count: int = 0,
        announcement: str | None = None,
    ) -> RunningTurn:
        return self._engine.begin(
            TurnRequest(
                key=self._key,
                invocation_id=choose_invocation_id(None),
                kind=kind,
                text=text,
                no_input_count=no_input_count,
                announcement=announcement,
                call_id=self._call_id,
                heard_is_known=True,
            )
        )

    async def _decline(self, item_id: str, reason: str) -> None:
        if item_id not in self._seen:
            self._seen.add(item_id)
            await self._send(bridge.ResponseNone(in_reply_to=[item_id], reason=reason))

    def _cut(self, response_id: str, heard: str) -> None:
        """The Bridge tells what was heard of a response, open or done."""
        for response in self._recent:
            if response.id == response_id:
                self._close_response(response, heard)

    def _close_response(self, response: Response, heard: str) -> None:
        response.over = True
        if self._open is response:
            self._open = None
        self._engine.note_heard(response.turn, heard)

    def _speak(self, response: Response, waiting: _Waiting | None = None) -> None:
        self._open = response
        self._recent.append(response)
        task = asyncio.create_task(self._pass_on(response))
        self._answers.add(task)
        task.add_done_callback(lambda _: self._end_answer(task, response, waiting))

    def _end_answer(
        self, task: "asyncio.Task[None]", response: Response, waiting: _Waiting | None
    ) -> None:
        self._answers.discard(task)
        # Also where the task was cancelled before its first step.
        response.listener.leave()
        if waiting is not None:
            waiting.settle(response.said and not response.over)
        if self._open is response:
            self._open = None
        if not task.cancelled() and isinstance(task.exception(), Exception):
            logger.error("an answer could not be sent", exc_info=task.exception())
            self._finish(_SERVER_FAILED)
        elif self._draining and not self._answers:
            self._finish(_GOING_AWAY)

    async def _pass_on(self, response: Response) -> None:
        async with aclosing(response.listener.events()) as batches:
            async for batch in batches:
                if response.over:
                    continue
                frames = response.write(batch)
                if response.ended and self._open is response:
                    # Before they are sent: what comes meanwhile is no more in its way.
                    self._open = None
                await self._send_frames(frames)

    # The connection

    @property
    def _is_connected(self) -> bool:
        return self._socket.client_state is WebSocketState.CONNECTED

    async def _send(self, message: bridge.ForBridge) -> None:
        await self._send_frames([bridge.encode(message)])

    async def _send_frames(self, frames: list[str]) -> None:
        if not frames or self._over.done() or not self._is_connected:
            return
        self._slowness.expect(_GOING_AWAY, self._send_timeout)
        # Where the peer has gone, or the connection is closed, reading tells it.
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            if self._takes_batches:
                await self._socket.send({"type": "websocket.send", "texts": frames})
            else:
                for frame in frames:
                    await self._socket.send_text(frame)
        self._slowness.clear()

    def _give_up_on(self, close_code: int) -> None:
        logger.warning("the Bridge does not read what is sent: the call ends")
        self._finish(close_code)

    def _finish(self, close_code: int) -> None:
        if not self._over.done():
            self._over.set_result(close_code)

    async def _end(self) -> None:
        self._finish(1000)
        self._slowness.close()
        close_call(self._key, self)
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            each.settle(False)
        for task in self._answers:
            task.cancel()
        if self._answers:
            await asyncio.wait(self._answers)
