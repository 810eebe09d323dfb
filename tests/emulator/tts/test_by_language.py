"""Two engines as one: each language by the engine that has it, all at one sample rate."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from tests.emulator.tts.sound import hear, speak
from voicelive_agent.emulator.tts.by_language import TextToSpeechByLanguage
from voicelive_agent.emulator.tts.engines import espeak
from voicelive_agent.emulator.tts.engines.hibari import engine as hibari

pytestmark = [
    pytest.mark.engine,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        espeak.find_library() is None, reason="espeak-ng is not installed: pip install '.[espeak]'"
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tts() -> AsyncIterator[TextToSpeechByLanguage]:
    opened = TextToSpeechByLanguage([hibari.open_tts(), espeak.open_tts(processes=1)])
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({}, "heart"),
        ({"name": "en-US-AvaNeural"}, None),
        ({"name": "alloy"}, None),
        ({"name": "en-GB-RyanNeural"}, "heart-deep"),
        ({"name": "en-us+klatt4"}, "en-us+klatt4"),
        ({"name": "en-US-AndrewNeural", "locale": "fr-FR"}, "fr+"),
        ({"name": "es-ES-ElviraNeural"}, "es+"),
        ({"name": "zh-CN-XiaoxiaoNeural"}, "cmn+"),
    ],
)
async def test_each_voice_has_its_engine(
    tts: TextToSpeechByLanguage, asked: dict[str, str], chosen: str | None
) -> None:
    voice, warning = tts.resolve_voice(asked)
    assert warning is None
    assert voice.name.startswith(chosen or "heart")


async def test_a_language_that_nobody_has_is_told(tts: TextToSpeechByLanguage) -> None:
    voice, warning = tts.resolve_voice({"name": "xx-XX-NobodyNeural"})
    assert voice.name == "heart"
    assert warning is not None


async def test_both_are_heard_at_one_rate_with_their_words(tts: TextToSpeechByLanguage) -> None:
    """espeak-ng's 22050 Hz, played as 24000, would be a tenth too fast and too high."""
    alone = espeak.open_tts(processes=1)
    await alone.start()
    try:
        voice, _ = alone.resolve_voice({"name": "de-DE-ConradNeural"})
        own = await hear(alone, "Guten Tag, wie geht es Ihnen?", voice)
    finally:
        await alone.stop()
    spoken = await speak(tts, "Guten Tag, wie geht es Ihnen?", name="de-DE-ConradNeural")
    assert spoken.sample_rate_hz == 24_000
    assert spoken.duration_ms == pytest.approx(own.duration_ms, abs=30)
    assert spoken.pitch_hz == pytest.approx(own.pitch_hz, rel=0.05)
    assert [word.text for word in spoken.words] == ["Guten", "Tag,", "wie", "geht", "es", "Ihnen?"]
    english = await speak(tts, "Good morning.")
    assert np.abs(english.samples.astype(int)).max() > 3000
