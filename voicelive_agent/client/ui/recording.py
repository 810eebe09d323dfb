"""``--record DIR``: both sides as a stereo WAV, and everything that happened as JSON lines.

The person is left, the agent right, on the timeline of the microphone: with each of its blocks
the recording plays as much of the agent's audio as was due by then, and drops what was cut. What
the person says while muted is not kept. Files are for their owner alone. Where they can't be
written any more, the recording ends with a notice, and the conversation goes on.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soxr

from voicelive_agent.client.sound.devices import Block, DeviceError, Loudspeaker, Microphone, Played
from voicelive_agent.client.sound.playback import BYTES_PER_SAMPLE, Playback
from voicelive_agent.client.sound.sound_files import WavWriter
from voicelive_agent.client.ui.json_lines import JsonLines
from voicelive_agent.client.ui.screen import Screen, Summary, TurnTimes, Who

SLACK_MS = 250
"""A microphone that is late by more leaves a gap of silence, so that both sides stay in step."""
OWNER_ALONE = 0o600


class Recording:
    """Open from the start; ``close`` makes the files complete. Raises DeviceError."""

    def __init__(
        self,
        directory: Path,
        *,
        microphone_hz: int,
        loudspeaker_hz: int,
        on_notice: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_muted = False
        self.has_microphone = False
        self._rate_hz = loudspeaker_hz
        self._on_notice = on_notice
        self._clock = clock
        self._start_s = clock()
        self._written_bytes = 0
        self._playback = Playback(loudspeaker_hz)
        self._resampler = (
            soxr.ResampleStream(microphone_hz, loudspeaker_hz, 1, dtype="int16")
            if microphone_hz != loudspeaker_hz
            else None
        )
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = _free_path(directory)
            events_fd = os.open(path.with_suffix(".jsonl"), os.O_WRONLY | os.O_CREAT, OWNER_ALONE)
            self._events = os.fdopen(events_fd, "w", encoding="utf-8")
            self._wav: WavWriter | None = WavWriter(
                path.with_suffix(".wav"), loudspeaker_hz, channels=2, mode=OWNER_ALONE
            )
        except OSError as error:
            raise DeviceError(
                f"can't record in {directory}: {error.strerror}. Give another --record DIR."
            ) from error
        self.lines = JsonLines(self._events, clock=clock, on_broken=self._stop)

    def hear(self, pcm: bytes) -> None:
        """The next of the person's audio."""
        if self.is_muted:
            pcm = bytes(len(pcm))
        pcm = self._resample(pcm)
        self._catch_up(SLACK_MS)
        self._write(pcm)

    def say(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """The agent's audio, queued behind what is queued."""
        self._catch_up(SLACK_MS if self.has_microphone else 0)
        self._playback.write(item_id, content_index, pcm)

    def cut(self) -> None:
        self._catch_up(SLACK_MS if self.has_microphone else 0)
        self._playback.cut()

    def close(self) -> None:
        self._write(self._resample(b"", last=True))
        self._catch_up(SLACK_MS if self.has_microphone else 0)
        wav, self._wav = self._wav, None
        try:
            if wav:
                wav.close()
            self.lines.close()
            self._events.close()
        except OSError as error:
            self._tell(error)

    def _resample(self, pcm: bytes, *, last: bool = False) -> bytes:
        """The person's audio at the recording's rate; some is held back until ``last``."""
        if self._resampler is None:
            return pcm
        samples = np.frombuffer(pcm, np.int16)
        return bytes(self._resampler.resample_chunk(samples, last=last).tobytes())

    def _catch_up(self, slack_ms: float) -> None:
        written_ms = self._written_bytes / self._rate_hz / BYTES_PER_SAMPLE * 1000
        behind_ms = (self._clock() - self._start_s) * 1000 - written_ms
        if behind_ms > slack_ms:
            self._write(bytes(int(behind_ms * self._rate_hz / 1000) * BYTES_PER_SAMPLE))

    def _write(self, person: bytes) -> None:
        """As much of both sides as ``person`` is long."""
        self._written_bytes += len(person)
        agent = self._playback.read(len(person))
        if self._wav is None:
            return
        sides = (np.frombuffer(person, np.int16), np.frombuffer(agent, np.int16))
        try:
            self._wav.write(np.stack(sides, axis=1).tobytes())
        except OSError as error:
            self._stop(error)

    def _stop(self, error: OSError) -> None:
        wav, self._wav = self._wav, None
        self.lines.close()
        if wav:
            self._tell(error)
            try:
                wav.close()
            except OSError:
                return

    def _tell(self, error: OSError) -> None:
        self._on_notice(f"The recording stopped: {error.strerror}. The conversation goes on.")


class RecordedMicrophone:
    """Passes on what it hears, and records it."""

    def __init__(self, microphone: Any, recording: Recording) -> None:
        self._microphone: Microphone = microphone
        self._recording = recording
        recording.has_microphone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._microphone, name)

    @property
    def dropped_ms(self) -> int:
        return self._microphone.dropped_ms

    @property
    def on_status(self) -> Callable[[str], None]:
        return self._microphone.on_status

    @on_status.setter
    def on_status(self, tell: Callable[[str], None]) -> None:
        self._microphone.on_status = tell

    async def open(self, rate_hz: int) -> None:
        await self._microphone.open(rate_hz)

    async def read(self) -> Block | None:
        block = await self._microphone.read()
        if block is not None:
            self._recording.hear(block.pcm)
        return block

    async def close(self) -> None:
        await self._microphone.close()


class RecordedLoudspeaker:
    """Plays, and records what it plays."""

    def __init__(self, loudspeaker: Loudspeaker, recording: Recording) -> None:
        self._loudspeaker = loudspeaker
        self._recording = recording

    @property
    def on_first_sound(self) -> Callable[[str], None]:
        return self._loudspeaker.on_first_sound

    @on_first_sound.setter
    def on_first_sound(self, tell: Callable[[str], None]) -> None:
        self._loudspeaker.on_first_sound = tell

    @property
    def on_status(self) -> Callable[[str], None]:
        return self._loudspeaker.on_status

    @on_status.setter
    def on_status(self, tell: Callable[[str], None]) -> None:
        self._loudspeaker.on_status = tell

    async def open(self, rate_hz: int) -> None:
        await self._loudspeaker.open(rate_hz)

    def write(self, item_id: str, content_index: int, pcm: bytes) -> None:
        self._recording.say(item_id, content_index, pcm)
        self._loudspeaker.write(item_id, content_index, pcm)

    def cut(self) -> Played | None:
        self._recording.cut()
        return self._loudspeaker.cut()

    def played(self, item_id: str, content_index: int) -> Played:
        return self._loudspeaker.played(item_id, content_index)

    def recent(self) -> bytes:
        return self._loudspeaker.recent()

    @property
    def queued_ms(self) -> int:
        return self._loudspeaker.queued_ms

    async def drained(self) -> None:
        await self._loudspeaker.drained()

    async def close(self) -> None:
        await self._loudspeaker.close()


class RecordedScreen:
    """Shows everything, and records it as JSON lines."""

    def __init__(self, screen: Screen, recording: Recording) -> None:
        self._screen = screen
        self._recording = recording
        self._both: tuple[Screen, Screen] = (screen, recording.lines)

    def status(self, text: str) -> None:
        for screen in self._both:
            screen.status(text)

    def notice(self, text: str) -> None:
        for screen in self._both:
            screen.notice(text)

    def tell(self, text: str) -> None:
        for screen in self._both:
            screen.tell(text)

    def error(self, text: str) -> None:
        for screen in self._both:
            screen.error(text)

    def transcript(self, who: Who, item_id: str, text: str, *, final: bool) -> None:
        for screen in self._both:
            screen.transcript(who, item_id, text, final=final)

    def speaking(self, heard: str, rest: str) -> None:
        self._screen.speaking(heard, rest)

    def cut(self, item_id: str, heard: str) -> None:
        for screen in self._both:
            screen.cut(item_id, heard)

    def card(self, event: Mapping[str, Any]) -> None:
        for screen in self._both:
            screen.card(event)

    def choose(self, number: int) -> dict[str, Any] | None:
        return self._screen.choose(number)

    def level(self, dbfs: float, *, muted: bool) -> None:
        self._recording.is_muted = muted
        for screen in self._both:
            screen.level(dbfs, muted=muted)

    def turn(self, times: TurnTimes) -> None:
        for screen in self._both:
            screen.turn(times)

    def event(self, direction: Literal["sent", "received"], event: Mapping[str, Any]) -> None:
        for screen in self._both:
            screen.event(direction, event)

    def summary(self, summary: Summary) -> None:
        for screen in self._both:
            screen.summary(summary)

    def close(self) -> None:
        self._screen.close()


def _free_path(directory: Path) -> Path:
    """A name for this recording, without a suffix, that no other has."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while (
        (path := directory / (f"{stamp}-{number}" if number > 1 else stamp))
        .with_suffix(".wav")
        .exists()
    ):
        number += 1
    return path
