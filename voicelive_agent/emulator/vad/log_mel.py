"""Log-mel spectrogram, as Whisper's encoders take it, of 8 s at 16 kHz: features of smart-turn.

Facts of the format: the audio is brought to mean 0 and variance 1; frames of 25 ms every 10 ms,
mirrored at the ends, under a Hann window; power in 80 triangular bands between 0 and 8 kHz, on
Slaney's mel scale and of equal area; log10, no lower than 8 below the loudest; (x + 4) / 4.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
FRAME_SAMPLES, STEP_SAMPLES = 400, 160
BANDS = 80
_LINEAR_TO_HZ, _HZ_PER_MEL = 1000.0, 200 / 3
_LOG_STEP = np.log(6.4) / 27
"""Above 1 kHz, a mel is this much of the logarithm of the frequency."""
_SMALLEST_VARIANCE, _SMALLEST_POWER = 1e-7, 1e-10


def compute_log_mel(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Features (80, a frame for each 10 ms) of mono audio between -1 and 1."""
    level = np.sqrt(samples.var() + _SMALLEST_VARIANCE)
    half = FRAME_SAMPLES // 2
    mirrored = np.pad((samples - samples.mean()) / level, half, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, FRAME_SAMPLES)[::STEP_SAMPLES]
    count = len(samples) // STEP_SAMPLES
    spectrum = np.fft.rfft(frames[:count] * _make_window(), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    bands = np.log10(np.maximum(power @ _make_bands(), _SMALLEST_POWER))
    limited = np.maximum(bands, bands.max() - 8)
    features: npt.NDArray[np.float32] = ((limited.T + 4) / 4).astype(np.float32)
    return features


@cache
def _make_window() -> npt.NDArray[np.float32]:
    angles = 2 * np.pi * np.arange(FRAME_SAMPLES) / FRAME_SAMPLES
    return (0.5 - 0.5 * np.cos(angles)).astype(np.float32)


@cache
def _make_bands() -> npt.NDArray[np.float32]:
    """The weight of each frequency in each band: (201, 80)."""
    top = _to_mel(RATE_HZ / 2)
    corners = _to_hz(np.linspace(0, top, BANDS + 2))
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    hz = np.fft.rfftfreq(FRAME_SAMPLES, 1 / RATE_HZ)[:, None]
    rising, falling = (hz - low) / (centre - low), (high - hz) / (high - centre)
    triangles = np.maximum(np.minimum(rising, falling), 0)
    return (triangles * 2 / (high - low)).astype(np.float32)


def _to_mel(hz: float) -> float:
    if hz < _LINEAR_TO_HZ:
        return hz / _HZ_PER_MEL
    return float(_LINEAR_TO_HZ / _HZ_PER_MEL + np.log(hz / _LINEAR_TO_HZ) / _LOG_STEP)


def _to_hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    knee = _LINEAR_TO_HZ / _HZ_PER_MEL
    logarithmic = _LINEAR_TO_HZ * np.exp((mels - knee) * _LOG_STEP)
    return np.where(mels < knee, mels * _HZ_PER_MEL, logarithmic)
