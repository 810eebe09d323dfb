"""Which engine hears where none is named: what is installed, else nobody, and it says so."""

import importlib.util
from pathlib import Path

import pytest

from voicelive_agent.emulator.models import ModelStore
from voicelive_agent.emulator.models.catalogue import MOONSHINE
from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.stt.by_language import SpeechToTextByLanguage
from voicelive_agent.emulator.stt.engines import ENGINES, open_stt
from voicelive_agent.emulator.stt.moonshine.engine import Moonshine
from voicelive_agent.emulator.stt.moonshine.model import FILES


def needs(module: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        importlib.util.find_spec(module) is None, reason=f"{module} is not installed"
    )


@pytest.fixture
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models stand for whole ones, whatever is in their files."""
    monkeypatch.setattr(ModelStore, "find_damage", lambda self, model: [])


def add_moonshine(folder: Path) -> None:
    (folder / MOONSHINE).mkdir()
    for name in FILES:
        (folder / MOONSHINE / name).write_bytes(b"")


def add_whisper(folder: Path) -> None:
    (folder / "whisper-base").mkdir()
    (folder / "whisper-base" / "model.bin").write_bytes(b"")
    (folder / "whisper-base" / "vocabulary.txt").write_text("a\n<|en|>\n<|de|>\n<|no|>\n")


def add_zipformer(folder: Path) -> None:
    (folder / "zipformer-en").mkdir()
    for name in ("tokens.txt", "encoder.onnx", "decoder.onnx", "joiner.onnx"):
        (folder / "zipformer-en" / name).write_bytes(b"")


@pytest.mark.usefixtures("_unchecked")
def test_moonshine_hears_where_its_model_is(tmp_path: Path) -> None:
    add_moonshine(tmp_path)
    stt = open_stt("auto", models_dir=tmp_path)
    assert (stt.name, stt.advice) == ("moonshine", None)


@needs("faster_whisper")
@pytest.mark.usefixtures("_unchecked")
def test_whisper_joins_it_for_other_languages(tmp_path: Path) -> None:
    add_moonshine(tmp_path)
    add_whisper(tmp_path)
    assert open_stt("auto", models_dir=tmp_path).name == "moonshine, faster-whisper"


@needs("faster_whisper")
@pytest.mark.usefixtures("_unchecked")
def test_what_is_said_of_other_languages_depends_on_what_is_here(tmp_path: Path) -> None:
    """With Whisper installed and fetched, one was told to install and to fetch it."""
    add_moonshine(tmp_path)
    alone = open_stt("auto", models_dir=tmp_path).open_recognizer()
    told = alone.configure(language="de-DE", phrases=())
    assert told is not None
    assert "not de-DE" in told
    assert "models fetch whisper-base" in told
    assert "models fetch whisper-base" in Moonshine(models_dir=tmp_path).describe_unknown()
    add_whisper(tmp_path)
    both = open_stt("auto", models_dir=tmp_path)
    assert isinstance(both, SpeechToTextByLanguage)
    told = both.open_recognizer().configure(language="tlh", phrases=())
    assert told == "No engine here knows tlh: English is heard."
    moonshine = both.choose("en-US")
    assert isinstance(moonshine, Moonshine)
    assert moonshine.describe_unknown().endswith(
        "name it in session.input_audio_transcription.language: faster-whisper hears it then."
    )


@needs("sherpa_onnx")
def test_without_its_model_another_that_is_installed_hears(tmp_path: Path) -> None:
    add_zipformer(tmp_path)
    stt = open_stt("auto", models_dir=tmp_path)
    assert stt.name == "sherpa-onnx"
    assert stt.advice is not None
    assert f"models fetch {MOONSHINE}" in stt.advice
    assert "Until then sherpa-onnx hears" in stt.advice


@needs("faster_whisper")
@pytest.mark.usefixtures("_unchecked")
def test_without_its_model_whisper_hears_english_too(tmp_path: Path) -> None:
    add_whisper(tmp_path)
    stt = open_stt("auto", models_dir=tmp_path)
    assert stt.name == "faster-whisper"
    recognizer = stt.open_recognizer()
    assert recognizer.configure(language="de-CH", phrases=()) is None
    assert recognizer.configure(language="nb-NO", phrases=()) is None
    warning = recognizer.configure(language="ja-JP", phrases=())
    assert warning is not None
    assert "doesn't know ja-JP" in warning


async def test_with_a_damaged_model_nobody_hears_and_the_way_out_is_told(tmp_path: Path) -> None:
    """It ended with onnxruntime's words, or told that no model was there, and not what to do."""
    add_moonshine(tmp_path)
    stt = open_stt("auto", models_dir=tmp_path)
    await stt.start()
    assert stt.name == "none"
    assert stt.advice is not None
    assert f"{FILES[0]}, " in stt.advice
    assert f"models fetch {MOONSHINE}. Until then nobody" in stt.advice
    with pytest.raises(SttError, match=f"is damaged .*models fetch {MOONSHINE}"):
        open_stt("moonshine", models_dir=tmp_path)


async def test_without_any_model_nobody_hears_and_everything_says_so(tmp_path: Path) -> None:
    stt = open_stt("auto", models_dir=tmp_path)
    await stt.start()
    assert stt.name == "none"
    assert stt.advice is not None
    assert f"models fetch {MOONSHINE}" in stt.advice
    assert "\n" not in stt.advice
    recognizer = stt.open_recognizer()
    assert recognizer.configure(language="en-US", phrases=()) == stt.advice
    utterance = recognizer.begin(lambda text: None)
    utterance.feed(bytes(3200))
    await utterance.drain()
    for call in (utterance.text_so_far, utterance.finish):
        with pytest.raises(SttError, match="models fetch"):
            await call()
    await recognizer.close()
    await stt.stop()


async def test_nobody_hears_where_none_is_wanted() -> None:
    stt = open_stt("none")
    warning = stt.open_recognizer().configure(language="en-US", phrases=())
    assert warning is not None
    assert "text is" in warning


@pytest.mark.parametrize("name", ["pocketsphinx", "pocketsphinx-accurate", "ears", ""])
def test_an_engine_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(SttError) as told:
        open_stt(name)
    assert all(one in str(told.value) for one in ("auto", *ENGINES))
