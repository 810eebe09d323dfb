"""What a requested response comes to: its settings, and what is asked of who answers."""

from collections.abc import Mapping
from typing import Any

from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.emulator.session.conversation import ConversationItems
from voicelive_agent.emulator.session.items import Item
from voicelive_agent.emulator.session.responses.requests import ResponseRequest
from voicelive_agent.emulator.session.responses.response import ResponseSettings

_INTERIM_INSTRUCTIONS = (
    "The caller waits for an answer that somebody else is preparing. Say in one short spoken "
    "sentence, in the caller's language, that it takes a moment. Don't answer, and promise nothing."
)


def settle_response(
    request: ResponseRequest, configuration: Configuration, conversation_id: str
) -> ResponseSettings:
    """The session's settings as the request changes them."""
    values, params = configuration.values, request.params
    voice = params.get("voice")
    modalities = params.get("modalities", values["modalities"])
    interim = params.get("interim_response", values["interim_response"])
    animation = values["animation"] or {}
    limit = params.get("max_output_tokens", values["max_response_output_tokens"])
    return ResponseSettings(
        modalities=modalities,
        voice=configuration.dress_voice(voice) if voice else values["voice"],
        output_audio_format=params.get("output_audio_format", values["output_audio_format"]),
        temperature=params.get("temperature", values["temperature"]),
        max_output_tokens=limit,
        metadata=params.get("metadata"),
        interim=interim if "audio" in modalities else None,
        has_timestamps="word" in (values["output_audio_timestamp_types"] or ()),
        has_visemes="viseme_id" in animation.get("outputs", ()),
        conversation_id=conversation_id if request.is_committed else None,
    )


def build_agent_request(
    request: ResponseRequest,
    configuration: Configuration,
    conversation: ConversationItems,
    model: str,
) -> agents.AgentRequest | None:
    """What is asked of the agent or model; None where a turn was heard without a word."""
    values, params = configuration.values, request.params
    extra = () if request.is_committed else request.appended_items
    if request.input_items is not None:
        context = [*request.input_items, *request.appended_items]
        asked = [item for item in context if item.role == "user"]
    else:
        context = [*conversation.items, *extra]
        asked = [*conversation.unanswered(), *(item for item in extra if item.role == "user")]
    text = "\n".join(filter(None, (item.text() for item in asked)))
    language = configuration.hearing().language
    if configuration.in_agent_mode:
        action = params.get("invoke_input")
        if action is not None:
            return agents.AgentRequest(kind="action", action=action, language=language)
        if asked and not text:
            return None
        kind: agents.RequestKind = "speech" if asked else "greeting"
        return agents.AgentRequest(kind=kind, text=text, language=language)
    instructions = params.get("instructions", values["instructions"])
    limit = params.get("max_output_tokens", values["max_response_output_tokens"])
    return agents.AgentRequest(
        kind="speech" if any(_is_input(item) for item in context) else "greeting",
        text=text,
        items=tuple(item.describe() for item in context if not item.is_open),
        instructions="\n\n".join(filter(None, (instructions, request.additional_instructions))),
        model=model,
        tools=tuple(tool for tool in _tools(request, values) if tool["type"] == "function"),
        tool_choice=params.get("tool_choice", values["tool_choice"]),
        parallel_tool_calls=values["parallel_tool_calls"],
        temperature=params.get("temperature", configuration.temperature),
        max_output_tokens=None if limit == "inf" else limit,
        reasoning_effort=params.get("reasoning_effort", values["reasoning_effort"]),
        language=language,
    )


def build_interim_request(
    interim: Mapping[str, Any], text: str, language: str
) -> agents.AgentRequest:
    """What a model is asked to say until the answer to ``text`` comes."""
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return agents.AgentRequest(
        text=text,
        items=(said,) if text else (),
        instructions="\n\n".join(filter(None, (_INTERIM_INSTRUCTIONS, interim["instructions"]))),
        model=interim["model"],
        max_output_tokens=interim["max_completion_tokens"],
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


def _tools(request: ResponseRequest, values: dict[str, Any]) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = request.params.get("tools", values["tools"])
    return tools


def _is_input(item: Item) -> bool:
    return item.role == "user" or item.fields["type"] == "function_call_output"
