"""Resampling of a stream: by a short filter between simple rates, by soxr between others.

Of soxr's filters for streams the shortest holds back 10 to 15 ms, and 30 from or to 8 kHz. That is
heard: a turn ends, and an answer begins, so much later. The filter here holds back 4 ms, and 7 from
or to 8 kHz; it passes 90 % of the narrower band, and of what is above that band nothing.
"""

from functools import cache
from math import ceil, gcd
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from voicelive_agent.wire.audio.samples import Samples, round_samples

Floats = npt.NDArray[np.float64]

_MOST_PHASES = 6
"""Of the short filter: from 8 kHz to 48. Between 44.1 kHz and others there would be 160."""
_BLOCK = 16
"""Samples that are made at once, of a millisecond at 16 kHz: one product of matrices makes many."""
_HALF_WIDTH = 50
"""Samples of the lower rate that are weighed before and after each moment."""
_CUTOFF = 0.95
"""Of half the lower rate; what is 5 % above it is out."""
_KAISER_BETA = 7.86
"""Of a window for 80 dB."""
_COEFFICIENT_BITS = 30
"""So few that sums of 16-bit samples are exact, in whichever order: cuts change nothing."""
_AT_ONCE_SAMPLES = 4096
"""A long piece would take a hundred times its memory."""


class Resampler:
    """A stream of samples at another rate; sample n of one stands at n's time in the other.

    A filter looks ahead, so what comes out lags until ``finish``.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz, self._to_hz = from_hz, to_hz
        self._stream = self._open()

    def resample(self, samples: Samples) -> Samples:
        return samples if self._stream is None else round_samples(self._stream.take(samples))

    def finish(self) -> Samples:
        """What the filter still holds; the next sample begins a new stream."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        rest = round_samples(self._stream.finish())
        self._stream = self._open()
        return rest

    def _open(self) -> "_ShortFilter | _Soxr | None":
        if self._from_hz == self._to_hz:
            return None
        common = gcd(self._from_hz, self._to_hz)
        up, down = self._to_hz // common, self._from_hz // common
        if up > _MOST_PHASES:
            return _Soxr(self._from_hz, self._to_hz)
        return _ShortFilter(up * (_BLOCK // up), down * (_BLOCK // up))


class _ShortFilter:
    """``up`` samples for each ``down``: those of a block are one matrix away from their window."""

    def __init__(self, up: int, down: int) -> None:
        self._up, self._down = up, down
        self._weights = _make_weights(up, down)
        self._margin = (len(self._weights) - down) // 2
        self._held = np.zeros(self._margin)
        self._taken = self._given = 0

    def take(self, samples: Samples) -> Floats:
        self._taken += len(samples)
        if len(samples) <= _AT_ONCE_SAMPLES:
            made = self._weigh(samples)
        else:
            starts = range(0, len(samples), _AT_ONCE_SAMPLES)
            parts = [self._weigh(samples[start : start + _AT_ONCE_SAMPLES]) for start in starts]
            made = np.concatenate(parts)
        self._given += len(made)
        return made

    def finish(self) -> Floats:
        left = round(self._taken * self._up / self._down) - self._given
        rest = self._weigh(np.zeros(self._margin + 2 * self._down, np.int16))
        return rest[: max(left, 0)]

    def _weigh(self, samples: Samples) -> Floats:
        held = np.concatenate([self._held, samples])
        size, step = len(self._weights), self._down
        blocks = max((len(held) - size) // step + 1, 0)
        # Windows that overlap: a view of the samples, which the product copies.
        windows: Floats = np.ndarray(
            (blocks, size), held.dtype, held, strides=(step * held.itemsize, held.itemsize)
        )
        self._held = held[blocks * step :]
        made: Floats = np.ascontiguousarray(windows) @ self._weights
        return made.reshape(-1)


@cache
def _make_weights(up: int, down: int) -> Floats:
    """(window, up): how the samples of a window make those of its block.

    The window is the ``down`` samples of the block, and as many before as behind.
    """
    lower = min(1.0, up / down)
    reach = _HALF_WIDTH / lower
    margin = ceil(reach)
    times = np.arange(up) * down / up - (np.arange(down + 2 * margin)[:, None] - margin)
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1 - (times / reach) ** 2, 0)))
    weights = np.sinc(_CUTOFF * lower * times) * window * (np.abs(times) < reach)
    weights /= weights.sum(axis=0)
    rounded: Floats = np.ldexp(np.rint(np.ldexp(weights, _COEFFICIENT_BITS)), -_COEFFICIENT_BITS)
    return rounded


class _Soxr:
    """Between any rates."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        # For a variable rate soxr filters without its blocks, which lag up to 37 ms.
        self._stream: Any = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", vr=True)

    # Without floats in between soxr would dither, and silence would no longer be silent.

    def take(self, samples: Samples) -> npt.NDArray[np.float32]:
        taken: npt.NDArray[np.float32] = self._stream.resample_chunk(samples.astype(np.float32))
        return taken

    def finish(self) -> npt.NDArray[np.float32]:
        rest: npt.NDArray[np.float32] = self._stream.resample_chunk(
            np.zeros(0, np.float32), last=True
        )
        return rest
