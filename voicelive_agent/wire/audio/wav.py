"""WAV: files of PCM16 that are written, and what a header says that stands in a stream of audio.

Clients append whole WAV files, header included, without saying so. Programs that write into a
pipe, and those that were killed, leave a size of 0 or one as large as can be: such sound goes on
to the end of the stream.
"""

import contextlib
import io
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from voicelive_agent.wire.audio.formats import BYTES_PER_SAMPLE

RIFF_BYTES = 12
"""Before the first chunk: ``RIFF``, a size, ``WAVE``."""
PCM16 = "PCM 16 bit"
"""``WavHeader.encoding`` of what is written here."""
HEADER_LIMIT_BYTES = 64 * 1024
"""What has no audio by then is no WAV file."""
_LARGEST_BYTES = 0xFFFF_FFFF - 36
_UNFINISHED_BYTES = 0x7F00_0000
_CHUNK_HEAD_BYTES = 8
_FORMAT_BYTES = 16
_SUBFORMAT_AT = 24


_ENCODINGS = {1: "PCM", 3: "float", 6: "A-law", 7: "µ-law"}
_EXTENSIBLE = 0xFFFE


@dataclass(frozen=True, slots=True)
class WavHeader:
    rate_hz: int = 0
    channels: int = 0
    encoding: str = ""
    """Such as "PCM 16 bit"."""


class WavError(ValueError):
    """What should be a WAV file has no sound."""


class WavSkipper:
    """Takes the pieces of a stream and gives them back without headers.

    A piece that may be the start of a header is held until the next one tells.
    """

    def __init__(self) -> None:
        self._held = b""

    def skip(self, piece: bytes) -> tuple[bytes, WavHeader | None]:
        """The audio in this piece, and the header that stood before it."""
        piece = self._held + piece
        self._held = b""
        if not piece or not _may_be_wav(piece):
            return piece, None
        header = WavHeader()
        at = 12
        while at + _CHUNK_HEAD_BYTES <= len(piece):
            name, size = struct.unpack_from("<4sI", piece, at)
            at += _CHUNK_HEAD_BYTES
            if name == b"data":
                return _cut_trailer(piece[at:], size), header
            if name == b"fmt " and _FORMAT_BYTES <= size <= len(piece) - at:
                header = read_format(piece[at : at + size])
            at += size + size % 2
        if max(at, len(piece)) > HEADER_LIMIT_BYTES:
            return piece, None
        self._held = piece
        return b"", None

    def finish(self) -> bytes:
        """The piece that was held, where no other comes."""
        held, self._held = self._held, b""
        return held


def encode_header(rate_hz: int, channels: int, size_bytes: int) -> bytes:
    """The 44 bytes before so much PCM16; a size beyond what WAV can tell is told as its limit."""
    size_bytes = min(size_bytes, _LARGEST_BYTES)
    frame_bytes = channels * BYTES_PER_SAMPLE
    shape = (1, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, 8 * BYTES_PER_SAMPLE)
    return struct.pack("<4sI4s", b"RIFF", 36 + size_bytes, b"WAVE") + struct.pack(
        "<4sIHHIIHH4sI", b"fmt ", 16, *shape, b"data", size_bytes
    )


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


def read_format(chunk: bytes) -> WavHeader:
    """What a chunk ``fmt `` of at least 16 bytes says."""
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) > _SUBFORMAT_AT + 2:
        (tag,) = struct.unpack_from("<H", chunk, _SUBFORMAT_AT)
    return WavHeader(rate_hz, channels, f"{_ENCODINGS.get(tag, f'format {tag}')} {bits} bit")


def is_wav(begin: bytes) -> bool:
    """Whether a file that begins with these ``RIFF_BYTES`` is a WAV file."""
    return begin[:4] == b"RIFF" and begin[8:RIFF_BYTES] == b"WAVE"


def read_header(stream: BinaryIO) -> tuple[WavHeader, int | None]:
    """What stands between ``RIFF_BYTES`` and the sound, and the bytes of sound.

    None where it goes on to the end of the stream. Raises WavError where there is no sound.
    """
    header: WavHeader | None = None
    while len(head := stream.read(_CHUNK_HEAD_BYTES)) == _CHUNK_HEAD_BYTES:
        name, size = struct.unpack("<4sI", head)
        if name == b"data" and header:
            return header, size if 0 < size < _UNFINISHED_BYTES else None
        body = stream.read(size + size % 2)
        if name == b"fmt " and len(body) >= _FORMAT_BYTES:
            header = read_format(body)
    raise WavError("a WAV file without sound")


def mend_sizes(file: BinaryIO) -> BinaryIO:
    """A file that can seek, at its start; a finished copy of a WAV file that was never finished."""
    size: int | None = 0
    if is_wav(file.read(RIFF_BYTES)):
        with contextlib.suppress(WavError):
            _, size = read_header(file)
    at = file.tell()
    file.seek(0)
    if size is not None:
        return file
    whole = bytearray(file.read())
    if not _is_trailer(whole, at):
        struct.pack_into("<I", whole, at - 4, min(len(whole) - at, _LARGEST_BYTES))
        struct.pack_into("<I", whole, 4, min(len(whole) - 8, 0xFFFF_FFFF))
    return io.BytesIO(whole)


def _may_be_wav(piece: bytes) -> bool:
    return b"RIFF".startswith(piece[:4]) and b"WAVE".startswith(piece[8:12])


def _cut_trailer(audio: bytes, data_bytes: int) -> bytes:
    """Without the chunks after the audio (titles and the like), which are no sound."""
    if 0 < data_bytes < len(audio) and _is_trailer(audio, data_bytes + data_bytes % 2):
        return audio[:data_bytes]
    return audio


def _is_trailer(audio: bytes | bytearray, at: int) -> bool:
    """Whether nothing but whole chunks stands from ``at`` on."""
    while at < len(audio):
        if at + _CHUNK_HEAD_BYTES > len(audio):
            return False
        name, size = struct.unpack_from("<4sI", audio, at)
        at += _CHUNK_HEAD_BYTES + size + size % 2
        if not (name.isascii() and name.isalnum()) or at > len(audio) + 1:
            return False
    return True
