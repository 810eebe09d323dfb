"""Formats and voices of GA, to Voice Live and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from voicelive_agent.wire.audio.formats import OUTPUT_FORMATS, PCM16_INPUT_RATES_HZ
from voicelive_agent.wire.realtime.audio import (
    read_input_format,
    read_output_format,
    read_voice,
    write_input_format,
    write_output_format,
    write_voice,
)
from voicelive_agent.wire.voice_live.shapes import ProtocolError
from voicelive_agent.wire.voice_live.voices import VoiceObject

TEXTS = st.text(min_size=1, max_size=12)
VOICES = st.one_of(
    st.fixed_dictionaries({"type": st.just("openai"), "name": TEXTS}),
    st.fixed_dictionaries(
        {"type": st.just("azure-standard"), "name": TEXTS},
        optional={
            "temperature": st.floats(0, 1),
            "locale": TEXTS,
            "style": TEXTS,
            "pitch": TEXTS,
            "volume": TEXTS,
            "rate": st.floats(0.5, 2),
            "prefer_locales": st.lists(TEXTS),
            "custom_lexicon_url": TEXTS,
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("azure-custom"), "name": TEXTS, "endpoint_id": TEXTS},
    ),
    st.fixed_dictionaries({"type": st.just("azure-personal"), "name": TEXTS, "model": TEXTS}),
    st.fixed_dictionaries({"type": st.just("avatar-voice-sync"), "model": TEXTS}),
)


@given(VOICES)
def test_every_voice_comes_back(voice: dict[str, object]) -> None:
    written = write_voice(voice)
    assert read_voice(written, {}) == {"voice": voice}
    TypeAdapter(VoiceObject).validate_python(read_voice(written, {})["voice"])


@pytest.mark.parametrize(
    ("output", "voice"),
    [
        ({"voice": "marin"}, "marin"),
        ({"voice": {"id": "voice_1"}}, "voice_1"),
        ({"voice": "marin", "speed": 1.2}, {"type": "openai", "name": "marin", "rate": 1.2}),
        ({"voice": "en-US-AvaNeural", "style": "sad", "speed": None},
         {"type": "azure-standard", "name": "en-US-AvaNeural", "style": "sad"}),
        ({"speed": 1.5}, {"type": "openai", "name": "ash", "rate": 1.5}),
        ({"voice": None}, None),
        ({"voice": 7, "speed": 1.5}, 7),
    ],
)  # fmt: skip
def test_a_voice_by_what_is_said_of_it(output: dict[str, object], voice: object) -> None:
    assert read_voice(output, {"type": "openai", "name": "ash"}) == {"voice": voice}


def test_nothing_said_of_the_voice_changes_nothing() -> None:
    assert read_voice({"format": {"type": "audio/pcm"}, "speed": None}, {"name": "ash"}) == {}


@pytest.mark.parametrize(
    ("rate", "speed"), [("1.2", 1.2), ("+10%", 1.1), ("-50%", 0.5), (2, 2), ("fast", "fast")]
)
def test_a_rate_is_told_as_a_multiple(rate: object, speed: object) -> None:
    written = write_voice({"type": "azure-standard", "name": "x", "rate": rate})
    assert written["speed"] == (pytest.approx(speed) if isinstance(speed, float) else speed)


@pytest.mark.parametrize("name", OUTPUT_FORMATS)
def test_every_output_format_comes_back(name: str) -> None:
    back = read_output_format(write_output_format(name), "p")
    assert back == ("pcm16" if name == "pcm16_24000hz" else name)


@pytest.mark.parametrize("rate_hz", PCM16_INPUT_RATES_HZ)
def test_every_input_format_comes_back(rate_hz: int) -> None:
    assert read_input_format(write_input_format("pcm16", rate_hz), "p") == {
        "input_audio_format": "pcm16",
        "input_audio_sampling_rate": rate_hz,
    }
    g711 = write_input_format("g711_alaw", 8000)
    assert read_input_format(g711, "p")["input_audio_format"] == "g711_alaw"


@pytest.mark.parametrize("value", [{}, {"type": "audio/opus"}, {"type": ["audio/pcm"]}, 5, []])
def test_another_format_is_refused_with_those_there_are(value: object) -> None:
    with pytest.raises(ProtocolError, match="audio/pcm, audio/pcmu, audio/pcma"):
        read_input_format(value, "session.audio.input.format")
