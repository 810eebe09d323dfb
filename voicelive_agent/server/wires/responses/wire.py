"""The Responses protocol: an agent as an OpenAI client, or Foundry for it, calls one.

Names, ids and shapes stand in ``wire.responses``. A response is a turn whose invocation id is the
response's; its conversation is the one that the request names, else that of the previous response,
else one of its own, named like it. Why none of Microsoft's host: docs/decisions/011.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from voicelive_agent.server.conversations import ConversationKey, StoreError, TurnRecord
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.events import TurnRequest
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.engine.turn import RunningTurn
from voicelive_agent.server.platform.body import read_body
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.platform.headers import change_id, read_route
from voicelive_agent.server.settings import Settings
from voicelive_agent.server.wires.admission import begin_turn, check_speech, refuse_repeated
from voicelive_agent.server.wires.responses.errors import (
    ResponsesError,
    not_found,
    refused,
    restate,
)
from voicelive_agent.server.wires.responses.input import (
    malformed_id,
    parse_request,
    read_conversation,
    read_turn,
)
from voicelive_agent.server.wires.responses.stream import (
    ResponseStream,
    WholeResponse,
    describe_turn,
    encode_object,
    find_status,
)
from voicelive_agent.wire.invocations import (
    CALL_HEADER,
    SESSION_HEADER,
    SESSION_QUERY,
    USER_HEADER,
)
from voicelive_agent.wire.responses import (
    DEFAULT_AGENT,
    RESPONSE_HEADER,
    derive_session_id,
    is_response_id,
    list_input_items,
    make_response_id,
)

PATH = "/responses"
_NO_IDS: Mapping[str, str] = {}
_ECHOED = ("metadata", "previous_response_id")
_REPLAY_SECONDS = 600.0
_MOST_REPLAYS = 256
_MOST_ITEMS = 100

Handler = Callable[["ResponsesWire", Request], Awaitable[Response]]


def _tell_errors(handle: Handler) -> Handler:
    """Errors of the server's, as this protocol tells them."""

    @wraps(handle)
    async def tell(wire: "ResponsesWire", request: Request) -> Response:
        try:
            return await handle(wire, request)
        except ApiError as error:
            raise restate(error) from error
        except StoreError as error:
            raise ResponsesError(
                503,
                "service_unavailable",
                "The conversation store does not answer; try again shortly.",
                "upstream",
                headers={"retry-after": "1"},
            ) from error

    return tell


class ResponsesWire:
    """The routes of the protocol around one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._background: set[asyncio.Task[None]] = set()
        self._replays: dict[tuple[str, str], RunningTurn] = {}
        one = PATH + "/{response_id}"
        self.endpoints: Mapping[str, ASGIApp] = {}
        self.routes = [
            Route(PATH, self.create, methods=["POST"]),
            Route(one, self.report, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(one + "/cancel", self.cancel, methods=["POST"]),
            Route(one + "/input_items", self.list_items, methods=["GET"]),
        ]

    def choose_ids(self, scope: Scope, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The agent session of a response, as far as it is known before the body is."""
        if scope["type"] != "http" or scope["method"] != "POST" or read_route(scope) != PATH:
            return _NO_IDS
        known = self._settings.foundry_agent_session_id
        return {SESSION_HEADER: known or derive_session_id(DEFAULT_AGENT, "")}

    async def drain(self) -> None:
        """What runs in the background ends with the engine's turns."""
        if self._background:
            await asyncio.wait(self._background)

    @_tell_errors
    async def create(self, request: Request) -> Response:
        """Answer a turn: as a stream, as one object, or in the background."""
        refuse_repeated(request, {USER_HEADER, CALL_HEADER, RESPONSE_HEADER})
        asked = parse_request(await read_body(request, self._settings.max_body_bytes))
        turn = await self._read_turn(request, asked)
        if self._engine.is_running(turn.key.user_id, turn.invocation_id):
            raise ResponsesError(
                409,
                "response_id_conflict",
                f"Response '{turn.invocation_id}' is running already.",
                param="response_id",
            )
        running = begin_turn(self._engine, turn)
        listener = running.listen()
        settings = self._settings
        if asked.get("background"):
            self._follow(running, running.listen())
            if not asked.get("stream"):
                listener.leave()
                return _answer(describe_turn(running.snapshot()))
        if asked.get("stream"):
            return self._stream(listener)
        return WholeResponse(listener, 0, settings.send_timeout_seconds)

    async def _read_turn(self, request: Request, asked: dict[str, Any]) -> TurnRequest:
        said = read_turn(asked.get("input", ""))
        check_speech(said.text, self._settings)
        user_id = request.headers.get(USER_HEADER, "")
        previous = asked.get("previous_response_id") or ""
        conversation = read_conversation(asked)
        response_id = _choose_id(request, asked, previous or conversation)
        key = ConversationKey(user_id, conversation or response_id)
        follows = None
        if previous:
            before = await self._find(user_id, previous)
            if conversation and before.key != key:
                raise refused(
                    "It is a response of another conversation: send one of them.",
                    "previous_response_id",
                )
            key, follows = before.key, before.sequence or None
        session_id = self._choose_session(asked, conversation or previous)
        change_id(request.scope, SESSION_HEADER, session_id)
        return TurnRequest(
            key=key,
            invocation_id=response_id,
            kind=said.kind,
            text=said.text,
            action=said.action,
            told=said.told,
            follows=follows,
            opens=not (previous or conversation),
            kept=asked.get("store") is not False,
            call_id=request.headers.get(CALL_HEADER, ""),
            # Nobody can speak an answer that comes as a whole while it comes.
            typed=not asked.get("stream"),
            request=_keep(asked, session_id),
        )

    def _choose_session(self, asked: Mapping[str, Any], beside: str) -> str:
        """azd says ``session_id`` where Microsoft's host reads ``agent_session_id``."""
        named = asked.get(SESSION_QUERY) or asked.get("session_id")
        agent = asked.get("agent_reference") or DEFAULT_AGENT
        known = self._settings.foundry_agent_session_id
        return str(named or known or derive_session_id(agent, beside))

    def _stream(self, listener: Listener, after: int = -1) -> Response:
        settings = self._settings
        return ResponseStream(
            listener, settings.sse_keepalive_interval, settings.send_timeout_seconds, after
        )

    def _follow(self, turn: RunningTurn, listener: Listener) -> None:
        """Listen to a turn in the place of a caller, who may go and come again."""

        async def follow() -> None:
            async with aclosing(listener.events()) as events:
                async for _ in events:
                    pass

        task = asyncio.create_task(follow())
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        if (turn.request.request or {}).get("stream"):
            name = turn.request.key.user_id, turn.request.invocation_id
            self._replays[name] = turn
            asyncio.get_running_loop().call_later(_REPLAY_SECONDS, self._replays.pop, name, None)
            while len(self._replays) > _MOST_REPLAYS:
                del self._replays[next(iter(self._replays))]

    @_tell_errors
    async def report(self, request: Request) -> Response:
        """A response as it stands; with ``stream``, its events from the beginning."""
        record = await self._find_asked(request)
        if request.query_params.get("stream", "").lower() != "true":
            return _answer(describe_turn(record))
        after = request.query_params.get("starting_after", "-1")
        if not after.removeprefix("-").isdecimal():
            raise refused("starting_after must be an integer", "starting_after")
        turn = self._replays.get((record.key.user_id, record.invocation_id))
        if turn is None:
            cause = "not created with background=true"
            if _is_background(record):
                cause = "not created with stream=true or the stream TTL has expired"
            raise refused(f"This response cannot be streamed because it was {cause}.", "stream")
        return self._stream(turn.listen(), int(after))

    @_tell_errors
    async def cancel(self, request: Request) -> Response:
        """Stop a response that runs in the background."""
        record = await self._find_asked(request)
        if not _is_background(record):
            raise refused("Cannot cancel a synchronous response.")
        if record.status == "running":
            key, name = record.key, record.invocation_id
            record = await self._engine.cancel(key.user_id, name) or record
        status, _ = find_status(record)
        if status in ("completed", "failed"):
            raise refused(f"Cannot cancel a {status} response.")
        if status == "incomplete":
            raise refused("Cannot cancel a response in terminal state.")
        return _answer(describe_turn(record))

    @_tell_errors
    async def delete(self, request: Request) -> Response:
        """Remove a response, from its conversation's history too."""
        record = await self._find_asked(request)
        if record.status == "running":
            raise refused("Cannot delete an in-flight response.")
        await self._engine.store.erase(record)
        self._replays.pop((record.key.user_id, record.invocation_id), None)
        return JSONResponse({"id": record.invocation_id, "object": "response", "deleted": True})

    @_tell_errors
    async def list_items(self, request: Request) -> Response:
        """The input of a response, by pages."""
        query = request.query_params
        limit, order = query.get("limit", "20"), query.get("order", "desc").lower()
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_ITEMS:
            raise refused(f"limit must be an integer between 1 and {_MOST_ITEMS}", "limit")
        if order not in ("asc", "desc"):
            raise refused("order must be 'asc' or 'desc'", "order")
        record = await self._find_asked(request)
        kept = (record.request or {}).get("input")
        items = list_input_items(record.invocation_id, record.text, kept)
        items = items if order == "asc" else items[::-1]
        page = _cut(items, query.get("after"), query.get("before"))
        shown = page[: int(limit)]
        return _answer(
            {
                "object": "list",
                "data": shown,
                "first_id": shown[0]["id"] if shown else None,
                "last_id": shown[-1]["id"] if shown else None,
                "has_more": len(page) > len(shown),
            }
        )

    async def _find_asked(self, request: Request) -> TurnRecord:
        refuse_repeated(request, {USER_HEADER})
        response_id = request.path_params["response_id"]
        if not is_response_id(response_id):
            raise malformed_id(f"responseId{{{response_id}}}")
        return await self._find(request.headers.get(USER_HEADER, ""), response_id)

    async def _find(self, user_id: str, response_id: str) -> TurnRecord:
        """A response of this user. Raises ResponsesError (404), StoreError."""
        record = await self._engine.find(user_id, response_id)
        if record is None or record.request is None:
            raise not_found(response_id)
        return record


def _choose_id(request: Request, asked: Mapping[str, Any], beside: str) -> str:
    named = request.headers.get(RESPONSE_HEADER, "").strip() or asked.get("response_id")
    if named and not is_response_id(named):
        raise ResponsesError(
            400,
            "invalid_request",
            "response_id must be in format"
            " caresp_<18-char partition key><32-char alphanumeric entropy>",
            param="response_id",
        )
    return named or make_response_id(beside)


def _keep(asked: Mapping[str, Any], session_id: str) -> dict[str, Any]:
    """What of a request is told when its response is asked for."""
    echo = {name: asked[name] for name in _ECHOED if name in asked}
    if conversation := read_conversation(asked):
        echo["conversation"] = {"id": conversation}
    echo |= {
        "background": bool(asked.get("background")),
        "model": asked.get("model", ""),
        "agent_reference": asked.get("agent_reference") or dict(DEFAULT_AGENT),
        "agent_session_id": session_id,
    }
    kept: dict[str, Any] = {"echo": echo}
    if asked.get("stream"):
        kept["stream"] = True
    if isinstance(asked.get("input"), list):
        kept["input"] = asked["input"]
    return kept


def _is_background(record: TurnRecord) -> bool:
    return bool((record.request or {}).get("echo", {}).get("background"))


def _cut(
    items: list[dict[str, Any]], after: str | None, before: str | None
) -> list[dict[str, Any]]:
    """The items between two of them; an id that is not there bounds nothing."""
    ids = [item["id"] for item in items]
    end = ids.index(before) if before in ids else len(items)
    return items[ids.index(after) + 1 if after in ids else 0 : end]


def _answer(value: Mapping[str, Any]) -> Response:
    return Response(encode_object(value), media_type="application/json")
