"""Audio files: read as PCM16 mono at the rate that is asked for, and written as WAV."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.wire.audio.wav import encode_header, mend_sizes


def read_sound(path: Path, rate_hz: int) -> bytes:
    """A WAV, FLAC, Ogg or MP3 file of any rate, width and number of channels.

    Raises DeviceError.
    """
    try:
        # Opened here: libsndfile's own texts for a file that isn't there say less.
        with path.open("rb") as file:
            whole = mend_sizes(file) if file.seekable() else file
            samples, from_hz = soundfile.read(whole, dtype="float32", always_2d=True)
    except OSError as error:
        raise DeviceError(f"can't read {path}: {error.strerror}") from error
    except soundfile.SoundFileError as error:
        raise DeviceError(
            f"{path} is no audio file that can be read here (WAV, FLAC, Ogg and MP3 can). "
            f"Convert it: ffmpeg -i {path} speech.wav"
        ) from error
    if not len(samples):
        raise DeviceError(f"{path} has no sound in it")
    mono = np.nan_to_num(samples.mean(axis=1))
    return to_pcm16(resample(mono, from_hz, rate_hz))


def resample(samples: npt.NDArray[Any], from_hz: int, to_hz: int) -> npt.NDArray[Any]:
    if from_hz == to_hz or not len(samples):
        return samples
    resampled: npt.NDArray[Any] = soxr.resample(samples, from_hz, to_hz)
    return resampled


def to_pcm16(samples: npt.NDArray[Any]) -> bytes:
    """Samples between -1 and 1 as PCM16, with what is louder clipped."""
    return bytes(np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes())


class WavWriter:
    """A PCM16 WAV file that grows; its header is right after ``close``.

    Every method raises OSError; the file is closed then as well.
    """

    def __init__(self, path: Path, rate_hz: int, *, channels: int = 1, mode: int = 0o666) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self._size_bytes = 0
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb")
        self._guarded(lambda: self._file.write(self._header()))

    def write(self, pcm: bytes) -> None:
        self._guarded(lambda: self._file.write(pcm))
        self._size_bytes += len(pcm)

    def close(self) -> None:
        if self._file.closed:
            return
        self._guarded(self._finish)
        self._file.close()

    def _finish(self) -> None:
        if self._file.seekable():
            self._file.seek(0)
            self._file.write(self._header())
        self._file.flush()

    def _header(self) -> bytes:
        return encode_header(self._rate_hz, self._channels, self._size_bytes)

    def _guarded(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError:
            # What is buffered can't be written either, and closing would say so again.
            with contextlib.suppress(OSError):
                self._file.close()
            raise
