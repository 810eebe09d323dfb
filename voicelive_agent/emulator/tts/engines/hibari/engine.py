"""The hibari engine: its voices, and clauses to audio in a process of its own.

The package carries one voice, an American woman's, which is all that is ever opened: others would
be downloaded. Its model tells the fundamental frequency and the spectrum of each frame, from which
the sound is made here; so a change of pitch leaves the vowels alone, and other vocal tracts are
other people: a second woman, and a man.
"""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.tts.engines.hibari.phonemes import Phonemizer, Piece, read_marks
from voicelive_agent.emulator.tts.engines.hibari.waveform import (
    SAMPLE_RATE_HZ,
    Spectrum,
    make_sound,
    shape_level,
    stretch_time,
    trim,
)
from voicelive_agent.emulator.tts.local import LocalTextToSpeech, pause_ms
from voicelive_agent.emulator.tts.samples import SAMPLE_BYTES, silence
from voicelive_agent.emulator.tts.voices import EngineVoice
from voicelive_agent.emulator.tts.worker import Emit

INSTALL_HINT = spell_commands("pip install 'voicelive-agent[emulator]'")
FRAME_SAMPLES = 600
"""25 ms: the unit of the durations that the model gives its phonemes."""
_PER_MS = SAMPLE_RATE_HZ / 1000
_DURATIONS = "/Div_40_output_0"
"""Of each symbol in those units and at the wanted speed, before they are rounded."""

VOICES = (
    EngineVoice("heart", "en-US", "female", {"tone": 1.0, "formants": 1.0}),
    EngineVoice("heart-bright", "en-US", "female", {"tone": 1.16, "formants": 1.1}, 1.06),
    EngineVoice("heart-deep", "en-US", "male", {"tone": 0.56, "formants": 0.86}, 0.97),
)


def is_installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("hibari", "onnxruntime"))


def open_tts(*, processes: int = 1) -> LocalTextToSpeech:
    return LocalTextToSpeech(
        "hibari",
        lambda about: VOICES,
        module=__name__,
        processes=processes,
        pitch_range=(0.5, 2.0),
        adds_pauses=True,
    )


class HibariSynthesizer:
    """The loaded model and its front end."""

    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        import hibari

        assets = Path(hibari.__file__).parent / "assets"
        self._phonemizer = Phonemizer(json.loads((assets / "vocab.json").read_text("utf-8")))
        self._session = _open_session(assets / "hibari.onnx")

    def describe(self) -> Mapping[str, Any]:
        return {}

    def speak(self, text: str, settings: Mapping[str, Any], emit: Emit) -> None:
        spoken_ms = 0.0
        pieces = self._phonemizer.read(text)
        for number, piece in enumerate(pieces, 1):
            sound, begins = self._synthesize(piece, settings)
            start, end = trim(sound)
            words, phonemes = read_marks(
                piece, (begins - start) / _PER_MS, (end - start) / _PER_MS, spoken_ms
            )
            pcm = shape_level(sound[start:end])
            if number < len(pieces):
                pcm += silence(pause_ms(piece.text), SAMPLE_RATE_HZ)
            if not emit(pcm, words, phonemes):
                return
            spoken_ms += len(pcm) / SAMPLE_BYTES / _PER_MS

    def _synthesize(
        self, piece: Piece, settings: Mapping[str, Any]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
        """The sound of a piece, and where each symbol begins in it: sample indices.

        The first symbol is the silence before those of the piece.
        """
        rate = min(max(settings["rate"], 0.4), 2.5)
        # Where the model itself speaks fast it slurs: twice as fast, one word in seven is lost.
        speed = min(rate, 1.0)
        *parts, wanted = self._session.run(
            None,
            {
                "ids": np.asarray([[0, *piece.ids, 0]], np.int64),
                "speed": np.asarray([speed], np.float32),
            },
        )
        frames, natural = _round(wanted.ravel()), _round(wanted.ravel() * speed)
        stretch = float(natural.sum() / rate / frames.sum())
        spectrum = stretch_time(Spectrum(*(part[0] for part in parts)), stretch)
        sound = make_sound(spectrum, settings["tone"] * settings["pitch"], settings["formants"])
        return sound, np.concatenate([[0], np.cumsum(frames)]) * FRAME_SAMPLES * stretch


def _round(durations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """As the model does it."""
    return np.maximum(np.rint(durations), 1)


def _open_session(model: Path) -> Any:
    """The model with one output more: how long each phoneme is.

    The graph computes it and keeps it to itself. A protobuf message that is appended to another is
    merged into it, so a declaration of the output is all that is needed.
    """
    import onnxruntime

    # ValueInfoProto(name, type=TypeProto(tensor_type=Tensor(elem_type=FLOAT)))
    declared = _field(1, _DURATIONS.encode()) + _field(2, _field(1, b"\x08\x01"))
    # ModelProto(graph=GraphProto(output=declared))
    data = model.read_bytes() + _field(7, _field(12, declared))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        data, sess_options=options, providers=["CPUExecutionProvider"]
    )


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message; of less than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def open_synthesizer() -> HibariSynthesizer:
    return HibariSynthesizer()
