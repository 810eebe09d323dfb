"""The Voice Live Bridge 1.0: a call as one WebSocket, on which Voice Live tells what was heard.

The wire stands in ``wire.bridge``; one call is a ``BridgeCall``. Voice Live reaches an agent by it
at ``/voice_conversation_engine``, and at ``/invocations_ws`` where it was deployed for the older
name (azure-ai-projects 2.10, AgentEndpointProtocol).
"""

import asyncio
from collections.abc import Mapping

from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocket

from voicelive_agent.server.conversations import ConversationKey
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import read_route, read_session
from voicelive_agent.server.platform.ids import choose_session_id
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.bridge.call import BridgeCall
from voicelive_agent.wire.bridge.messages import PATHS
from voicelive_agent.wire.invocations import (
    CALL_HEADER,
    SESSION_HEADER,
    USER_HEADER,
)

_NO_IDS: Mapping[str, str] = {}


class BridgeWire:
    """The routes of the protocol around one engine, and the calls that are open."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._calls: dict[BridgeCall, asyncio.Task[None]] = {}
        self.endpoints: Mapping[str, ASGIApp] = {}
        self.routes = [WebSocketRoute(path, self.serve) for path in PATHS]

    def choose_ids(self, scope: Scope, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The session's id, for ``platform.headers``."""
        if scope["type"] != "websocket" or read_route(scope) not in PATHS:
            return _NO_IDS
        asked = read_session(scope)
        return {SESSION_HEADER: choose_session_id(asked, self._settings.foundry_agent_session_id)}

    async def serve(self, websocket: WebSocket) -> None:
        """Hold one call, until either side ends it."""
        engine = self._engine
        if engine.draining:
            error = ApiError(503, "draining", "This server is shutting down; connect again.")
            await error.send(websocket.scope, websocket.receive, websocket.send)
            return
        headers = websocket.headers
        key = ConversationKey(
            headers.get(USER_HEADER, ""), websocket.scope["state"]["ids"][SESSION_HEADER]
        )
        call = BridgeCall(
            websocket,
            engine,
            key,
            call_id=headers.get(CALL_HEADER, ""),
            send_timeout=self._settings.send_timeout_seconds,
            max_speech_bytes=self._settings.max_speech_bytes,
        )
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - an ASGI server runs this in a task
        self._calls[call] = task
        try:
            await call.run()
        finally:
            del self._calls[call]

    async def drain(self) -> None:
        """Let each call finish what it says, take nothing new, and close it with 1001."""
        calls = list(self._calls.items())
        for call, _ in calls:
            call.drain()
        if calls:
            await asyncio.wait([task for _, task in calls])
