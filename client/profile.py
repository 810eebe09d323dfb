"""What a session is asked to be: voice, turns, hearing, formats, tools.

Each field is an option of the command line, an environment variable and a key of a TOML profile.
A field that is None is not sent, so the service's own default holds. Values and rules are those
of ``session.update`` in API version 2026-07-15.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse"}
)
NATIVE_VOICES = frozenset(
    {"aarti", "andrew", "ava", "denise", "diya", "elsa", "florian", "francisca", "meera"}
    | {"xiaoxiao", "yunxi", "ximena"}
)

TurnDetection = Literal[
    "server_vad",
    "azure_semantic_vad",
    "azure_semantic_vad_en",
    "azure_semantic_vad_multilingual",
    "none",
]
OutputFormat = Literal[
    "pcm16",
    "pcm16_8000hz",
    "pcm16_16000hz",
    "pcm16_22050hz",
    "pcm16_24000hz",
    "pcm16_44100hz",
    "pcm16_48000hz",
    "g711_ulaw",
    "g711_alaw",
]
VoiceType = Literal[
    "azure-standard", "azure-custom", "azure-personal", "azure-realtime-native", "openai"
]


def split_list(value: object) -> object:
    """A text from the environment as a list; ``;`` or a new line stands between its parts."""
    if isinstance(value, str):
        return [part.strip() for part in value.replace("\n", ";").split(";") if part.strip()]
    return value


Texts = Annotated[tuple[str, ...], BeforeValidator(split_list)]


class UnfitError(ValueError):
    """Values that don't fit together: ``field`` is the one to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def _group(name: str) -> dict[str, Any]:
    return {"group": name}


class Profile(BaseModel):
    """The settings of a session; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    instructions: str | None = Field(
        None,
        description="what the model is told to be (a model only)",
        json_schema_extra=_group("answer"),
    )
    temperature: float | None = Field(
        None,
        ge=0,
        le=1.2,
        description="how freely the model answers, 0 to 1.2",
        json_schema_extra=_group("answer"),
    )
    max_output_tokens: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="limit of one answer, 1 to 4096",
        json_schema_extra=_group("answer"),
    )
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = Field(
        None, description="how long a reasoning model thinks", json_schema_extra=_group("answer")
    )
    greet: bool = Field(
        False,
        description="let the agent speak first, with a greeting of its own",
        json_schema_extra=_group("answer"),
    )
    greeting: str | None = Field(
        None, min_length=1, description="speak this text first", json_schema_extra=_group("answer")
    )
    text_only: bool = Field(
        False,
        description="type and read; no sound in either direction",
        json_schema_extra=_group("answer"),
    )

    voice: str | None = Field(
        None,
        description="en-US-Ava:DragonHDLatestNeural, alloy, or the name of your own voice",
        json_schema_extra=_group("voice"),
    )
    voice_type: VoiceType | None = Field(
        None, description="where the name alone does not tell", json_schema_extra=_group("voice")
    )
    voice_rate: str | None = Field(
        None, description="speed, such as 1.2 or -10%%", json_schema_extra=_group("voice")
    )
    voice_pitch: str | None = Field(
        None, description="such as +5%% or high", json_schema_extra=_group("voice")
    )
    voice_volume: str | None = Field(
        None, description="such as +10%% or soft", json_schema_extra=_group("voice")
    )
    voice_style: str | None = Field(
        None,
        description="such as cheerful, where the voice has it",
        json_schema_extra=_group("voice"),
    )
    voice_temperature: float | None = Field(
        None,
        ge=0,
        le=1,
        description="variety of an HD voice, 0 to 1",
        json_schema_extra=_group("voice"),
    )
    voice_locale: str | None = Field(
        None,
        description="language that the voice speaks, such as en-US",
        json_schema_extra=_group("voice"),
    )
    voice_lexicon_url: str | None = Field(
        None, description="custom lexicon with pronunciations", json_schema_extra=_group("voice")
    )
    voice_endpoint_id: str | None = Field(
        None, description="deployment of a custom voice", json_schema_extra=_group("voice")
    )
    voice_model: str | None = Field(
        None,
        description="model of a personal voice, such as DragonLatestNeural",
        json_schema_extra=_group("voice"),
    )

    turn_detection: TurnDetection = Field(
        "server_vad",
        description="who finds the end of what you say; none: you do",
        json_schema_extra=_group("turns"),
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="how sure it must be that you speak, 0 to 1",
        json_schema_extra=_group("turns"),
    )
    prefix_padding_ms: int | None = Field(
        None,
        ge=0,
        description="sound kept from before your speech",
        json_schema_extra=_group("turns"),
    )
    silence_duration_ms: int | None = Field(
        None, ge=0, description="pause that ends a turn", json_schema_extra=_group("turns")
    )
    speech_duration_ms: int | None = Field(
        None,
        ge=0,
        description="speech that begins a turn (semantic ones)",
        json_schema_extra=_group("turns"),
    )
    remove_filler_words: bool | None = Field(
        None,
        description="hm and uh don't interrupt (semantic ones)",
        json_schema_extra=_group("turns"),
    )
    turn_languages: Texts = Field(
        (),
        description="languages of semantic turn detection; repeatable",
        json_schema_extra=_group("turns"),
    )
    end_of_utterance: (
        Literal[
            "semantic_detection_v1",
            "semantic_detection_v1_en",
            "semantic_detection_v1_multilingual",
        ]
        | None
    ) = Field(
        None, description="wait while the sentence is unfinished", json_schema_extra=_group("turns")
    )
    end_of_utterance_threshold: Literal["low", "medium", "high", "default"] | None = Field(
        None, description="how sure it must be of the end", json_schema_extra=_group("turns")
    )
    end_of_utterance_timeout_ms: int | None = Field(
        None, ge=0, description="the longest that it waits", json_schema_extra=_group("turns")
    )
    create_response: bool | None = Field(
        None,
        description="answer each turn unasked; else /answer asks",
        json_schema_extra=_group("turns"),
    )
    interrupt_response: bool | None = Field(
        None, description="your speech interrupts the agent", json_schema_extra=_group("turns")
    )
    auto_truncate: bool | None = Field(
        None,
        description="the service reckons what you have heard",
        json_schema_extra=_group("turns"),
    )

    noise_reduction: (
        Literal["azure_deep_noise_suppression", "near_field", "far_field", "none"] | None
    ) = Field(
        None,
        description="default: deep noise suppression for a microphone",
        json_schema_extra=_group("hearing"),
    )
    echo_cancellation: bool | None = Field(
        None, description="default: on for a microphone", json_schema_extra=_group("hearing")
    )
    transcription_model: str | None = Field(
        None,
        description="such as azure-speech, whisper-1, gpt-4o-transcribe; or none",
        json_schema_extra=_group("hearing"),
    )
    language: str | None = Field(
        None,
        description="what you speak: en-US, or en,zh to tell them apart",
        json_schema_extra=_group("hearing"),
    )
    phrases: Texts = Field(
        (), description="words to listen for; repeatable", json_schema_extra=_group("hearing")
    )

    interim: Literal["static", "llm", "none"] | None = Field(
        None,
        description="say something while the agent thinks",
        json_schema_extra=_group("interim answers"),
    )
    interim_texts: Texts = Field(
        (),
        description="what static ones say; repeatable",
        json_schema_extra=_group("interim answers"),
    )
    interim_instructions: str | None = Field(
        None, description="what an llm is told to say", json_schema_extra=_group("interim answers")
    )
    interim_after_ms: int | None = Field(
        None,
        ge=0,
        description="how long the agent may think; service default 2000",
        json_schema_extra=_group("interim answers"),
    )
    interim_triggers: Annotated[
        tuple[Literal["latency", "tool"], ...], BeforeValidator(split_list)
    ] = Field(
        (), description="latency, tool; repeatable", json_schema_extra=_group("interim answers")
    )

    input_format: Literal["pcm16", "g711_ulaw", "g711_alaw"] = Field(
        "pcm16", description="what is sent", json_schema_extra=_group("formats")
    )
    input_rate_hz: Literal[8000, 16000, 24000, 44100, 48000] | None = Field(
        None, description="default 24000; 8000 for G.711", json_schema_extra=_group("formats")
    )
    output_format: OutputFormat = Field(
        "pcm16",
        description="what is received; pcm16 is 24 kHz",
        json_schema_extra=_group("formats"),
    )

    session: dict[str, Any] = Field(
        default_factory=dict,
        description="further members of session.update (JSON, or [session] in a profile)",
        json_schema_extra=_group("formats"),
    )

    @property
    def sent_rate_hz(self) -> int:
        """The sampling rate of the audio that is sent."""
        return self.input_rate_hz or (24_000 if self.input_format == "pcm16" else 8_000)

    @property
    def received_rate_hz(self) -> int:
        """The sampling rate of the audio that is received."""
        name, _, rate = self.output_format.partition("_")
        if name == "g711":
            return 8_000
        return int(rate.removesuffix("hz")) if rate else 24_000

    def check(self) -> None:
        """Raises UnfitError for values that don't fit together."""
        if self.greet and self.greeting:
            raise UnfitError("greeting", "is given together with greet: choose one")
        if self.input_format != "pcm16" and self.sent_rate_hz != 8_000:
            raise UnfitError("input_rate_hz", f"{self.input_format} is always 8000 Hz")
        if self.interim == "static" and not self.interim_texts:
            raise UnfitError("interim_texts", "static interim answers need at least one text")
        semantic = self.turn_detection.startswith("azure_semantic_vad")
        for field in ("speech_duration_ms", "remove_filler_words", "turn_languages"):
            if getattr(self, field) not in (None, ()) and not semantic:
                raise UnfitError(
                    field, "needs turn_detection azure_semantic_vad or a variant of it"
                )
        if self.turn_languages and self.turn_detection == "azure_semantic_vad_en":
            raise UnfitError("turn_languages", "azure_semantic_vad_en knows English alone")
        if self.end_of_utterance is None:
            for field in ("end_of_utterance_threshold", "end_of_utterance_timeout_ms"):
                if getattr(self, field) is not None:
                    raise UnfitError(field, "needs end_of_utterance with a model")
        self._check_voice()

    def _check_voice(self) -> None:
        details = [name for name in _VOICE_DETAILS if getattr(self, name) is not None]
        if self.voice is None:
            if details or self.voice_type:
                raise UnfitError((details or ["voice_type"])[0], "needs voice, the voice's name")
            return
        kind = self._voice_kind()
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

    def _voice_kind(self) -> VoiceType:
        if self.voice_type is not None:
            return self.voice_type
        if self.voice_endpoint_id:
            return "azure-custom"
        if self.voice_model:
            return "azure-personal"
        if self.voice in OPENAI_VOICES:
            return "openai"
        return "azure-realtime-native" if self.voice in NATIVE_VOICES else "azure-standard"

    def describe_voice(self) -> dict[str, Any] | None:
        if self.voice is None:
            return None
        details = {wire: getattr(self, field) for field, wire in _VOICE_DETAILS.items()}
        return {"type": self._voice_kind(), "name": self.voice, **_given(details)}

    def describe_turn_detection(self) -> dict[str, Any] | None:
        if self.turn_detection == "none":
            return None
        end_of_utterance = self.end_of_utterance and _given(
            {
                "model": self.end_of_utterance,
                "threshold_level": self.end_of_utterance_threshold,
                "timeout_ms": self.end_of_utterance_timeout_ms,
            }
        )
        return _given(
            {
                "type": self.turn_detection,
                "threshold": self.threshold,
                "prefix_padding_ms": self.prefix_padding_ms,
                "silence_duration_ms": self.silence_duration_ms,
                "speech_duration_ms": self.speech_duration_ms,
                "remove_filler_words": self.remove_filler_words,
                "languages": list(self.turn_languages) or None,
                "end_of_utterance_detection": end_of_utterance,
                "create_response": self.create_response,
                "interrupt_response": self.interrupt_response,
                "auto_truncate": self.auto_truncate,
            }
        )

    def describe_interim(self) -> dict[str, Any] | None:
        if self.interim in (None, "none"):
            return None
        return _given(
            {
                "type": f"{self.interim}_interim_response",
                "triggers": list(self.interim_triggers) or None,
                "latency_threshold_ms": self.interim_after_ms,
                "texts": list(self.interim_texts) or None,
                "instructions": self.interim_instructions,
            }
        )

    def describe_transcription(self, default_model: str) -> dict[str, Any] | None:
        if self.transcription_model == "none":
            return None
        return _given(
            {
                "model": self.transcription_model or default_model,
                "language": self.language,
                "phrase_list": list(self.phrases) or None,
            }
        )

    def describe_session(
        self, *, model: str | None, hardware: bool, tools: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """The ``session`` of ``session.update``.

        ``model`` is None for an agent, which owns instructions, temperature and tools itself.
        With ``hardware`` the microphone's noise and echo are taken out unless told otherwise;
        a file is left as it is.
        """
        noise = self.noise_reduction or ("azure_deep_noise_suppression" if hardware else "none")
        echo = hardware if self.echo_cancellation is None else self.echo_cancellation
        # Speech-to-speech models bring transcription models of their own.
        default_transcription = "whisper-1" if "realtime" in (model or "") else "azure-speech"
        described: dict[str, Any] = {
            "modalities": ["text"] if self.text_only else ["text", "audio"],
            "input_audio_format": self.input_format,
            "input_audio_sampling_rate": self.sent_rate_hz,
            "output_audio_format": self.output_format,
            "turn_detection": self.describe_turn_detection(),
            "input_audio_transcription": self.describe_transcription(default_transcription),
            **_given(
                {
                    "voice": self.describe_voice(),
                    "interim_response": self.describe_interim(),
                    "input_audio_noise_reduction": None if noise == "none" else {"type": noise},
                    "input_audio_echo_cancellation": (
                        {"type": "server_echo_cancellation"} if echo else None
                    ),
                }
            ),
        }
        if model is not None:
            described |= _given(
                {
                    "instructions": self.instructions,
                    "temperature": self.temperature,
                    "max_response_output_tokens": self.max_output_tokens,
                    "reasoning_effort": self.reasoning_effort,
                    "tools": tools or None,
                }
            )
        return described | self.session


_VOICE_DETAILS = {
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


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
