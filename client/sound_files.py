"""Audio as it lies in files and streams, made PCM16 mono at the rate that is asked for."""

import asyncio
import contextlib
import os
import struct
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soxr

from client.devices import DeviceError
from client.playback import BYTES_PER_SAMPLE

STREAM_QUEUE_BLOCKS = 50
"""A second of a stream is read ahead; whoever writes it waits then."""


def read_wav(path: Path, rate_hz: int) -> bytes:
    """A WAV file of any rate, width and number of channels. Raises DeviceError."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, from_hz = (
                file.getsampwidth(),
                file.getnchannels(),
                file.getframerate(),
            )
            frames = file.readframes(file.getnframes())
    except OSError as error:
        raise DeviceError(f"can't read {path}: {error.strerror}") from error
    except (wave.Error, EOFError) as error:
        why = str(error) or "it is cut short"
        raise DeviceError(
            f"{path} is no PCM WAV file ({why}). Convert it: "
            f"ffmpeg -i {path} -c:a pcm_s16le speech.wav"
        ) from error
    if from_hz <= 0 or channels <= 0:
        raise DeviceError(f"{path} has a broken WAV header; write it anew with ffmpeg or sox")
    whole = len(frames) - len(frames) % (width * channels)
    samples = _to_float(frames[:whole], width).reshape(-1, channels).mean(axis=1)
    return to_pcm16(resample(samples, from_hz, rate_hz))


def resample(samples: npt.NDArray[Any], from_hz: int, to_hz: int) -> npt.NDArray[Any]:
    if from_hz == to_hz or not len(samples):
        return samples
    resampled: npt.NDArray[Any] = soxr.resample(samples, from_hz, to_hz)
    return resampled


def to_pcm16(samples: npt.NDArray[Any]) -> bytes:
    """Samples between -1 and 1 as PCM16, with what is louder clipped."""
    return bytes(np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes())


def _to_float(frames: bytes, width: int) -> npt.NDArray[np.float32]:
    match width:
        case 1:
            samples = (np.frombuffer(frames, "u1").astype(np.float32) - 128) / 128
        case 2:
            samples = np.frombuffer(frames, "<i2").astype(np.float32) / 2**15
        case 3:
            padded = np.zeros((len(frames) // 3, 4), "u1")
            padded[:, 1:] = np.frombuffer(frames, "u1").reshape(-1, 3)
            samples = padded.view("<i4").reshape(-1).astype(np.float32) / 2**31
        case _:
            samples = np.frombuffer(frames, "<i4").astype(np.float32) / 2**31
    return np.asarray(samples, np.float32)


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
        size = min(self._size_bytes, 0xFFFFFFFF - 36)
        frame = self._channels * BYTES_PER_SAMPLE
        shape = (1, self._channels, self._rate_hz, self._rate_hz * frame, frame, 16)
        riff = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
        return riff + struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, *shape, b"data", size)

    def _guarded(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError:
            # What is buffered can't be written either, and closing would say so again.
            with contextlib.suppress(OSError):
                self._file.close()
            raise


class Recorded:
    """Audio that is there as a whole, in blocks."""

    def __init__(self, pcm: bytes, block_bytes: int) -> None:
        self._pcm = pcm
        self._block_bytes = block_bytes
        self._at = 0

    async def read(self) -> tuple[bytes, bool]:
        """The next block, filled up with silence, and whether it is the last."""
        block = self._pcm[self._at : self._at + self._block_bytes]
        self._at += self._block_bytes
        return block.ljust(self._block_bytes, b"\0"), self._at >= len(self._pcm)

    def close(self) -> None: ...


class RawStream:
    """Raw PCM16 mono from a pipe in blocks, read by a thread that no shutdown waits for."""

    def __init__(self, stream: BinaryIO, block_bytes: int) -> None:
        self._stream = stream
        self._block_bytes = block_bytes
        self._loop = asyncio.get_running_loop()
        self._blocks: asyncio.Queue[tuple[bytes, bool] | DeviceError] = asyncio.Queue()
        self._room = threading.Semaphore(STREAM_QUEUE_BLOCKS)
        self._closed = False
        threading.Thread(target=self._pump, name="raw-audio", daemon=True).start()

    async def read(self) -> tuple[bytes, bool]:
        """The next block, filled up with silence, and whether it is the last.

        Raises DeviceError where the stream is no raw audio.
        """
        got = await self._blocks.get()
        self._room.release()
        if isinstance(got, DeviceError):
            raise got
        return got

    def close(self) -> None:
        self._closed = True
        self._room.release()

    def _pump(self) -> None:
        try:
            block = self._stream.read(self._block_bytes)
            if block.startswith(b"RIFF"):
                self._put(DeviceError("standard input is a WAV file: pass raw PCM16, or its name"))
                return
            while not self._closed:
                self._room.acquire()
                # One block is read ahead, to know which is the last.
                following = self._stream.read(self._block_bytes)
                self._put((block.ljust(self._block_bytes, b"\0"), not following))
                if not following:
                    return
                block = following
        except (OSError, ValueError) as error:
            self._put(DeviceError(f"standard input can't be read: {error}"))

    def _put(self, what: tuple[bytes, bool] | DeviceError) -> None:
        # The loop may be closed by now: nobody listens then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._blocks.put_nowait, what)
