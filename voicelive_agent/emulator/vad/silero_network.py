"""Silero's network for 16 kHz, on numpy: of so small a frame a runtime's own work is the larger.

::

    frame ──▶ spectrum, 4 windows ──▶ 4 convolutions ──▶ LSTM, over frames ──▶ probability
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_WINDOW_SAMPLES, _STEP_SAMPLES, _WINDOWS = 256, 128, 4
PADDING_SAMPLES = 64
_KERNEL = 3
_CELLS = 128
_HALF = np.float32(0.5)
_GATES = ("input", "forget", "candidate", "output")
"""The parts of the LSTM's weights."""


@dataclass(frozen=True, slots=True)
class SileroState:
    """What the LSTM keeps from one frame to the next; arrays are (128,)."""

    hidden: Floats
    cells: Floats


class SileroNetwork:
    """The weights, which all sessions share."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        """``weights`` are named as in the model's file. Raises KeyError for one that is missing."""
        convolutions = [
            (
                _lay_out(weights[f"encoder.{number}.reparam_conv.weight"]),
                weights[f"encoder.{number}.reparam_conv.bias"],
            )
            for number in range(4)
        ]
        # A kernel looks one row ahead and one behind, and there is but padding where it would see
        # the rows before the third's two, and around the fourth's one.
        self._first, self._second, (third, third_bias), (fourth, fourth_bias) = convolutions
        size = len(third) // _KERNEL
        self._third = np.ascontiguousarray(third[size:]), third_bias
        self._fourth = np.ascontiguousarray(fourth[size : 2 * size]), fourth_bias
        # The first row of the basis is that of 0 Hz: the window alone.
        self._window = weights["stft.forward_basis_buffer"][0, 0]
        names = ("decoder.rnn.weight_ih", "decoder.rnn.weight_hh")
        gates = np.concatenate([weights[name] for name in names], axis=1).T
        bias = weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]
        # A sigmoid is half a tanh of the half, and one call makes all four.
        halves = np.repeat([1.0 if name == "candidate" else 0.5 for name in _GATES], _CELLS)
        self._gates = np.ascontiguousarray(gates * halves, np.float32)
        self._gates_bias = (bias * halves).astype(np.float32)
        self._weights = weights["decoder.decoder.2.weight"].ravel()
        self._bias = float(weights["decoder.decoder.2.bias"].item())

    @staticmethod
    def begin() -> SileroState:
        """The state before the first frame."""
        return SileroState(np.zeros(_CELLS, np.float32), np.zeros(_CELLS, np.float32))

    def run(self, heard: Floats, state: SileroState) -> tuple[float, SileroState]:
        """The probability of speech in a frame; ``heard`` is the end of the one before and it:
        (576,), from -1 to 1."""
        samples = np.concatenate([heard, heard[-2 : -2 - PADDING_SAMPLES : -1]])
        size = samples.itemsize
        shape, strides = (_WINDOWS, _WINDOW_SAMPLES), (_STEP_SAMPLES * size, size)
        windows: Floats = np.ndarray(shape, samples.dtype, samples, strides=strides)
        rows = _convolve(np.abs(np.fft.rfft(windows * self._window)), *self._first, step=1)
        rows = _convolve(rows, *self._second, step=2)
        row = _weigh(rows.reshape(-1), *self._third)
        row = _weigh(row, *self._fourth)
        state = self._remember(row, state)
        score = float(np.maximum(state.hidden, 0) @ self._weights) + self._bias
        return (1 + math.tanh(score / 2)) / 2, state

    def _remember(self, row: Floats, state: SileroState) -> SileroState:
        gates: Floats = np.concatenate([row, state.hidden]) @ self._gates
        gates += self._gates_bias
        np.tanh(gates, out=gates)
        taken, kept, candidate, shown = gates.reshape(len(_GATES), _CELLS)
        cells: Floats = ((kept + 1) * state.cells + (taken + 1) * candidate) * _HALF
        hidden: Floats = (shown + 1) * np.tanh(cells) * _HALF
        return SileroState(hidden, cells)


def _lay_out(kernel: Floats) -> Floats:
    """(outputs, inputs, 3) as what rows one after another are multiplied by."""
    return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, len(kernel)))


def _convolve(rows: Floats, weights: Floats, bias: Floats, *, step: int) -> Floats:
    count, width = rows.shape
    padded = np.zeros((count + _KERNEL - 1, width), np.float32)
    padded[1:-1] = rows
    shape, size = ((count - 1) // step + 1, _KERNEL * width), padded.itemsize
    seen: Floats = np.ndarray(shape, padded.dtype, padded, strides=(step * width * size, size))
    return _weigh(np.ascontiguousarray(seen), weights, bias)


def _weigh(seen: Floats, weights: Floats, bias: Floats) -> Floats:
    made: Floats = seen @ weights
    made += bias
    return np.maximum(made, 0, out=made)
