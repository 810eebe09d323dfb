"""What belongs to the talker, and what to people behind them; speech is noise of its loudness."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.stt.moonshine.foreground import KEPT_MS, find_foreground

Samples = npt.NDArray[np.float32]


def sound(*parts: tuple[int, float], gain: float = 0.1) -> Samples:
    """Parts of so many ms, so many dB below ``gain``."""
    rng = np.random.default_rng(1)
    pieces = [rng.normal(0, gain * 10 ** (-db / 20), ms * 16) for ms, db in parts]
    return np.concatenate(pieces).astype(np.float32)


@pytest.mark.parametrize("gain", [0.2, 0.01, 0.002])
def test_others_around_the_talker_are_left_out(gain: float) -> None:
    """The words of a person 15 dB below stood before and behind the caller's in every turn."""
    start_ms, end_ms = find_foreground(sound((2000, 15), (1500, 0), (2500, 15), gain=gain))
    assert start_ms == 2000 - KEPT_MS
    assert end_ms == 3500 + KEPT_MS


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(300, 60), (3000, 0), (300, 60)], id="nobody else"),
        pytest.param([(300, 60), (3000, 25), (300, 60)], id="a soft talker"),
        pytest.param([(1500, 0), (2500, 8)], id="who turns away"),
        pytest.param([(700, 14), (1500, 0), (1000, 14)], id="soft beginning and ending"),
        pytest.param([(1500, 0), (5000, 50)], id="silence behind"),
        pytest.param([(100, 0), (3000, 20)], id="a clap before"),
        pytest.param([(450, 0), (3000, 14)], id="a cough before"),
        pytest.param([(900, 0), (6000, 12)], id="loud for a moment only"),
        pytest.param([(400, 0)], id="a word"),
        pytest.param([(10, 0)], id="almost nothing"),
        pytest.param([], id="nothing"),
    ],
)
def test_all_of_it_is_the_talkers(parts: list[tuple[int, float]]) -> None:
    samples = sound(*parts) if parts else np.zeros(0, np.float32)
    assert find_foreground(samples) == (0, len(samples) // 16)


def test_what_lies_between_the_talkers_words_stays() -> None:
    samples = sound((1000, 0), (2500, 15), (1000, 0))
    assert find_foreground(samples) == (0, 4500)


@given(
    parts=st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 60)), min_size=1, max_size=5),
    factor=st.floats(0.1, 10),
)
def test_it_lies_within_the_sound_however_loud_that_is(
    parts: list[tuple[int, float]], factor: float
) -> None:
    samples = sound(*parts)
    start_ms, end_ms = find_foreground(samples)
    assert 0 <= start_ms <= end_ms <= max(len(samples) // 16, 0)
    loudest = int(np.abs(samples).argmax()) // 16 if len(samples) else 0
    assert start_ms <= loudest <= end_ms
