"""Flite, in its own processes: words, mouth shapes, voices, and what it can't say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from tests.emulator.tts.sound import hear, running, speak, transcribe
from voicelive_agent.emulator.tts.engines import flite as flite_module
from voicelive_agent.emulator.tts.engines.flite import find_library, open_tts
from voicelive_agent.emulator.tts.local import LocalTextToSpeech

pytestmark = pytest.mark.skipif(
    find_library() is None, reason="flite is not installed: apt install flite"
)

SENTENCE = "Good morning, I will now tell you about the weather in your area."


@pytest.fixture
async def flite() -> AsyncIterator[LocalTextToSpeech]:
    async with running(open_tts(processes=1)) as tts:
        yield tts


@pytest.mark.parametrize("name", ["kal16", "slt"])
async def test_words_and_visemes_come_with_the_audio(flite: LocalTextToSpeech, name: str) -> None:
    spoken = await speak(flite, "Hello there, Dr. Smith owes $7.50! — “Yes.”", name=name)
    assert [word.text for word in spoken.words] == [
        "Hello", "there,", "Dr.", "Smith", "owes", "$7.50!", "—", "“Yes.”",
    ]  # fmt: skip
    times = {word.text: word for word in spoken.words}
    assert times["$7.50!"].duration_ms > 800
    assert times["—"].duration_ms == 0
    end = 0
    for word in spoken.words:
        assert word.offset_ms >= end
        end = word.offset_ms + word.duration_ms
    assert end <= spoken.duration_ms
    assert [viseme.viseme_id for viseme in spoken.visemes][1:5] == [12, 1, 14, 8]  # hh ax l ow
    assert spoken.chunks > 5


async def test_it_begins_to_sound_at_once(flite: LocalTextToSpeech) -> None:
    """An utterance of flite begins with 200 ms of silence, which would delay each answer."""
    spoken = await speak(flite, "Yes.")
    assert spoken.words[0].offset_ms <= 20
    assert spoken.duration_ms - spoken.voiced_ms < 400


async def test_rate_pitch_and_volume(flite: LocalTextToSpeech) -> None:
    normal = await speak(flite, SENTENCE)
    fast = await speak(flite, SENTENCE, rate="1.5")
    high = await speak(flite, SENTENCE, pitch="1.3")
    soft = await speak(flite, SENTENCE, volume="50")
    assert fast.voiced_ms == pytest.approx(normal.voiced_ms / 1.5, rel=0.1)
    assert high.pitch_hz == pytest.approx(normal.pitch_hz * 1.3, rel=0.1)
    assert high.voiced_ms == pytest.approx(normal.voiced_ms, rel=0.1)
    assert soft.rms == pytest.approx(normal.rms / 2, rel=0.02)


async def test_voices_by_gender_and_accent(flite: LocalTextToSpeech) -> None:
    names = [
        flite.resolve_voice({"name": name})[0].name
        for name in ("", "en-US-AvaNeural", "en-GB-RyanNeural", "rms")
    ]
    assert names == ["kal16", "slt", "awb", "rms"]
    _, warning = flite.resolve_voice({"name": "de-DE-KatjaNeural"})
    assert warning is not None
    assert "de-DE" in warning


@pytest.mark.parametrize("clause", ["", "  ", "😀 🎉", "…", "\x00 \ud800", "東京", "a" * 2000])
async def test_odd_clauses_are_survived(flite: LocalTextToSpeech, clause: str) -> None:
    spoken = await speak(flite, clause)
    assert [word.text for word in spoken.words] == clause.split()


async def test_stopping_frees_it_for_the_next_clause(flite: LocalTextToSpeech) -> None:
    voice, _ = flite.resolve_voice({"name": "slt"})
    async with aclosing(flite.speak(SENTENCE * 20, voice)) as chunks:
        await anext(chunks)
    async with asyncio.timeout(10):
        assert (await hear(flite, "Yes.", voice)).words


async def test_speech_recognition_understands_it(flite: LocalTextToSpeech) -> None:
    spoken = await speak(flite, "the weather is good in boston")
    heard = await asyncio.to_thread(transcribe, spoken)
    assert len(set(heard.split()) & {"the", "weather", "is", "good", "in", "boston"}) >= 5


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flite_module, "find_library", lambda: None)
    with pytest.raises(RuntimeError, match="apt install flite"):
        flite_module.open_synthesizer()
