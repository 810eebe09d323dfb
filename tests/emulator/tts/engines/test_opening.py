"""Speech engines are opened by name; what is missing is told."""

from pathlib import Path

import pytest

from voicelive_agent.emulator.tts import TtsError
from voicelive_agent.emulator.tts.engines import espeak, open_tts
from voicelive_agent.emulator.tts.engines.hibari import engine as hibari
from voicelive_agent.emulator.tts.engines.openai_audio import OpenAITextToSpeech


@pytest.mark.parametrize(
    ("has_hibari", "has_espeak", "chosen"),
    [(True, True, "hibari, espeak"), (True, False, "hibari"), (False, True, "espeak")],
)
def test_auto_takes_what_is_there(
    monkeypatch: pytest.MonkeyPatch, has_hibari: bool, has_espeak: bool, chosen: str
) -> None:
    monkeypatch.setattr(hibari, "is_installed", lambda: has_hibari)
    library = ("libespeak-ng.so", None) if has_espeak else None
    monkeypatch.setattr(espeak, "find_library", lambda: library)
    assert open_tts().name == chosen


def test_auto_without_any_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hibari, "is_installed", lambda: False)
    monkeypatch.setattr(espeak, "find_library", lambda: None)
    with pytest.raises(TtsError, match=r"voicelive-agent\[emulator\].*voicelive-agent\[espeak\]"):
        open_tts()
    for name in ("espeak", "hibari"):
        with pytest.raises(TtsError, match="is not installed"):
            open_tts(name)


def test_engines_with_a_model_and_with_a_url(tmp_path: Path) -> None:
    assert isinstance(open_tts("openai:http://127.0.0.1:8880/v1"), OpenAITextToSpeech)
    with pytest.raises(TtsError, match=r"models fetch vits-ljs|not installed"):
        open_tts("sherpa-onnx", models_dir=tmp_path)
    with pytest.raises(TtsError, match="no speech engine 'festival': choose auto, hibari"):
        open_tts("festival")
