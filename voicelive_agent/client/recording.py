"""``--record DIR``: both sides and all that happened, in the format of ``wire.recording_format``.

The timeline is that of the microphone: with each of its blocks the recording plays as much of the
agent's audio as was due by then, and drops what was cut. What the person says while muted is not
kept. Where the files can't be written any more, the recording ends with a notice, and the
conversation goes on.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voicelive_agent.client.core.screen import Level, Notice, ProtocolEvent, Screen, ScreenEvent
from voicelive_agent.client.core.session import describe_query
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound.devices import (
    Block,
    DeviceError,
    Loudspeaker,
    Microphone,
    Played,
    ignore,
)
from voicelive_agent.client.sound.playback import Playback
from voicelive_agent.client.ui.json_lines import JsonLines
from voicelive_agent.wire.audio.formats import BYTES_PER_SAMPLE
from voicelive_agent.wire.audio.resampling import Resampler
from voicelive_agent.wire.audio.wav import WavWriter
from voicelive_agent.wire.recording_format import (
    DIRECTORY_MODE,
    OWNER_ALONE,
    Side,
    connection_line,
    event_line,
)

SLACK_MS = 250
"""A microphone that is late by more leaves a gap of silence, so that both sides stay in step."""


class Recording:
    """Open from the start; ``close`` makes the files complete. Raises DeviceError."""

    def __init__(
        self,
        directory: Path,
        *,
        microphone_hz: int,
        loudspeaker_hz: int,
        connection: Mapping[str, Any] | None = None,
        on_notice: Callable[[str], None] = ignore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_muted = False
        self._has_microphone = False
        self._rate_hz = loudspeaker_hz
        self._on_notice = on_notice
        self._clock = clock
        self._start_s = clock()
        self._written_bytes = 0
        self._playback = Playback(loudspeaker_hz)
        self._resampler = Resampler(microphone_hz, loudspeaker_hz)
        try:
            directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
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
        self._lines = JsonLines(self._events, clock=clock, on_broken=self._stop)
        self._lines.write({"kind": "connection", **connection_line(connection or {})})

    def hearing(self, microphone: Microphone) -> Microphone:
        """The microphone, with what it hears recorded; the recording then goes by its pace."""
        self._has_microphone = True
        return _RecordedMicrophone(microphone, self)

    def playing(self, loudspeaker: Loudspeaker) -> Loudspeaker:
        """The loudspeaker, with what it plays recorded."""
        return _RecordedLoudspeaker(loudspeaker, self)

    def show(self, event: ScreenEvent) -> None:
        """Keep what is shown."""
        if isinstance(event, Level):
            self._is_muted = event.muted
        if isinstance(event, ProtocolEvent):
            side: Side = "client" if event.direction == "sent" else "server"
            line = event_line(self._lines.now_ms(), side, event.event)
            self._lines.write({"kind": "event", **line})
        else:
            self._lines.show(event)

    def hear(self, pcm: bytes) -> None:
        """The next of the person's audio."""
        if self._is_muted:
            pcm = bytes(len(pcm))
        resampled = self._resampler.resample(np.frombuffer(pcm, np.int16))
        self._catch_up(SLACK_MS)
        self._write(resampled.tobytes())

    def say(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """The agent's audio, queued behind what is queued."""
        self._catch_up(SLACK_MS if self._has_microphone else 0)
        self._playback.write(item_id, content_index, pcm)

    def cut(self) -> None:
        self._catch_up(SLACK_MS if self._has_microphone else 0)
        self._playback.cut()

    def close(self) -> None:
        self._write(self._resampler.finish().tobytes())
        self._catch_up(SLACK_MS if self._has_microphone else 0)
        wav, self._wav = self._wav, None
        try:
            if wav:
                wav.close()
            self._lines.close()
            self._events.close()
        except OSError as error:
            self._tell(error)

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
        self._lines.close()
        if wav:
            self._tell(error)
            try:
                wav.close()
            except OSError:
                return

    def _tell(self, error: OSError) -> None:
        self._on_notice(f"The recording stopped: {error.strerror}. The conversation goes on.")


class _RecordedMicrophone:
    """Passes on what it hears, and records it."""

    def __init__(self, microphone: Microphone, recording: Recording) -> None:
        self._microphone = microphone
        self._recording = recording

    async def open(self, rate_hz: int, *, on_status: Callable[[str], None] = ignore) -> None:
        await self._microphone.open(rate_hz, on_status=on_status)

    async def read(self) -> Block | None:
        block = await self._microphone.read()
        if block is not None:
            self._recording.hear(block.pcm)
        return block

    def go_on(self) -> None:
        self._microphone.go_on()

    @property
    def dropped_ms(self) -> int:
        return self._microphone.dropped_ms

    async def close(self) -> None:
        await self._microphone.close()


class _RecordedLoudspeaker:
    """Plays, and records what it plays."""

    def __init__(self, loudspeaker: Loudspeaker, recording: Recording) -> None:
        self._loudspeaker = loudspeaker
        self._recording = recording

    async def open(
        self,
        rate_hz: int,
        *,
        on_first_sound: Callable[[str], None] = ignore,
        on_status: Callable[[str], None] = ignore,
    ) -> None:
        await self._loudspeaker.open(rate_hz, on_first_sound=on_first_sound, on_status=on_status)

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


def open_recording(settings: Settings, screen: Screen) -> Recording | None:
    """The recording that ``--record`` asks for, if it does. Raises DeviceError."""
    if settings.record is None:
        return None
    return Recording(
        settings.record,
        microphone_hz=settings.sent_rate_hz,
        loudspeaker_hz=settings.received_rate_hz,
        connection={"path": "/voice-live/realtime", "query": describe_query(settings)},
        on_notice=lambda text: screen.show(Notice(text)),
    )


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
