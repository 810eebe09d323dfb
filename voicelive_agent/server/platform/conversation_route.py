"""GET /conversations/{id}: a conversation as the engine sees it, for a developer on this machine.

It holds what people said, so it exists in development alone: outside Foundry, on a loopback
address, asked from there by no proxy.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voicelive_agent.diagnostics import is_local
from voicelive_agent.server.conversations import ConversationKey, StoreError
from voicelive_agent.server.conversations.records import describe_record, encode_json
from voicelive_agent.server.engine.engine import Engine
from voicelive_agent.server.engine.past.line import recall
from voicelive_agent.server.platform.errors import ApiError
from voicelive_agent.server.settings import Settings
from voicelive_agent.wire.invocations import USER_HEADER


def route_conversations(engine: Engine, settings: Settings) -> Sequence[BaseRoute]:
    """None outside development.

    The answer is ``turns`` with what was heard of each, ``running``, ``state``, ``language``, and
    ``next``: what an agent would be given if a turn came now.
    """

    async def show_conversation(request: Request) -> Response:
        if not is_local():
            raise ApiError(404, "not_found", "There is nothing here.")
        session_id = request.path_params["session_id"]
        key = ConversationKey(request.headers.get(USER_HEADER, ""), session_id)
        try:
            described = await _describe(engine, settings, key)
        except StoreError:
            raise ApiError(
                503, "conversations_unavailable", "The store can't be read: the log says why."
            ) from None
        # Half characters, which text of a caller may hold, are none in JSON that is sent.
        return Response(encode_json(described), media_type="application/json")

    if not settings.is_development:
        return []
    return [Route("/conversations/{session_id}", show_conversation, methods=["GET"])]


async def _describe(engine: Engine, settings: Settings, key: ConversationKey) -> dict[str, Any]:
    running = engine.find_active(key)
    conversation = await engine.store.read(key)
    language = conversation.language or settings.language
    return {
        "conversation_id": key.session_id,
        "language": language,
        "state": conversation.state,
        "turns": [describe_record(turn) for turn in conversation.turns],
        "running": describe_record(running) if running else None,
        "next": {
            "history": [asdict(past) for past in recall(conversation.turns)],
            "state": conversation.state,
            "language": language,
        },
    }
