"""Agents whose protocol is found out, by asking them: the Bridge, Invocations or Responses.

Voice Live reads an agent's manifest, where the Bridge goes before the others. A server on this
machine has none to show, so each session tries: a WebSocket of the Bridge, then which path for
requests exists.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator

from voicelive_agent.emulator.agents import (
    DEFAULT_LIMITS,
    AgentEvent,
    AgentRequest,
    AgentSession,
    AnswerError,
    AnswerLimits,
    CallEvent,
    CallingAgentSession,
    CallNote,
    ListeningAgentSession,
)
from voicelive_agent.emulator.agents.bridge.backend import BridgeBackend, BridgeNotServedError
from voicelive_agent.emulator.agents.endpoint import read_url
from voicelive_agent.emulator.agents.invocations import InvocationsBackend
from voicelive_agent.emulator.agents.protocols import find_request_protocols
from voicelive_agent.emulator.agents.responses import ResponsesBackend

logger = logging.getLogger(__name__)


class AutoBackend:
    """An agent at ``url`` by the protocol that it serves. Raises ValueError for a bad URL."""

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        key: str | None = None,
        limits: AnswerLimits = DEFAULT_LIMITS,
        no_input_ms: int | None = None,
        greeting: str = "",
    ) -> None:
        self.name = name or url
        self.no_input_ms = no_input_ms
        self.greeting = greeting
        self._url = read_url(url)
        self._bridge = BridgeBackend(
            url, name=name, key=key, limits=limits, no_input_ms=no_input_ms, greeting=greeting
        )
        self._invocations = InvocationsBackend(url, name=name, key=key, limits=limits)
        self._responses = ResponsesBackend(url, name=name, key=key, limits=limits)
        self._logged: str | None = None

    async def start(self) -> None:
        for backend in (self._bridge, self._invocations, self._responses):
            await backend.start()

    async def stop(self) -> None:
        for backend in (self._bridge, self._invocations, self._responses):
            await backend.stop()

    def open_session(self, session_id: str, *, conversation_id: str = "") -> "AutoSession":
        return AutoSession(self, session_id, conversation_id)

    async def find(self, session_id: str, conversation_id: str, greeting: str) -> AgentSession:
        """A session by the protocol that the agent serves now. Raises AnswerError."""
        call = self._bridge.open_session(session_id, conversation_id=conversation_id)
        try:
            await call.open(greeting)
        except BridgeNotServedError:
            found = await find_request_protocols(self._url)
            protocol = "responses" if found == ["responses"] else "invocations"
            self._log(protocol)
            backend = self._responses if protocol == "responses" else self._invocations
            return backend.open_session(session_id, conversation_id=conversation_id)
        self._log("bridge")
        return call

    def _log(self, protocol: str) -> None:
        if protocol != self._logged:
            self._logged = protocol
            logger.info("Agent %s is called by its protocol %s.", self.name, protocol)


class AutoSession:
    """One session, whose protocol is found when its call begins, or for its first request."""

    def __init__(self, backend: AutoBackend, session_id: str, conversation_id: str) -> None:
        self._backend = backend
        self._ids = session_id, conversation_id
        self._found: AgentSession | None = None
        self._finding = asyncio.Lock()
        self._is_found = asyncio.Event()

    async def call(self, greeting: str) -> AsyncGenerator[CallEvent, None]:
        # Whoever asks later is told why there is nobody.
        with contextlib.suppress(AnswerError):
            await self._find(greeting)
        await self._is_found.wait()
        if isinstance(self._found, CallingAgentSession):
            async with contextlib.aclosing(self._found.call(greeting)) as call_events:
                async for call_event in call_events:
                    yield call_event

    def note(self, note: CallNote) -> None:
        if isinstance(self._found, CallingAgentSession):
            self._found.note(note)

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        found = await self._find()
        async with contextlib.aclosing(found.answer(request)) as agent_events:
            async for agent_event in agent_events:
                yield agent_event

    def note_heard(self, response_id: str, text: str) -> None:
        if isinstance(self._found, ListeningAgentSession):
            self._found.note_heard(response_id, text)

    async def close(self) -> None:
        if self._found is not None:
            await self._found.close()

    async def _find(self, greeting: str = "") -> AgentSession:
        async with self._finding:
            if self._found is None:
                self._found = await self._backend.find(*self._ids, greeting)
                self._is_found.set()
            return self._found
