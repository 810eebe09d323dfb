"""One PortAudio stream each, watched and opened anew when its device was lost or changed.

PortAudio tells of a lost device in several ways: an error, a stream that is no longer active, or
callbacks that just stop. Its list of devices is made when the first stream of a process is
opened and stays as it is until the last one is closed; so when a device can't be opened again,
the other streams are asked to close for a moment.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from voicelive_agent.client.sound.devices import BLOCK_MS, DeviceError
from voicelive_agent.client.sound.portaudio import (
    Device,
    Direction,
    deepen_buffers,
    find_device,
    quiet_stderr,
    read_devices,
    system,
)
from voicelive_agent.client.threads import run_in_thread

T = TypeVar("T")

WATCH_EVERY_S = 0.25
SILENT_LIMIT_S = 2.0
"""Without a callback for so long, a stream counts as lost; a busy machine can miss a second."""
STUTTERS_TOLD = 3
"""So many gaps in the sound are no accident any more."""
START_LIMIT_S = 5.0
BUFFER_S = 0.08
"""So late the audio thread may be on a busy machine before the sound has a gap. It is also how
long the loudspeaker plays on after it was silenced."""
FLOWING_BLOCKS = 10
"""A stream that starts asks for a few blocks at once, and may then pause for a second."""
CALL_LIMIT_S = 10.0
"""PortAudio can hang in a driver; the thread that called it is left behind then."""
RETRY_S = (0.2, 0.5, 1.0, 2.0)
RESCAN_AFTER_TRIES = 3
OTHER_RATES_HZ = (48_000, 44_100, 32_000, 16_000, 8_000)


class DeviceStream:
    """A stream in one direction. ``move`` is called in the audio thread, for each block.

    It gets the samples of a microphone, or how many a loudspeaker needs, as PCM16 mono at
    ``rate_hz``, and gives back those for the loudspeaker.
    """

    def __init__(
        self,
        direction: Direction,
        device: int | str | None,
        move: Callable[[bytes, int], bytes],
        *,
        on_change: Callable[[], None],
        on_status: Callable[[str], None],
    ) -> None:
        """``on_change`` is called when the device is lost and when it is back, ``on_status`` with
        what to tell the person of it; both on the event loop."""
        self.rate_hz = 0
        self.latency_s = 0.0
        self.lost = False
        self._direction: Direction = direction
        self._device = device
        self._move = move
        self._on_change = on_change
        self._on_status = on_status
        self._channels = 1
        self._found: Device | None = None
        self._wanted_hz = 0
        self._stream: Any = None
        self._opened_s = 0.0
        self._moved_s = 0.0
        self._moved_blocks = 0
        self._stutters = 0
        self._has_told_stutters = False
        self._watching: asyncio.Task[None] | None = None

    async def open(self, rate_hz: int) -> None:
        """Raises DeviceError, whose text says what to do."""
        self._wanted_hz = rate_hz
        await call(self._open)
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watching:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        with contextlib.suppress(DeviceError, OSError):
            await call(self._close)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if system.rescan_wanted:
                await self._reopen()
            elif self._is_lost():
                self._on_status(f"The {self._direction} {self._name()!r} is gone; waiting for it…")
                await self._reopen()
                self._on_status(f"The {self._direction} is back: {self._name()!r}.")
            elif self._stutters >= STUTTERS_TOLD and not self._has_told_stutters:
                self._has_told_stutters = True
                self._on_status(
                    f"The {self._direction} stutters: this machine is too busy. Close what else "
                    "runs on it."
                )

    def _name(self) -> str:
        return self._found.name if self._found else str(self._device)

    def _is_lost(self) -> bool:
        now_s = time.monotonic()
        if self._moved_blocks < FLOWING_BLOCKS:
            return now_s - self._opened_s > START_LIMIT_S
        return now_s - self._moved_s > SILENT_LIMIT_S

    async def _reopen(self) -> None:
        self.lost = True
        self._on_change()
        tries = 0
        while self.lost:
            try:
                await call(self._close)
                await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                await call(self._open)
                await self._flowing()
                self.lost = False
            except (DeviceError, OSError):
                tries += 1
                if tries % RESCAN_AFTER_TRIES == 0:
                    system.rescan_wanted = True
        self._on_change()

    async def _flowing(self) -> None:
        """A device that is gone can often be opened; it just never plays."""
        until_s = time.monotonic() + START_LIMIT_S
        while self._moved_blocks < FLOWING_BLOCKS:
            if time.monotonic() > until_s:
                raise DeviceError(f"the {self._direction} is silent")
            await asyncio.sleep(BLOCK_MS / 1000)

    # In a thread, one at a time: PortAudio's own functions.

    def _open(self) -> None:
        with system.lock:
            portaudio = system.acquire()
            try:
                wanted = self._device
                if wanted is not None and self._found:
                    wanted = self._found.name  # numbers change when devices come and go
                self._found = find_device(read_devices(portaudio), self._direction, wanted)
                self._start(portaudio, self._found)
            except BaseException:
                system.release()
                raise

    def _start(self, portaudio: Any, device: Device) -> None:
        reasons: list[str] = []
        available = (
            device.input_channels if self._direction == "microphone" else device.output_channels
        )
        for rate_hz in dict.fromkeys((self._wanted_hz, device.rate_hz, *OTHER_RATES_HZ)):
            for channels in range(1, min(available, 2) + 1):
                try:
                    self._open_stream(portaudio, device, rate_hz, channels)
                except (OSError, ValueError) as error:
                    reasons.append(str(error))
                else:
                    return
        raise DeviceError(
            f"the {self._direction} {device.name!r} can't be opened ({reasons[0]}). Another "
            "program may be using it; or choose another one: --list-devices"
        )

    def _open_stream(self, portaudio: Any, device: Device, rate_hz: int, channels: int) -> None:
        import pyaudio

        hears = self._direction == "microphone"
        self.rate_hz, self._channels = rate_hz, channels
        self._moved_blocks = 0
        self._opened_s = time.monotonic()
        deepen_buffers(device.number, BUFFER_S)
        with quiet_stderr():
            self._stream = portaudio.open(
                rate=rate_hz,
                channels=channels,
                format=pyaudio.paInt16,
                input=hears,
                output=not hears,
                input_device_index=device.number if hears else None,
                output_device_index=None if hears else device.number,
                frames_per_buffer=rate_hz * BLOCK_MS // 1000,
                stream_callback=self._on_audio,
            )
        with contextlib.suppress(OSError):
            stream = self._stream
            self.latency_s = stream.get_input_latency() if hears else stream.get_output_latency()

    def _close(self) -> None:
        with system.lock:
            stream, self._stream = self._stream, None
            if stream is None:
                return
            try:
                with contextlib.suppress(OSError), quiet_stderr():
                    stream.close()
            finally:
                system.release()

    def _on_audio(
        self, pcm: bytes | None, frames: int, times: object, status: int
    ) -> tuple[bytes | None, int]:
        """In the audio thread; the 0 says that more will come."""
        now_s = time.monotonic()
        if self._moved_blocks > FLOWING_BLOCKS and now_s - self._moved_s > 2 * BUFFER_S:
            self._stutters += 1
        self._moved_s = now_s
        self._moved_blocks += 1
        if pcm is not None:
            self._move(_to_mono(pcm, self._channels), frames)
            return None, 0
        return _from_mono(self._move(b"", frames), self._channels), 0


def _to_mono(pcm: bytes, channels: int) -> bytes:
    if channels == 1:
        return pcm
    frames = np.frombuffer(pcm, np.int16).reshape(-1, channels)
    return bytes(frames.mean(axis=1).astype(np.int16).tobytes())


def _from_mono(pcm: bytes, channels: int) -> bytes:
    if channels == 1:
        return pcm
    return bytes(np.repeat(np.frombuffer(pcm, np.int16), channels).tobytes())


async def call(function: Callable[[], T]) -> T:
    """Run a function of PortAudio. Raises DeviceError where it hangs."""
    try:
        async with asyncio.timeout(CALL_LIMIT_S):
            return await run_in_thread(function, name="portaudio")
    except TimeoutError as error:
        raise DeviceError("the sound system does not answer; restart it or this program") from error
