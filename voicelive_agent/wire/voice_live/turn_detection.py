"""Turn detection: the shapes of a session's ``turn_detection``, with the defaults of each type.

Defaults and ranges are those of the API reference 2026-07-15 and of recorded sessions.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

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

Eagerness = Literal["low", "medium", "high", "auto"]

UNFINISHED_TIMEOUT_MS = 1000
"""What an unfinished sentence adds to the silence that ends a turn, at most."""
EAGERNESS_TIMEOUT_MS: Mapping[Eagerness, int] = {
    "low": 8000,
    "medium": 4000,
    "auto": 4000,
    "high": 2000,
}
"""The same of ``semantic_vad``."""


def _unless_null() -> Any:
    """A member that the service doesn't tell of unless it was given."""
    return Field(default=None, exclude_if=lambda value: value is None)


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
    neg_threshold: Share | None = _unless_null()
    """What speech that has begun goes on down to. Tests of the service send it."""
    speech_duration_assistant_speaking_ms: Milliseconds | None = _unless_null()
    """``speech_duration_ms`` while a response is played. Tests of the service send it."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, given: Any) -> Any:
        """A member that is null has its default: clients send back what they were told."""
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value is not None}


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


class SemanticVad(AzureSemanticVadEn):
    """OpenAI's, which Voice Live takes for realtime models: words end a turn."""

    type: Literal["semantic_vad"]  # type: ignore[assignment]
    eagerness: Eagerness = "auto"


TurnDetection = Annotated[
    ServerVad | SemanticVad | AzureSemanticVad | AzureSemanticVadEn | AzureSemanticVadMultilingual,
    Field(discriminator="type"),
]

_ADAPTER: TypeAdapter[ServerVad] = TypeAdapter(TurnDetection)


def parse_turn_detection(turn_detection: Mapping[str, Any]) -> ServerVad:
    """A ``turn_detection`` with its defaults; ``server_vad`` where no type is named.

    Raises pydantic's ValidationError.
    """
    kind = turn_detection.get("type") or "server_vad"
    return _ADAPTER.validate_python({**turn_detection, "type": kind})
