"""faster-whisper: the glue around a model that the test plays. No package carries a model."""

import importlib.util
import inspect
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.stt.engines import open_stt
from voicelive_agent.emulator.stt.engines.faster_whisper import FasterWhisper

INSTALLED = importlib.util.find_spec("faster_whisper") is not None


class WhisperModel:
    supported_languages = ("en", "de")

    def __init__(self, folder: str, **options: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        if not (Path(folder) / "config.json").exists():
            raise RuntimeError("no config")

    def transcribe(self, audio: Any, **options: Any) -> Any:
        self.asked.append(options)
        word = SimpleNamespace(
            word=" Hallo.",
            start=np.float64(0.5),
            end=np.float64(0.75),
            probability=np.float64(0.9),
        )
        segment = SimpleNamespace(text=" Hallo.", words=[word])
        return iter([segment]), SimpleNamespace(language="de")


@pytest.fixture
def model_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setitem(
        sys.modules,
        "faster_whisper",
        SimpleNamespace(WhisperModel=WhisperModel, __spec__=object()),
    )
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


async def test_an_utterance(model_dir: Path) -> None:
    stt = FasterWhisper(str(model_dir))
    await stt.start()
    recognizer = stt.open_recognizer()
    recognizer.configure(language="de-DE", phrases=["Contoso"])
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(bytes(3200))
    transcript = await utterance.finish()
    assert transcript.text == "Hallo."
    assert transcript.confidence == 0.9
    # The library's numbers are numpy's, which can't be sent as JSON.
    assert type(transcript.words[0].confidence) is float
    assert type(transcript.words[0].offset_ms) is int
    assert (transcript.words[0].offset_ms, transcript.words[0].duration_ms) == (500, 250)
    asked = stt._model.asked[-1]
    assert (asked["language"], asked["hotwords"]) == ("de", "Contoso")
    await recognizer.close()
    await stt.stop()


async def test_an_unknown_language_is_left_to_the_model(model_dir: Path) -> None:
    stt = FasterWhisper(str(model_dir))
    await stt.start()
    await stt.transcribe(bytes(3200), "tlh", ())
    assert stt._model.asked[-1]["language"] is None
    await stt.stop()


async def test_a_broken_model_is_said(model_dir: Path) -> None:
    (model_dir / "config.json").unlink()
    stt = FasterWhisper(str(model_dir))
    with pytest.raises(SttError, match="Fetch it anew"):
        await stt.start()
    await stt.stop()


def test_a_folder_without_a_model(model_dir: Path) -> None:
    (model_dir / "model.bin").unlink()
    with pytest.raises(SttError, match=r"needs model\.bin"):
        FasterWhisper(str(model_dir))


def test_a_missing_model_names_the_command(model_dir: Path) -> None:
    with pytest.raises(SttError, match="models fetch whisper-base"):
        open_stt("faster-whisper:whisper-base", models_dir=model_dir)


@pytest.mark.skipif(not INSTALLED, reason="the faster-whisper extra is not installed")
def test_the_library_takes_what_it_is_asked() -> None:
    library = pytest.importorskip("faster_whisper")
    taken = inspect.signature(library.WhisperModel.transcribe).parameters
    wanted = {"language", "hotwords", "word_timestamps", "condition_on_previous_text", "beam_size"}
    assert wanted <= set(taken)
