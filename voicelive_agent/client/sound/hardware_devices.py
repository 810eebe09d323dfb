"""Microphone and loudspeaker of this machine, through PyAudio.

PyAudio is imported when a device is opened or listed, and nowhere else. PortAudio calls back in
a thread of its own; between it and the event loop stand a bounded queue (microphone) and
``playback`` (loudspeaker). A device that is lost is opened anew: see ``portaudio_lines``.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

import numpy as np
import soxr

from voicelive_agent.client.sound.devices import BLOCK_MS, Block, Played, ignore
from voicelive_agent.client.sound.file_devices import Pace, block_bytes
from voicelive_agent.client.sound.playback import Playback
from voicelive_agent.client.sound.portaudio import Device, list_devices
from voicelive_agent.client.sound.portaudio_stream import DeviceStream
from voicelive_agent.wire.audio.formats import BYTES_PER_SAMPLE

__all__ = ["Device", "HardwareLoudspeaker", "HardwareMicrophone", "list_devices"]

WAITING_LIMIT_BLOCKS = 1_000 // BLOCK_MS
KEPT_WHILE_LOST_S = 5.0
"""An answer waits so long for a lost loudspeaker; what is queued is dropped then."""


class HardwareMicrophone:
    """``device`` is a number or a part of a name as ``list_devices`` tells; None is the default.

    While the device is lost, ``read`` gives silence, so that a turn which had begun can end.
    """

    def __init__(self, device: int | str | None = None) -> None:
        self._on_status: Callable[[str], None] = ignore
        self._stream = DeviceStream(
            "microphone", device, self._take, on_change=self._wake, on_status=self._tell
        )
        self._waiting: deque[bytes] = deque()
        self._dropped_blocks = 0
        self._arrived = asyncio.Event()
        self._woken = False
        self._pace = Pace()
        self._rate_hz = 0
        self._resampler: soxr.ResampleStream | None = None
        self._resampler_from_hz = 0
        self._closed = False

    async def open(self, rate_hz: int, *, on_status: Callable[[str], None] = ignore) -> None:
        self._rate_hz = rate_hz
        self._on_status = on_status
        self._loop = asyncio.get_running_loop()
        await self._stream.open(rate_hz)

    async def read(self) -> Block | None:
        while not self._closed:
            if self._waiting:
                if pcm := self._resample(self._waiting.popleft()):
                    return Block(pcm)
                continue
            if self._stream.lost:
                await self._pace.wait()
                return Block(bytes(block_bytes(self._rate_hz)))
            self._arrived.clear()
            self._woken = False
            if not self._waiting and not self._closed:
                await self._arrived.wait()
        return None

    def go_on(self) -> None:
        """There is no input to go on with: a person speaks when they like."""

    @property
    def dropped_ms(self) -> int:
        return self._dropped_blocks * BLOCK_MS

    async def close(self) -> None:
        self._closed = True
        self._arrived.set()
        await self._stream.close()

    def _take(self, pcm: bytes, frames: int) -> bytes:
        """In the audio thread: queue a block, dropping the oldest of too many."""
        if len(self._waiting) >= WAITING_LIMIT_BLOCKS:
            with contextlib.suppress(IndexError):
                self._waiting.popleft()
                self._dropped_blocks += 1
        self._waiting.append(pcm)
        # One wake-up is under way at most, however long the event loop is held.
        if not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._arrived.set)
        return b""

    def _wake(self) -> None:
        self._arrived.set()

    def _tell(self, text: str) -> None:
        self._on_status(text)

    def _resample(self, pcm: bytes) -> bytes:
        from_hz = self._stream.rate_hz
        if from_hz == self._rate_hz:
            return pcm
        if self._resampler is None or self._resampler_from_hz != from_hz:
            self._resampler = soxr.ResampleStream(from_hz, self._rate_hz, 1, dtype="int16", vr=True)
            self._resampler_from_hz = from_hz
        return bytes(self._resampler.resample_chunk(np.frombuffer(pcm, np.int16)).tobytes())


class HardwareLoudspeaker:
    """``device`` is a number or a part of a name as ``list_devices`` tells; None is the default.

    What was handed to the hardware counts as heard: nothing can take it back.
    """

    def __init__(self, device: int | str | None = None) -> None:
        self._on_first_sound: Callable[[str], None] = ignore
        self._on_status: Callable[[str], None] = ignore
        self._stream = DeviceStream(
            "loudspeaker", device, self._give, on_change=self._on_change, on_status=self._tell
        )
        self._playback = Playback(BYTES_PER_SAMPLE)
        self._rate_hz = 0
        self._resampler: soxr.ResampleStream | None = None
        self._resampler_to_hz = 0
        self._lag_samples = 0.0
        self._resampled = bytearray()
        self._giving_up: asyncio.TimerHandle | None = None

    async def open(
        self,
        rate_hz: int,
        *,
        on_first_sound: Callable[[str], None] = ignore,
        on_status: Callable[[str], None] = ignore,
    ) -> None:
        self._rate_hz = rate_hz
        self._on_first_sound, self._on_status = on_first_sound, on_status
        self._loop = asyncio.get_running_loop()
        self._playback = Playback(rate_hz, self._tell_first_sound)
        await self._stream.open(rate_hz)

    def write(self, item_id: str, content_index: int, pcm: bytes) -> None:
        self._playback.write(item_id, content_index, pcm)
        if self._stream.lost:
            self._give_up_later()

    def cut(self) -> Played | None:
        return self._playback.cut()

    def played(self, item_id: str, content_index: int) -> Played:
        return self._playback.played(item_id, content_index)

    def recent(self) -> bytes:
        return self._playback.recent()

    @property
    def queued_ms(self) -> int:
        return self._playback.queued_ms

    async def drained(self) -> None:
        if not self.queued_ms:
            return
        while self.queued_ms:  # noqa: ASYNC110 - emptied by the audio thread, which sets no event
            await asyncio.sleep(max(BLOCK_MS, min(self.queued_ms, 200)) / 1000)
        await asyncio.sleep(self._held_s + self._stream.latency_s)

    async def close(self) -> None:
        if self._giving_up:
            self._giving_up.cancel()
        self.cut()
        await self._stream.close()

    @property
    def _held_s(self) -> float:
        """What the resampler holds of what was read; silence behind it pushes it out."""
        if self._resampler is None or not self._resampler_to_hz:
            return 0.0
        held = self._lag_samples + len(self._resampled) / BYTES_PER_SAMPLE
        return held / self._resampler_to_hz

    def _give(self, pcm: bytes, frames: int) -> bytes:
        """In the audio thread: the next samples at the hardware's rate."""
        size = frames * BYTES_PER_SAMPLE
        to_hz = self._stream.rate_hz
        if to_hz == self._rate_hz:
            return self._playback.read(size)
        if self._resampler is None or self._resampler_to_hz != to_hz:
            self._resampler = soxr.ResampleStream(self._rate_hz, to_hz, 1, dtype="int16", vr=True)
            self._resampler_to_hz, self._lag_samples = to_hz, 0.0
        while len(self._resampled) < size:
            samples = np.frombuffer(self._playback.read(block_bytes(self._rate_hz)), np.int16)
            resampled = self._resampler.resample_chunk(samples)
            # soxr does not tell how far it lags where the rate may vary.
            self._lag_samples += len(samples) * to_hz / self._rate_hz - len(resampled)
            self._resampled += resampled.tobytes()
        given = bytes(self._resampled[:size])
        del self._resampled[:size]
        return given

    def _tell_first_sound(self, item_id: str) -> None:
        """In the audio thread: the sample is audible when it has passed the hardware."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(
                self._loop.call_later,
                self._stream.latency_s,
                self._on_first_sound,
                item_id,
            )

    def _tell(self, text: str) -> None:
        self._on_status(text)

    def _on_change(self) -> None:
        if self._stream.lost:
            self._give_up_later()
        elif self._giving_up:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up_later(self) -> None:
        if self._giving_up is None:
            self._giving_up = self._loop.call_later(KEPT_WHILE_LOST_S, self._give_up)

    def _give_up(self) -> None:
        self._giving_up = None
        self.cut()
