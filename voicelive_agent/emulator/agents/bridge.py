"""Agents of the Voice Live Bridge 1.0, called as Voice Live calls them: one WebSocket a session.

The connection is made for the first turn, and again where it was lost, without replay. What was
heard of an answer is told with ``barge_in``, while the answer is being made and after it. Not done:
proactive responses, which are dropped, and ``user.no_input``.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from voicelive_agent.command_name import spell_command
from voicelive_agent.emulator.agents import (
    DEFAULT_LIMITS,
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    ScreenEvent,
    TextDelta,
    TextDone,
    VoicePatch,
)
from voicelive_agent.emulator.agents.endpoint import CONNECT_TIMEOUT_S, LOCAL_USER_ID, read_url
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES, FrameError
from voicelive_agent.wire.invocations import CALL_HEADER, END_CALL, SESSION_QUERY, USER_HEADER
from voicelive_agent.wire.net import is_this_machine

_START_S = 30.0
_AFTER_DONE_S = 0.1
"""How long an ``end_call`` may come behind its answer, which is spoken meanwhile."""
_NO_BRIDGE = frozenset({403, 404, 405, 501})


class BridgeBackend:
    """An agent at ``url``, over the path of the Bridge that it serves.

    Raises ValueError for a bad URL.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        key: str | None = None,
        limits: AnswerLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name or url
        self.limits = limits
        self._url = read_url(url)
        self._headers = {USER_HEADER: LOCAL_USER_ID} | ({"api-key": key} if key else {})

    async def start(self) -> None:
        """Nothing to get ready: each session connects by itself."""

    async def stop(self) -> None:
        """Nothing to stop: each session closes its connection."""

    def open_session(self, session_id: str, *, conversation_id: str = "") -> "BridgeSession":
        return BridgeSession(self, conversation_id or session_id)

    async def connect(self, session_id: str) -> ClientConnection:
        """A connection to the first path that takes one. Raises AnswerError."""
        for path in bridge.PATHS:
            with suppress(BridgeNotServedError):
                return await self._connect(path, session_id)
        raise BridgeNotServedError(
            "agent_error",
            f"the agent at {self._shown_url} takes no WebSocket at {' or '.join(bridge.PATHS)}: "
            "serve the Bridge there (VOICELIVE_WIRES=bridge), or call the agent by the protocol "
            "that it has, with --agent-protocol invocations or responses",
        )

    @property
    def _shown_url(self) -> str:
        return str(self._url.copy_with(query=None, userinfo=b""))

    def _address(self, path: str, session_id: str) -> httpx.URL:
        scheme = "wss" if self._url.scheme == "https" else "ws"
        stem = self._url.path.rstrip("/")
        for known in bridge.PATHS:
            stem = stem.removesuffix(known)
        address = self._url.copy_with(scheme=scheme, path=stem + path, fragment=None)
        return address.copy_merge_params({SESSION_QUERY: session_id})

    async def _connect(self, path: str, session_id: str) -> ClientConnection:
        try:
            return await connect(
                str(self._address(path, session_id)),
                additional_headers={**self._headers, CALL_HEADER: uuid.uuid4().hex},
                open_timeout=CONNECT_TIMEOUT_S,
                max_size=MAX_FRAME_BYTES,
                proxy=None if is_this_machine(self._url.host) else True,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status in _NO_BRIDGE:
                raise BridgeNotServedError("agent_error", path, status=status) from error
            hint = ": set VOICELIVE_AGENT_API_KEY as the agent's server has it"
            raise AnswerError(
                "agent_error",
                f"the agent answered the WebSocket {path} with HTTP {status}"
                f"{hint if status == 401 else ''}",
                status=status,
            ) from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise AnswerError(
                "agent_unreachable",
                f"nothing answers at {self._shown_url}: start the agent "
                f"({spell_command('serve')}), or correct its URL in --agent",
            ) from error


class BridgeNotServedError(AnswerError):
    """The agent has no WebSocket of the Bridge, so it speaks another protocol."""


class BridgeSession:
    """Voice Live's side of one session with an agent."""

    def __init__(self, backend: BridgeBackend, session_id: str) -> None:
        self._backend = backend
        self._session_id = session_id
        self._socket: ClientConnection | None = None
        self._has_started = False
        self._input_id = ""
        self._response_id: str | None = None
        self._item_id: str | None = None
        self._text = ""
        self._streamed = ""
        self._given_up: set[str] = set()
        self._heard: str | None = None

    async def close(self) -> None:
        """The caller hangs up."""
        socket, self._socket = self._socket, None
        if socket is not None:
            with suppress(ConnectionClosed):
                await self._tell_interruption(socket)
                await socket.send(bridge.encode(bridge.SessionEnd(reason="caller_hangup")))
            await socket.close()

    def note_heard(self, text: str) -> None:
        """The caller interrupted the last answer, and heard so much of it."""
        self._heard = text

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
        try:
            socket = await self._open()
            await self._tell_interruption(socket)
            message = bridge.UserMessage(
                item_id=bridge.new_id("in_"), content=[bridge.InputText(text=request.text)]
            )
            await socket.send(bridge.encode(message))
            self._begin(message.item_id)
            async with aclosing(self._follow(socket)) as agent_events:
                async for agent_event in agent_events:
                    yield agent_event
        except (ConnectionClosed, FrameError) as error:
            raise await self._break_off(error) from error

    def _begin(self, input_id: str) -> None:
        if self._input_id and self._response_id is None:
            self._given_up.add(self._input_id)
        self._input_id, self._response_id, self._item_id = input_id, None, None
        self._text, self._streamed, self._heard = "", "", None

    async def _drop(self, close_code: int) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close(close_code)

    async def open(self) -> None:
        """Connect before the first request. Raises AnswerError."""
        try:
            await self._open()
        except (ConnectionClosed, FrameError) as error:
            raise await self._break_off(error) from error

    async def _break_off(self, error: ConnectionClosed | FrameError) -> AnswerError:
        socket, self._socket = self._socket, None
        if isinstance(error, ConnectionClosed):
            return _closed(error)
        if socket is not None:
            await socket.close(error.close_code)
        return AnswerError(
            "agent_contract_violation", f"a message of the agent or to it is wrong: {error}"
        )

    async def _open(self) -> ClientConnection:
        """The connection, after ``session.ready``; a new one where the last was lost."""
        if self._socket is not None and self._socket.close_code is None:
            return self._socket
        limits = self._backend.limits
        socket = await self._backend.connect(self._session_id)
        start = bridge.SessionStart(
            protocol_version=bridge.PROTOCOL_VERSION,
            reconnect=self._has_started,
            response_timeouts=bridge.ResponseTimeouts(
                first_output_ms=_ms(limits.silence_s),
                idle_ms=_ms(limits.silence_s),
                max_duration_ms=_ms(limits.whole_s),
            ),
        )
        self._socket = socket
        self._response_id = self._heard = None
        await socket.send(bridge.encode(start))
        try:
            async with asyncio.timeout(_START_S):
                ready = await _receive(socket)
        except TimeoutError as error:
            await self._drop(1008)
            raise AnswerError(
                "agent_timeout", f"the agent sent no session.ready in {_START_S:g} s"
            ) from error
        if not isinstance(ready, bridge.SessionReady):
            await self._drop(1008)
            raise _not_ready(ready)
        self._has_started = True
        return socket

    async def _tell_interruption(self, socket: ClientConnection) -> None:
        """What was heard of the last answer, before the next turn begins."""
        if self._heard is None or self._response_id is None:
            return
        message = bridge.BargeIn(
            response_id=self._response_id, item_id=self._item_id, heard_text=self._heard
        )
        self._heard = None
        await socket.send(bridge.encode(message))

    async def _follow(self, socket: ClientConnection) -> AsyncGenerator[AgentEvent, None]:
        """The answer to the last input. Raises what the connection and its frames do."""
        limits = self._backend.limits
        loop = asyncio.get_running_loop()
        end_s = loop.time() + limits.whole_s
        is_over = False
        try:
            while not is_over:
                wait_s = min(limits.silence_s, end_s - loop.time())
                try:
                    async with asyncio.timeout(wait_s):
                        message = await _receive(socket)
                except TimeoutError:
                    is_over = True
                    raise await self._time_out(socket, is_whole=loop.time() >= end_s) from None
                if await self._is_foreign(socket, message):
                    continue
                for agent_event in await self._take(socket, message):
                    yield agent_event
                if isinstance(message, bridge.ResponseDone | bridge.ResponseNone):
                    is_over = True
            for agent_event in await self._read_end(socket):
                yield agent_event
            yield AnswerFinished()
        except AnswerError:
            is_over = True
            raise
        finally:
            if not is_over:
                # Cut off in the midst: what was heard is known by now.
                with suppress(ConnectionClosed):
                    await asyncio.shield(self._tell_cut(socket))

    async def _tell_cut(self, socket: ClientConnection) -> None:
        if self._heard is None:
            self._heard = ""
        await self._tell_interruption(socket)

    async def _read_end(self, socket: ClientConnection) -> list[AgentEvent]:
        """Whether the agent hangs up, which it says behind its answer."""
        try:
            async with asyncio.timeout(_AFTER_DONE_S):
                message = await _receive(socket)
        except TimeoutError:
            return []
        return [] if await self._is_foreign(socket, message) else await self._take(socket, message)

    async def _is_foreign(self, socket: ClientConnection, message: bridge.ForBridge | None) -> bool:
        """Whether a message is no part of the answer to the last input."""
        if message is None:
            return True
        if isinstance(message, bridge.ResponseNone):
            return self._input_id not in message.in_reply_to
        if isinstance(message, bridge.ResponseCreated):
            return await self._is_unwanted(socket, message)
        response_id = getattr(message, "response_id", None)
        return response_id is not None and response_id != self._response_id

    async def _is_unwanted(self, socket: ClientConnection, created: bridge.ResponseCreated) -> bool:
        if created.in_reply_to is None:
            dropped = bridge.ResponseDropped(
                response_id=created.response_id, reason="not_supported"
            )
            await socket.send(bridge.encode(dropped))
            return True
        if self._input_id in created.in_reply_to:
            return False
        if self._given_up & set(created.in_reply_to):
            self._given_up -= set(created.in_reply_to)
            cut = bridge.BargeIn(response_id=created.response_id, heard_text="")
            await socket.send(bridge.encode(cut))
            return True
        raise FrameError("response.created: in_reply_to names no input that waits for an answer")

    async def _take(
        self, socket: ClientConnection, message: bridge.ForBridge | None
    ) -> list[AgentEvent]:
        """What a message of the answer means to the session. Raises AnswerError."""
        match message:
            case bridge.ResponseCreated(response_id=response_id):
                self._response_id = response_id
            case bridge.OutputTextDelta(delta=delta, voice=voice):
                return self._add_text(message.item_id, delta, voice)
            case bridge.OutputTextDone(text=text, voice=voice):
                self._require_whole(message.item_id, text)
                rest = "" if self._streamed else text
                spoken = self._add_text(message.item_id, rest, voice)
                self._streamed = ""
                return spoken
            case bridge.ResponseDone():
                return [TextDone()]
            case bridge.ResponseCancel(reason=reason):
                await self._confirm_cancel(socket, message.response_id)
                raise AnswerError(
                    "agent_error", f"the agent gave its answer up: {reason or 'no reason given'}"
                )
            case bridge.EndCall(reason=reason, mode=mode):
                return [ScreenEvent({"type": END_CALL, "reason": reason, "mode": mode})]
            case bridge.AgentError(code=code, message=text) if message.response_id is None:
                return [ScreenEvent({"type": "error", "code": code, "message": text})]
        return []

    def _add_text(
        self, item_id: str, text: str, voice: dict[str, object] | None
    ) -> list[AgentEvent]:
        self._item_id = item_id
        self._text += text
        self._streamed += text
        patch: list[AgentEvent] = [VoicePatch(voice)] if voice else []
        return [*patch, TextDelta(text)] if text else patch

    def _require_whole(self, item_id: str, text: str) -> None:
        if self._streamed and (item_id != self._item_id or text != self._streamed):
            raise FrameError("response.output_text.done: text is not that of the item's deltas")

    async def _confirm_cancel(self, socket: ClientConnection, response_id: str) -> None:
        """What was streamed counts as heard: it goes on playing."""
        message = bridge.ResponseCancelled(
            response_id=response_id, item_id=self._item_id, heard_text=self._text
        )
        self._response_id = None
        await socket.send(bridge.encode(message))

    async def _time_out(self, socket: ClientConnection, *, is_whole: bool) -> AnswerError:
        """Tell the agent, and say what the developer is told."""
        limits = self._backend.limits
        began = bool(self._text)
        stage = "max_duration" if is_whole else "idle" if began else "first_output"
        message = (
            bridge.ResponseTimeout(stage=stage, item_ids=[self._input_id])
            if self._response_id is None
            else bridge.ResponseTimeout(stage=stage, response_id=self._response_id)
        )
        await socket.send(bridge.encode(message))
        self._input_id, self._response_id = "", None
        limit_s, option = (
            (limits.whole_s, "--answer-timeout")
            if is_whole
            else (limits.silence_s, "--agent-timeout")
        )
        return AnswerError(
            "agent_timeout",
            f"the agent missed the deadline {stage} of {limit_s:g} s ({option}): answer sooner",
        )


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


async def _receive(socket: ClientConnection) -> bridge.ForBridge | None:
    """The next message. Raises ConnectionClosed, and FrameError."""
    frame = await socket.recv()
    if isinstance(frame, bytes):
        raise FrameError("a binary frame", 1003)
    return bridge.read_for_bridge(frame)


def _closed(error: ConnectionClosed) -> AnswerError:
    code = error.rcvd.code if error.rcvd is not None else 1006
    return AnswerError(
        "agent_disconnected",
        f"the agent closed the Bridge's connection ({code}) before its answer was done: its log "
        "says why; the next turn connects anew",
    )


def _not_ready(message: bridge.ForBridge | None) -> AnswerError:
    if isinstance(message, bridge.SessionRejected):
        told = f": {message.message}" if message.message else ""
        return AnswerError("agent_error", f"the agent rejects the session ({message.code}){told}")
    return AnswerError(
        "agent_contract_violation", "the agent's first message is not session.ready: send it first"
    )
