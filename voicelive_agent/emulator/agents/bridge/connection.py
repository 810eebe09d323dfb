"""One connection to an agent of the Bridge, after ``session.ready``: its inputs and its responses.

::

    reader: socket ──▶ the response that a message belongs to, or the session's own events
    writer: inputs, barge_in, admissions … ──▶ socket, in their order

It reads between turns too: an agent may ask to speak at any time.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from voicelive_agent.emulator.agents import (
    AgentEvent,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    CallEvent,
    HangUp,
    Offer,
    OfferWithdrawn,
)
from voicelive_agent.emulator.agents.bridge.answer import AnswerReading, BridgeAnswer
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import UNSUPPORTED, FrameError

_KEPT = 64
"""Responses whose late messages are let go."""
_FLUSH_S = 1.0
_ILLEGAL_STATE = 1008

logger = logging.getLogger(__name__)


class BridgeConnection:
    """What is open on one socket; ``start`` comes first and ``close`` last."""

    def __init__(
        self, socket: ClientConnection, limits: AnswerLimits, tell: Callable[[CallEvent], None]
    ) -> None:
        self._socket = socket
        self._limits = limits
        self._tell = tell
        self._inputs: dict[str, BridgeAnswer] = {}
        self._responses: dict[str, BridgeAnswer] = {}
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._end_reason = "caller_hangup"
        self._reading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self.error: AnswerError | None = None
        """Why it is over, once it is."""

    def start(self) -> None:
        self._reading = asyncio.create_task(self._read())
        self._writing = asyncio.create_task(self._write())

    async def wait_over(self) -> None:
        """Return once nothing more can be read."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    async def close(self) -> None:
        """``session.end``, and the end."""
        if self.error is None:
            self._send(bridge.SessionEnd(reason=self._end_reason))
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_S):
                    await self._outgoing.join()
        for task in (self._reading, self._writing):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self._socket.close()

    # What the session says.

    def ask(self, text: str) -> BridgeAnswer:
        """A turn of the person. Raises FrameError where it is too long for a frame."""
        part = bridge.InputText(text=text)
        message = bridge.UserMessage(item_id=bridge.new_id("in_"), content=[part])
        frame = bridge.encode(message)
        answer = self._inputs[message.item_id] = BridgeAnswer(message.item_id)
        self._outgoing.put_nowait(frame)
        return answer

    def tell_silence(self, count: int) -> None:
        """Nobody has said anything, for the ``count``-th time."""
        message = bridge.UserNoInput(item_id=bridge.new_id("in_"), count=count)
        answer = BridgeAnswer(message.item_id, is_asked=False)
        self._inputs[message.item_id] = answer
        self._send(message)
        asyncio.get_running_loop().call_later(self._limits.silence_s, self._miss, answer)

    def tell_speech(self) -> None:
        """Somebody begins to speak; only told while nothing is being answered."""
        is_open = any(not (each.is_over or each.is_cut) for each in self._responses.values())
        if not (is_open or self._inputs):
            self._send(bridge.UserSpeechStarted())

    def interrupt(self, answer: BridgeAnswer, heard: str) -> None:
        """So much was heard of a response, which may be done; of it nothing more is wanted."""
        if answer.is_cut:
            return
        answer.cut()
        if answer.response_id is not None:
            message = bridge.BargeIn(
                response_id=answer.response_id, item_id=answer.item_id, heard_text=heard
            )
            self._send(message)

    def admit(self, offer_id: str) -> BridgeAnswer | None:
        """Let a response be spoken that the agent has begun by itself; None where it is gone."""
        answer = self._responses.get(offer_id)
        if answer is None or answer.is_cut:
            return None
        if not answer.is_admitted:
            answer.is_admitted = True
            self._send(bridge.ResponseAccepted(response_id=offer_id))
        return answer

    def drop(self, offer_id: str, reason: str) -> None:
        """Or not."""
        answer = self._responses.get(offer_id)
        if answer is None or answer.is_cut:
            return
        if answer.is_admitted:
            self.interrupt(answer, "")
        else:
            answer.cut()
            self._send(bridge.ResponseDropped(response_id=offer_id, reason=reason))

    async def follow(self, answer: BridgeAnswer) -> AsyncGenerator[AgentEvent, None]:
        """The events of a response. Raises AnswerError."""
        reading = AnswerReading()
        loop = asyncio.get_running_loop()
        progress_s = loop.time()
        end_s = progress_s + self._limits.whole_s
        is_followed = False
        try:
            while not is_followed:
                try:
                    async with asyncio.timeout_at(min(end_s, progress_s + self._limits.silence_s)):
                        message = await answer.next()
                except TimeoutError:
                    is_whole = loop.time() >= end_s
                    raise self._time_out(answer, reading, is_whole=is_whole) from None
                for agent_event in reading.read(message):
                    yield agent_event
                # What has only been begun has said nothing yet.
                if reading.has_output:
                    progress_s = loop.time()
                is_followed = isinstance(message, bridge.ResponseDone | bridge.ResponseNone)
            yield AnswerFinished()
        except AnswerError:
            is_followed = True
            raise
        finally:
            if not is_followed:
                self.interrupt(answer, "")

    def _time_out(
        self, answer: BridgeAnswer, reading: AnswerReading, *, is_whole: bool
    ) -> AnswerError:
        limits = self._limits
        stage = "max_duration" if is_whole else "idle" if reading.has_output else "first_output"
        self._send_timeout(answer, stage)
        limit_s, option = (
            (limits.whole_s, "--answer-timeout")
            if is_whole
            else (limits.silence_s, "--agent-timeout")
        )
        return AnswerError(
            "agent_timeout",
            f"the agent missed the deadline {stage} of {limit_s:g} s ({option}): answer sooner",
        )

    def _miss(self, answer: BridgeAnswer) -> None:
        """A silence that nobody has answered in time."""
        if answer.input_id in self._inputs and not answer.is_cut and self.error is None:
            self._send_timeout(answer, "first_output")

    def _send_timeout(self, answer: BridgeAnswer, stage: str) -> None:
        if answer.response_id is not None:
            timeout = bridge.ResponseTimeout(stage=stage, response_id=answer.response_id)
        else:
            timeout = bridge.ResponseTimeout(stage=stage, item_ids=[str(answer.input_id)])
        answer.cut()
        self._send(timeout)

    def _send(self, message: bridge.ForAgent) -> None:
        self._outgoing.put_nowait(bridge.encode(message))

    async def _write(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self._socket.send(await self._outgoing.get())
                self._outgoing.task_done()

    # What the agent says.

    async def _read(self) -> None:
        try:
            while True:
                message = await receive(self._socket)
                if message is not None:
                    await self._take(message)
        except ConnectionClosed as error:
            self._end(_closed(error))
        except FrameError as error:
            violation = AnswerError(
                "agent_contract_violation", f"a message of the agent is wrong: {error}"
            )
            self._end(violation)
            logger.warning("The connection to the agent is closed: %s", violation.message)
            await self._socket.close(error.close_code)

    def _end(self, error: AnswerError) -> None:
        self.error = error
        for response_id, answer in self._responses.items():
            if not answer.is_admitted and not answer.is_cut:
                self._tell(OfferWithdrawn(response_id))
        for answer in (*self._inputs.values(), *self._responses.values()):
            answer.fail(error)

    async def _take(self, message: bridge.ForBridge) -> None:
        match message:
            case bridge.ResponseCreated(in_reply_to=None):
                self._begin_offer(message)
            case bridge.ResponseCreated():
                await self._begin_reply(message)
            case bridge.ResponseNone():
                answer = self._settle(message.in_reply_to)
                await answer.put(message)
            case bridge.EndCall(reason=reason, mode=mode):
                self._end_reason = "agent_ended"
                self._tell(HangUp(reason, is_immediate=mode == "immediate"))
            case bridge.AgentError(response_id=None):
                await self._take_error(message)
            case bridge.SessionReady() | bridge.SessionRejected():
                raise FrameError(f"{message.type} came twice", _ILLEGAL_STATE)
            case _:
                await self._take_of_response(message)

    def _begin_offer(self, created: bridge.ResponseCreated) -> None:
        self._require_new(created.response_id)
        self._keep(BridgeAnswer(response_id=created.response_id, is_asked=False))
        self._tell(
            Offer(created.response_id, created.supersede_key, wait_ms=created.admission_timeout_ms)
        )

    async def _begin_reply(self, created: bridge.ResponseCreated) -> None:
        self._require_new(created.response_id)
        answer = self._settle(created.in_reply_to or [])
        answer.response_id = created.response_id
        self._keep(answer)
        if answer.is_cut:
            cut = bridge.BargeIn(response_id=created.response_id, heard_text="")
            self._send(cut)
        elif answer.is_asked:
            await answer.put(created)
        else:
            self._tell(Offer(created.response_id, is_reply=True))

    def _settle(self, input_ids: list[str]) -> BridgeAnswer:
        """The input that is answered, which is the last of those that are named."""
        if not all(input_id in self._inputs for input_id in input_ids):
            raise FrameError(
                "in_reply_to names an input that waits for no answer: each is settled once",
                _ILLEGAL_STATE,
            )
        if list(self._inputs)[: len(input_ids)] != input_ids:
            logger.warning("The agent leaves an input out: in_reply_to names the oldest first.")
        settled = [self._inputs.pop(input_id) for input_id in input_ids]
        for answer in settled[:-1]:
            answer.cut()
        return settled[-1]

    def _require_new(self, response_id: str) -> None:
        if response_id in self._responses:
            raise FrameError("response.created came twice for one response_id", _ILLEGAL_STATE)

    def _keep(self, answer: BridgeAnswer) -> None:
        over = [id for id, each in self._responses.items() if each.is_over or each.is_cut]
        for response_id in over[: max(0, len(self._responses) - _KEPT)]:
            del self._responses[response_id]
        self._responses[str(answer.response_id)] = answer

    async def _take_error(self, message: bridge.AgentError) -> None:
        asked = [each for each in self._inputs.values() if each.is_asked and not each.is_cut]
        if asked:
            await asked[-1].put(message)
        else:
            logger.warning("The agent reports %s: %s", message.code, message.message)

    async def _take_of_response(self, message: bridge.ForBridge) -> None:
        response_id = getattr(message, "response_id", "")
        answer = self._responses.get(response_id)
        if answer is None:
            raise FrameError(f"{message.type} is of no response that was created", _ILLEGAL_STATE)
        if answer.is_cut:
            return
        if answer.is_over:
            raise FrameError(f"{message.type} came after the end of its response", _ILLEGAL_STATE)
        if isinstance(message, bridge.ResponseCancel):
            # What was streamed counts as heard: it goes on playing.
            confirmed = bridge.ResponseCancelled(
                response_id=response_id, item_id=answer.item_id, heard_text=answer.text
            )
            self._send(confirmed)
            if not answer.is_admitted:
                answer.cut()
                self._tell(OfferWithdrawn(response_id))
                return
        await answer.put(message)
        answer.is_over = isinstance(message, bridge.ResponseDone | bridge.ResponseCancel)


async def receive(socket: ClientConnection) -> bridge.ForBridge | None:
    """The next message. Raises ConnectionClosed, and FrameError."""
    frame = await socket.recv()
    if isinstance(frame, bytes):
        raise FrameError("a frame is binary", UNSUPPORTED)
    return bridge.read_for_bridge(frame)


def _closed(error: ConnectionClosed) -> AnswerError:
    code = error.rcvd.code if error.rcvd is not None else 1006
    return AnswerError(
        "agent_disconnected",
        f"the agent closed the Bridge's connection ({code}) before its answer was done: its log "
        "says why; the next turn connects anew",
    )
