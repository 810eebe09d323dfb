"""Which telemetry attributes may leave the process.

An attribute is private when it can hold what a person said, what a model or a tool was told or
answered, or an exception's text. Private ones leave only where that was asked for.
"""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

SAFE_ATTRIBUTES = frozenset(
    {
        # Of turns.
        "azure.ai.agentserver.invocations.invocation_id",
        "error.type",
        "gen_ai.agent.name",
        "gen_ai.conversation.id",
        "gen_ai.operation.name",
        "voicelive_agent.turn.first_delta_ms",
        "voicelive_agent.turn.interrupted",
        "voicelive_agent.turn.kind",
        "voicelive_agent.turn.reason",
        "voicelive_agent.turn.status",
        # Of the agent, on Foundry.
        "gen_ai.agent.id",
        "gen_ai.agent.version",
        "microsoft.a365.agent.blueprint.id",
        "microsoft.foundry.project.id",
        "microsoft.session.id",
        "microsoft.tenant.id",
        # Of log lines.
        "code.module",
        "exception.type",
        # FastAPI's metrics of requests.
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "url.scheme",
        # Of models and tools, by the GenAI conventions.
        "gen_ai.provider.name",
        "gen_ai.request.choice.count",
        "gen_ai.request.frequency_penalty",
        "gen_ai.request.max_tokens",
        "gen_ai.request.model",
        "gen_ai.request.presence_penalty",
        "gen_ai.request.seed",
        "gen_ai.request.temperature",
        "gen_ai.request.top_k",
        "gen_ai.request.top_p",
        "gen_ai.response.finish_reasons",
        "gen_ai.response.id",
        "gen_ai.response.model",
        "gen_ai.token.type",
        "gen_ai.tool.call.id",
        "gen_ai.tool.name",
        "gen_ai.tool.type",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.reasoning.output_tokens",
        "server.address",
        "server.port",
        # Of models and tools, by Pydantic AI and Agent Framework besides.
        "agent_framework.function.name",
        "agent_name",
        "gen_ai.agent.call.id",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.system",
        "model_name",
        "operation.cost",
    }
)
"""What this project, its web framework and the agents' frameworks record of a turn."""

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
"""What may hold words of a person, a model or a tool."""

_SAFE_PREFIXES = ("gen_ai.aggregated_usage.",)
# Here frameworks may record anything, in their next version too: only what is known to be safe.
_FRAMEWORK_PREFIXES = (
    "agent_framework.",
    "gen_ai.",
    "input.",
    "langchain.",
    "langgraph.",
    "llm.",
    "logfire.",
    "mcp.",
    "message.",
    "metadata",
    "model_request_parameters",
    "output.",
    "pydantic_ai.",
    "retrieval.",
    "tool.",
    "traceloop.",
    "workflow.",
)


def is_private(attribute: str) -> bool:
    """Whether an attribute can hold what a person said."""
    if attribute in SAFE_ATTRIBUTES or attribute.startswith(_SAFE_PREFIXES):
        return False
    return attribute in PRIVATE_ATTRIBUTES or attribute.startswith(_FRAMEWORK_PREFIXES)


def keep_public(attributes: Mapping[str, T] | None) -> dict[str, T]:
    """The attributes that are not private."""
    return {name: value for name, value in (attributes or {}).items() if not is_private(name)}
