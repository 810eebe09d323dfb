"""What runs: agents, engines, limits; and whether a call would be let in."""

import asyncio
import importlib.metadata
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.agents.endpoint import describe_error
from voicelive_agent.emulator.engines import Engines, NoSuchAgent
from voicelive_agent.emulator.handshake import PATH_SUFFIXES, read_connection_request
from voicelive_agent.emulator.routes.agent_requests import AgentRequests
from voicelive_agent.emulator.settings import AgentAddress, Settings
from voicelive_agent.emulator.watch.sessions import Sessions
from voicelive_agent.wire.net import is_this_machine

ASK_TIMEOUT_S = 1.0
KEPT_S = 2.0
"""How long what an agent answered is taken for true."""

_HANDSHAKE_KEYS = ("agent-name", "agent-id", "agent-project-name", "model")


class Reachability:
    """Whether agents answer: asked for their readiness, cheaply and seldom."""

    def __init__(self, requests: AgentRequests) -> None:
        self._requests = requests
        self._known: dict[str, tuple[float, tuple[bool, str | None]]] = {}

    async def ask(self, url: str) -> tuple[bool, str | None]:
        """Whether somebody answers there, and what to do where nobody does."""
        asked_s, answer = self._known.get(url, (-KEPT_S, (False, None)))
        if time.monotonic() - asked_s >= KEPT_S:
            answer = await self._ask(httpx.URL(url))
            self._known[url] = time.monotonic(), answer
        return answer

    async def _ask(self, address: httpx.URL) -> tuple[bool, str | None]:
        url = show_url(address)
        try:
            answer = await self._requests.get(address, "/readiness", ASK_TIMEOUT_S)
        except httpx.TimeoutException:
            return False, f"nothing answers at {url} within {ASK_TIMEOUT_S:g} s: it may be starting"
        except httpx.HTTPError:
            is_local = is_this_machine(address.host)
            start = "start the agent (voicelive-agent serve)" if is_local else "is it running?"
            return False, spell_commands(f"nothing answers at {url}: {start}")
        if answer.status_code == 503:
            # Of the agent server and of dev alike: they say why no turn can be taken.
            return False, describe_error(answer.content) or f"{url} is not ready"
        # Another's server may have no such route, and answers.
        return True, None


def show_url(url: httpx.URL) -> str:
    """Without what may hold a key: query and credentials."""
    return str(url.copy_with(query=None, userinfo=b"")).rstrip("/")


class About:
    """The facts of one running emulator."""

    def __init__(
        self, settings: Settings, engines: Engines, sessions: Sessions, requests: AgentRequests
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._sessions = sessions
        self._reachability = Reachability(requests)
        self._started_at = datetime.now(UTC).isoformat(timespec="milliseconds")

    async def describe(self) -> dict[str, Any]:
        settings, engines = self._settings, self._engines
        return {
            "version": importlib.metadata.version("voicelive-agent"),
            "started_at": self._started_at,
            "needs_key": settings.api_key is not None,
            "agents": await asyncio.gather(*map(self._describe_agent, settings.addresses())),
            "model": {"name": engines.model.name},
            "stt": {"name": engines.stt.name, "advice": engines.stt.advice},
            "tts": {
                "name": engines.tts.name,
                "sample_rate_hz": engines.tts.sample_rate_hz,
                "voices": list(engines.tts.voice_names()),
            },
            "end_of_turn": engines.end_of_turn is not None,
            "limits": {
                "max_sessions": settings.max_sessions,
                "session_minutes": settings.session_minutes,
            },
            "open_sessions": self._sessions.open_count,
            "recording": {
                "on": settings.record is not None,
                "directory": str(settings.record) if settings.record else None,
            },
        }

    async def _describe_agent(self, address: AgentAddress) -> dict[str, Any]:
        url = httpx.URL(address.url)
        is_reachable, detail = await self._reachability.ask(address.url)
        return {
            "name": address.name,
            "url": show_url(url),
            "protocol": address.protocol,
            "is_local": is_this_machine(url.host),
            "reachable": is_reachable,
            "detail": detail,
        }

    def find_refusal(self, query: Mapping[str, str]) -> tuple[int, str, str] | None:
        """Status, code and message with which a handshake of this query would be refused.

        Browsers tell a page nothing of why a WebSocket failed. None where it is let in, and for
        a query that asks for nobody: that is no handshake.
        """
        if not any(query.get(name) for name in _HANDSHAKE_KEYS):
            return None
        if (full := self.find_lack_of_room()) is not None:
            return 429, "too_many_sessions", full
        try:
            self._engines.find_backend(read_connection_request(PATH_SUFFIXES[0], query))
        except NoSuchAgent as error:
            return 404, error.code or "", error.message
        return None

    def find_lack_of_room(self) -> str | None:
        """What is said to a client for whom there is no session left."""
        if self._sessions.open_count < self._settings.max_sessions:
            return None
        return (
            f"{self._settings.max_sessions} sessions are open, which is as many as there may be:"
            " close one, or start the emulator with a higher --max-sessions"
        )
