"""What a client asks for when it opens the WebSocket: path and query.

Query keys as the SDK sends them (``_prepare_url`` of azure-ai-voicelive 1.3.1); those that are
unknown are ignored, and any ``api-version`` is accepted. The path says which names the events
have: Voice Live's, or those of OpenAI Realtime GA.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PATH_SUFFIXES = ("/voice-live/realtime", "/voice-agent/realtime")
"""The address of today, and that of the preview of May 2025, which samples still have."""
REALTIME_SUFFIX = "/v1/realtime"
"""OpenAI's address, at ``/openai`` as Azure has it or anywhere else."""
VOICE_AGENT_ADDRESS = "/api/projects/{project}/agents/{agent}/endpoint/protocols/voice"
"""A voice agent's address (azure-ai-projects 2.10, ``_to_ws_url``)."""
ADDRESSES = (*PATH_SUFFIXES, REALTIME_SUFFIX, VOICE_AGENT_ADDRESS)
SUBPROTOCOL = "realtime"
"""What browsers' clients offer; one that offers any fails where none is chosen."""

_VOICE_AGENT = re.compile(".*" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", VOICE_AGENT_ADDRESS))
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
    is_realtime: bool = False
    """Whether events have the names of OpenAI Realtime GA."""


def is_address(path: str) -> bool:
    """Whether a WebSocket at this path is a session."""
    return path.endswith(PATH_SUFFIXES) or _is_realtime(path)


def _is_realtime(path: str) -> bool:
    return path.endswith(REALTIME_SUFFIX) or _VOICE_AGENT.fullmatch(path) is not None


def read_connection_request(path: str, query: Mapping[str, str]) -> ConnectionRequest:
    """What path and query mean; an empty value is a missing one."""
    query = _add_voice_agent(path, query)
    return ConnectionRequest(
        # Before agents had names, clients gave an id.
        agent_name=query.get("agent-name") or query.get("agent-id") or None,
        project_name=query.get("agent-project-name") or None,
        model=query.get("model") or None,
        conversation_id=_read_conversation_id(query.get("conversation-id", "")),
        features=_read_features(query.get("features", "")),
        is_realtime=_is_realtime(path),
    )


def _add_voice_agent(path: str, query: Mapping[str, str]) -> dict[str, str]:
    """The query that asks Voice Live for the same agent and conversation as the path does."""
    named = dict(query)
    if (agent := _VOICE_AGENT.fullmatch(path)) is not None:
        named |= {"agent-name": agent["agent"], "agent-project-name": agent["project"]}
        if "agent_session_id" in query:
            named["conversation-id"] = query["agent_session_id"]
    return named


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
    """The connection as a recording keeps it: without secrets, and with the agent's name."""
    query = _add_voice_agent(path, query)
    return {
        "path": path,
        "query": {k: v for k, v in query.items() if k.lower() not in _SECRET_KEYS},
    }
