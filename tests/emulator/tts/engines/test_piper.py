"""Piper's loading code, against a stand-in for its package: it ships no voice to test with."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.emulator.tts.sound import hear, running
from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines.piper import open_tts
from voicelive_agent.emulator.tts.local import LocalTextToSpeech

pytestmark = pytest.mark.engine
FAKES = Path(__file__).parent / "fakes"


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES))
    monkeypatch.syspath_prepend(FAKES)


@pytest.fixture(params=["en_US-amy-medium", "en_GB-many-low"])
async def tts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalTextToSpeech]:
    (tmp_path / f"{request.param}.onnx").touch()
    async with running(open_tts(str(tmp_path), processes=1)) as tts:
        yield tts


async def test_it_speaks_with_its_speakers(tts: LocalTextToSpeech) -> None:
    voices = {voice.name: (voice.language, voice.gender) for voice in tts.voices}
    assert voices in (
        {"en_US-amy-medium": ("en-US", "female")},
        {
            "en_GB-many-low/amy": ("en-GB", "female"),
            "en_GB-many-low/ryan": ("en-GB", "male"),
        },
    )
    he, _ = tts.resolve_voice({"name": "en-US-GuyNeural"})
    she, _ = tts.resolve_voice({"name": "en-US-AvaNeural"})
    normal = await hear(tts, "Hello there. [[h@l]] you", he)
    fast = await hear(tts, "Hello there. [[h@l]] you", tts.resolve_voice({"rate": "2"})[0])
    assert [word.text for word in normal.words] == ["Hello", "there.", "[[h@l]]", "you"]
    assert fast.voiced_ms == pytest.approx(normal.voiced_ms / 2, rel=0.02)
    her_level = (await hear(tts, "Hello", she)).samples[0]
    assert normal.samples[0] == (her_level if len(voices) == 1 else 2 * her_level)


def test_what_is_missing_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TtsError, match="models fetch piper-en-ryan"):
        open_tts("", models_dir=tmp_path)
    with pytest.raises(TtsError, match=r"needs an \.onnx file"):
        open_tts(str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TtsError, match=r"pip install 'voicelive-agent\[piper\]'"):
        open_tts("")


async def test_a_voice_can_be_named_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "de_DE-thorsten-high.onnx"
    path.touch()
    async with running(open_tts(str(path), processes=1)) as tts:
        assert [(one.language, one.gender) for one in tts.voices] == [("de-DE", "male")]
