"""WebSocket connection of one session: moves bytes, and does the effects of the session.

::

    socket ──▶ read ──▶ Session.handle ──effects──▶ outbox ──▶ socket
                           ▲      │
               facts ──────┘      └──▶ input audio, agent, output audio, clock

Everything here runs on the event loop; engines do their work elsewhere. Effects are done in
their order, and facts that arise while effects are being done wait for their turn.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from voicelive_agent.emulator.agents import AgentBackend, CallingAgentBackend
from voicelive_agent.emulator.engines import Engines, NoSuchAgent
from voicelive_agent.emulator.handshake import (
    ConnectionRequest,
    choose_subprotocol,
    describe_connection,
    read_connection_request,
)
from voicelive_agent.emulator.session import (
    AgentIdentity,
    CallOptions,
    ConversationLimits,
    Effect,
    Fact,
    Session,
    SessionOptions,
    effects,
    facts,
)
from voicelive_agent.emulator.settings import Settings
from voicelive_agent.emulator.shell.agent_stream import AgentStream, InterimWriter
from voicelive_agent.emulator.shell.clock import SessionClock
from voicelive_agent.emulator.shell.input_audio import InputAudio
from voicelive_agent.emulator.shell.mcp_calls import McpCalls
from voicelive_agent.emulator.shell.outbox import REPLY_ROOM_BYTES, FrameOutbox
from voicelive_agent.emulator.shell.output_audio import OutputAudio
from voicelive_agent.emulator.shell.tasks import SessionTasks
from voicelive_agent.emulator.watch.client_playback import ClientPlayback
from voicelive_agent.emulator.watch.journal import Journal
from voicelive_agent.emulator.watch.recording import SessionRecording
from voicelive_agent.emulator.watch.sessions import SessionReport, Sessions
from voicelive_agent.wire.realtime.translation import RealtimeTranslation
from voicelive_agent.wire.voice_live.events import client_event_id
from voicelive_agent.wire.voice_live.frames import decode_frame, encode_event, new_id
from voicelive_agent.wire.voice_live.shapes import ProtocolError

_WARNED_MEMBERS = 20
"""So many members without effect are named of one event."""
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
LONGEST_HOLD_S = 0.005
"""So long a session may hold the event loop."""
CLOSE_TIMEOUT_S = 10.0
"""How long a client may take to take in what is left and the close."""

logger = logging.getLogger(__name__)


async def hold_session(
    websocket: WebSocket, settings: Settings, engines: Engines, sessions: Sessions
) -> None:
    """One client's session, from the handshake until nothing of it runs any more."""
    await websocket.accept(choose_subprotocol(websocket.scope["subprotocols"]))
    request = read_connection_request(websocket.url.path, websocket.query_params)
    try:
        backend = engines.find_backend(request)
    except NoSuchAgent as error:
        logger.warning("A client connected for nobody: %s", error.message)
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.send_text(encode_event(_error_event(error)))
            await websocket.close(POLICY_VIOLATION, error.code or "")
        return
    connection = SessionConnection(websocket, request, backend, settings, engines)
    sessions.add(connection.report)
    try:
        # Each frame wakes all coroutines of a task up to the one that waits, and there are fifteen
        # of the server's.
        await asyncio.create_task(connection.run(), name="session")
    finally:
        sessions.close(connection.report)


class SessionConnection:
    """The parts of a running session, and the way between them."""

    def __init__(
        self,
        websocket: WebSocket,
        request: ConnectionRequest,
        backend: AgentBackend,
        settings: Settings,
        engines: Engines,
    ) -> None:
        self._websocket = websocket
        self._translation = RealtimeTranslation(new_id) if request.is_realtime else None
        self._session = Session(_session_options(request, backend, settings), new_id)
        self._pending: deque[Fact] = deque()
        self._handling = False
        self._open = True

        self._clock = SessionClock(lambda name: self.tell(facts.TimerExpired(name)))
        opening = self._session.open(self._clock.now_ms())
        self._recording = _open_recording(settings, self._session.id, websocket)
        self.report = SessionReport(
            self._session.id,
            request.agent_name,
            None if request.agent_name else request.model,
            self._session.conversation_id,
            self._recording,
        )
        client_playback = ClientPlayback(self._clock.now_ms)
        self._journal = Journal(
            self.report.marks,
            self._clock.now_ms,
            client_playback,
            self.report.feed,
            self._recording,
            self._session.is_playing,
        )
        self._expiry: asyncio.TimerHandle | None = None
        self._patience = asyncio.timeout(None)
        self._tasks = SessionTasks(self._give_up)
        self._outbox = FrameOutbox()
        self._input_audio = InputAudio(
            engines,
            self._clock,
            self._tasks,
            self.tell,
            self._journal.note_heard,
            self._session.is_playing,
            client_playback,
        )
        self._agent = backend.open_session(
            self._session.id, conversation_id=self._session.conversation_id
        )
        self._agent_stream = AgentStream(
            self._agent, self._outbox, self._tasks, self.tell, settings.max_answer_characters
        )
        self._mcp_calls = McpCalls(self._tasks, self.tell)
        self._interim_mind = engines.model.open_session(self._session.id)
        self._interim_writer = InterimWriter(self._interim_mind, self._tasks, self.tell)
        self._output_audio = OutputAudio(
            engines.tts, self._outbox, self.tell, self._journal.note_audible
        )
        self._do_all(opening)

    async def run(self) -> None:
        """Read until the client goes or the session closes; then stop everything."""
        self._tasks.start(self._send(), "sender")
        self._tasks.start(self._input_audio.run(), "input audio")
        self._tasks.start(self._output_audio.run(self._tasks), "output audio")
        try:
            async with self._patience:
                await self._read()
        except TimeoutError:
            logger.warning("The client of session %s does not take its close.", self._session.id)
        finally:
            await self._stop()

    async def _read(self) -> None:
        held_s = 0.0
        while True:
            await self._outbox.wait_room(REPLY_ROOM_BYTES)
            await self._input_audio.wait_room()
            message = await self._websocket.receive()
            if message["type"] != "websocket.receive":
                return
            began_s = time.monotonic()
            self._take_frame(message.get("text") or message.get("bytes") or "")
            held_s += time.monotonic() - began_s
            # Others are served between the frames of a client that doesn't pause.
            if held_s > LONGEST_HOLD_S:
                held_s = 0.0
                await asyncio.sleep(0)

    async def _send(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            await self._outbox.run(self._websocket.send_text, self._websocket.close)

    def tell(self, fact: Fact) -> None:
        """Take in a fact and do what follows from it; facts that arise meanwhile come after."""
        if not self._open:
            return
        self._pending.append(fact)
        if self._handling:
            return
        self._handling = True
        try:
            while self._pending and self._open:
                fact = self._pending.popleft()
                self._journal.note_fact(fact)
                self._do_all(self._session.handle(fact, self._clock.now_ms()))
        finally:
            self._handling = False

    def _take_frame(self, frame: str | bytes) -> None:
        event: Any = None
        ignored: list[str] = []
        try:
            event = decode_frame(frame)
            if self._translation is not None:
                event, ignored = self._translation.read(event)
        except ProtocolError as error:
            self._journal.note_frame(frame if isinstance(frame, str) else frame.hex())
            self._do(effects.Send(_error_event(error, client_event_id(event))))
            return
        self._journal.note_frame(event)
        self.tell(facts.ClientSent(event))
        for path in ignored[:_WARNED_MEMBERS]:
            param = path[:200]
            self.tell(facts.Warned(f"'{param}' is ignored.", "unknown_parameter", param))

    def _put_event(self, event: dict[str, Any]) -> None:
        written = [event] if self._translation is None else self._translation.write(event)
        for one in written:
            self._outbox.put(encode_event(one))

    def _do_all(self, todo: list[Effect]) -> None:
        for effect in todo:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        self._journal.note_effect(effect)
        match effect:
            case effects.Send(event):
                self._put_event(event)
            case effects.ProcessInput(audio):
                self._input_audio.append(audio)
            case effects.ConfigureInput():
                self._input_audio.configure(effect)
            case effects.BeginUtterance():
                self._input_audio.begin(effect)
            case effects.FinishUtterance():
                self._input_audio.finish(effect)
            case effects.DiscardUtterance(item_id):
                self._input_audio.discard(item_id)
            case effects.ClearInput():
                self._input_audio.clear(effect)
            case effects.TranscribeAudio():
                self._input_audio.transcribe(effect)
            case (
                effects.AskAgent() | effects.StopAgent() | effects.TellHeard() | effects.TellAgent()
            ):
                self._agent_stream.do(effect)
            case effects.ListMcpTools() | effects.CallMcpTool() | effects.StopMcpCall():
                self._mcp_calls.do(effect)
            case effects.WriteInterim():
                self._interim_writer.start(effect)
            case effects.StopInterim():
                self._interim_writer.stop()
            case effects.CheckVoice(voice):
                self._output_audio.choose_voice(voice)
            case effects.Speak():
                self._output_audio.speak(effect)
            case effects.StopSpeaking():
                self._output_audio.stop(effect)
            case effects.SetTimer(name, ms):
                self._clock.set_timer(name, ms)
            case effects.ClearTimer(name):
                self._clock.clear_timer(name)
            case effects.ExpireAfter(seconds):
                loop = asyncio.get_running_loop()
                self._expiry = loop.call_later(seconds, self.tell, facts.SessionExpired())
            case effects.Close(code, reason):
                self._hang_up(code, reason)

    def _hang_up(self, code: int, reason: str) -> None:
        self._outbox.close(code, reason)
        self._patience.reschedule(asyncio.get_running_loop().time() + CLOSE_TIMEOUT_S)

    def _give_up(self) -> None:
        """A part of the session is gone, by a mistake of the emulator's own."""
        if self._open:
            error = ProtocolError(
                "The emulator failed, which its log tells more of, and ends the session.",
                code="internal_error",
                type="server_error",
            )
            self._put_event(_error_event(error))
            self._hang_up(INTERNAL_ERROR, error.code or "")

    async def _stop(self) -> None:
        self._do_all(self._session.close(self._clock.now_ms()))
        self._open = False
        self._clock.stop()
        if self._expiry is not None:
            self._expiry.cancel()
        await self._tasks.stop()
        for part in (self._input_audio.close, self._agent.close, self._interim_mind.close):
            try:
                await part()
            except Exception:
                logger.exception("A part of session %s did not close.", self._session.id)
        if self._recording is not None:
            await asyncio.to_thread(self._recording.close)


def _call_options(backend: AgentBackend) -> CallOptions | None:
    if not isinstance(backend, CallingAgentBackend):
        return None
    return CallOptions(backend.no_input_ms, backend.greeting)


def _session_options(
    request: ConnectionRequest, backend: AgentBackend, settings: Settings
) -> SessionOptions:
    agent = AgentIdentity(request.agent_name, request.agent_name) if request.agent_name else None
    return SessionOptions(
        opened_at_s=int(time.time()),
        agent=agent,
        model=None if agent else request.model,
        conversation_id=request.conversation_id,
        features=request.features,
        call=_call_options(backend),
        writes_interims=settings.model_url is not None,
        max_session_s=round(settings.session_minutes * 60),
        max_event_members=settings.max_event_members,
        conversation_limits=ConversationLimits(settings.max_items, settings.max_item_characters),
    )


def _open_recording(
    settings: Settings, session_id: str, websocket: WebSocket
) -> SessionRecording | None:
    if settings.record is None:
        return None
    connection = describe_connection(websocket.url.path, websocket.query_params)
    try:
        return SessionRecording(settings.record, session_id, connection)
    except OSError as error:
        # A disk says enough by its reason: no traceback.
        logger.error("No recording of session %s: %s: %s", session_id, settings.record, error)  # noqa: TRY400
        return None


def _error_event(error: ProtocolError, client_event: str | None = None) -> dict[str, Any]:
    return {"type": "error", "event_id": new_id("event"), "error": error.describe(client_event)}
