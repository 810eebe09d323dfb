"""Two engines as one: each language by the engine that has it, all at one sample rate."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
import pytest_asyncio

from tests.emulator.tts.sound import hear, speak
from voicelive_agent.emulator.tts.by_language import TextToSpeechByLanguage
from voicelive_agent.emulator.tts.engines import espeak
from voicelive_agent.emulator.tts.engines.hibari import engine as hibari
from voicelive_agent.emulator.tts.local import LocalTextToSpeech

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


async def test_the_process_of_other_languages_runs_once_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """espeak-ng's process took 50 MB of every emulator, most of which speak English alone."""
    first, other = hibari.open_tts(), espeak.open_tts(processes=1)
    started: list[str] = []
    for engine in (first, other):
        monkeypatch.setattr(engine, "start", count_starts(engine, started))
    tts = TextToSpeechByLanguage([first, other])
    await tts.start()
    try:
        started.clear()
        assert not is_running(other)
        assert (await speak(tts, "Good morning.")).duration_ms > 300
        assert not is_running(other)
        german, _ = tts.resolve_voice({"name": "de-DE-ConradNeural"})
        heard = await asyncio.gather(
            *(hear(tts, "Guten Tag.", german) for _ in range(2)), hear(tts, "Bis morgen.", german)
        )
        assert all(one.duration_ms > 300 for one in heard)
        assert started == ["espeak"]
        assert is_running(other)
    finally:
        await tts.stop()
    assert not is_running(other)


async def test_who_stops_a_clause_before_its_engine_has_started_stops_no_other_clause() -> None:
    """A barge-in into the first German clause must not cost the next one its engine."""
    tts = TextToSpeechByLanguage([hibari.open_tts(), espeak.open_tts(processes=1)])
    await tts.start()
    try:
        german, _ = tts.resolve_voice({"name": "de-DE-ConradNeural"})
        cut = asyncio.create_task(hear(tts, "Guten Tag.", german))
        await asyncio.sleep(0)
        cut.cancel()
        assert (await hear(tts, "Guten Tag.", german)).duration_ms > 300
    finally:
        await tts.stop()


def count_starts(engine: LocalTextToSpeech, started: list[str]) -> Callable[[], Awaitable[None]]:
    start = engine.start

    async def counted() -> None:
        started.append(engine.name)
        await start()

    return counted


def is_running(engine: LocalTextToSpeech) -> bool:
    return any(worker._process is not None for worker in engine._processes._workers)
