"""The session object: what it holds, its defaults, and how an update merges into it.

An update merges at the top level: fields left out keep their value, null clears, and a nested
object is replaced, its missing members taking their defaults. An update that is wrong in any
part changes nothing.
"""

import copy
import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from voicelive_agent.emulator.session.effects import ConfigureInput
from voicelive_agent.emulator.session.facts import Warned
from voicelive_agent.wire.audio.formats import (
    DEFAULT_RATE_HZ,
    Codec,
    default_rate_hz,
    parse_input_format,
)
from voicelive_agent.wire.voice_live.session import (
    Animation,
    EchoCancellation,
    LlmInterim,
    Modality,
    NoiseReduction,
    SessionFields,
    StaticInterim,
    Transcription,
)
from voicelive_agent.wire.voice_live.shapes import ProtocolError, Shape, check_shape
from voicelive_agent.wire.voice_live.turn_detection import AzureSemanticVad, ServerVad
from voicelive_agent.wire.voice_live.voices import DEFAULT_REALTIME_VOICE, DEFAULT_VOICE, name_voice

DEFAULT_INSTRUCTIONS = (
    "You are a helpful voice assistant. Your answers are spoken: keep them short, in plain "
    "sentences, without lists, markup or emoji."
)

AGENT_OWNS = ("instructions", "tools", "tool_choice", "temperature")
"""Ignored in agent mode, with a warning."""
FIXED_ONCE_SPOKEN = ("voice",)
FIXED_ONCE_HEARD = ("input_audio_sampling_rate", "input_audio_format")
PHRASES_AT_MOST = 2000
"""Of a list; so many take 60 ms to read."""
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
_ANY_LANGUAGE = ("", "auto", "multi")
"""What clients write where the language shall be found out."""
_VOICE_WITHOUT_EFFECT = ("style", "custom_lexicon_url", "custom_text_normalization_url")
_WARNED_MEMBERS = 20
"""So many members that are unknown are named, each in a warning of its own."""
_TRANSCRIPTION_FIELDS = frozenset(
    {
        "include",
        "input_audio_echo_cancellation",
        "input_audio_format",
        "input_audio_noise_reduction",
        "input_audio_sampling_rate",
        "input_audio_transcription",
        "turn_detection",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentSettings:
    """One session's settings, in the order in which the client is told them.

    What the client wrote as objects stays in the shapes that it was checked by, but for the
    voice and the tools: those go to engines and agents as JSON.
    """

    modalities: Sequence[Modality] = ("text", "audio")
    animation: Animation | None = None
    voice: Mapping[str, Any]
    instructions: str | None
    input_audio_sampling_rate: int = DEFAULT_RATE_HZ
    input_audio_format: Codec = "pcm16"
    output_audio_format: str = "pcm16"
    """In the spelling of the client."""
    turn_detection: ServerVad | None = field(default_factory=lambda: ServerVad(type="server_vad"))
    input_audio_noise_reduction: NoiseReduction | None = None
    input_audio_echo_cancellation: EchoCancellation | None = None
    avatar: None = None
    input_audio_transcription: Transcription | None
    output_audio_timestamp_types: Sequence[str] | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] = "auto"
    parallel_tool_calls: bool = True
    temperature: float | None
    max_response_output_tokens: int | Literal["inf"] = "inf"
    reasoning_effort: str | None = None
    interim_response: StaticInterim | LlmInterim | None = None
    include: Sequence[str] | None = None
    metadata: Mapping[str, str] | None = None


class Configuration:
    """The settings of one session, and what changes them; ``now`` is replaced, never changed."""

    def __init__(
        self, *, model: str | None, echo_reference: bool, writes_interims: bool = False
    ) -> None:
        """``model`` None is agent mode; ``echo_reference`` is the feature of that name.

        ``writes_interims``: a model can be asked for interim responses.
        """
        self.writes_interims = writes_interims
        self._model = model
        self._echo_reference = echo_reference
        self.now = self._defaults()
        self._rate_is_chosen = False
        self.temperature: float | None = None
        """What the client chose: the default shown is that of no model here, and some take none."""

    @property
    def in_agent_mode(self) -> bool:
        return self._model is None

    @property
    def _is_realtime(self) -> bool:
        return self._model is not None and "realtime" in self._model

    def merge(
        self,
        update: Mapping[str, Any],
        *,
        voice_is_fixed: bool,
        input_is_fixed: bool,
        transcription_only: bool = False,
    ) -> list[Warned]:
        """Apply a ``session`` object from the client.

        ``voice_is_fixed``: the session has produced audio; ``input_is_fixed``: it has received
        some. Raises ProtocolError, and nothing is changed then.
        """
        known = {name: update[name] for name in SessionFields.model_fields if name in update}
        if transcription_only and (foreign := sorted(known.keys() - _TRANSCRIPTION_FIELDS)):
            raise ProtocolError(
                f"A transcription session has no '{foreign[0]}': send it in session.update.",
                code="unknown_parameter",
                param=f"session.{foreign[0]}",
            )
        if self.in_agent_mode:
            known = {name: value for name, value in known.items() if name not in AGENT_OWNS}
        checked = check_shape(SessionFields, known, "session")
        changed = {name: getattr(checked, name) for name in known}
        settings = replace(self.now, **self._fill_in(changed))
        rate_is_chosen = self._rate_is_chosen
        if "input_audio_sampling_rate" in changed:
            rate_is_chosen = changed["input_audio_sampling_rate"] is not None
        if not rate_is_chosen:
            rate_hz = default_rate_hz(settings.input_audio_format)
            settings = replace(settings, input_audio_sampling_rate=rate_hz)
        self._check(settings, voice_is_fixed=voice_is_fixed, input_is_fixed=input_is_fixed)
        self.now = settings
        self._rate_is_chosen = rate_is_chosen
        self.temperature = changed.get("temperature", self.temperature)
        return [
            *self._warn(update),
            *_warn_unknown(update, checked),
            *self._warn_language(),
            *self.warn_unsupported(changed, "session"),
        ]

    def describe(self) -> dict[str, Any]:
        """The settings as JSON, as the client is told them."""
        return {one.name: _to_json(getattr(self.now, one.name)) for one in fields(self.now)}

    @property
    def language(self) -> str:
        """What the person speaks (BCP-47); the first where the session names several."""
        tags = [name.replace("_", "-") for name in self._named_languages()]
        return next(filter(_LANGUAGE_TAG.fullmatch, tags), "en-US")

    def _named_languages(self) -> list[str]:
        transcription, detection = self.now.input_audio_transcription, self.now.turn_detection
        named = (transcription.language if transcription else None) or ""
        also = detection.languages if isinstance(detection, AzureSemanticVad) else None
        names = [name.strip() for name in (*named.split(","), *(also or ()))]
        return [name for name in names if name.lower() not in _ANY_LANGUAGE]

    def input(self) -> ConfigureInput:
        """How input audio is to be taken."""
        now = self.now
        transcription, echo = now.input_audio_transcription, now.input_audio_echo_cancellation
        return ConfigureInput(
            format=parse_input_format(now.input_audio_format, now.input_audio_sampling_rate),
            channels=echo.channels if echo else 1,
            turn_detection=now.turn_detection,
            language=self.language,
            phrases=tuple((transcription and transcription.phrase_list) or ())[:PHRASES_AT_MOST],
            noise_reduction=now.input_audio_noise_reduction,
            echo_cancellation=echo,
        )

    def dress_voice(self, voice: str | Shape) -> dict[str, Any]:
        """A voice as JSON, where the client gave its name alone or as an object."""
        dressed = name_voice(voice) if isinstance(voice, str) else voice.model_dump()
        # The official quickstarts read name, type and temperature of any voice of an agent.
        if self.in_agent_mode:
            dressed.setdefault("name", dressed["type"])
        dressed = {name: value for name, value in dressed.items() if value is not None}
        if self.in_agent_mode or dressed["type"].startswith("azure-"):
            dressed.setdefault("temperature", 0.8)
        return dressed

    def patch_voice(self, patch: Mapping[str, Any]) -> Mapping[str, Any]:
        """The session's voice as its agent changes it; null takes a member back."""
        merged = {**self.now.voice, **patch}
        voice = {name: value for name, value in merged.items() if value is not None}
        self.now = replace(self.now, voice=voice)
        return voice

    def _defaults(self) -> CurrentSettings:
        # Models that hear and speak by themselves don't write down what they hear unasked.
        is_realtime = self._is_realtime
        return CurrentSettings(
            voice=self.dress_voice(DEFAULT_REALTIME_VOICE if is_realtime else DEFAULT_VOICE),
            instructions=None if self.in_agent_mode else DEFAULT_INSTRUCTIONS,
            input_audio_transcription=(
                None if is_realtime else Transcription(model="azure-speech")
            ),
            temperature=None if self.in_agent_mode else 0.8,
        )

    def _fill_in(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The new values: null is the default of what can't be off, and off for the rest."""
        defaults = self._defaults()
        off = {"turn_detection", "input_audio_transcription"}
        filled = {
            name: getattr(defaults, name) if value is None and name not in off else value
            for name, value in changed.items()
        }
        if (voice := changed.get("voice")) is not None:
            filled["voice"] = self.dress_voice(voice)
        # Those go to the agent as JSON.
        for name in ("tools", "tool_choice"):
            if name in filled:
                filled[name] = _to_json(filled[name])
        if filled.get("instructions") == "":
            filled["instructions"] = defaults.instructions
        if "avatar" in filled:
            filled["avatar"] = None
        return filled

    def _check(
        self, settings: CurrentSettings, *, voice_is_fixed: bool, input_is_fixed: bool
    ) -> None:
        """What no field can tell alone. Raises ProtocolError."""
        if voice_is_fixed and settings.voice != self.now.voice:
            raise ProtocolError(
                "The voice can't be changed once the session has produced audio: leave 'voice' "
                "out, or open a new session.",
                code="cannot_update_voice",
                param="session.voice",
            )
        for name in FIXED_ONCE_HEARD:
            if input_is_fixed and getattr(settings, name) != getattr(self.now, name):
                raise ProtocolError(
                    f"'{name}' can't be changed once the session has received audio: set it "
                    "before the first append.",
                    code=f"cannot_update_{name}",
                    param=f"session.{name}",
                )
        if settings.input_audio_format != "pcm16" and settings.input_audio_sampling_rate != 8000:
            raise ProtocolError(
                f"{settings.input_audio_format} is sampled at 8000 Hz: set the rate to 8000.",
                code="invalid_value",
                param="session.input_audio_sampling_rate",
            )
        if "text" not in settings.modalities and not self._is_realtime:
            raise ProtocolError(
                "Audio alone is for realtime models: add 'text' to the modalities.",
                code="invalid_value",
                param="session.modalities",
            )
        if settings.input_audio_echo_cancellation:
            self._check_echo_cancellation(settings, settings.input_audio_echo_cancellation)

    def _check_echo_cancellation(self, settings: CurrentSettings, echo: EchoCancellation) -> None:
        param = "session.input_audio_echo_cancellation"
        if echo.channels not in (1, 2):
            raise ProtocolError(
                "The input has 1 channel, or 2 with the reference in the second.",
                code="invalid_ec_reference_channels",
                param=f"{param}.channels",
            )
        if echo.channels == 2 and echo.reference_source != "client":
            raise ProtocolError(
                "Two channels carry the client's reference: set reference_source to 'client'.",
                code="invalid_ec_channels_requires_client",
                param=f"{param}.channels",
            )
        if echo.reference_source == "client":
            if echo.channels != 2 or settings.input_audio_format != "pcm16":
                raise ProtocolError(
                    "The client's reference comes in the second channel of pcm16: set channels "
                    "to 2 and input_audio_format to 'pcm16'.",
                    code="invalid_ec_reference_channels",
                    param=f"{param}.channels",
                )
            if not self._echo_reference:
                raise ProtocolError(
                    "A reference from the client must be announced when connecting: add "
                    "features=client_ec_reference:true to the query.",
                    code="invalid_value",
                    param=f"{param}.reference_source",
                )

    def _warn(self, update: Mapping[str, Any]) -> Iterator[Warned]:
        if "model" in update:
            who = f"model {self._model!r}" if self._model else "its agent"
            yield Warned(
                f"'session.model' is ignored: the session goes on with {who}, as named when it was "
                "opened. The rest of the update is applied.",
                "cannot_update_model",
                "session.model",
            )
        if self.in_agent_mode:
            for name in AGENT_OWNS:
                if update.get(name) is not None:
                    yield warn_ignored_by_agent(f"session.{name}")

    def _warn_language(self) -> Iterator[Warned]:
        wrong = [
            name
            for name in self._named_languages()
            if not _LANGUAGE_TAG.fullmatch(name.replace("_", "-"))
        ]
        if wrong:
            yield Warned(
                f"{wrong[0][:40]!r} is not a language tag such as 'en-US' or 'de': it is ignored.",
                "unknown_language",
                "session.input_audio_transcription.language",
            )

    def has_function(self, name: str) -> bool:
        """Whether the client itself has a function of this name."""
        return any(tool["type"] == "function" and tool["name"] == name for tool in self.now.tools)

    def warn_unsupported(self, given: Mapping[str, Any], param: str) -> Iterator[Warned]:
        """Warnings about what is valid but not done here, in fields of a session or a response."""
        if given.get("avatar") or "avatar" in (given.get("modalities") or ()):
            yield Warned(
                "The emulator doesn't do avatars and video: the session goes on without.",
                "avatar_not_supported",
                f"{param}.{'avatar' if given.get('avatar') else 'modalities'}",
            )
        transcription, voice = given.get("input_audio_transcription"), given.get("voice")
        if isinstance(transcription, Transcription):
            yield from _warn_transcription(transcription, f"{param}.input_audio_transcription")
        for name in _VOICE_WITHOUT_EFFECT:
            if getattr(voice, name, None):
                yield Warned(
                    f"'{param}.voice.{name}' has no effect here: only Azure's voices have that.",
                    "voice_option_not_supported",
                    f"{param}.voice.{name}",
                )
        animation = given.get("animation")
        if isinstance(animation, Animation) and "blendshapes" in animation.outputs:
            yield Warned(
                "The emulator doesn't do blendshapes: ask for 'viseme_id'.",
                "blendshapes_not_supported",
                f"{param}.animation.outputs",
            )
        for index, tool in enumerate(given.get("tools") or ()):
            if tool.type not in ("function", "mcp"):
                yield Warned(
                    f"The emulator doesn't run '{tool.type[:50]}' tools: the model has none.",
                    "tool_not_supported",
                    f"{param}.tools[{index}]",
                )
        if isinstance(given.get("interim_response"), LlmInterim) and not self.writes_interims:
            yield Warned(
                "The emulator has no model for interim responses and speaks set phrases instead: "
                "start it with --model-url.",
                "interim_response_not_generated",
                f"{param}.interim_response",
            )


def _to_json(value: Any) -> Any:
    """A copy that the client, or an agent, may be told."""
    if isinstance(value, Shape):
        return value.model_dump()
    if isinstance(value, list | tuple):
        return [_to_json(one) for one in value]
    return copy.deepcopy(value)


def _warn_transcription(given: Transcription, param: str) -> Iterator[Warned]:
    for name in ("custom_speech", "prompt"):
        if getattr(given, name):
            yield Warned(
                f"'{param}.{name}' has no effect here: the emulator's own engine hears. Names and "
                "products go into 'phrase_list'.",
                "transcription_option_not_supported",
                f"{param}.{name}",
            )
    if len(given.phrase_list or ()) > PHRASES_AT_MOST:
        yield Warned(
            f"The emulator takes the first {PHRASES_AT_MOST} phrases of '{param}.phrase_list'.",
            "too_many_phrases",
            f"{param}.phrase_list",
        )


def _warn_unknown(update: Mapping[str, Any], checked: SessionFields) -> Iterator[Warned]:
    """Warnings about members that nobody knows, with what may have been meant."""
    known = SessionFields.model_fields
    top = [("session", name, known) for name in update if name not in {*known, "model"}]
    unknown = [*top, *_find_unknown(checked, "session")]
    for path, name, fields_known in unknown[:_WARNED_MEMBERS]:
        param = f"{path}.{name}"[:200]
        meant = difflib.get_close_matches(name[:50], fields_known, 1)
        hint = f" Did you mean '{meant[0]}'?" if meant else ""
        yield Warned(f"'{param}' can't be set and is ignored.{hint}", "unknown_parameter", param)
    if (more := len(unknown) - _WARNED_MEMBERS) > 0:
        yield Warned(
            f"{more} more unknown members of 'session' are ignored.", "unknown_parameter", "session"
        )


def _find_unknown(shape: Shape, path: str) -> Iterator[tuple[str, str, Collection[str]]]:
    """Path, name, and what is known beside it, of each unknown member that isn't null."""
    for name, value in shape:
        if name in (shape.model_extra or ()):
            if value is not None:
                yield path, name, type(shape).model_fields
        elif isinstance(value, Shape):
            yield from _find_unknown(value, f"{path}.{name}")


def warn_ignored_by_agent(param: str) -> Warned:
    return Warned(
        f"'{param}' belongs to the agent and is ignored: set it in the agent.",
        "ignored_in_agent_mode",
        param,
    )
