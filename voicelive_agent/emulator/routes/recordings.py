"""Recordings by URL: their list, sound and events, a check made of one, and its replay."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from voicelive_agent.emulator.routes.errors import refuse
from voicelive_agent.emulator.routes.replays import Replays, TooManyReplays
from voicelive_agent.emulator.settings import Settings
from voicelive_agent.emulator.watch.check_scenario import NothingToCheck, write_scenario
from voicelive_agent.emulator.watch.recording import SessionRecording
from voicelive_agent.emulator.watch.recordings import RecordingFiles, Recordings
from voicelive_agent.emulator.watch.replay import UnusableRecording, read_events
from voicelive_agent.emulator.watch.sessions import Sessions

_JSON_LINES = "application/jsonl"
_LONGEST_BODY = 10_000


class ReplayOptions(BaseModel):
    """The body of ``POST …/replays``."""

    model_config = ConfigDict(extra="forbid")

    speed: Annotated[float, Field(gt=0, le=100)] = 1
    quiet_ms: Annotated[float, Field(ge=0, le=600_000)] = 3000


class RecordingRoutes:
    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self.replays = Replays(settings, sessions.feed)
        self._recordings = Recordings(settings.record)
        self._sessions = sessions
        self.routes: list[BaseRoute] = [
            Route("/recordings", self._list),
            Route("/sessions/{session_id}/recording.wav", self._send_sound),
            Route("/sessions/{session_id}/events.jsonl", self._send_events),
            Route("/sessions/{session_id}/check.yaml", self._send_check),
            Route("/sessions/{session_id}/replays", self._start_replay, methods=["POST"]),
            Route("/replays/{replay_id}", self._show_replay),
        ]

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"recordings": await asyncio.to_thread(self._recordings.list)})

    async def _send_sound(self, request: Request) -> Response:
        if (files := self._find(request)) is None:
            return _refuse_recording()
        report = self._sessions.find(files.id)
        if report is not None and report.state == "open" and report.recording is not None:
            return await _send_so_far(report.recording)
        if not files.wav.is_file():
            return refuse(404, "recording_not_found", "this recording has no sound: it broke off")
        return FileResponse(files.wav, media_type="audio/wav")

    async def _send_events(self, request: Request) -> Response:
        if (files := self._find(request)) is None:
            return _refuse_recording()
        if request.query_params.get("audio") in ("0", "false"):
            return StreamingResponse(files.lines_without_audio(), media_type=_JSON_LINES)
        return FileResponse(files.events, media_type=_JSON_LINES)

    async def _send_check(self, request: Request) -> Response:
        if (files := self._find(request)) is None:
            return _refuse_recording()
        try:
            events = await asyncio.to_thread(read_events, files.events)
            text = await asyncio.to_thread(write_scenario, events, files.id)
        except (UnusableRecording, NothingToCheck) as error:
            return refuse(422, "unusable_recording", str(error))
        return Response(text, media_type="application/yaml")

    async def _start_replay(self, request: Request) -> Response:
        if (files := self._find(request)) is None:
            return _refuse_recording()
        try:
            options = await _read_options(request)
            recorded = await asyncio.to_thread(read_events, files.events)
            replay = self.replays.start(
                files.id,
                recorded,
                _own_url(request),
                speed=options.speed,
                quiet_s=options.quiet_ms / 1000,
            )
        except ValidationError as error:
            return refuse(400, "invalid_body", _describe(error))
        except UnusableRecording as error:
            return refuse(422, "unusable_recording", str(error))
        except TooManyReplays as error:
            return refuse(429, "too_many_replays", str(error))
        return JSONResponse(replay.describe(), 202)

    async def _show_replay(self, request: Request) -> Response:
        replay = self.replays.find(request.path_params["replay_id"])
        if replay is None:
            return refuse(404, "replay_not_found", "no such replay: POST /sessions/ID/replays")
        return JSONResponse(replay.describe())

    def _find(self, request: Request) -> RecordingFiles | None:
        return self._recordings.find(request.path_params["session_id"])


async def _send_so_far(recording: SessionRecording) -> Response:
    """The sound of a session that goes on, as a file that is removed once it is sent."""
    folder = tempfile.TemporaryDirectory(prefix="voicelive-")
    path = Path(folder.name) / "recording.wav"
    try:
        await asyncio.to_thread(recording.write_so_far, path)
    except OSError:
        folder.cleanup()
        return refuse(503, "recording_busy", "the session closes just now: ask again")
    return FileResponse(path, media_type="audio/wav", background=BackgroundTask(folder.cleanup))


async def _read_options(request: Request) -> ReplayOptions:
    """Raises ValidationError."""
    body = bytearray()
    async for piece in request.stream():
        body += piece[:_LONGEST_BODY]
        if len(body) > _LONGEST_BODY:
            break
    return ReplayOptions.model_validate_json(bytes(body) or b"{}")


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(map(str, first["loc"])) or "body"
    return f"{name}: {first['msg']}. Send speed and quiet_ms, or nothing"


def _own_url(request: Request) -> str:
    """Where this process listens: not what a caller says that its name is."""
    host, port = request.scope["server"]
    host = f"[{host}]" if ":" in host else host
    return f"{request.scope['scheme']}://{host}:{port}"


def _refuse_recording() -> Response:
    return refuse(
        404,
        "recording_not_found",
        "no such recording: GET /recordings lists them, and --record DIR makes them",
    )
