"""Speech engines are opened by name; what is missing is told."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import espeak, flite, open_tts
from voicelive_agent.emulator.tts.engines.openai_audio import OpenAITextToSpeech


def install(
    monkeypatch: pytest.MonkeyPatch, *, loader: bool, espeak_library: bool, flite_library: bool
) -> None:
    found = object() if loader else None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    library = ("libespeak-ng.so", None) if espeak_library else None
    monkeypatch.setattr(espeak, "find_library", lambda: library)
    monkeypatch.setattr(flite, "find_library", lambda: "libflite.so" if flite_library else None)


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        ({"loader": True, "espeak_library": True, "flite_library": True}, "espeak"),
        ({"loader": False, "espeak_library": True, "flite_library": True}, "flite"),
        ({"loader": False, "espeak_library": True, "flite_library": False}, "espeak"),
    ],
)
def test_auto_takes_what_is_there(
    monkeypatch: pytest.MonkeyPatch, installed: Any, chosen: str
) -> None:
    install(monkeypatch, **installed)
    assert open_tts().name == chosen


def test_auto_without_any_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, loader=False, espeak_library=False, flite_library=False)
    with pytest.raises(TtsError, match=r"voicelive-agent\[espeak\].*apt install flite"):
        open_tts()
    for name in ("espeak", "flite"):
        with pytest.raises(TtsError, match="is not installed"):
            open_tts(name)


def test_engines_with_a_model_and_with_a_url(tmp_path: Path) -> None:
    assert isinstance(open_tts("openai:http://127.0.0.1:8880/v1"), OpenAITextToSpeech)
    with pytest.raises(TtsError, match=r"models fetch vits-ljs|not installed"):
        open_tts("sherpa-onnx", models_dir=tmp_path)
    with pytest.raises(TtsError, match="no speech engine 'festival': choose auto, espeak"):
        open_tts("festival")
