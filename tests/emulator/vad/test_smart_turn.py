"""The end-of-turn model, where it is installed; and what is said where it isn't."""

import importlib.util
import re
from importlib.metadata import version

import numpy as np
import pytest

from tests.emulator.speech import needs_flite, say, silence
from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.vad import smart_turn
from voicelive_agent.emulator.vad.smart_turn import SmartTurn, open_end_of_turn, weigh_opinions

needs_model = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None or smart_turn._find_folder() is None,
    reason="the end-of-turn extra is not installed",
)


@needs_model
def test_the_private_files_of_pipecat_are_those_of_the_version_that_was_checked() -> None:
    """``_whisper_features.py`` is private and is run by its path; the model is a data file.

    After an upgrade, see that the file still imports numpy alone and gives the features that
    the model beside it takes, run this module and ``benchmarks.hearing``, and raise the version.
    """
    assert version("pipecat-ai") == "1.14.0"
    folder = smart_turn._find_folder()
    assert folder is not None
    source = (folder / smart_turn._FEATURES).read_text(encoding="utf-8")
    imported = re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)
    assert set(imported) <= {"math", "numpy", "functools", "typing", "__future__"}
    compute = smart_turn._load_features(folder / smart_turn._FEATURES)
    window = np.zeros(smart_turn._WINDOW_SAMPLES, np.float32)
    features = compute(window, do_normalize=True)
    session = smart_turn._open_session(sorted(folder.glob(f"data/{smart_turn._MODEL_GLOB}"))[-1])
    (taken,) = session.get_inputs()
    assert taken.name == "input_features"
    assert list(features.shape) == taken.shape[1:]


@needs_model
@needs_flite
def test_a_whole_sentence_sounds_more_complete_than_its_start() -> None:
    """On processors without VNNI it was the other way round: 8-bit sums saturated."""
    model = SmartTurn()
    sentence = say("i would like to book a table for two.", "rms") + silence(200)
    start = say("i would like to book a table for two.", "rms")
    cut = start[: len(start) // 4 * 2] + silence(200)
    assert 0 <= model.estimate(cut) < model.estimate(sentence) <= 1


@needs_model
def test_any_length_has_an_answer() -> None:
    model = SmartTurn()
    for pcm in (b"", silence(10), silence(smart_turn.WINDOW_MS * 2)):
        assert 0 <= model.estimate(pcm) <= 1


def test_none_is_no_model() -> None:
    assert open_end_of_turn("none") is None


def test_an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(SttError, match="smart-turn"):
        open_end_of_turn("oracle")


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smart_turn, "_find_folder", lambda: None)
    with pytest.raises(SttError, match="pip install"):
        open_end_of_turn("smart-turn")


@pytest.mark.parametrize(
    ("by_words", "by_sound", "together"),
    [
        (None, None, None),
        (0.8, None, 0.8),
        (None, 0.4, 0.4),
        (0.8, 1.0, 0.9),
        (0.8, 0.2, 0.5),
        # "My name is", in the tone of a whole sentence, was cut off after a second.
        (0.05, 0.95, 0.05),
        (0.15, 0.05, 0.05),
    ],
)
def test_two_opinions(
    by_words: float | None, by_sound: float | None, together: float | None
) -> None:
    assert weigh_opinions(by_words, by_sound) == pytest.approx(together)
