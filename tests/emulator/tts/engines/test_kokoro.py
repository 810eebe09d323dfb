"""Kokoro's loading code, against a stand-in for its package: it ships no model to test with."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.emulator.tts.sound import hear, running
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import espeak
from voicelive_agent.emulator.tts.engines.kokoro import open_tts
from voicelive_agent.emulator.tts.local import LocalTextToSpeech

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        espeak.find_library() is None, reason="espeak-ng is not installed: pip install '.[espeak]'"
    ),
]
FAKES = Path(__file__).parent / "fakes"


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES))
    monkeypatch.syspath_prepend(FAKES)


@pytest.fixture
async def tts(tmp_path: Path) -> AsyncIterator[LocalTextToSpeech]:
    (tmp_path / "kokoro-v1.0.int8.onnx").touch()
    (tmp_path / "voices-v1.0.bin").touch()
    async with running(open_tts(str(tmp_path))) as tts:
        yield tts


async def test_it_speaks_with_the_voice_of_the_language(tts: LocalTextToSpeech) -> None:
    names = [
        tts.resolve_voice({"name": name})[0].name
        for name in ("", "en-GB-RyanNeural", "ja-JP-NanamiNeural", "am_adam")
    ]
    assert names == ["af_heart", "bm_lewis", "jf_alpha", "am_adam"]
    american = await hear(tts, "Hello.", tts.resolve_voice({})[0])
    british = await hear(tts, "Hello.", tts.resolve_voice({"name": "bm_lewis"})[0])
    japanese = await hear(tts, "Hello.", tts.resolve_voice({"name": "jf_alpha"})[0])
    fast = await hear(tts, "Hello.", tts.resolve_voice({"rate": "2"})[0])
    assert american.sample_rate_hz == 24_000
    assert british.samples[0] == pytest.approx(american.samples[0] * 2, abs=1)
    assert japanese.samples[0] == 32_767  # louder than can be
    assert fast.voiced_ms == pytest.approx(american.voiced_ms / 2, rel=0.02)
    assert [word.text for word in american.words] == ["Hello."]


async def test_words_of_one_clause_never_leak_into_the_next(tts: LocalTextToSpeech) -> None:
    """Its phonemiser kept what follows "No." back, and said it at the start of the next text."""
    voice, _ = tts.resolve_voice({})
    alone = await hear(tts, "Goodbye.", voice)
    await hear(tts, "Ask for ext. no. x", voice)
    assert len((await hear(tts, "Goodbye.", voice)).samples) == len(alone.samples)


@pytest.mark.parametrize("clause", ["", "…", "😀"])
async def test_nothing_to_say_is_no_error(tts: LocalTextToSpeech, clause: str) -> None:
    spoken = await hear(tts, clause, tts.resolve_voice({})[0])
    assert [word.text for word in spoken.words] == clause.split()


async def test_what_it_can_not_say_fails_its_clause(tts: LocalTextToSpeech) -> None:
    voice, _ = tts.resolve_voice({})
    with pytest.raises(TtsError, match="no phonemes"):
        await hear(tts, "At the zoo.", voice)
    assert (await hear(tts, "Hello.", voice)).words


def test_what_is_missing_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TtsError, match="models fetch kokoro"):
        open_tts("", models_dir=tmp_path)
    with pytest.raises(TtsError, match=r"needs \*\.onnx and voices\*\.bin"):
        open_tts(str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TtsError, match=r"pip install 'voicelive-agent\[kokoro\]'"):
        open_tts("")
