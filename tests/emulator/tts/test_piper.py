"""Piper's loading code, against a stand-in for its package: it ships no voice to test with."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.emulator.tts.sound import hear, running
from voicelive_agent.emulator.tts import SpeakingError
from voicelive_agent.emulator.tts.local import LocalSpeaking
from voicelive_agent.emulator.tts.piper import open_speaking

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES))
    monkeypatch.syspath_prepend(FAKES)


@pytest.fixture(params=["en_US-amy-medium", "en_GB-many-low"])
async def speaking(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalSpeaking]:
    (tmp_path / f"{request.param}.onnx").touch()
    async with running(open_speaking(str(tmp_path), processes=1)) as speaking:
        yield speaking


async def test_it_speaks_with_its_speakers(speaking: LocalSpeaking) -> None:
    voices = {voice.name: (voice.language, voice.gender) for voice in speaking.voices}
    assert voices in (
        {"en_US-amy-medium": ("en-US", "female")},
        {
            "en_GB-many-low/amy": ("en-GB", "female"),
            "en_GB-many-low/ryan": ("en-GB", "male"),
        },
    )
    he, _ = speaking.resolve_voice({"name": "en-US-GuyNeural"})
    she, _ = speaking.resolve_voice({"name": "en-US-AvaNeural"})
    normal = await hear(speaking, "Hello there. [[h@l]] you", he)
    fast = await hear(
        speaking, "Hello there. [[h@l]] you", speaking.resolve_voice({"rate": "2"})[0]
    )
    assert [word.text for word in normal.words] == ["Hello", "there.", "[[h@l]]", "you"]
    assert fast.voiced_ms == pytest.approx(normal.voiced_ms / 2, rel=0.02)
    her_level = (await hear(speaking, "Hello", she)).samples[0]
    assert normal.samples[0] == (her_level if len(voices) == 1 else 2 * her_level)


def test_what_is_missing_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpeakingError, match="models fetch piper-en-ryan"):
        open_speaking("", models_dir=tmp_path)
    with pytest.raises(SpeakingError, match=r"needs an \.onnx file"):
        open_speaking(str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SpeakingError, match=r"pip install 'voicelive-agent\[piper\]'"):
        open_speaking("")


async def test_a_voice_can_be_named_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "de_DE-thorsten-high.onnx"
    path.touch()
    async with running(open_speaking(str(path), processes=1)) as speaking:
        assert [(one.language, one.gender) for one in speaking.voices] == [("de-DE", "male")]
