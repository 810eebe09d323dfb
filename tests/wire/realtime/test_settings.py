"""Settings of a GA session and response, to Voice Live's fields and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeSessionCreateResponse

from tests.emulator.session.strategies import GARBAGE, SESSIONS
from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.wire.realtime.settings import (
    PARAMS,
    read_response,
    read_session,
    write_session,
)
from voicelive_agent.wire.voice_live.session import SessionFields
from voicelive_agent.wire.voice_live.shapes import ProtocolError


def read(session: Any, now: Any = None) -> tuple[dict[str, Any], list[str]]:
    ignored: list[str] = []
    return read_session(session, now or {}, ignored.append), ignored


@given(session=SESSIONS, model=st.sampled_from([None, "gpt-4.1", "gpt-realtime"]))
def test_every_session_is_one_of_openais_and_comes_back(
    session: dict[str, Any], model: str | None
) -> None:
    configuration = Configuration(model=model, echo_reference=False)
    configuration.merge(session, voice_is_fixed=False, input_is_fixed=False)
    settings = configuration.describe()
    written = write_session({**settings, "id": "sess_1", "object": "realtime.session"})
    if model != "gpt-4.1" and "include" not in session:
        _check_by_openai(written)
    back, ignored = read(written)
    assert ignored == []
    again = Configuration(model=model, echo_reference=False)
    again.merge(back, voice_is_fixed=False, input_is_fixed=False)
    assert again.describe() == settings


def _check_by_openai(written: dict[str, Any]) -> None:
    """By the SDK's own types, where nothing of Azure's is asked for."""
    detection = written["audio"]["input"]["turn_detection"]
    if detection is None or detection["type"] == "server_vad":
        RealtimeSessionCreateResponse.model_validate(written)


@given(
    st.dictionaries(st.sampled_from([*SessionFields.model_fields, "audio", "reasoning"]), GARBAGE)
)
def test_whatever_a_client_sends_is_read_or_refused(session: dict[str, Any]) -> None:
    for reader in (read_session, read_response):
        try:
            reader(session, {}, lambda param: None)
        except ProtocolError as error:
            assert error.param


@given(st.recursive(GARBAGE, lambda inner: st.dictionaries(
    st.sampled_from(["input", "output", "format", "voice", "turn_detection", "transcription",
                     "type", "eagerness", "speed", "languages", "rate"]), inner)))  # fmt: skip
def test_whatever_stands_in_audio_is_read_or_refused(audio: Any) -> None:
    try:
        read({"audio": audio})
    except ProtocolError as error:
        assert error.param is not None
        assert error.param.startswith("session.audio")


def test_what_openai_agents_sends_at_first() -> None:
    session, ignored = read(
        {
            "type": "realtime",
            "model": "gpt-realtime-2.1",
            "output_modalities": ["audio"],
            "max_output_tokens": 200,
            "tracing": "auto",
            "reasoning": {"effort": "low"},
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": {"model": "gpt-4o-mini-transcribe"},
                    "turn_detection": {"type": "semantic_vad", "interrupt_response": True},
                },
                "output": {"format": {"type": "audio/pcmu"}, "voice": "ash"},
            },
        }
    )
    assert ignored == []
    assert session == {
        "modalities": ["text", "audio"],
        "max_response_output_tokens": 200,
        "reasoning_effort": "low",
        "input_audio_format": "pcm16",
        "input_audio_sampling_rate": 24000,
        "input_audio_transcription": {"model": "gpt-4o-mini-transcribe"},
        "turn_detection": {"type": "semantic_vad", "interrupt_response": True},
        "output_audio_format": "g711_ulaw",
        "voice": "ash",
    }


def test_members_without_effect_are_named() -> None:
    _, ignored = read(
        {
            "prompt": {"id": "pmpt_1"},
            "audio": {
                "fx": 1,
                "input": {"gain": 2, "transcription": {"model": "m", "delay": "low"}},
                "output": {"voice": "ash", "reverb": 3},
            },
        }
    )
    assert sorted(ignored) == [
        "session.audio.fx",
        "session.audio.input.gain",
        "session.audio.input.transcription.delay",
        "session.audio.output.reverb",
        "session.prompt",
    ]


def test_languages_and_keywords_are_voice_lives_list_and_phrases() -> None:
    asked = {"languages": ["en", "de"], "keywords": ["Contoso"], "prompt": None}
    session, _ = read({"audio": {"input": {"transcription": asked}}})
    assert session["input_audio_transcription"] == {
        "model": "azure-speech",
        "language": "en,de",
        "phrase_list": ["Contoso"],
    }


@pytest.mark.parametrize("name", ["turn_detection", "transcription", "noise_reduction"])
def test_null_turns_off(name: str) -> None:
    session, _ = read({"audio": {"input": {name: None}}})
    assert list(session.values()) == [None]


def test_a_response_out_of_band() -> None:
    ignored: list[str] = []
    response = read_response(
        {
            "conversation": "none",
            "input": [],
            "output_modalities": ["text"],
            "audio": {"output": {"voice": "ash"}, "input": {"format": None}},
            "metadata": {"topic": "x"},
            "parallel_tool_calls": True,
        },
        {},
        ignored.append,
    )
    assert response == {
        "commit": False,
        "input_items": [],
        "modalities": ["text"],
        "voice": "ash",
        "metadata": {"topic": "x"},
    }
    assert ignored == ["response.parallel_tool_calls", "response.audio.input.format"]


def test_paths_lead_to_one_name_each() -> None:
    assert len(set(PARAMS.values())) == len(PARAMS)
