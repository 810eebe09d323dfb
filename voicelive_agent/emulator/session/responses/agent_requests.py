"""What the agent is asked for a response, and the settings that it is spoken with."""

from typing import Any, TypeVar

from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.emulator.session.conversation import ConversationItems
from voicelive_agent.emulator.session.items import ConversationItem
from voicelive_agent.emulator.session.mcp_servers import McpServers
from voicelive_agent.emulator.session.responses.response import ResponseSettings
from voicelive_agent.emulator.session.responses.response_requests import ResponseRequest
from voicelive_agent.wire.voice_live.session import FunctionChoice, LlmInterim

T = TypeVar("T")

_INTERIM_INSTRUCTIONS = (
    "The caller waits for an answer that somebody else is preparing. Say in one short spoken "
    "sentence, in the caller's language, that it takes a moment. Don't answer, and promise nothing."
)


def settle_response(
    request: ResponseRequest, configuration: Configuration, conversation_id: str
) -> ResponseSettings:
    """The session's settings as the request changes them."""
    now, params = configuration.now, request.params
    modalities = _chosen(params.modalities, now.modalities)
    return ResponseSettings(
        modalities=modalities,
        voice=configuration.dress_voice(params.voice) if params.voice else now.voice,
        output_audio_format=_chosen(params.output_audio_format, now.output_audio_format),
        temperature=_chosen(params.temperature, now.temperature),
        max_output_tokens=_chosen(params.max_output_tokens, now.max_response_output_tokens),
        metadata=params.metadata,
        interim=(
            _chosen(params.interim_response, now.interim_response)
            if "audio" in modalities
            else None
        ),
        has_timestamps="word" in (now.output_audio_timestamp_types or ()),
        has_visemes=now.animation is not None and "viseme_id" in now.animation.outputs,
        conversation_id=conversation_id if request.is_committed else None,
    )


def build_agent_request(
    request: ResponseRequest,
    configuration: Configuration,
    conversation: ConversationItems,
    model: str,
    mcp: McpServers,
) -> agents.AgentRequest | None:
    """What is asked of the agent or model; None where a turn was heard without a word."""
    now, params = configuration.now, request.params
    extra = () if request.is_committed else request.appended_items
    if request.input_items is not None:
        context = [*request.input_items, *request.appended_items]
        asked = [item for item in context if item.role == "user"]
    else:
        context = [*conversation.items, *extra]
        asked = [*conversation.unanswered(), *(item for item in extra if item.role == "user")]
    text = "\n".join(filter(None, (item.text() for item in asked)))
    language = configuration.language
    if configuration.in_agent_mode:
        if params.invoke_input is not None:
            return agents.AgentRequest(kind="action", action=params.invoke_input, language=language)
        if asked and not text:
            return None
        kind: agents.RequestKind = "speech" if asked else "greeting"
        return agents.AgentRequest(kind=kind, text=text, language=language)
    instructions = _chosen(params.instructions, now.instructions)
    limit = _chosen(params.max_output_tokens, now.max_response_output_tokens)
    tools = now.tools if params.tools is None else [tool.model_dump() for tool in params.tools]
    functions = [tool for tool in tools if tool["type"] == "function"]
    if params.tools is None:
        functions += mcp.functions([tool["name"] for tool in functions])
    choice = params.tool_choice
    return agents.AgentRequest(
        kind="speech" if any(_is_input(item) for item in context) else "greeting",
        text=text,
        items=tuple(
            described
            for item in context
            if not item.is_open
            for described in _describe_for_model(item)
        ),
        instructions="\n\n".join(filter(None, (instructions, request.additional_instructions))),
        model=model,
        tools=tuple(functions),
        tool_choice=(
            choice.model_dump()
            if isinstance(choice, FunctionChoice)
            else _chosen(choice, now.tool_choice)
        ),
        parallel_tool_calls=now.parallel_tool_calls,
        temperature=_chosen(params.temperature, configuration.temperature),
        max_output_tokens=None if limit == "inf" else limit,
        reasoning_effort=_chosen(params.reasoning_effort, now.reasoning_effort),
        language=language,
    )


def build_interim_request(interim: LlmInterim, text: str, language: str) -> agents.AgentRequest:
    """What a model is asked to say until the answer to ``text`` comes."""
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return agents.AgentRequest(
        text=text,
        items=(said,) if text else (),
        instructions="\n\n".join(filter(None, (_INTERIM_INSTRUCTIONS, interim.instructions))),
        model=interim.model,
        max_output_tokens=interim.max_completion_tokens,
        language=language,
    )


def count_chars(asked: agents.AgentRequest) -> int:
    """How much text is asked, for an estimate of its tokens."""
    if not asked.items:
        return len(asked.text)
    return len(asked.instructions) + sum(
        len(item.get("output", ""))
        + len(item.get("arguments", ""))
        + sum(
            len(part.get("text") or part.get("transcript") or "")
            for part in item.get("content", ())
        )
        for item in asked.items
    )


def _chosen(value: T | None, default: T) -> T:
    """What the response sets, else what the session has."""
    return default if value is None else value


def _is_input(item: ConversationItem) -> bool:
    return item.role == "user" or item.fields["type"] in ("function_call_output", "mcp_call")


def _describe_for_model(item: ConversationItem) -> list[dict[str, Any]]:
    """The item as it is, and a call of an MCP server's tool as a function call with its output.

    Lists of tools and approvals are between the session and the client.
    """
    if item.fields["type"] != "mcp_call":
        return [] if item.fields["type"].startswith("mcp_") else [item.describe()]
    fields = item.fields
    said = fields["output"] if fields["error"] is None else fields["error"]["message"]
    call = {
        "type": "function_call",
        "call_id": item.id,
        "name": item.function_name,
        "arguments": fields["arguments"],
    }
    return [call, {"type": "function_call_output", "call_id": item.id, "output": said or ""}]
