"""Tells the agent's own voice, picked up by the microphone, from a person who interrupts.

By its sound, as soon as the agent is interrupted: how much of what the microphone hears can be
computed from what the loudspeaker plays. And by its words, once they are transcribed.
"""

import re
from collections import deque

import numpy as np
import numpy.typing as npt
import soxr

RATE_HZ = 8_000
"""Speech is told by its lower half alone."""
WINDOW_MS = 800
"""So much of the microphone is judged: a person is heard some 300 ms before the service says so."""
DELAY_LIMIT_MS = 1_000
"""From the loudspeaker's queue to the microphone's: both devices' buffers, and the room."""
SEGMENT = 512
BAND_HZ = (200, 3_400)
SHARE_MIN = 0.55
"""A person at the loudness of the echo leaves it less; a room that echoes much itself does too."""
LEVEL_MIN = 0.001

WORDS_MIN = 2
WORDS_SHARE_MIN = 0.7

Samples = npt.NDArray[np.float64]


class Ear:
    """Remembers what the microphone heard last."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._blocks: deque[bytes] = deque()
        self._size_bytes = 0

    def hear(self, pcm: bytes) -> None:
        """The next of the microphone's audio."""
        self._blocks.append(pcm)
        self._size_bytes += len(pcm)
        limit_bytes = self._rate_hz * 2 * WINDOW_MS // 1000
        while self._size_bytes - len(self._blocks[0]) >= limit_bytes:
            self._size_bytes -= len(self._blocks.popleft())

    def hears(self, played: bytes, rate_hz: int) -> bool:
        """Whether it hears mostly ``played``: the last that the loudspeaker got."""
        heard = _read(b"".join(self._blocks), self._rate_hz)
        return echo_share(heard, _read(played, rate_hz)) >= SHARE_MIN


def echo_share(heard: Samples, played: Samples) -> float:
    """The share of ``heard``'s energy that follows from ``played``, from 0 to 1.

    Both at ``RATE_HZ``, and both end now. The delay between them is found first; then their
    coherence tells what a room could have made of one.
    """
    if len(heard) < 2 * SEGMENT or len(played) < len(heard) or np.abs(heard).max() < LEVEL_MIN:
        return 0.0
    size = len(played) + len(heard)
    cross = np.fft.rfft(played, size).conj() * np.fft.rfft(heard, size)
    # By phase alone: a voice is like itself at many delays, its echo at one.
    likeness = np.fft.irfft(cross / (np.abs(cross) + 1e-9), size)
    latest = len(played) - len(heard)
    earliest = max(0, latest - RATE_HZ * DELAY_LIMIT_MS // 1000)
    starts = np.arange(earliest, latest + 1)
    start = int(starts[np.argmax(likeness[-starts])])
    return _coherent_share(heard, played[start : start + len(heard)])


def _coherent_share(heard: Samples, played: Samples) -> float:
    hop = SEGMENT // 4
    window = np.hanning(SEGMENT)
    segments = [
        np.fft.rfft(np.lib.stride_tricks.sliding_window_view(side, SEGMENT)[::hop] * window)
        for side in (heard, played)
    ]
    heard_power, played_power = (np.mean(np.abs(side) ** 2, axis=0) for side in segments)
    cross = np.mean(segments[0] * segments[1].conj(), axis=0)
    coherence = np.abs(cross) ** 2 / (heard_power * played_power + 1e-12)
    low, high = (round(hz * SEGMENT / RATE_HZ) for hz in BAND_HZ)
    band = slice(low, high)
    return float((coherence * heard_power)[band].sum() / (heard_power[band].sum() + 1e-12))


def _read(pcm: bytes, rate_hz: int) -> Samples:
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64) / 32768
    return samples if rate_hz == RATE_HZ else np.asarray(soxr.resample(samples, rate_hz, RATE_HZ))


def sounds_like(heard: str, spoken: str) -> bool:
    """Whether the words ``heard`` are for the most part a stretch of ``spoken``, in its order."""
    said = _words(spoken)
    words = _words(heard)
    if len(words) < WORDS_MIN:
        return False
    best = 0
    for start in range(len(said)):
        found, position = 0, start
        for word in words:
            # A recogniser drops a word here and there.
            near = said[position : position + 3]
            if word in near:
                position += near.index(word) + 1
                found += 1
        best = max(best, found)
    return best / len(words) >= WORDS_SHARE_MIN


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
