"""Response requests: what a client asks with ``response.create``, checked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from voicelive_agent.emulator.session.configuration import warn_ignored_by_agent
from voicelive_agent.emulator.session.facts import Warned
from voicelive_agent.emulator.session.items import ConversationItem, read_item
from voicelive_agent.wire.voice_live.events import CreateResponse
from voicelive_agent.wire.voice_live.session import (
    InterimResponse,
    Metadata,
    Modality,
    OutputFormatName,
    ReasoningEffort,
    TokenLimit,
    Tool,
    ToolChoice,
)
from voicelive_agent.wire.voice_live.shapes import (
    Flag,
    Number,
    Object,
    ProtocolError,
    Shape,
    Text,
    check_shape,
)
from voicelive_agent.wire.voice_live.voices import Voice


class ResponseParams(Shape):
    """The ``response`` object; a field that is None is the session's business."""

    commit: Flag | None = None
    cancel_previous: Flag | None = None
    append_input_items: list[Object] | None = None
    input_items: list[Object] | None = None
    modalities: Annotated[list[Modality], Field(min_length=1)] | None = None
    instructions: Text | None = None
    voice: Voice | None = None
    output_audio_format: OutputFormatName | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    temperature: Annotated[Number, Field(ge=0, le=1.2)] | None = None
    max_output_tokens: TokenLimit | None = None
    pre_generated_assistant_message: Object | None = None
    reasoning_effort: ReasoningEffort | None = None
    metadata: Metadata | None = None
    interim_response: InterimResponse | None = None
    invoke_input: Object | None = None


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A response that is wanted."""

    params: ResponseParams = field(default_factory=ResponseParams)
    additional_instructions: str = ""
    input_items: tuple[ConversationItem, ...] | None = None
    """Instead of the conversation; None: the conversation."""
    appended_items: tuple[ConversationItem, ...] = ()
    prepared: ConversationItem | None = None
    """The answer itself, to be spoken as it is."""

    @property
    def is_committed(self) -> bool:
        return self.params.commit is not False

    @property
    def cancels_previous(self) -> bool:
        """What was asked for; by default a click cancels, as the reference says."""
        if self.params.cancel_previous is None:
            return self.params.invoke_input is not None
        return self.params.cancel_previous

    @property
    def awaits_transcripts(self) -> bool:
        """Whether it answers what was said, which must have been recognised first."""
        return (
            self.prepared is None and self.params.invoke_input is None and self.input_items is None
        )

    def warn_ignored_by_agents(self) -> Iterator[Warned]:
        """What belongs to the agent, where there is one."""
        for name in ("instructions", "tools"):
            if getattr(self.params, name) is not None:
                yield warn_ignored_by_agent(f"response.{name}")
        if self.additional_instructions:
            yield warn_ignored_by_agent("additional_instructions")


def read_request(
    event: CreateResponse, *, in_agent_mode: bool, new_id: Callable[[str], str]
) -> ResponseRequest:
    """The request of a ``response.create``. Raises ProtocolError."""
    params = check_shape(ResponseParams, event.response or {}, "response")
    if params.modalities is not None and not {"text", "audio"} & set(params.modalities):
        raise ProtocolError(
            "A response needs the modality 'text' or 'audio'.",
            code="invalid_value",
            param="response.modalities",
        )
    if params.invoke_input is not None and not in_agent_mode:
        raise ProtocolError(
            "'invoke_input' goes to an agent, and this session has a model: connect with "
            "agent-name and agent-project-name.",
            code="invalid_value",
            param="response.invoke_input",
        )
    if params.invoke_input is not None and params.pre_generated_assistant_message is not None:
        raise ProtocolError(
            "A response is either prepared or invoked: send one of 'invoke_input' and "
            "'pre_generated_assistant_message'.",
            code="invalid_value",
            param="response.invoke_input",
        )
    instead = params.input_items
    return ResponseRequest(
        params=params,
        additional_instructions=event.additional_instructions or "",
        input_items=None if instead is None else _read_items(instead, "input_items", new_id),
        appended_items=_read_items(params.append_input_items or (), "append_input_items", new_id),
        prepared=_read_prepared(params.pre_generated_assistant_message, new_id),
    )


def _read_items(
    values: Any, name: str, new_id: Callable[[str], str]
) -> tuple[ConversationItem, ...]:
    items = []
    for index, value in enumerate(values):
        param = f"response.{name}[{index}]"
        item = read_item(value, param, new_id)
        if item.audio is not None:
            raise ProtocolError(
                f"Invalid '{param}': audio needs a 'transcript' here; create the item with "
                "conversation.item.create to have it recognised.",
                code="invalid_value",
                param=param,
            )
        items.append(item)
    return tuple(items)


def prepare(text: str, new_id: Callable[[str], str]) -> ResponseRequest:
    """A response of the session's own that says ``text``."""
    return ResponseRequest(
        prepared=_read_prepared({"content": [{"type": "text", "text": text}]}, new_id)
    )


def _read_prepared(message: Any, new_id: Callable[[str], str]) -> ConversationItem | None:
    if message is None:
        return None
    param = "response.pre_generated_assistant_message"
    # Microsoft's JavaScript quickstarts leave the type out.
    item = read_item({"type": "message", "role": "assistant", **message}, param, new_id)
    if item.role != "assistant":
        raise ProtocolError(
            "A prepared answer is a message of the role 'assistant'.",
            code="invalid_value",
            param=f"{param}.role",
        )
    if len(item.fields["content"]) != 1:
        raise ProtocolError(
            "A prepared answer has exactly one text part.",
            code="invalid_value",
            param=f"{param}.content",
        )
    if not item.fields["content"][0]["text"].strip():
        raise ProtocolError(
            "A prepared answer has no text to speak: write some.",
            code="invalid_value",
            param=f"{param}.content[0].text",
        )
    return item
