"""Turn detection: the shapes of a session's ``turn_detection``, with the defaults of each type.

Defaults and ranges are those of the API reference 2026-07-15 and of recorded sessions.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from voicelive_agent.wire.voice_live.shapes import Flag, Milliseconds, Shape, Share, Text

EndOfUtteranceModel = Literal[
    "semantic_detection_v1", "semantic_detection_v1_en", "semantic_detection_v1_multilingual"
]
ThresholdLevel = Literal["low", "medium", "high", "default"]
TurnDetectionType = Literal[
    "server_vad",
    "azure_semantic_vad",
    "azure_semantic_vad_en",
    "azure_semantic_vad_multilingual",
]

UNFINISHED_TIMEOUT_MS = 1000
"""What an unfinished sentence adds to the silence that ends a turn, at most."""


class EndOfUtteranceDetection(Shape):
    model: EndOfUtteranceModel
    threshold_level: ThresholdLevel = "default"
    timeout_ms: Milliseconds = UNFINISHED_TIMEOUT_MS


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

_ADAPTER: TypeAdapter[ServerVad] = TypeAdapter(TurnDetection)


def parse_turn_detection(turn_detection: Mapping[str, Any]) -> ServerVad:
    """A ``turn_detection`` with its defaults, also for members that are null.

    It is ``server_vad`` where no type is named. Raises pydantic's ValidationError.
    """
    given = {name: value for name, value in turn_detection.items() if value is not None}
    return _ADAPTER.validate_python({"type": "server_vad", **given})
