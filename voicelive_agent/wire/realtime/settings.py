"""Settings of a GA session and of a response: Voice Live's fields in their nested form, and back.

What GA has no name for keeps Voice Live's. Shapes: openai 3.52 ``types.realtime`` and
azure-ai-projects 2.10 ``VoiceAgentSessionUpdateConfig``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from voicelive_agent.wire.realtime.audio import (
    VOICE_FIELDS,
    read_input_format,
    read_output_format,
    read_voice,
    write_input_format,
    write_output_format,
    write_voice,
)
from voicelive_agent.wire.realtime.tools import read_tools, write_tools
from voicelive_agent.wire.voice_live.shapes import ProtocolError

Ignore = Callable[[str], None]
"""Told the path of each member that has no effect."""

_INPUT_FIELDS = {
    "transcription": "input_audio_transcription",
    "noise_reduction": "input_audio_noise_reduction",
    "echo_cancellation": "input_audio_echo_cancellation",
    "turn_detection": "turn_detection",
}
_TIMESTAMPS = "output_audio_timestamp_types"
_WITHOUT_EFFECT = frozenset(
    {"type", "object", "id", "expires_at", "model", "tracing", "truncation"}
)
"""Members that say what holds anyway, or what happens nowhere but at OpenAI.

A model is named by the address; OpenAI's clients repeat their own default in each update.
"""
_UNKNOWN = frozenset({"prompt"})
_DEFAULT_TRANSCRIPTION = "azure-speech"

PARAMS = {
    "session.modalities": "session.output_modalities",
    "session.max_response_output_tokens": "session.max_output_tokens",
    "session.reasoning_effort": "session.reasoning.effort",
    "session.input_audio_format": "session.audio.input.format",
    "session.input_audio_sampling_rate": "session.audio.input.format.rate",
    **{f"session.{ours}": f"session.audio.input.{ga}" for ga, ours in _INPUT_FIELDS.items()},
    "session.output_audio_format": "session.audio.output.format",
    f"session.{_TIMESTAMPS}": f"session.audio.output.{_TIMESTAMPS}",
    "session.voice": "session.audio.output.voice",
    "response.modalities": "response.output_modalities",
    "response.reasoning_effort": "response.reasoning.effort",
    "response.input_items": "response.input",
    "response.commit": "response.conversation",
    "response.output_audio_format": "response.audio.output.format",
    "response.voice": "response.audio.output.voice",
}
"""Paths in errors and warnings, by Voice Live's."""


def read_session(
    session: Mapping[str, Any], now: Mapping[str, Any], ignore: Ignore
) -> dict[str, Any]:
    """A ``session`` of a client in Voice Live's fields. Raises ProtocolError.

    ``now``: the session's settings, in Voice Live's fields.
    """
    read = _read_common(session, now, "session", ignore, "max_response_output_tokens")
    audio = _object(session.get("audio"), "session.audio")
    given = _object(audio.get("input"), "session.audio.input")
    for name, value in given.items():
        param = f"session.audio.input.{name}"
        if name == "format":
            read |= read_input_format(value, param)
        elif name in _INPUT_FIELDS:
            read[_INPUT_FIELDS[name]] = _read_input_field(name, value, param, ignore)
        else:
            ignore(param)
    return read


def read_response(
    response: Mapping[str, Any], now: Mapping[str, Any], ignore: Ignore
) -> dict[str, Any]:
    """A client's ``response`` in Voice Live's fields, but for its items. Raises ProtocolError."""
    read = _read_common(response, now, "response", ignore, "max_output_tokens")
    if "input" in read:
        read["input_items"] = read.pop("input")
    if "conversation" in read:
        read["commit"] = read.pop("conversation") != "none"
    if read.pop("parallel_tool_calls", None) is not None:
        ignore("response.parallel_tool_calls")
    audio = _object(response.get("audio"), "response.audio")
    for name in audio.get("input") or ():
        ignore(f"response.audio.input.{name}")
    return read


def _read_common(
    given: Mapping[str, Any], now: Mapping[str, Any], path: str, ignore: Ignore, limit: str
) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name == "output_modalities":
            read["modalities"] = _read_modalities(value)
        elif name == "max_output_tokens":
            read[limit] = value
        elif name == "reasoning":
            reasoning = _object(value, f"{path}.reasoning")
            read["reasoning_effort"] = reasoning.get("effort")
        elif name == "tools":
            read[name] = read_tools(value, f"{path}.tools", ignore)
        elif name in _UNKNOWN and value is not None:
            ignore(f"{path}.{name}")
        elif name != "audio" and name not in _WITHOUT_EFFECT | _UNKNOWN:
            read[name] = value
    audio = _object(given.get("audio"), f"{path}.audio")
    for name in audio.keys() - {"input", "output"}:
        ignore(f"{path}.audio.{name}")
    return read | _read_output(audio.get("output"), now, f"{path}.audio.output", ignore)


def _read_output(output: Any, now: Mapping[str, Any], path: str, ignore: Ignore) -> dict[str, Any]:
    output = _object(output, path)
    read = read_voice(output, now.get("voice") or {})
    if "format" in output:
        read["output_audio_format"] = read_output_format(output["format"], f"{path}.format")
    if _TIMESTAMPS in output:
        read[_TIMESTAMPS] = output[_TIMESTAMPS]
    for name in output.keys() - {"voice", "format", _TIMESTAMPS} - VOICE_FIELDS.keys():
        ignore(f"{path}.{name}")
    return read


def _object(value: Any, param: str) -> Mapping[str, Any]:
    """A member that is an object; empty where there is none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ProtocolError(
            f"Invalid '{param}': it must be an object.", code="invalid_type", param=param
        )
    return value


def _read_modalities(value: Any) -> Any:
    # In GA audio comes with its transcript, which Voice Live calls text.
    if isinstance(value, list) and "audio" in value and "text" not in value:
        return ["text", *value]
    return value


def _read_input_field(name: str, value: Any, param: str, ignore: Ignore) -> Any:
    if not isinstance(value, Mapping):
        return value
    if name == "transcription":
        return _read_transcription(value, param, ignore)
    return value


def _read_transcription(value: Mapping[str, Any], param: str, ignore: Ignore) -> dict[str, Any]:
    read = {name: one for name, one in value.items() if one is not None}
    read.setdefault("model", _DEFAULT_TRANSCRIPTION)
    languages, keywords = read.pop("languages", None), read.pop("keywords", None)
    if isinstance(languages, list) and "language" not in read:
        read["language"] = ",".join(map(str, languages))
    if keywords is not None:
        read.setdefault("phrase_list", keywords)
    for name in ("delay", "profanity_filter"):
        if read.pop(name, None) is not None:
            ignore(f"{param}.{name}")
    return read


def write_session(session: Mapping[str, Any]) -> dict[str, Any]:
    """The ``session`` of ``session.created`` and ``session.updated``."""
    written = _write_common(session, "max_response_output_tokens")
    # The service names a model of every session; an agent has none that it tells.
    written["model"] = session.get("model") or session.get("agent", {}).get("name", "")
    written["audio"] = {
        "input": {
            "format": write_input_format(
                written.pop("input_audio_format"), written.pop("input_audio_sampling_rate")
            ),
            **{ga: _write_input_field(ga, written.pop(ours)) for ga, ours in _INPUT_FIELDS.items()},
        },
        "output": {**_write_output(written), _TIMESTAMPS: written.pop(_TIMESTAMPS)},
    }
    return {"type": "realtime", **written}


def write_response(response: Mapping[str, Any]) -> dict[str, Any]:
    """A ``response`` as the client is told of it, but for its items."""
    written = _write_common(response, "max_output_tokens")
    return {**written, "audio": {"output": _write_output(written)}}


def _write_common(given: Mapping[str, Any], limit: str) -> dict[str, Any]:
    written = dict(given)
    modalities = written.pop("modalities")
    rest = [one for one in modalities if one not in ("text", "audio")]
    written["output_modalities"] = ["audio" if "audio" in modalities else "text", *rest]
    written["max_output_tokens"] = written.pop(limit)
    if "tools" in written:
        written["tools"] = write_tools(written["tools"])
    if (effort := written.pop("reasoning_effort", None)) is not None:
        written["reasoning"] = {"effort": effort}
    return written


def _write_output(written: dict[str, Any]) -> dict[str, Any]:
    """The ``audio.output`` of what is written so far, whose fields are taken away."""
    format_ = write_output_format(written.pop("output_audio_format"))
    return {"format": format_, **write_voice(written.pop("voice"))}


def _write_input_field(name: str, value: Any) -> Any:
    if name == "turn_detection" and value is not None and value["type"] == "semantic_vad":
        kept = ("type", "eagerness", "create_response", "interrupt_response")
        return {one: value[one] for one in kept}
    return value
