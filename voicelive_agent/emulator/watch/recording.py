"""What ``--record DIR`` keeps of a session, in the format of ``wire.recording_format``.

The timeline of ``<session id>.wav`` is the session's audio clock. While the session lasts, each
side is a raw file of its own, so that playback can be placed, and cut, by offset.
"""

import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.wire.audio.formats import BYTES_PER_SAMPLE, DEFAULT_RATE_HZ
from voicelive_agent.wire.audio.resampling import Resampler
from voicelive_agent.wire.audio.wav import WavWriter
from voicelive_agent.wire.recording_format import (
    DIRECTORY_MODE,
    OWNER_ALONE,
    Side,
    connection_line,
    event_line,
    turn_line,
)
from voicelive_agent.wire.voice_live.frames import encode_event

Samples = npt.NDArray[np.int16]

WAV_RATE_HZ = DEFAULT_RATE_HZ
_BLOCK_SAMPLES = 1 << 16

logger = logging.getLogger(__name__)


class Track:
    """One side's PCM16 at ``rate_hz`` on the timeline; gaps are silence."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        self.path = path
        self._rate_hz = rate_hz
        self._file: BinaryIO = open_private(path, "w+b")

    def place(self, at_ms: float, pcm: bytes) -> None:
        """Write ``pcm`` from ``at_ms`` on."""
        self._file.seek(_offset_bytes(at_ms, self._rate_hz))
        self._file.write(pcm)

    def cut(self, at_ms: float) -> None:
        """Drop what was placed from ``at_ms`` on."""
        end = self._file.seek(0, os.SEEK_END)
        self._file.truncate(min(end, _offset_bytes(at_ms, self._rate_hz)))

    def blocks(self) -> Iterator[Samples]:
        """The whole track at ``WAV_RATE_HZ``."""
        resampler = Resampler(self._rate_hz, WAV_RATE_HZ)
        for block in self._raw_blocks():
            yield resampler.resample(block)
        yield resampler.finish()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._file.close()

    def _raw_blocks(self) -> Iterator[Samples]:
        # A file of its own to read from: what goes on being written keeps its place.
        self._file.flush()
        with self.path.open("rb") as file:
            while data := file.read(_BLOCK_SAMPLES * BYTES_PER_SAMPLE):
                yield np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2")


def _offset_bytes(at_ms: float, rate_hz: int) -> int:
    return max(0, round(at_ms * rate_hz / 1000)) * BYTES_PER_SAMPLE


class SessionRecording:
    """One session's files. ``close`` blocks for as long as it takes to write the WAV.

    A disk that is full ends the recording, which the log tells, and not the session.
    """

    def __init__(self, directory: Path, session_id: str, connection: Mapping[str, Any]) -> None:
        """Raises OSError where the directory can't be written."""
        _make_directory(directory)
        name = re.sub(r"[^\w.-]", "_", session_id)
        self.wav_path = directory / f"{name}.wav"
        self.events_path = directory / f"{name}.jsonl"
        self.heard = Track(directory / f".{name}.heard.pcm", SAMPLE_RATE_HZ)
        self.played = Track(directory / f".{name}.played.pcm", WAV_RATE_HZ)
        self._events = open_private(self.events_path, "wb")
        self._is_broken = False
        self._write_line(connection_line({**connection, "session_id": session_id}))

    def place_heard(self, at_ms: float, pcm: bytes) -> None:
        """Input audio at ``SAMPLE_RATE_HZ``."""
        self._try(lambda: self.heard.place(at_ms, pcm))

    def place_played(self, at_ms: float, pcm: bytes) -> None:
        """Played audio at ``WAV_RATE_HZ``."""
        self._try(lambda: self.played.place(at_ms, pcm))

    def cut_played(self, at_ms: float) -> None:
        """What was to be played from here on was not."""
        self._try(lambda: self.played.cut(at_ms))

    def add_event(self, at_ms: float, side: Side, event: Any) -> None:
        """Keep one event; ``event`` is what stood in the frame, parsed where it was JSON."""
        self._try(lambda: self._write_line(event_line(at_ms, side, event)))

    def add_turn(self, at_ms: float, turn: Mapping[str, Any]) -> None:
        """Keep a turn as ``GET /sessions/{id}`` tells it; the last line of its number counts."""
        self._try(lambda: self._write_line(turn_line(at_ms, turn)))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._events.close()
        self._is_broken = False
        self._try(lambda: self.write_so_far(self.wav_path))
        self.heard.remove()
        self.played.remove()

    def _try(self, write: Callable[[], object]) -> None:
        if self._is_broken:
            return
        try:
            write()
        except OSError as error:
            self._is_broken = True
            # A disk says enough by its reason: no traceback.
            logger.error("The recording %s ends here: %s", self.events_path, error)  # noqa: TRY400

    def write_so_far(self, path: Path) -> None:
        """The sound that there is by now. Blocks; raises OSError."""
        # A file that is there already keeps its mode otherwise.
        open_private(path, "wb").close()
        writer = WavWriter(path, WAV_RATE_HZ, channels=2, mode=OWNER_ALONE)
        with contextlib.closing(writer) as wav:
            for block in interleave(self.heard.blocks(), self.played.blocks()):
                wav.write(block)

    def _write_line(self, line: Mapping[str, Any]) -> None:
        self._events.write(encode_event(line).encode() + b"\n")
        # A session that is cut off by a crash still leaves its events.
        self._events.flush()


def check_directory(directory: Path) -> None:
    """Raises OSError where recordings can't be kept there."""
    _make_directory(directory)
    with tempfile.TemporaryFile(dir=directory):
        pass


def _make_directory(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)


def open_private(path: Path, mode: Literal["wb", "w+b"]) -> BinaryIO:
    """Open a file for writing that only its owner can read, also where it existed before."""
    flags = os.O_CREAT | os.O_TRUNC | (os.O_RDWR if "+" in mode else os.O_WRONLY)
    descriptor = os.open(path, flags, OWNER_ALONE)
    os.chmod(path, OWNER_ALONE)
    return os.fdopen(descriptor, mode)


def interleave(
    left: Iterator[Samples],
    right: Iterator[Samples],
) -> Iterator[bytes]:
    """Two mono streams of any block sizes as stereo PCM16; the shorter one ends in silence."""
    empty = np.empty(0, dtype=np.int16)
    pending = [empty, empty]
    sources: list[Iterator[Samples] | None] = [left, right]
    while True:
        for side, source in enumerate(sources):
            while source is not None and not len(pending[side]):
                block = next(source, None)
                if block is None:
                    source = sources[side] = None
                else:
                    pending[side] = block
        live = [len(pending[side]) for side in (0, 1) if len(pending[side])]
        if not live:
            return
        count = min(live)
        stereo = np.zeros((count, 2), dtype="<i2")
        for side in (0, 1):
            stereo[: len(pending[side][:count]), side] = pending[side][:count]
            pending[side] = pending[side][count:]
        yield stereo.tobytes()
