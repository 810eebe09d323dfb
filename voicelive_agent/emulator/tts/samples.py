"""Samples of text to speech: their volume, the pitch that an engine can't do itself, and pauses."""

from typing import Any

import numpy as np
import soxr

from voicelive_agent.wire.punctuation import (
    CLAUSE_ENDS,
    CLOSERS,
    EN_DASH,
    LONG_DASHES,
    SENTENCE_ENDS,
    WIDE_CLAUSE_ENDS,
    WIDE_SENTENCE_ENDS,
)

SAMPLE_BYTES = 2
SENTENCE_PAUSE_MS = 260
CLAUSE_PAUSE_MS = 120
_SENTENCE_ENDS = SENTENCE_ENDS + WIDE_SENTENCE_ENDS
_CLAUSE_ENDS = CLAUSE_ENDS + WIDE_CLAUSE_ENDS + EN_DASH + LONG_DASHES


class Shaper:
    """Scales and shifts the samples of one clause as they stream.

    A ``shift`` of 1.2 plays everything a fifth higher and faster; the caller has the engine speak
    slower in turn.
    """

    def __init__(self, sample_rate_hz: int, *, volume: float = 1.0, shift: float = 1.0) -> None:
        self._volume = volume
        self._resampler: Any = None
        if abs(shift - 1.0) > 0.005:
            self._resampler = soxr.ResampleStream(
                sample_rate_hz * shift, sample_rate_hz, 1, dtype="int16", vr=True
            )

    def shape(self, pcm: bytes, *, last: bool = False) -> bytes:
        """PCM16 in, PCM16 out; the resampler holds back a little until ``last``."""
        if self._resampler is None and self._volume == 1.0:
            return pcm
        samples = np.frombuffer(pcm, dtype=np.int16)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        if self._volume != 1.0:
            scaled = np.rint(samples.astype(np.float32) * self._volume)
            samples = np.clip(scaled, -32768, 32767).astype(np.int16)
        return samples.tobytes()


def silence(duration_ms: float, sample_rate_hz: int) -> bytes:
    return bytes(round(duration_ms * sample_rate_hz / 1000) * SAMPLE_BYTES)


def pause_ms(clause: str) -> int:
    """The pause that an engine which is given one clause at a time can't make itself."""
    last = clause.rstrip().rstrip(CLOSERS)[-1:]
    if last and last in _SENTENCE_ENDS:
        return SENTENCE_PAUSE_MS
    return CLAUSE_PAUSE_MS if last and last in _CLAUSE_ENDS else 0
