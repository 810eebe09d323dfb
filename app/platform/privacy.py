"""Which telemetry attributes may leave the process.

An attribute is private when it can hold what a person said, what a model or a tool was told or
answered, or an exception's text. Private ones leave only where that was asked for.
"""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

SAFE_ATTRIBUTES = frozenset(
    {
        "error.type",
        "exception.type",
        "gen_ai.agent.id",
        "gen_ai.agent.name",
        "gen_ai.agent.version",
        "gen_ai.conversation.id",
        "gen_ai.operation.name",
        "http.request.method",
        "http.request.method_original",
        "http.response.status_code",
        "http.route",
        "network.protocol.name",
        "network.protocol.version",
        "server.address",
        "server.port",
        "url.path",
        "url.scheme",
        "voicelive_agent.invocation.id",
        "voicelive_agent.turn.first_delta_ms",
        "voicelive_agent.turn.interrupted",
        "voicelive_agent.turn.kind",
        "voicelive_agent.turn.reason",
        "voicelive_agent.turn.status",
    }
)
"""What this project records itself, and FastAPI of a request."""

PRIVATE_ATTRIBUTES = frozenset(
    {
        "all_messages_events",
        "exception.message",
        "exception.stacktrace",
        "final_result",
        "gen_ai.completion",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.prompt",
        "gen_ai.system_instructions",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.tool.definitions",
        "input.value",
        "output.value",
        "pydantic_ai.all_messages",
        "tool_arguments",
        "tool_response",
        "url.query",
    }
)
"""What this project, or the instrumentation of a framework, records of people's words."""

_PRIVATE_PREFIXES = ("gen_ai.prompt.", "gen_ai.completion.", "gen_ai.event.", "llm.")


def is_private(attribute: str) -> bool:
    """Whether an attribute can hold what a person said."""
    return attribute in PRIVATE_ATTRIBUTES or attribute.startswith(_PRIVATE_PREFIXES)


def keep_public(attributes: Mapping[str, T] | None) -> dict[str, T]:
    """The attributes that are not private."""
    return {name: value for name, value in (attributes or {}).items() if not is_private(name)}
