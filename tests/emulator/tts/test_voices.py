"""A session's voice becomes the nearest one of an engine, with a warning where it isn't near."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.tts import Voice
from voicelive_agent.emulator.tts.engines.openai_audio import OpenAITextToSpeech
from voicelive_agent.emulator.tts.voices import (
    EngineVoice,
    guess_gender,
    read_voice_request,
    resolve,
)
from voicelive_agent.wire.voice_live.voices import OPENAI_SPEECH_VOICES, OPENAI_VOICES, Gender

VOICES = [
    EngineVoice("m1", "en-US", "male"),
    EngineVoice("m2", "en-US", "male"),
    EngineVoice("f1", "en-US", "female"),
    EngineVoice("gb-f", "en-GB", "female"),
    EngineVoice("gb-m", "en-GB", "male"),
    EngineVoice("de-m", "de", "male"),
    EngineVoice("es-f", "es-ES", "female"),
    EngineVoice("mx-f", "es-MX", "female"),
]


def choose(voice: dict[str, Any]) -> tuple[str, str | None]:
    resolved, warning = resolve(voice, VOICES, "test")
    return resolved.name, warning


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("en-US-Ava:DragonHDLatestNeural", "f1"),
        ("en-US-AvaMultilingualNeural", "f1"),
        ("en-us-emma:dragonhdlatestneural", "f1"),
        ("alloy", "f1"),
        ("shimmer", "f1"),
        ("ava", "f1"),
        ("en-GB-SoniaNeural", "gb-f"),
        ("en-GB-RyanNeural", "gb-m"),
        ("en-AU-NatashaNeural", "gb-f"),
        ("en-IN-PrabhatNeural", "gb-m"),
        ("de-DE-ConradNeural", "de-m"),
        ("de-DE-KatjaNeural", "de-m"),
        ("es-AR-ElenaNeural", "mx-f"),
        ("es-ES-ElviraNeural", "es-f"),
        ("gb-m", "gb-m"),
        ("DE-M", "de-m"),
        ("", "m1"),
    ],
)
def test_known_names(name: str, chosen: str) -> None:
    assert choose({"type": "azure-standard", "name": name}) == (chosen, None)


def test_men_differ_and_the_same_man_stays_the_same() -> None:
    names = {
        choose({"name": person})[0]
        for person in ("echo", "ash", "verse", "cedar", "en-US-GuyNeural")
    }
    assert names == {"m1", "m2"}
    assert choose({"name": "en-US-Andrew:DragonHDLatestNeural"}) == choose({"name": "andrew"})


@pytest.mark.parametrize("name", ["Bob the Builder", "en-US-NobodyNeural", "x" * 5000])
def test_an_unknown_voice_falls_back_with_a_warning(name: str) -> None:
    chosen, warning = choose({"type": "azure-custom", "name": name, "endpoint_id": "e"})
    assert chosen == "m1"
    assert warning is not None
    assert "does not know the voice" in warning
    assert len(warning) < 250


def test_a_language_that_the_engine_lacks_is_a_warning() -> None:
    chosen, warning = choose({"name": "fr-FR-DeniseNeural"})
    assert chosen in ("f1", "gb-f", "es-f", "mx-f")
    assert warning is not None
    assert "fr-FR" in warning


def test_the_locale_of_a_multilingual_voice_can_be_set() -> None:
    assert choose({"name": "en-US-AvaMultilingualNeural", "locale": "es-ES"}) == ("es-f", None)


def test_prosody_and_its_warnings_come_with_the_voice() -> None:
    voice, warning = resolve(
        {"name": "echo", "rate": "1.2", "pitch": "+2st", "volume": "50"}, VOICES, "test"
    )
    assert warning is None
    assert (voice.rate, voice.volume) == (1.2, 0.5)
    assert voice.pitch == pytest.approx(1.122, abs=0.001)
    _, warning = resolve({"name": "who", "rate": "?", "pitch": "?", "volume": "?"}, VOICES, "test")
    assert warning is not None
    assert all(word in warning for word in ("who", "rate", "pitch", "volume"))


@pytest.mark.parametrize("voice", [{}, {"name": None}, {"name": 3}, {"locale": 7}, {"name": " "}])
def test_an_empty_wish_is_the_default_voice(voice: dict[str, Any]) -> None:
    assert resolve(voice, VOICES, "test") == (Voice("m1"), None)


@given(st.text(max_size=40))
def test_any_name_is_understood_somehow(name: str) -> None:
    assert choose({"name": name})[0] in {voice.name for voice in VOICES}
    read_voice_request({"name": name})


@pytest.mark.parametrize(("name", "gender"), OPENAI_SPEECH_VOICES.items())
def test_openai_voices_are_of_one_gender_everywhere(name: str, gender: Gender) -> None:
    """Fable was a man at OpenAI's endpoint, and a woman where another engine spoke for him."""
    assert guess_gender(name) == gender
    assert OpenAITextToSpeech().resolve_voice({"name": name})[0].name == name


def test_a_session_has_no_voice_that_only_the_speech_endpoint_has() -> None:
    assert OPENAI_SPEECH_VOICES.keys() - OPENAI_VOICES.keys() == {"fable", "nova", "onyx"}
