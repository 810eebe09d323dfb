"""What a client asks for when it opens the WebSocket: path and query.

Query keys as the SDK sends them (``_prepare_url`` of azure-ai-voicelive 1.3.1); those that are
unknown are ignored, and any ``api-version`` is accepted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PATH_SUFFIXES = ("/voice-live/realtime", "/voice-agent/realtime")
"""The address of today, and that of the preview of May 2025, which samples still have."""
SUBPROTOCOL = "realtime"
"""What browsers' clients offer; one that offers any fails where none is chosen."""

_CONVERSATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,256}")
_SECRET_KEYS = frozenset({"api-key", "authorization", "agent-access-token"})


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """What the client wants to talk to; ``agent_name`` or ``model`` may be missing."""

    agent_name: str | None
    project_name: str | None
    model: str | None
    conversation_id: str | None
    features: frozenset[str]


def read_connection_request(query: Mapping[str, str]) -> ConnectionRequest:
    """The query's meaning; an empty value is a missing one."""
    return ConnectionRequest(
        # Before agents had names, clients gave an id.
        agent_name=query.get("agent-name") or query.get("agent-id") or None,
        project_name=query.get("agent-project-name") or None,
        model=query.get("model") or None,
        conversation_id=_read_conversation_id(query.get("conversation-id", "")),
        features=_read_features(query.get("features", "")),
    )


def choose_subprotocol(offered: Sequence[str]) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _read_conversation_id(value: str) -> str | None:
    """An id that no agent could have given begins a new conversation, as a foreign one does."""
    return value if _CONVERSATION_ID.fullmatch(value) else None


def _read_features(value: str) -> frozenset[str]:
    """Names that are on in ``a:true,b:false``; a name alone is on."""
    on = set()
    for part in value.split(","):
        name, _, state = part.strip().partition(":")
        if name and state.strip().lower() in ("", "true", "1", "on"):
            on.add(name)
    return frozenset(on)


def describe_connection(path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """The connection as a recording keeps it: without secrets."""
    return {
        "path": path,
        "query": {k: v for k, v in query.items() if k.lower() not in _SECRET_KEYS},
    }
