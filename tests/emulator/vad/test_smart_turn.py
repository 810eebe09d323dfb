"""The end-of-turn model, where it was fetched; and what is said where it wasn't."""

from pathlib import Path

import pytest

from tests.emulator.speech import needs_flite, say, silence
from voicelive_agent.emulator.models import ModelError, find_model
from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.vad.smart_turn import (
    WINDOW_MS,
    SmartTurn,
    open_end_of_turn,
    weigh_opinions,
)
from voicelive_agent.emulator.vad.voice_activity import VoiceActivities


@pytest.fixture(scope="module")
def model() -> SmartTurn:
    try:
        find_model("smart-turn")
    except ModelError as error:
        pytest.skip(str(error))
    opened = open_end_of_turn()
    assert opened is not None
    return opened


@needs_flite
def test_a_whole_sentence_sounds_more_complete_than_its_start(model: SmartTurn) -> None:
    """On processors without VNNI it was the other way round: 8-bit sums saturated."""
    sentence = say("i would like to book a table for two.", "rms") + silence(200)
    start = say("i would like to book a table for two.", "rms")
    cut = start[: len(start) // 4 * 2] + silence(200)
    assert 0 <= model.estimate(cut) < model.estimate(sentence) <= 1


def test_any_length_has_an_answer(model: SmartTurn) -> None:
    for pcm in (b"", silence(10), silence(WINDOW_MS * 2)):
        assert 0 <= model.estimate(pcm) <= 1


def test_none_is_no_model() -> None:
    assert open_end_of_turn("none") is None


def test_an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(SttError, match="smart-turn"):
        open_end_of_turn("oracle")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    assert open_end_of_turn("auto", tmp_path) is None
    with pytest.raises(SttError, match="models fetch smart-turn"):
        open_end_of_turn("smart-turn", tmp_path)


@pytest.mark.parametrize("content", [None, b"not a model"])
def test_damaged_models_are_done_without(tmp_path: Path, content: bytes | None) -> None:
    """One of the two files was missing, or broken: the emulator ended with a traceback."""
    folder = tmp_path / "smart-turn"
    folder.mkdir()
    if content is not None:
        (folder / "silero_vad.onnx").write_bytes(content)
        (folder / "smart-turn-v3.2-cpu.onnx").write_bytes(content)
    assert open_end_of_turn("auto", tmp_path) is None
    assert VoiceActivities(tmp_path).name == "silero"
    with pytest.raises(SttError, match=r"damaged .*models fetch smart-turn"):
        open_end_of_turn("smart-turn", tmp_path)


@pytest.mark.parametrize(
    ("by_words", "by_sound", "together"),
    [
        (None, None, None),
        (0.8, None, 0.8),
        (None, 0.4, 0.4),
        (0.8, 1.0, 0.96),
        # Half a sentence was cut off where its last word could have been the last of a whole one.
        (0.8, 0.2, 0.32),
        # "My name is", in the tone of a whole sentence, was cut off after a second.
        (0.05, 0.95, 0.05),
        (0.15, 0.05, 0.05),
    ],
)
def test_two_opinions(
    by_words: float | None, by_sound: float | None, together: float | None
) -> None:
    assert weigh_opinions(by_words, by_sound) == pytest.approx(together)
