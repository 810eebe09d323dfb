"""Synthesizer of hibari: clauses to audio, in the engine's own process.

Its model tells the fundamental frequency and the spectrum of each frame, from which the sound is
made here. The spectrum is asked for in parts, so that the first sound does not wait for the last,
and not of the silences around a sentence, which are a third of it.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.onnx_part import take_part
from voicelive_agent.emulator.tts.engines.hibari.front_end import load_front_end
from voicelive_agent.emulator.tts.engines.hibari.phonemes import SILENT, Marks, Phonemizer, Piece
from voicelive_agent.emulator.tts.engines.hibari.waveform import (
    SAMPLE_RATE_HZ,
    FloatArray,
    Spectrum,
    Trimmer,
    Waveform,
    ends_silent,
    find_frames,
    shape_level,
)
from voicelive_agent.emulator.tts.samples import SAMPLE_BYTES, pause_ms, silence
from voicelive_agent.emulator.tts.worker import Emit

_FRAME_SAMPLES = 300
_UNIT_FRAMES = 2
"""25 ms: the unit of the durations that the model gives its phonemes."""
_PER_MS = SAMPLE_RATE_HZ / 1000
_FEATURES = "/Concat_43_output_0"
"""Of each frame of 12.5 ms: (1, 130, frames)."""
_F0 = "f0"
"""Of each such frame, Hz: (1, frames)."""
_DURATIONS = "/Div_40_output_0"
"""Of each symbol in those units and at the wanted speed, before they are rounded."""
_SPECTRUM = "/head/Add_output_0"
"""The arrays of ``Spectrum`` side by side: (1, frames, 5 * 601)."""
_FIRST_FRAMES = 14
"""Of the first symbols of a piece, to be heard before the rest is made: 0.2 s."""
_MOST_FRAMES = 300
"""Of a part, so that one who interrupts does not wait for long."""
_GROWTH = 5
"""Of a part over all before it, where twice as much is left: on a machine with much else to do, the
long rest of a clause was not there when its first sound had been heard."""
_CONTEXT_FRAMES = 8
"""Frames before and after a part that it is made of. With 27, which is all that counts, it differs
as much from what is made in one go: -27 dB, as the model rounds to 8 bits by the loudest."""
_LEAD_FRAMES = 11
"""Sound begins up to 8 frames before the durations say so, at normal speed."""
_END_MS = 80
"""A sound that is over has been silent for so long: the closure of a consonant is shorter."""


class HibariSynthesizer:
    """The loaded model and its front end."""

    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        import hibari

        assets = Path(hibari.__file__).parent / "assets"
        ids = json.loads((assets / "vocab.json").read_text("utf-8"))
        self._phonemizer = Phonemizer(ids, load_front_end())
        model = (assets / "hibari.onnx").read_bytes()
        self._reader = _open_session(take_part(model, [_FEATURES, _F0, _DURATIONS]))
        self._speaker = _open_session(take_part(model, [_SPECTRUM], [_FEATURES]))

    def describe(self) -> Mapping[str, Any]:
        return {}

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        spoken_ms = 0.0
        pieces = self._phonemizer.read(text)
        for number, piece in enumerate(pieces, 1):
            begins, sounds = self._synthesize(piece, settings)
            trimmer, marks = Trimmer(), Marks(piece, begins / _PER_MS, spoken_ms)
            for sound in sounds:
                pcm = shape_level(trimmer.trim(sound))
                spoken_ms += len(pcm) / SAMPLE_BYTES / _PER_MS
                if not emit(pcm, *marks.take(spoken_ms, trimmer.cut_samples / _PER_MS)):
                    return
            pause = silence(pause_ms(piece.text), SAMPLE_RATE_HZ) if number < len(pieces) else b""
            if not emit(pause, *marks.finish(spoken_ms, trimmer.cut_samples / _PER_MS)):
                return
            spoken_ms += len(pause) / SAMPLE_BYTES / _PER_MS

    def _synthesize(
        self, piece: Piece, settings: Mapping[str, Any]
    ) -> tuple[npt.NDArray[np.float64], Iterator[FloatArray]]:
        """Where each symbol of a piece begins, sample indices, and its sound, part by part.

        The first symbol is the silence before those of the piece.
        """
        rate = min(max(settings["rate"], 0.4), 2.5)
        # Where the model itself speaks fast it slurs: twice as fast, one word in seven is lost.
        speed = min(rate, 1.0)
        features, f0_hz, wanted = self._reader.run(
            None,
            {
                "ids": np.asarray([[0, *piece.ids, 0]], np.int64),
                "speed": np.asarray([speed], np.float32),
            },
        )
        durations, natural = _round(wanted.ravel()), _round(wanted.ravel() * speed)
        stretch = float(natural.sum() / rate / durations.sum())
        ends = np.cumsum(durations) * _UNIT_FRAMES
        sound = _find_sound(piece, ends, rate)
        frames = find_frames(features.shape[2], stretch)
        left_out = np.searchsorted(frames, sound.start)
        frames = frames[left_out:]
        waveform = Waveform(
            f0_hz[0][frames], settings["tone"] * settings["pitch"], settings["formants"]
        )
        begins = (np.concatenate([[0], ends]) * stretch - left_out) * _FRAME_SAMPLES
        return begins, self._make_sound(features, frames, waveform, sound)

    def _make_sound(
        self,
        features: FloatArray,
        frames: npt.NDArray[np.intp],
        waveform: Waveform,
        expected: "_Sound",
    ) -> Iterator[FloatArray]:
        count, start, end = features.shape[2], expected.start, expected.first_end
        while True:
            before = min(start, _CONTEXT_FRAMES)
            part = features[:, :, start - before : end + _CONTEXT_FRAMES]
            (made,) = self._speaker.run(None, {_FEATURES: part})
            wanted = frames[np.searchsorted(frames, start) : np.searchsorted(frames, end)]
            arrays = np.split(made[0, wanted - start + before], 5, axis=1)
            sound = waveform.add(Spectrum(*arrays))
            yield sound
            is_over = end >= expected.end and ends_silent(sound, expected.silent_ms)
            if is_over or end >= count:
                return
            made = end - expected.begin
            start, end = end, _find_end(end, expected.end if end < expected.end else count, made)


@dataclass(frozen=True, slots=True)
class _Sound:
    """The frames of a piece in which there should be sound."""

    start: int
    """There is none before."""
    begin: int
    """Where the first symbol does."""
    first_end: int
    end: int
    """There should be none from here on, if it was silent for so long before:"""
    silent_ms: float


def _find_sound(piece: Piece, ends: npt.NDArray[np.floating], rate: float) -> _Sound:
    """``ends`` are those of the silence before a piece and of its symbols, in frames."""
    speed, faster = min(rate, 1.0), max(rate, 1.0)
    spoken = [index for index, symbol in enumerate(piece.symbols, 1) if symbol.char not in SILENT]
    begin, end = int(ends[spoken[0] - 1]), int(ends[spoken[-1]])
    start = max(begin - round(_LEAD_FRAMES / speed**2), 0)
    first_end = begin + round(_FIRST_FRAMES * faster)
    return _Sound(start, begin, first_end, end, _END_MS / speed)


def _find_end(start: int, over: int, made: int) -> int:
    """Where a part ends after ``made`` frames, of which those up to ``over`` are wanted; the last
    parts are as long as each other."""
    left = over - start
    if left > 2 * _GROWTH * made:
        return start + _GROWTH * made
    return start + math.ceil(left / math.ceil(left / _MOST_FRAMES))


def _round(durations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """As the model does it."""
    return np.maximum(np.rint(durations), 1)


def _open_session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model, sess_options=options, providers=["CPUExecutionProvider"]
    )


def open_synthesizer() -> HibariSynthesizer:
    return HibariSynthesizer()
