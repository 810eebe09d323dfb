"""Microphone and loudspeaker in place of PortAudio, for samples that import PyAudio.

``MICROPHONE`` names a file of mono PCM16 that is heard once, in real time, then silence follows;
``LOUDSPEAKER`` one to which all is appended that is played and isn't silent.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

paInt16 = 8
paContinue = 0
paComplete = 1

_SAMPLE_BYTES = 2
Callback = Callable[[bytes | None, int, dict[str, float], int], tuple[bytes | None, int]]


def get_sample_size(_format: int) -> int:
    return _SAMPLE_BYTES


class Stream:
    """A blocking stream, or one that calls back from a thread of its own."""

    def __init__(
        self, rate: int, frames_per_buffer: int, heard: bytes, stream_callback: Callback | None
    ) -> None:
        self._rate = rate
        self._frames = frames_per_buffer
        self._heard = heard
        self._due = time.monotonic()
        self._running = True
        if stream_callback is not None:
            threading.Thread(target=self._call_back, args=(stream_callback,), daemon=True).start()

    def _call_back(self, callback: Callback) -> None:
        goes_on = paContinue
        while self._running and goes_on == paContinue:
            played, goes_on = callback(self.read(self._frames), self._frames, {}, 0)
            _keep(played or b"")

    def _wait(self, frames: int) -> None:
        self._due = max(self._due, time.monotonic() - 1) + frames / self._rate
        time.sleep(max(0.0, self._due - time.monotonic()))

    def read(self, frames: int, exception_on_overflow: bool = True) -> bytes:
        self._wait(frames)
        size = frames * _SAMPLE_BYTES
        taken, self._heard = self._heard[:size], self._heard[size:]
        return taken.ljust(size, b"\0")

    def write(self, played: bytes) -> None:
        self._wait(len(played) // _SAMPLE_BYTES)
        _keep(played)

    def start_stream(self) -> None: ...

    def stop_stream(self) -> None:
        self._running = False

    def close(self) -> None:
        self._running = False


def _keep(played: bytes) -> None:
    if any(played):
        with Path(os.environ["LOUDSPEAKER"]).open("ab") as file:
            file.write(played)


class PyAudio:
    def get_device_count(self) -> int:
        return 1

    def get_device_info_by_index(self, _index: int) -> dict[str, Any]:
        return {"name": "file", "maxInputChannels": 1, "maxOutputChannels": 1}

    def get_default_input_device_info(self) -> dict[str, Any]:
        return self.get_device_info_by_index(0)

    def get_default_output_device_info(self) -> dict[str, Any]:
        return self.get_device_info_by_index(0)

    def open(
        self,
        *,
        rate: int,
        frames_per_buffer: int,
        input: bool = False,
        stream_callback: Callback | None = None,
        **_others: Any,
    ) -> Stream:
        heard = Path(os.environ["MICROPHONE"]).read_bytes() if input else b""
        return Stream(rate, frames_per_buffer, heard, stream_callback)

    def terminate(self) -> None: ...
