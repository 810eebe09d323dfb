"""Session settings: what a session is asked to be (voice, turns, hearing, formats).

A field that is None is not sent, so the service's own default holds. Values and rules are those
of ``session.update`` in API version 2026-07-15; ``client.core.session`` writes it.
"""

import functools
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, field_validator
from pydantic_settings import NoDecode

from voicelive_agent.settings_sources import ProgramSettings, setting
from voicelive_agent.wire.audio.formats import (
    Codec,
    InputRateHz,
    OutputFormat,
    default_rate_hz,
    parse_output_format,
)
from voicelive_agent.wire.voice_live.session import NoiseReductionType, ReasoningEffort, Trigger
from voicelive_agent.wire.voice_live.turn_detection import (
    EndOfUtteranceModel,
    ThresholdLevel,
    TurnDetectionType,
)
from voicelive_agent.wire.voice_live.voices import (
    DEFAULT_REALTIME_VOICE,
    DEFAULT_VOICE,
    NATIVE_VOICES,
    OPENAI_VOICES,
    VoiceType,
    guess_voice_type,
)

VOICE_DETAILS = {
    "voice_rate": "rate",
    "voice_pitch": "pitch",
    "voice_volume": "volume",
    "voice_style": "style",
    "voice_temperature": "temperature",
    "voice_locale": "locale",
    "voice_lexicon_url": "custom_lexicon_url",
    "voice_endpoint_id": "endpoint_id",
    "voice_model": "model",
}
"""Settings that an Azure voice alone has, and what the protocol calls them."""


def split_list(value: object) -> object:
    """A text from the environment as a list; ``;`` or a new line stands between its parts."""
    if isinstance(value, str):
        return [part.strip() for part in value.replace("\n", ";").split(";") if part.strip()]
    return value


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]
Triggers = Annotated[tuple[Trigger, ...], NoDecode, BeforeValidator(split_list)]

optional = functools.partial(setting, default=None)
"""A setting that need not be given."""


class UnfitError(ValueError):
    """Values that don't fit together: ``field`` is the one to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class SessionSettings(ProgramSettings):
    """The settings of a session."""

    instructions: str | None = optional("answers", "what the model is told to be (a model only)")
    temperature: float | None = optional(
        "answers", "how freely the model answers, 0 to 1.2", ge=0, le=1.2
    )
    max_output_tokens: int | None = optional(
        "answers", "limit of one answer, 1 to 4096", ge=1, le=4096
    )
    reasoning_effort: ReasoningEffort | None = optional(
        "answers", "how long a reasoning model thinks"
    )
    greet: bool = setting(
        "answers", "let the agent speak first, with a greeting of its own", default=False
    )
    greeting: str | None = optional("answers", "speak this text first", min_length=1)
    text_only: bool = setting(
        "answers", "type and read; no sound in either direction", default=False
    )

    voice: str | None = optional(
        "voice", f"{DEFAULT_VOICE}, {DEFAULT_REALTIME_VOICE}, or the name of your own voice"
    )
    voice_type: VoiceType | None = optional("voice", "where the name alone does not tell")
    voice_rate: str | None = optional("voice", "speed, such as 1.2 or -10%")
    voice_pitch: str | None = optional("voice", "such as +5% or high")
    voice_volume: str | None = optional("voice", "such as +10% or soft")
    voice_style: str | None = optional("voice", "such as cheerful, where the voice has it")
    voice_temperature: float | None = optional(
        "voice", "variety of an HD voice, 0 to 1", ge=0, le=1
    )
    voice_locale: str | None = optional("voice", "language that the voice speaks, such as en-US")
    voice_lexicon_url: str | None = optional("voice", "custom lexicon with pronunciations")
    voice_endpoint_id: str | None = optional("voice", "deployment of a custom voice")
    voice_model: str | None = optional(
        "voice", "model of a personal voice, such as DragonLatestNeural"
    )

    turn_detection: Literal[TurnDetectionType, "none"] = setting(
        "taking turns", "who finds the end of what you say; none: you do", default="server_vad"
    )
    threshold: float | None = optional(
        "taking turns", "how sure it must be that you speak, 0 to 1", ge=0, le=1
    )
    prefix_padding_ms: int | None = optional(
        "taking turns", "sound kept from before your speech", ge=0
    )
    silence_duration_ms: int | None = optional("taking turns", "pause that ends a turn", ge=0)
    speech_duration_ms: int | None = optional(
        "taking turns", "speech that begins a turn (semantic ones)", ge=0
    )
    remove_filler_words: bool | None = optional(
        "taking turns", "hm and uh don't interrupt (semantic ones)"
    )
    turn_language: Texts = setting(
        "taking turns", "languages of semantic turn detection; repeatable", default=()
    )
    end_of_utterance: EndOfUtteranceModel | None = optional(
        "taking turns", "wait while the sentence is unfinished"
    )
    end_of_utterance_threshold: ThresholdLevel | None = optional(
        "taking turns", "how sure it must be of the end"
    )
    end_of_utterance_timeout_ms: int | None = optional(
        "taking turns", "the longest that it waits", ge=0
    )
    create_response: bool | None = optional(
        "taking turns", "answer each turn unasked; else /answer asks"
    )
    interrupt_response: bool | None = optional("taking turns", "your speech interrupts the agent")
    auto_truncate: bool | None = optional("taking turns", "the service reckons what you have heard")

    noise_reduction: Literal[NoiseReductionType, "none"] | None = optional(
        "hearing", "default: deep noise suppression for a microphone"
    )
    echo_cancellation: bool | None = optional("hearing", "default: on for a microphone")
    transcription_model: str | None = optional(
        "hearing", "such as azure-speech, whisper-1, gpt-4o-transcribe; or none"
    )
    language: str | None = optional("hearing", "what you speak: en-US, or en,zh to tell them apart")
    phrase: Texts = setting("hearing", "words to listen for; repeatable", default=())

    interim: Literal["static", "llm", "none"] | None = optional(
        "interim answers", "say something while the agent thinks"
    )
    interim_text: Texts = setting("interim answers", "what static ones say; repeatable", default=())
    interim_instructions: str | None = optional("interim answers", "what an llm is told to say")
    interim_after_ms: int | None = optional(
        "interim answers", "how long the agent may think; service default 2000", ge=0
    )
    interim_trigger: Triggers = setting("interim answers", "latency, tool; repeatable", default=())

    input_format: Codec = setting("formats", "what is sent", default="pcm16")
    input_rate_hz: InputRateHz | None = optional("formats", "default 24000; 8000 for G.711")
    output_format: OutputFormat = setting(
        "formats", "what is received; pcm16 is 24 kHz", default="pcm16"
    )
    session: Annotated[dict[str, Any], NoDecode] = setting(
        "formats", "further members of session.update (JSON, or [session] in a profile)", default={}
    )

    @field_validator("input_rate_hz", mode="before")
    @classmethod
    def _read_number(cls, value: object) -> object:
        """The environment knows texts only."""
        return int(value) if isinstance(value, str) and value.strip().isdecimal() else value

    @property
    def sent_rate_hz(self) -> int:
        """The sampling rate of the audio that is sent."""
        return self.input_rate_hz or default_rate_hz(self.input_format)

    @property
    def received_rate_hz(self) -> int:
        """The sampling rate of the audio that is received."""
        return parse_output_format(self.output_format).rate_hz

    @property
    def voice_kind(self) -> VoiceType:
        """The type of ``voice``: as given, or as its name and details tell."""
        if self.voice_type is not None:
            return self.voice_type
        if self.voice_endpoint_id:
            return "azure-custom"
        if self.voice_model:
            return "azure-personal"
        return guess_voice_type(self.voice)

    def check(self) -> None:
        """Raises UnfitError for values that don't fit together."""
        if self.greet and self.greeting:
            raise UnfitError("greeting", "is given together with greet: choose one")
        if self.input_format != "pcm16" and self.sent_rate_hz != 8_000:
            raise UnfitError("input_rate_hz", f"{self.input_format} is always 8000 Hz")
        if self.interim == "static" and not self.interim_text:
            raise UnfitError("interim_text", "static interim answers need at least one text")
        self._check_turns()
        self._check_voice()

    def _check_turns(self) -> None:
        semantic = self.turn_detection.startswith("azure_semantic_vad")
        for field in ("speech_duration_ms", "remove_filler_words", "turn_language"):
            if getattr(self, field) not in (None, ()) and not semantic:
                raise UnfitError(
                    field, "needs turn_detection azure_semantic_vad or a variant of it"
                )
        if self.turn_language and self.turn_detection == "azure_semantic_vad_en":
            raise UnfitError("turn_language", "azure_semantic_vad_en knows English alone")
        if self.end_of_utterance is None:
            for field in ("end_of_utterance_threshold", "end_of_utterance_timeout_ms"):
                if getattr(self, field) is not None:
                    raise UnfitError(field, "needs end_of_utterance with a model")

    def _check_voice(self) -> None:
        details = [name for name in VOICE_DETAILS if getattr(self, name) is not None]
        if self.voice is None:
            if details or self.voice_type:
                raise UnfitError((details or ["voice_type"])[0], "needs voice, the voice's name")
            return
        kind = self.voice_kind
        if kind in ("openai", "azure-realtime-native"):
            if details:
                raise UnfitError(
                    details[0], f"{self.voice} has no such setting; an Azure voice has"
                )
            known = OPENAI_VOICES if kind == "openai" else NATIVE_VOICES
            if self.voice not in known:
                raise UnfitError("voice", f"{kind} voices are {', '.join(sorted(known))}")
        if kind == "azure-custom" and not self.voice_endpoint_id:
            raise UnfitError("voice_endpoint_id", "a custom voice needs its deployment's id")
        if kind == "azure-personal" and not self.voice_model:
            raise UnfitError("voice_model", "a personal voice needs it, such as DragonLatestNeural")
