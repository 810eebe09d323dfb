"""The objects inside a session and a response, as a client writes them, with their defaults.

Defaults and ranges are those of the API reference 2026-07-15 and of recorded sessions.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from voicelive_agent.emulator.protocol import Flag, Number, Object, Shape, Text, Whole

Milliseconds = Annotated[Whole, Field(ge=0, le=600_000)]
Share = Annotated[Number, Field(ge=0, le=1)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=512)]

Modality = Literal["text", "audio", "animation", "avatar"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
TokenLimit = Annotated[Whole, Field(ge=1, le=4096)] | Literal["inf"]

# Turn detection.


class EndOfUtteranceDetection(Shape):
    model: Literal[
        "semantic_detection_v1", "semantic_detection_v1_en", "semantic_detection_v1_multilingual"
    ]
    threshold_level: Literal["low", "medium", "high", "default"] = "default"
    timeout_ms: Milliseconds = 1000


class ServerVad(Shape):
    type: Literal["server_vad"]
    threshold: Share = 0.5
    prefix_padding_ms: Milliseconds = 400
    silence_duration_ms: Milliseconds = 500
    speech_duration_ms: Milliseconds = 200
    end_of_utterance_detection: EndOfUtteranceDetection | None = None
    create_response: Flag = True
    interrupt_response: Flag = True
    auto_truncate: Flag = False
    appended_text_after_truncation: Text | None = None


class AzureSemanticVadEn(ServerVad):
    type: Literal["azure_semantic_vad_en"]  # type: ignore[assignment]
    prefix_padding_ms: Milliseconds = 420
    speech_duration_ms: Milliseconds = 80
    remove_filler_words: Flag = False


class AzureSemanticVad(AzureSemanticVadEn):
    type: Literal["azure_semantic_vad"]  # type: ignore[assignment]
    languages: list[Text] | None = None


class AzureSemanticVadMultilingual(AzureSemanticVad):
    type: Literal["azure_semantic_vad_multilingual"]  # type: ignore[assignment]


TurnDetection = Annotated[
    ServerVad | AzureSemanticVad | AzureSemanticVadEn | AzureSemanticVadMultilingual,
    Field(discriminator="type"),
]

# Input audio.


class Transcription(Shape):
    model: Name
    language: Text | None = None
    """BCP-47 or ISO 639-1, or several of them with commas between."""
    custom_speech: Object | None = None
    phrase_list: list[Text] | None = None
    prompt: Text | None = None


class NoiseReduction(Shape):
    type: Literal["azure_deep_noise_suppression", "near_field", "far_field"]


class EchoCancellation(Shape):
    type: Literal["server_echo_cancellation"]
    reference_source: Literal["server", "client"] = "server"
    channels: Whole = 1


# Voices.

# fmt: off
OPENAI_VOICES = frozenset({
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse",
})
NATIVE_VOICES = frozenset({
    "aarti", "andrew", "ava", "denise", "diya", "elsa", "florian", "francisca", "meera",
    "xiaoxiao", "ximena", "yunxi",
})
# fmt: on


class OpenAIVoice(Shape):
    type: Literal["openai"]
    name: Name


class NativeVoice(Shape):
    type: Literal["azure-realtime-native"]
    name: Name = "ava"


class AzureVoice(Shape):
    """What the voices of Azure Speech have in common."""

    temperature: Share | None = None
    custom_lexicon_url: Text | None = None
    custom_text_normalization_url: Text | None = None
    prefer_locales: list[Text] | None = None
    locale: Text | None = None
    style: Text | None = None
    pitch: Text | Number | None = None
    rate: Text | Number | None = None
    volume: Text | Number | None = None


class StandardVoice(AzureVoice):
    type: Literal["azure-standard"]
    name: Name


class CustomVoice(AzureVoice):
    type: Literal["azure-custom"]
    name: Name
    endpoint_id: Name


class PersonalVoice(AzureVoice):
    type: Literal["azure-personal"]
    name: Name
    model: Name


class AvatarSyncVoice(AzureVoice):
    type: Literal["avatar-voice-sync"]
    model: Name


VoiceObject = Annotated[
    OpenAIVoice | NativeVoice | StandardVoice | CustomVoice | PersonalVoice | AvatarSyncVoice,
    Field(discriminator="type"),
]


def _kind_of(value: Any) -> str:
    return "name" if isinstance(value, str) else "object"


Voice = Annotated[
    Annotated[Name, Tag("name")] | Annotated[VoiceObject, Tag("object")], Discriminator(_kind_of)
]


def name_voice(name: str) -> dict[str, Any]:
    """The voice object that a bare name stands for."""
    if name in OPENAI_VOICES:
        return {"type": "openai", "name": name}
    kind = "azure-realtime-native" if name in NATIVE_VOICES else "azure-standard"
    return {"type": kind, "name": name}


# Output.

_PCM_RATES_HZ = (8000, 16000, 22050, 24000, 44100, 48000)
OUTPUT_FORMATS = ("pcm16", *(f"pcm16_{rate}hz" for rate in _PCM_RATES_HZ), "g711_ulaw", "g711_alaw")


def spell_output_format(name: str) -> str:
    """The new spelling of an output format: ``pcm16-8000hz`` is ``pcm16_8000hz``."""
    return name.replace("-", "_")


def _known_output_format(name: str) -> str:
    if spell_output_format(name) not in OUTPUT_FORMATS:
        raise ValueError(f"must be one of {', '.join(OUTPUT_FORMATS)}")
    return name


OutputFormat = Annotated[str, Field(strict=True), AfterValidator(_known_output_format)]


class Animation(Shape):
    model_name: Text | None = None
    outputs: list[Literal["blendshapes", "viseme_id"]] = Field(default=["viseme_id"])


# Interim responses.

Triggers = list[Literal["latency", "tool"]]


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
    Discriminator(_kind_of),
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
