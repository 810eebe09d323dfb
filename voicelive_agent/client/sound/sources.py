"""The person's audio in blocks: from a file that was read, or from a pipe while it is written."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from voicelive_agent.client.sound.devices import BLOCK_MS, DeviceError
from voicelive_agent.wire.audio.formats import BYTES_PER_SAMPLE
from voicelive_agent.wire.audio.resampling import Resampler
from voicelive_agent.wire.audio.wav import (
    PCM16,
    RIFF_BYTES,
    WavError,
    WavHeader,
    is_wav,
    read_header,
)

READ_AHEAD_BLOCKS = 50
"""A second of a pipe is read ahead; whoever writes it waits then."""
PIECE_MS = 20


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


class Pipe:
    """PCM16 from a pipe, raw mono at ``rate_hz`` or as WAV, as it comes.

    It is read by a thread that no shutdown waits for.
    """

    def __init__(self, stream: BinaryIO, rate_hz: int) -> None:
        self._stream = stream
        self._rate_hz = rate_hz
        self._block_bytes = rate_hz * BLOCK_MS // 1000 * BYTES_PER_SAMPLE
        self._loop = asyncio.get_running_loop()
        self._blocks: asyncio.Queue[tuple[bytes, bool] | DeviceError] = asyncio.Queue()
        self._room = threading.Semaphore(READ_AHEAD_BLOCKS)
        self._closed = False
        threading.Thread(target=self._pump, name="audio pipe", daemon=True).start()

    async def read(self) -> tuple[bytes, bool]:
        """The next block, filled up with silence, and whether it is the last.

        Raises DeviceError where it is no such audio.
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
            waiting = b""
            for piece in _read_pcm(self._stream, self._rate_hz):
                waiting += piece
                # The last block is known by nothing behind it.
                while len(waiting) > self._block_bytes:
                    self._room.acquire()
                    if self._closed:
                        return
                    self._put((waiting[: self._block_bytes], False))
                    waiting = waiting[self._block_bytes :]
            self._put((waiting.ljust(self._block_bytes, b"\0"), True))
        except DeviceError as error:
            self._put(error)
        except (OSError, ValueError) as error:
            self._put(DeviceError(f"standard input can't be read: {error}"))

    def _put(self, what: tuple[bytes, bool] | DeviceError) -> None:
        # The loop may be closed by now: nobody listens then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._blocks.put_nowait, what)


def _read_pcm(stream: BinaryIO, rate_hz: int) -> Iterator[bytes]:
    """PCM16 mono at ``rate_hz``, in pieces. Raises DeviceError."""
    begin = stream.read(RIFF_BYTES)
    if begin[:4] in (b"fLaC", b"OggS") or begin[:3] == b"ID3":
        raise DeviceError("standard input takes raw PCM16 or WAV: give this file's name instead")
    if not is_wav(begin):
        yield begin
        while piece := stream.read(_piece_bytes(rate_hz, 1)):
            yield piece
        return
    header, left_bytes = _read_header(stream)
    resampler = Resampler(header.rate_hz, rate_hz)
    frame_bytes = header.channels * BYTES_PER_SAMPLE
    size = _piece_bytes(header.rate_hz, header.channels)
    while left_bytes != 0 and (piece := stream.read(min(size, left_bytes or size))):
        left_bytes = None if left_bytes is None else left_bytes - len(piece)
        frames = np.frombuffer(piece[: len(piece) // frame_bytes * frame_bytes], "<i2")
        mono = frames.reshape(-1, header.channels).mean(axis=1).astype(np.int16)
        yield resampler.resample(mono).tobytes()
    yield resampler.finish().tobytes()


def _read_header(stream: BinaryIO) -> tuple[WavHeader, int | None]:
    """The header of a WAV file of PCM16, and the bytes of its sound. Raises DeviceError."""
    try:
        header, size_bytes = read_header(stream)
    except WavError as error:
        raise DeviceError(f"standard input is {error}") from error
    if header.encoding != PCM16 or not (header.channels and header.rate_hz):
        raise DeviceError(
            "standard input takes WAV of 16-bit PCM only: convert it (ffmpeg -i … -c:a "
            "pcm_s16le -f wav -), record it so (arecord -f S16_LE), or give a file's name"
        )
    return header, size_bytes


def _piece_bytes(rate_hz: int, channels: int) -> int:
    return rate_hz * PIECE_MS // 1000 * BYTES_PER_SAMPLE * channels
