"""The emulator's HTTP routes: its page, what runs, sessions as they happen.

``docs/reference/console-api.md`` describes each. Who is answered is decided before, in
``emulator.access``.
"""

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.routes.about import About
from voicelive_agent.emulator.routes.agent_requests import AgentRequests
from voicelive_agent.emulator.routes.conversations import ConversationRoute
from voicelive_agent.emulator.routes.errors import refuse
from voicelive_agent.emulator.routes.feeds import send_feed
from voicelive_agent.emulator.routes.files import show_console, show_file
from voicelive_agent.emulator.routes.recordings import RecordingRoutes
from voicelive_agent.emulator.routes.sessions_page import render_sessions
from voicelive_agent.emulator.routes.settings_form import describe_settings
from voicelive_agent.emulator.settings import Settings
from voicelive_agent.emulator.watch.sessions import SessionReport, Sessions


class HttpRoutes:
    """The routes of one emulator."""

    def __init__(self, settings: Settings, engines: Engines, sessions: Sessions) -> None:
        self._requests = AgentRequests()
        self.about = About(settings, engines, sessions, self._requests)
        conversations = ConversationRoute(settings, self._requests)
        self._recordings = RecordingRoutes(settings, sessions)
        self._engines = engines
        self._sessions = sessions
        self.routes: list[BaseRoute] = [
            Route("/", show_console),
            Route("/console/{path:path}", show_file),
            Route("/about", self._show_about),
            Route("/settings", self._show_settings),
            Route("/feed", self._follow_all),
            Route("/sessions", self._list_sessions),
            Route("/sessions/{session_id}", self._show_session),
            Route("/sessions/{session_id}/feed", self._follow_session),
            *self._recordings.routes,
            Route("/conversations/{conversation_id}", conversations.show),
        ]

    async def stop(self) -> None:
        """End what would hold up the server: readers of feeds, and replays."""
        self._sessions.feed.end()
        await self._recordings.replays.stop()
        await self._requests.stop()

    async def _show_about(self, request: Request) -> Response:
        refusal = self.about.find_refusal(request.query_params)
        return refuse(*refusal) if refusal else JSONResponse(await self.about.describe())

    async def _show_settings(self, request: Request) -> Response:
        return JSONResponse(describe_settings())

    async def _follow_all(self, request: Request) -> Response:
        return send_feed(request, self._sessions.feed)

    async def _list_sessions(self, request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(render_sessions(self._engines.describe(), self._sessions))
        return JSONResponse({"sessions": [report.summary() for report in self._sessions]})

    async def _show_session(self, request: Request) -> Response:
        report = self._find(request)
        return JSONResponse(report.as_json()) if report else _refuse_session()

    async def _follow_session(self, request: Request) -> Response:
        report = self._find(request)
        return send_feed(request, report.feed.feed) if report else _refuse_session()

    def _find(self, request: Request) -> SessionReport | None:
        return self._sessions.find(request.path_params["session_id"])


def _refuse_session() -> Response:
    return refuse(404, "session_not_found", "no such session: GET /sessions lists them")
