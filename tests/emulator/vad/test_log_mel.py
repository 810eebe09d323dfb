"""Features of smart-turn, against their definition computed the slow way."""

import numpy as np
import numpy.typing as npt
import pytest

from voicelive_agent.emulator.vad.log_mel import compute_log_mel


def mel_to_hz(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def define(samples: npt.NDArray[np.float32], frame: int) -> list[float]:
    """log10 of the power in each band of one frame, by a sum over all of it."""
    whole = samples.astype(np.float64)
    whole = (whole - whole.mean()) / np.sqrt(whole.var() + 1e-7)
    mirrored = np.concatenate([whole[200:0:-1], whole, whole[-2:-202:-1]])
    part = mirrored[frame * 160 :][:400] * np.sin(np.pi * np.arange(400) / 400) ** 2
    hz = np.arange(201) * 40.0
    times = np.arange(400) / 16_000
    power = np.abs(np.exp(-2j * np.pi * np.outer(hz, times)) @ part) ** 2
    top = 15 + 27 * np.log(8) / np.log(6.4)
    corners = [mel_to_hz(top * number / 81) for number in range(82)]
    bands = []
    for low, centre, high in zip(corners, corners[1:], corners[2:], strict=False):
        weights = np.interp(hz, [low, centre, high], [0, 2 / (high - low), 0], left=0, right=0)
        bands.append(float(np.log10(max(weights @ power, 1e-10))))
    return bands


@pytest.mark.parametrize("kind", ["noise", "tone", "late speech-like"])
def test_features_are_as_they_are_defined(kind: str) -> None:
    rng = np.random.default_rng(4)
    time = np.arange(128_000) / 16_000
    samples = {
        "noise": rng.normal(0, 0.1, 128_000),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time) + rng.normal(0, 0.001, 128_000) + 0.1,
        "late speech-like": np.where(time > 6, np.sin(900 * time) * np.sin(9 * time), 0),
    }[kind].astype(np.float32)
    features = compute_log_mel(samples)
    assert features.shape == (80, 800)
    loudest = features.max() * 4 - 4
    for frame in (0, 1, 399, 620, 799):
        wanted = (np.maximum(define(samples, frame), loudest - 8) + 4) / 4
        assert features[:, frame] == pytest.approx(wanted, abs=2e-3)


def test_silence_has_features_too() -> None:
    assert np.isfinite(compute_log_mel(np.zeros(128_000, np.float32))).all()
