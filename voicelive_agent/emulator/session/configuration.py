"""The session object: what it holds, its defaults, and how an update merges into it.

An update merges at the top level: fields left out keep their value, null clears, and a nested
object is replaced, its missing members taking their defaults. An update that is wrong in any
part changes nothing.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from voicelive_agent.emulator.session.effects import ConfigureInput
from voicelive_agent.emulator.session.facts import Warned
from voicelive_agent.wire.audio.formats import DEFAULT_RATE_HZ, default_rate_hz
from voicelive_agent.wire.voice_live.session import (
    SessionFields,
    Transcription,
)
from voicelive_agent.wire.voice_live.shapes import (
    ProtocolError,
    check_shape,
)
from voicelive_agent.wire.voice_live.turn_detection import ServerVad
from voicelive_agent.wire.voice_live.voices import name_voice

DEFAULT_INSTRUCTIONS = (
    "You are a helpful voice assistant. Your answers are spoken: keep them short, in plain "
    "sentences, without lists, markup or emoji."
)

_AGENT_OWNS = ("instructions", "tools", "tool_choice", "temperature")
_SERVER_OWNS = ("id", "object", "agent", "expires_at")
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


class Configuration:
    """One session's settings; ``values`` are JSON and are replaced, never changed in place."""

    def __init__(
        self, *, model: str | None, echo_reference: bool, writes_interims: bool = False
    ) -> None:
        """``model`` None is agent mode; ``echo_reference`` is the feature of that name.

        ``writes_interims``: a model can be asked for interim responses.
        """
        self.writes_interims = writes_interims
        self._model = model
        self._echo_reference = echo_reference
        self.values: dict[str, Any] = self._defaults()
        self._rate_is_chosen = False
        self.temperature: float | None = None
        """What the client chose: the default shown is that of no model here, and some take none."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

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
        if "model" in update:
            raise ProtocolError(
                "The model is named when connecting and can't be changed: leave 'model' out.",
                code="cannot_update_model",
                param="session.model",
            )
        known = {name: update[name] for name in SessionFields.model_fields if name in update}
        if transcription_only and (foreign := sorted(known.keys() - _TRANSCRIPTION_FIELDS)):
            raise ProtocolError(
                f"A transcription session has no '{foreign[0]}': send it in session.update.",
                code="unknown_parameter",
                param=f"session.{foreign[0]}",
            )
        if self.in_agent_mode:
            known = {name: value for name, value in known.items() if name not in _AGENT_OWNS}
        fields = check_shape(SessionFields, known, "session").model_dump()
        changed = {name: fields[name] for name in known}
        values = {**self.values, **self._fill_in(changed)}
        rate_is_chosen = self._rate_is_chosen
        if "input_audio_sampling_rate" in changed:
            rate_is_chosen = changed["input_audio_sampling_rate"] is not None
        if not rate_is_chosen:
            rate_hz = default_rate_hz(values["input_audio_format"])
            values["input_audio_sampling_rate"] = rate_hz
        self._check(values, voice_is_fixed=voice_is_fixed, input_is_fixed=input_is_fixed)
        self.values = values
        self._rate_is_chosen = rate_is_chosen
        self.temperature = changed.get("temperature", self.temperature)
        return [*self._warn(update), *self.warn_unsupported(changed, "session")]

    def describe(self) -> dict[str, Any]:
        """A copy of the values, as the client is told them."""
        return copy.deepcopy(self.values)

    def hearing(self) -> ConfigureInput:
        """What hearing has to know of it."""
        transcription = self["input_audio_transcription"] or {}
        turn_detection = self["turn_detection"]
        languages = [
            *(transcription.get("language") or "").split(","),
            *((turn_detection or {}).get("languages") or ()),
        ]
        echo = self["input_audio_echo_cancellation"]
        return ConfigureInput(
            input_format=self["input_audio_format"],
            sampling_rate_hz=self["input_audio_sampling_rate"],
            channels=echo["channels"] if echo else 1,
            turn_detection=turn_detection,
            language=next(filter(None, map(str.strip, languages)), "en-US"),
            phrases=tuple(transcription.get("phrase_list") or ()),
            noise_reduction=self["input_audio_noise_reduction"],
            echo_cancellation=echo,
        )

    def dress_voice(self, voice: Any) -> dict[str, Any]:
        """A voice as an object, where the client gave its name alone or as an object."""
        dressed = name_voice(voice) if isinstance(voice, str) else dict(voice)
        # The official quickstarts read name, type and temperature of any voice of an agent.
        if self.in_agent_mode:
            dressed.setdefault("name", dressed["type"])
        dressed = {name: value for name, value in dressed.items() if value is not None}
        if self.in_agent_mode or dressed["type"].startswith("azure-"):
            dressed.setdefault("temperature", 0.8)
        return dressed

    def _defaults(self) -> dict[str, Any]:
        # Models that hear and speak by themselves don't write down what they hear unasked.
        is_realtime = self._is_realtime
        voice = "alloy" if is_realtime else "en-US-Ava:DragonHDLatestNeural"
        transcription = None if is_realtime else Transcription(model="azure-speech")
        return {
            "modalities": ["text", "audio"],
            "animation": None,
            "voice": self.dress_voice(voice),
            "instructions": None if self.in_agent_mode else DEFAULT_INSTRUCTIONS,
            "input_audio_sampling_rate": DEFAULT_RATE_HZ,
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "turn_detection": ServerVad(type="server_vad").model_dump(),
            "input_audio_noise_reduction": None,
            "input_audio_echo_cancellation": None,
            "avatar": None,
            "input_audio_transcription": transcription and transcription.model_dump(),
            "output_audio_timestamp_types": None,
            "tools": [],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "temperature": None if self.in_agent_mode else 0.8,
            "max_response_output_tokens": "inf",
            "reasoning_effort": None,
            "interim_response": None,
            "include": None,
            "metadata": None,
        }

    def _fill_in(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The new values: null is the default of what can't be off, and off for the rest."""
        defaults = self._defaults()
        off = {"turn_detection", "input_audio_transcription"}
        filled = {
            name: defaults[name] if value is None and name not in off else value
            for name, value in changed.items()
        }
        if "voice" in filled:
            filled["voice"] = self.dress_voice(filled["voice"])
        if filled.get("instructions") == "":
            filled["instructions"] = defaults["instructions"]
        if "avatar" in filled:
            filled["avatar"] = None
        return filled

    def _check(
        self, values: Mapping[str, Any], *, voice_is_fixed: bool, input_is_fixed: bool
    ) -> None:
        """What no field can tell alone. Raises ProtocolError."""
        if voice_is_fixed and values["voice"] != self["voice"]:
            raise ProtocolError(
                "The voice can't be changed once the session has produced audio: leave 'voice' "
                "out, or open a new session.",
                code="cannot_update_voice",
                param="session.voice",
            )
        for name in ("input_audio_sampling_rate", "input_audio_format"):
            if input_is_fixed and values[name] != self[name]:
                raise ProtocolError(
                    f"'{name}' can't be changed once the session has received audio: set it "
                    "before the first append.",
                    code=f"cannot_update_{name}",
                    param=f"session.{name}",
                )
        if values["input_audio_format"] != "pcm16" and values["input_audio_sampling_rate"] != 8000:
            raise ProtocolError(
                f"{values['input_audio_format']} is sampled at 8000 Hz: set the rate to 8000.",
                code="invalid_value",
                param="session.input_audio_sampling_rate",
            )
        if "text" not in values["modalities"] and not self._is_realtime:
            raise ProtocolError(
                "Audio alone is for realtime models: add 'text' to the modalities.",
                code="invalid_value",
                param="session.modalities",
            )
        if values["input_audio_echo_cancellation"]:
            self._check_echo_cancellation(values)

    def _check_echo_cancellation(self, values: Mapping[str, Any]) -> None:
        echo = values["input_audio_echo_cancellation"]
        param = "session.input_audio_echo_cancellation"
        if echo["channels"] not in (1, 2):
            raise ProtocolError(
                "The input has 1 channel, or 2 with the reference in the second.",
                code="invalid_ec_reference_channels",
                param=f"{param}.channels",
            )
        if echo["channels"] == 2 and echo["reference_source"] != "client":
            raise ProtocolError(
                "Two channels carry the client's reference: set reference_source to 'client'.",
                code="invalid_ec_channels_requires_client",
                param=f"{param}.channels",
            )
        if echo["reference_source"] == "client":
            if echo["channels"] != 2 or values["input_audio_format"] != "pcm16":
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
        for name in update:
            param = f"session.{name}"[:200]
            if name in _SERVER_OWNS or name not in SessionFields.model_fields:
                yield Warned(f"'{param}' can't be set and is ignored.", "unknown_parameter", param)
            elif self.in_agent_mode and name in _AGENT_OWNS and update[name] is not None:
                yield warn_ignored_by_agent(param)

    def warn_unsupported(self, values: Mapping[str, Any], param: str) -> Iterator[Warned]:
        """Warnings about what is valid but not done here, in fields of a session or a response."""
        if values.get("avatar") or "avatar" in (values.get("modalities") or ()):
            yield Warned(
                "The emulator doesn't do avatars and video: the session goes on without.",
                "avatar_not_supported",
                f"{param}.{'avatar' if values.get('avatar') else 'modalities'}",
            )
        if "blendshapes" in (values.get("animation") or {}).get("outputs", ()):
            yield Warned(
                "The emulator doesn't do blendshapes: ask for 'viseme_id'.",
                "blendshapes_not_supported",
                f"{param}.animation.outputs",
            )
        for index, tool in enumerate(values.get("tools") or ()):
            if tool["type"] != "function":
                yield Warned(
                    f"The emulator doesn't run '{tool['type'][:50]}' tools: the model has none.",
                    "mcp_not_supported" if tool["type"] == "mcp" else "tool_not_supported",
                    f"{param}.tools[{index}]",
                )
        interim = values.get("interim_response") or {}
        if interim.get("type") == "llm_interim_response" and not self.writes_interims:
            yield Warned(
                "The emulator has no model for interim responses and speaks set phrases instead: "
                "start it with --model-url.",
                "interim_response_not_generated",
                f"{param}.interim_response",
            )


def warn_ignored_by_agent(param: str) -> Warned:
    return Warned(
        f"'{param}' belongs to the agent and is ignored: set it in the agent.",
        "ignored_in_agent_mode",
        param,
    )
