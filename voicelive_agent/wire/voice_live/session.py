"""Session: the fields that a client may set, and the objects inside it and inside a response.

Defaults and ranges are those of the API reference 2026-07-15 and of recorded sessions.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from voicelive_agent.wire.audio.formats import (
    OUTPUT_FORMATS,
    Codec,
    InputRateHz,
    spell_output_format,
)
from voicelive_agent.wire.voice_live.shapes import (
    Flag,
    Milliseconds,
    Name,
    Number,
    Object,
    Shape,
    Text,
    Whole,
    name_or_object,
)
from voicelive_agent.wire.voice_live.turn_detection import TurnDetection
from voicelive_agent.wire.voice_live.voices import Voice

Modality = Literal["text", "audio", "animation", "avatar"]
NoiseReductionType = Literal["azure_deep_noise_suppression", "near_field", "far_field"]
Trigger = Literal["latency", "tool"]
Temperature = Annotated[Number, Field(ge=0, le=1.2)]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
TokenLimit = Annotated[Whole, Field(ge=1, le=4096)] | Literal["inf"]

# Input audio.


class Transcription(Shape):
    model: Name
    language: Text | None = None
    """BCP-47 or ISO 639-1, or several of them with commas between."""
    custom_speech: Object | None = None
    phrase_list: list[Text] | None = None
    prompt: Text | None = None


class NoiseReduction(Shape):
    type: NoiseReductionType


class EchoCancellation(Shape):
    type: Literal["server_echo_cancellation"]
    reference_source: Literal["server", "client"] = "server"
    channels: Whole = 1


# Output.


def _known_output_format(name: str) -> str:
    if spell_output_format(name) not in OUTPUT_FORMATS:
        raise ValueError(f"must be one of {', '.join(OUTPUT_FORMATS)}")
    return name


OutputFormatName = Annotated[
    str,
    Field(strict=True, json_schema_extra={"enum": list(OUTPUT_FORMATS)}),
    AfterValidator(_known_output_format),
]
"""In either spelling: what a client wrote is what it is told again."""


class Animation(Shape):
    model_name: Text | None = None
    outputs: list[Literal["blendshapes", "viseme_id"]] = Field(default=["viseme_id"])


# Interim responses.

Triggers = list[Trigger]


class StaticInterim(Shape):
    type: Literal["static_interim_response"]
    triggers: Triggers = Field(default=["latency"])
    latency_threshold_ms: Milliseconds = 2000
    texts: list[Text] = Field(default=[])


class LlmInterim(Shape):
    type: Literal["llm_interim_response"]
    triggers: Triggers = Field(default=["latency"])
    latency_threshold_ms: Milliseconds = 2000
    model: Text = "gpt-4.1-mini"
    instructions: Text | None = None
    max_completion_tokens: Annotated[Whole, Field(ge=1)] = 50


InterimResponse = Annotated[StaticInterim | LlmInterim, Field(discriminator="type")]

# Tools.


class FunctionTool(Shape):
    type: Literal["function"]
    name: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
    description: Text | None = None
    parameters: Object | None = None


class McpServer(Shape):
    type: Literal["mcp"]
    server_label: Name
    server_url: Name
    authorization: Text | None = None
    headers: dict[str, Text] | None = None
    allowed_tools: list[Text] | None = None
    require_approval: Literal["always", "never"] | dict[str, list[Text]] | None = None


class OtherTool(Shape):
    type: Name


def _tool_kind(value: Any) -> str:
    # Asked of JSON when it is read, and of a tool's shape when that becomes JSON again.
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if kind in ("function", "mcp") else "other"


Tool = Annotated[
    Annotated[FunctionTool, Tag("function")]
    | Annotated[McpServer, Tag("mcp")]
    | Annotated[OtherTool, Tag("other")],
    Discriminator(_tool_kind),
]


class FunctionChoice(Shape):
    type: Literal["function"]
    name: Name


ToolChoice = Annotated[
    Annotated[Literal["auto", "none", "required"], Tag("name")]
    | Annotated[FunctionChoice, Tag("object")],
    Discriminator(name_or_object),
]


def _few_pairs(metadata: dict[str, str]) -> dict[str, str]:
    if len(metadata) > 16:
        raise ValueError("must have at most 16 pairs")
    return metadata


Metadata = Annotated[
    dict[
        Annotated[str, Field(strict=True, max_length=64)],
        Annotated[str, Field(strict=True, max_length=512)],
    ],
    AfterValidator(_few_pairs),
]


class SessionFields(Shape):
    """The fields that ``session.update`` may set; None where null was sent."""

    modalities: Annotated[list[Modality], Field(min_length=1)] | None = None
    animation: Animation | None = None
    voice: Voice | None = None
    instructions: Text | None = None
    input_audio_sampling_rate: InputRateHz | None = None
    input_audio_format: Codec | None = None
    output_audio_format: OutputFormatName | None = None
    turn_detection: TurnDetection | None = None
    input_audio_noise_reduction: NoiseReduction | None = None
    input_audio_echo_cancellation: EchoCancellation | None = None
    avatar: dict[str, Any] | None = None
    input_audio_transcription: Transcription | None = None
    output_audio_timestamp_types: list[Literal["word"]] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Flag | None = None
    temperature: Temperature | None = None
    max_response_output_tokens: TokenLimit | None = None
    reasoning_effort: ReasoningEffort | None = None
    interim_response: InterimResponse | None = None
    include: (
        list[
            Literal[
                "item.input_audio_transcription.logprobs",
                "item.input_audio_transcription.phrases",
                "file_search_call.results",
            ]
        ]
        | None
    ) = None
    metadata: Metadata | None = None
