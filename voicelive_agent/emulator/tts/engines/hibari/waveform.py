"""Waveform of hibari: from the model's spectrum to audio, with another voice where asked for.

It is made as the spectrum comes, a few frames after one another.
"""

from dataclasses import dataclass
from functools import cache

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
ONSET = 0.0011
"""-59 dBFS. Before a word begins the model hisses softer than that, for up to 25 ms."""
LEAD_MS, TAIL_MS = 3, 30
"""What is kept before the first that is above the one, and after the last above the other."""
_VOICED_HZ, _LOWEST_HZ = 40.0, 45.0
_BIN_HZ = 20.0
_STEP_SAMPLES = 48
_BINS = 601
_OVERLAPS = 4
"""Frames of 50 ms, each 12.5 ms after the one before."""
_NOISE_FRAMES = 400
"""5 s of noise, 2 MB; what is said longer has the same again."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """What the model tells of each frame of 12.5 ms; arrays are (frames, 601 bins)."""

    harmonic_level: FloatArray
    harmonic_phase: FloatArray
    noise_level: FloatArray
    rest_level: FloatArray
    rest_phase: FloatArray


class Waveform:
    """One piece of speech at 24 kHz, frame by frame.

    ``pitch`` and ``formants`` are factors on the voice's own.
    """

    def __init__(self, f0_hz: FloatArray, pitch: float, formants: float) -> None:
        """``f0_hz`` is the fundamental of all frames; below 40 a frame has no voice."""
        from hibari import dsp

        self._model_f0_hz, self._pitch, self._formants = f0_hz, np.float32(pitch), formants
        moved_hz = np.maximum(f0_hz * self._pitch, np.float32(_LOWEST_HZ))
        self._f0_hz = np.where(f0_hz > _VOICED_HZ, moved_hz, f0_hz)
        self._pulses: FloatArray = np.zeros((0, dsp.N_FFT), np.float32)
        self._count = 0
        self._overlap = np.zeros((_OVERLAPS - 1, dsp.HOP), np.float32)
        self._weight = np.zeros_like(self._overlap)

    def add(self, spectrum: Spectrum) -> FloatArray:
        """The samples that are whole with the next frames; 25 ms lag, and end with the last."""
        from hibari import dsp

        start = self._count
        self._count = end = start + len(spectrum.harmonic_level)
        if self._pitch != 1.0 or self._formants != 1.0:
            f0_hz = self._model_f0_hz[start:end]
            spectrum = _change_speaker(spectrum, f0_hz, self._pitch, self._formants)
        voice = dsp.rfft(self._find_pulses(start, end) * dsp.WIN_SRC, 1)
        voice *= _polar(
            spectrum.harmonic_level, np.float32(np.pi) * np.tanh(spectrum.harmonic_phase)
        )
        noise = _make_noise().take(range(start, end), axis=0, mode="wrap")
        noise *= dsp.ex(spectrum.noise_level)
        voice += noise
        voice += _polar(spectrum.rest_level, spectrum.rest_phase)
        frames = dsp.irfft(voice, dsp.N_FFT, 1) * dsp.WIN
        return self._add_up(frames.reshape(-1, _OVERLAPS, dsp.HOP), dsp.WIN)

    def _find_pulses(self, start: int, end: int) -> FloatArray:
        """What the voice's folds make of these frames; of the first, before that of all others."""
        from hibari import dsp

        if end > len(self._pulses):
            known = self._f0_hz if start else self._f0_hz[: end + _OVERLAPS // 2]
            padded = np.pad(dsp.pulses(known), dsp.N_FFT // 2, mode="reflect")
            windows = np.lib.stride_tricks.sliding_window_view(padded, dsp.N_FFT)
            self._pulses = windows[:: dsp.HOP]
        return self._pulses[start:end]

    def _add_up(self, frames: FloatArray, window: FloatArray) -> FloatArray:
        """Overlapping frames to sound, evened out where fewer of them overlap."""
        count, lag = len(frames), _OVERLAPS // 2
        tail = np.zeros_like(self._overlap)
        sums = np.concatenate([self._overlap, np.zeros((count, tail.shape[1]), np.float32)])
        weights = np.concatenate([self._weight, np.zeros_like(sums[len(tail) :])])
        squares = np.square(window).reshape(_OVERLAPS, -1)
        for part in range(_OVERLAPS):
            sums[part : part + count] += frames[:, part]
            weights[part : part + count] += squares[part]
        self._overlap, self._weight = sums[count:], weights[count:]
        is_last = self._count == len(self._model_f0_hz)
        first = lag if self._count == count else 0
        whole = slice(first, count + lag if is_last else count)
        sound: FloatArray = sums[whole] / np.maximum(weights[whole], np.float32(1e-11))
        return sound.reshape(-1)


def find_frames(count: int, factor: float) -> npt.NDArray[np.intp]:
    """Which of ``count`` frames to speak for ``factor`` as many, evenly; the pitch stays."""
    if abs(factor - 1) < 0.001:
        return np.arange(count)
    return np.minimum(np.arange(round(count * factor)) / factor, count - 1).astype(np.intp)


@cache
def _make_noise() -> npt.NDArray[np.complex64]:
    """(frames, bins): made once, as for each piece anew it takes a quarter of a waveform's time."""
    numbers = np.random.default_rng(0).standard_normal((_NOISE_FRAMES, 2 * _BINS), np.float32)
    return numbers.view(np.complex64)


def _polar(level: FloatArray, phase: FloatArray) -> npt.NDArray[np.complex64]:
    """Of an amplitude's logarithm and an angle."""
    from hibari import dsp

    number = np.empty(level.shape, np.complex64)
    np.cos(phase, out=number.real)
    np.sin(phase, out=number.imag)
    number *= dsp.ex(level)
    return number


def _change_speaker(
    spectrum: Spectrum, f0_hz: FloatArray, pitch: np.float32, formants: float
) -> Spectrum:
    """The same words at another pitch, by another vocal tract.

    The level and phase of harmonics mean something at harmonics only, so what is between them is
    filled in from those before any other harmonic may stand there.
    """
    source = np.minimum(np.arange(_BINS) / formants, _BINS - 1)
    spacing = np.maximum(f0_hz, _VOICED_HZ)[:, None] / _BIN_HZ
    number = np.maximum(source / spacing, 1).astype(np.float32)
    below = np.floor(number)
    near, lower, upper = (
        np.minimum(np.rint(harmonic * spacing).astype(np.intp), _BINS - 1)
        for harmonic in (np.rint(number), below, below + 1)
    )
    level = np.take_along_axis(spectrum.harmonic_level, lower, 1)
    level += (np.take_along_axis(spectrum.harmonic_level, upper, 1) - level) * (number - below)
    nearest = np.rint(source).astype(np.intp)
    return Spectrum(
        # Half the pitch is twice the harmonics, each of the same amplitude.
        level + np.log(pitch) / 2,
        np.take_along_axis(spectrum.harmonic_phase, near, 1),
        spectrum.noise_level[:, nearest],
        spectrum.rest_level[:, nearest],
        spectrum.rest_phase[:, nearest],
    )


class Trimmer:
    """Takes away what can't be heard before and after a sound, but for a margin."""

    def __init__(self) -> None:
        self.cut_samples = 0
        """How many were taken from the beginning."""
        self._is_heard = False
        self._held = np.zeros(0, np.float32)

    def trim(self, sound: FloatArray) -> FloatArray:
        """What is known to be kept by now."""
        held = np.concatenate([self._held, sound])
        usable = len(held) // _STEP_SAMPLES * _STEP_SAMPLES
        peaks = np.abs(held[:usable]).reshape(-1, _STEP_SAMPLES).max(axis=1)
        loud = np.flatnonzero(peaks > (QUIET if self._is_heard else ONSET))
        if not len(loud):
            self._held = held
            return held[:0]
        start = 0
        if not self._is_heard:
            lead = int(loud[0]) * _STEP_SAMPLES - LEAD_MS * SAMPLE_RATE_HZ // 1000
            start = self.cut_samples = max(lead, 0)
            loud = np.flatnonzero(peaks > QUIET)
        end = int(loud[-1] + 1) * _STEP_SAMPLES + TAIL_MS * SAMPLE_RATE_HZ // 1000
        self._is_heard, self._held = True, held[end:]
        return held[start:end]


def ends_silent(sound: FloatArray, duration_ms: float) -> bool:
    """Whether nothing was heard for so long at the end of a sound."""
    count = round(duration_ms * SAMPLE_RATE_HZ / 1000)
    return len(sound) >= count and float(np.abs(sound[-count:]).max()) <= QUIET


def shape_level(sound: FloatArray) -> bytes:
    """PCM16 at the level of the other engines, without clipping."""
    louder = sound * np.float32(GAIN)
    excess = np.abs(louder) - KNEE
    if excess.max(initial=0.0) > 0:
        bent = KNEE + (1 - KNEE) * np.tanh(np.maximum(excess, 0) / (1 - KNEE))
        louder = np.where(excess > 0, np.copysign(bent, louder), louder)
    pcm: bytes = np.rint(louder * 32767).astype("<i2").tobytes()
    return pcm
