"""Audio files: read as PCM16 mono at the rate that is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from voicelive_agent.client.sound.devices import DeviceError
from voicelive_agent.wire.audio.samples import round_samples
from voicelive_agent.wire.audio.wav import mend_sizes


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
    return round_samples(samples * 32768).tobytes()
