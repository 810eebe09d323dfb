"""Audio of a GA session: its formats and voices, as Voice Live's fields and back.

Voice agents of Foundry write a voice flat into ``audio.output``: its name, and beside it
``voice_type``, ``speed`` and others (azure-ai-projects 2.10, VoiceAgentAudioOutputConfig).
"""

from collections.abc import Mapping
from typing import Any

from voicelive_agent.wire.audio.formats import DEFAULT_RATE_HZ, parse_output_format
from voicelive_agent.wire.voice_live.shapes import ProtocolError
from voicelive_agent.wire.voice_live.voices import guess_voice_type

_CODECS = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
_TYPES = {codec: type_ for type_, codec in _CODECS.items()}

VOICE_FIELDS = {
    "voice_type": "type",
    "voice_locale": "locale",
    "voice_temperature": "temperature",
    "speed": "rate",
    "custom_lexicon_url": "custom_lexicon_url",
    "custom_text_normalization_url": "custom_text_normalization_url",
    "prefer_locales": "prefer_locales",
    "style": "style",
    "pitch": "pitch",
    "volume": "volume",
    "custom_voice_endpoint_id": "endpoint_id",
    "personal_voice_model": "model",
}
"""Members of ``audio.output`` that say how the voice sounds, by Voice Live's names."""


def read_input_format(value: Any, param: str) -> dict[str, Any]:
    """Voice Live's two fields for ``audio.input.format``. Raises ProtocolError."""
    codec, rate_hz = _read_format(value, param)
    return {"input_audio_format": codec, "input_audio_sampling_rate": rate_hz}


def read_output_format(value: Any, param: str) -> Any:
    """Voice Live's ``output_audio_format``. Raises ProtocolError."""
    codec, rate_hz = _read_format(value, param)
    return codec if rate_hz in (None, DEFAULT_RATE_HZ) else f"{codec}_{rate_hz}hz"


def _read_format(value: Any, param: str) -> tuple[Any, Any]:
    """Codec and rate; without a rate, the codec's own. The older names are taken as they are."""
    if value is None or isinstance(value, str):
        return value, None
    type_ = value.get("type") if isinstance(value, Mapping) else None
    codec = _CODECS.get(type_) if isinstance(type_, str) else None
    if codec is None:
        raise ProtocolError(
            f"Invalid '{param}': it must be an object with one of the types {', '.join(_CODECS)}.",
            code="invalid_value",
            param=param,
        )
    return codec, value.get("rate", DEFAULT_RATE_HZ) if codec == "pcm16" else None


def write_input_format(codec: str, rate_hz: int) -> dict[str, Any]:
    """``audio.input.format``."""
    type_ = _TYPES[codec]
    return {"type": type_, "rate": rate_hz} if codec == "pcm16" else {"type": type_}


def write_output_format(name: str | None) -> dict[str, Any] | None:
    """``audio.output.format``."""
    if name is None:
        return None
    format_ = parse_output_format(name)
    return write_input_format(format_.codec, format_.rate_hz)


def read_voice(output: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """``{"voice": …}`` as Voice Live has it; empty where ``audio.output`` says nothing of it.

    ``current``: the session's voice, which is changed where no other is named.
    """
    name = output.get("voice")
    if isinstance(name, Mapping) and "id" in name:
        name = name["id"]
    sound = {ours: output[ga] for ga, ours in VOICE_FIELDS.items() if output.get(ga) is not None}
    if not sound:
        return {"voice": name} if "voice" in output else {}
    if name is None:
        return {"voice": {**current, **sound}}
    if not isinstance(name, str):
        return {"voice": name}
    return {"voice": {"type": guess_voice_type(name), "name": name, **sound}}


def write_voice(voice: Mapping[str, Any]) -> dict[str, Any]:
    """What ``audio.output`` says of a voice."""
    sound = {ga: voice[ours] for ga, ours in VOICE_FIELDS.items() if voice.get(ours) is not None}
    if "speed" in sound:
        sound["speed"] = _as_speed(sound["speed"])
    return {**({"voice": voice["name"]} if "name" in voice else {}), **sound}


def _as_speed(rate: Any) -> Any:
    """A rate as a multiple; what is none, such as ``fast``, stays as it is."""
    try:
        if isinstance(rate, str) and rate.endswith("%"):
            return 1 + float(rate[:-1]) / 100
        return float(rate)
    except (TypeError, ValueError):
        return rate
