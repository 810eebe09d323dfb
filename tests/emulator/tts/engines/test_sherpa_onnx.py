"""sherpa-onnx with a model of 800 bytes that hums: loading, speaking, and what is missing."""

import importlib.util
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.emulator.tts.sound import hear, running
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import espeak
from voicelive_agent.emulator.tts.engines.sherpa_onnx import list_voices, open_tts, read_kokoro_name
from voicelive_agent.emulator.tts.local import LocalTextToSpeech

TINY = Path(__file__).parent / "tiny_voice"

needs_sherpa = pytest.mark.skipif(
    importlib.util.find_spec("sherpa_onnx") is None or espeak.find_library() is None,
    reason="needs the extras sherpa-onnx and espeak",
)


speaks = pytest.mark.asyncio(loop_scope="class")


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def tts() -> AsyncIterator[LocalTextToSpeech]:
    async with running(open_tts(str(TINY), processes=1)) as tts:
        yield tts


@needs_sherpa
@pytest.mark.engine
class TestTinyVoice:
    @speaks
    async def test_it_speaks_with_estimated_words(self, tts: LocalTextToSpeech) -> None:
        voice, warning = tts.resolve_voice({"name": "en-US-AvaNeural"})
        assert (voice.name, voice.locale, warning) == ("speaker-0", "en-US", None)
        spoken = await hear(tts, "Hello there, my friend.", voice)
        assert spoken.sample_rate_hz == 16_000
        assert spoken.pitch_hz == pytest.approx(220, rel=0.03)
        assert [word.text for word in spoken.words] == ["Hello", "there,", "my", "friend."]
        last = spoken.words[-1]
        assert last.offset_ms + last.duration_ms == pytest.approx(spoken.duration_ms, abs=2)

    @speaks
    async def test_rate_pitch_and_volume(self, tts: LocalTextToSpeech) -> None:
        normal, fast, high, soft = [
            await hear(tts, "Good morning to you.", tts.resolve_voice(wish)[0])
            for wish in ({}, {"rate": "2"}, {"pitch": "+3st"}, {"volume": "50"})
        ]
        assert fast.voiced_ms == pytest.approx(normal.voiced_ms / 2, rel=0.1)
        assert high.pitch_hz == pytest.approx(normal.pitch_hz * 1.19, rel=0.03)
        assert high.voiced_ms == pytest.approx(normal.voiced_ms, rel=0.1)
        assert soft.rms == pytest.approx(normal.rms / 2, rel=0.02)

    @pytest.mark.parametrize("clause", ["", "…", "😀", "[[h@l]]", "\x00 \ud800"])
    @speaks
    async def test_odd_clauses_are_survived(self, tts: LocalTextToSpeech, clause: str) -> None:
        spoken = await hear(tts, clause, tts.resolve_voice({})[0])
        assert [word.text for word in spoken.words] == clause.split()

    async def test_a_model_with_a_lexicon_spells_by_it(self, tmp_path: Path) -> None:
        folder = tmp_path / "voice"
        shutil.copytree(TINY, folder)
        (folder / "lexicon.txt").write_text("hello h ə l o\nyes j ɛ s\n", encoding="utf-8")
        async with running(open_tts(str(folder), processes=1)) as tts:
            spoken = await hear(tts, "hello", tts.resolve_voice({})[0])
            assert len(spoken.samples) > 1000

    async def test_a_folder_without_a_model_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(TtsError, match=r"needs \*\.onnx and tokens\.txt"):
            await open_tts(str(tmp_path), processes=1).start()

    def test_a_missing_model_names_the_command(self, tmp_path: Path) -> None:
        with pytest.raises(TtsError, match="models fetch vits-ljs"):
            open_tts("", models_dir=tmp_path)
        with pytest.raises(TtsError, match="models fetch kokoro-multi"):
            open_tts("kokoro-multi", models_dir=tmp_path)
        with pytest.raises(TtsError, match="no model 'nonsense'"):
            open_tts("nonsense", models_dir=tmp_path)


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TtsError, match=r"pip install 'voicelive-agent\[sherpa-onnx\]'"):
        open_tts(str(TINY))


def test_the_voices_of_kokoro_have_names() -> None:
    for speakers, british_man in ((11, "bm_george"), (53, "bm_daniel")):
        voices = list_voices({"kind": "kokoro", "speakers": speakers, "language": "en-US"})
        found = next(voice for voice in voices if voice.name == british_man)
        assert (found.language, found.gender) == ("en-GB", "male")
        assert [voice.settings["speaker"] for voice in voices] == list(range(len(voices)))
    assert read_kokoro_name("xx_odd") == ("en-US", None)
    assert len(list_voices({"kind": "vits", "speakers": 904, "language": "en-GB"})) == 8
