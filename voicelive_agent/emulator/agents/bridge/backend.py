"""An agent behind the Bridge: where it takes a WebSocket, and what is said where it takes none."""

import uuid
from contextlib import suppress

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from voicelive_agent.command_name import spell_command
from voicelive_agent.emulator.agents import DEFAULT_LIMITS, AnswerError, AnswerLimits
from voicelive_agent.emulator.agents.bridge.session import BridgeSession
from voicelive_agent.emulator.agents.endpoint import (
    CONNECT_TIMEOUT_S,
    LOCAL_USER_ID,
    read_url,
)
from voicelive_agent.emulator.agents.protocols import find_request_protocols
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES
from voicelive_agent.wire.invocations import CALL_HEADER, SESSION_QUERY, USER_HEADER
from voicelive_agent.wire.net import is_this_machine

_NO_BRIDGE = frozenset({200, 400, 403, 404, 405, 426, 501})


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
        no_input_ms: int | None = None,
        greeting: str = "",
    ) -> None:
        """``no_input_ms``: after so long a silence it is told of it; None is never.

        ``greeting``: what Voice Live begins each call with.
        """
        self.name = name or url
        self.no_input_ms = no_input_ms
        self.greeting = greeting
        self.limits = limits
        self._url = read_url(url)
        self._headers = {USER_HEADER: LOCAL_USER_ID} | ({"api-key": key} if key else {})

    async def start(self) -> None:
        """Nothing to get ready: each session connects by itself."""

    async def stop(self) -> None:
        """Nothing to stop: each session closes its connection."""

    def open_session(self, session_id: str, *, conversation_id: str = "") -> BridgeSession:
        name = conversation_id or session_id
        return BridgeSession(
            lambda: self.connect(name), limits=self.limits, no_input_ms=self.no_input_ms
        )

    async def connect(self, session_id: str) -> ClientConnection:
        """A connection to the first path that takes one. Raises AnswerError."""
        for path in bridge.PATHS:
            with suppress(BridgeNotServedError):
                return await self._connect(path, session_id)
        found = await find_request_protocols(self._url)
        advice = (
            f"it speaks {' and '.join(found)}: call it with --agent-protocol {found[0]}"
            if found
            else "serve the Bridge there (VOICELIVE_WIRES=bridge), or correct the URL in --agent"
        )
        raise BridgeNotServedError(
            "agent_error",
            f"the agent at {self._shown_url} takes no WebSocket of the Bridge at "
            f"{' or '.join(bridge.PATHS)}; {advice}",
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
