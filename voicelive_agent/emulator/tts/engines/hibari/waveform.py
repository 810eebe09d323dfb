"""Waveform of hibari: from the model's spectrum to audio, with another voice where asked for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 24_000
FloatArray = npt.NDArray[np.float32]

GAIN = 1.75
"""Brings the voice, whose peaks are at 0.3 to 0.5, to the level of the other engines'."""
KNEE = 0.8
"""Above this, peaks are bent and not clipped."""
QUIET = 0.0006
"""-64 dBFS. Around what is spoken the model is at -140, and a soft onset is above -60 at once."""
LEAD_MS, TAIL_MS = 5, 30
"""What is kept before and after what is above that."""
_VOICED_HZ, _LOWEST_HZ = 40.0, 45.0
_BIN_HZ = 20.0
_STEP_SAMPLES = 48


@dataclass(frozen=True, slots=True)
class Spectrum:
    """What the model tells of each frame of 12.5 ms; arrays are (601 bins, frames)."""

    harmonic_level: FloatArray
    harmonic_phase: FloatArray
    noise_level: FloatArray
    rest_level: FloatArray
    rest_phase: FloatArray
    f0_hz: FloatArray
    """Of each frame; below 40 it has no voice."""


def make_sound(spectrum: Spectrum, pitch: float, formants: float) -> FloatArray:
    """Samples at 24 kHz. ``pitch`` and ``formants`` are factors on the voice's own."""
    from hibari import dsp

    if pitch != 1.0 or formants != 1.0:
        spectrum = _change_speaker(spectrum, np.float32(pitch), formants)
    sound: FloatArray = dsp.synth(
        spectrum.harmonic_level,
        spectrum.harmonic_phase,
        spectrum.noise_level,
        spectrum.rest_level,
        spectrum.rest_phase,
        spectrum.f0_hz,
        np.random.default_rng(0),
    )
    return sound


def stretch_time(spectrum: Spectrum, factor: float) -> Spectrum:
    """As many frames more, or less, evenly; the pitch stays."""
    if abs(factor - 1) < 0.001:
        return spectrum
    count = len(spectrum.f0_hz)
    index = np.minimum(np.arange(round(count * factor)) / factor, count - 1).astype(np.intp)
    return Spectrum(
        spectrum.harmonic_level[:, index],
        spectrum.harmonic_phase[:, index],
        spectrum.noise_level[:, index],
        spectrum.rest_level[:, index],
        spectrum.rest_phase[:, index],
        spectrum.f0_hz[index],
    )


def _change_speaker(spectrum: Spectrum, pitch: np.float32, formants: float) -> Spectrum:
    """The same words at another pitch, by another vocal tract.

    The level and phase of harmonics mean something at harmonics only, so what is between them is
    filled in from those before any other harmonic may stand there.
    """
    f0_hz = spectrum.f0_hz
    bins = len(spectrum.harmonic_level)
    source = np.minimum(np.arange(bins) / formants, bins - 1)
    spacing = np.maximum(f0_hz, _VOICED_HZ) / _BIN_HZ
    number = np.maximum(source[:, None] / spacing, 1).astype(np.float32)
    below = np.floor(number)
    near, lower, upper = (
        np.minimum(np.rint(harmonic * spacing).astype(np.intp), bins - 1)
        for harmonic in (np.rint(number), below, below + 1)
    )
    level = np.take_along_axis(spectrum.harmonic_level, lower, 0)
    level += (np.take_along_axis(spectrum.harmonic_level, upper, 0) - level) * (number - below)
    moved_hz = np.maximum(f0_hz * pitch, np.float32(_LOWEST_HZ))
    nearest = np.rint(source).astype(np.intp)
    return Spectrum(
        # Half the pitch is twice the harmonics, each of the same amplitude.
        level + np.log(pitch) / 2,
        np.take_along_axis(spectrum.harmonic_phase, near, 0),
        spectrum.noise_level[nearest],
        spectrum.rest_level[nearest],
        spectrum.rest_phase[nearest],
        np.where(f0_hz > _VOICED_HZ, moved_hz, f0_hz),
    )


def trim(sound: FloatArray) -> tuple[int, int]:
    """Where what can be heard begins and ends, with a margin: sample indices."""
    usable = len(sound) // _STEP_SAMPLES * _STEP_SAMPLES
    peaks = np.abs(sound[:usable]).reshape(-1, _STEP_SAMPLES).max(axis=1)
    heard = np.flatnonzero(peaks > QUIET)
    if not len(heard):
        return 0, 0
    start = heard[0] * _STEP_SAMPLES - LEAD_MS * SAMPLE_RATE_HZ // 1000
    end = (heard[-1] + 1) * _STEP_SAMPLES + TAIL_MS * SAMPLE_RATE_HZ // 1000
    return max(int(start), 0), min(int(end), len(sound))


def shape_level(sound: FloatArray) -> bytes:
    """PCM16 at the level of the other engines, without clipping."""
    louder = sound * np.float32(GAIN)
    excess = np.abs(louder) - KNEE
    if excess.max(initial=0.0) > 0:
        bent = KNEE + (1 - KNEE) * np.tanh(np.maximum(excess, 0) / (1 - KNEE))
        louder = np.where(excess > 0, np.copysign(bent, louder), louder)
    pcm: bytes = np.rint(louder * 32767).astype("<i2").tobytes()
    return pcm
