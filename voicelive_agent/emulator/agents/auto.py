"""Agents whose protocol is found out, by asking them: the Bridge, Invocations or Responses.

Voice Live reads an agent's manifest, where the Bridge goes before the others. A server on this
machine has none to show, so each session tries: a WebSocket of the Bridge, then which path for
requests exists.
"""

import contextlib
import logging
from collections.abc import AsyncGenerator

import httpx

from voicelive_agent.emulator.agents import (
    DEFAULT_LIMITS,
    AgentBackend,
    AgentEvent,
    AgentRequest,
    AgentSession,
    AnswerLimits,
    ListeningAgentSession,
)
from voicelive_agent.emulator.agents.bridge import BridgeBackend, BridgeNotServedError
from voicelive_agent.emulator.agents.endpoint import CONNECT_TIMEOUT_S, join_path, read_url
from voicelive_agent.emulator.agents.invocations import InvocationsBackend
from voicelive_agent.emulator.agents.responses import ResponsesBackend
from voicelive_agent.wire.net import is_this_machine

_NO_ROUTE = 404

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
    ) -> None:
        self.name = name or url
        self._url = read_url(url)
        self._bridge = BridgeBackend(url, name=name, key=key, limits=limits)
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

    async def find(self, session_id: str, conversation_id: str) -> AgentSession:
        """A session by the protocol that the agent serves now. Raises AnswerError."""
        call = self._bridge.open_session(session_id, conversation_id=conversation_id)
        try:
            await call.open()
        except BridgeNotServedError:
            backend = await self._find_requests()
            self._log("responses" if backend is self._responses else "invocations")
            return backend.open_session(session_id, conversation_id=conversation_id)
        self._log("bridge")
        return call

    async def _find_requests(self) -> AgentBackend:
        """Invocations, unless only the path of Responses exists."""
        local = is_this_machine(self._url.host)
        async with httpx.AsyncClient(timeout=CONNECT_TIMEOUT_S, trust_env=not local) as client:
            with contextlib.suppress(httpx.HTTPError):
                if not await self._has(client, "/invocations") and await self._has(
                    client, "/responses"
                ):
                    return self._responses
        return self._invocations

    async def _has(self, client: httpx.AsyncClient, path: str) -> bool:
        reply = await client.options(join_path(self._url, path))
        return reply.status_code != _NO_ROUTE

    def _log(self, protocol: str) -> None:
        if protocol != self._logged:
            self._logged = protocol
            logger.info("Agent %s is called by its protocol %s.", self.name, protocol)


class AutoSession:
    """One session, whose protocol is found for its first request."""

    def __init__(self, backend: AutoBackend, session_id: str, conversation_id: str) -> None:
        self._backend = backend
        self._ids = session_id, conversation_id
        self._found: AgentSession | None = None

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        if self._found is None:
            self._found = await self._backend.find(*self._ids)
        async with contextlib.aclosing(self._found.answer(request)) as agent_events:
            async for agent_event in agent_events:
                yield agent_event

    def note_heard(self, text: str) -> None:
        if isinstance(self._found, ListeningAgentSession):
            self._found.note_heard(text)

    async def close(self) -> None:
        if self._found is not None:
            await self._found.close()
