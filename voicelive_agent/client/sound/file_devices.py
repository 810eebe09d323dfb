"""Audio files and silence in the place of a microphone and a loudspeaker.

Nothing here needs sound hardware. Everything moves at the pace of the event loop's clock, as it
would with hardware, so that an answer can be interrupted; ``fast`` gives that up.
"""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from voicelive_agent.client.sound.audio_files import read_sound
from voicelive_agent.client.sound.devices import BLOCK_MS, Block, DeviceError, Played, ignore
from voicelive_agent.client.sound.playback import Playback
from voicelive_agent.client.sound.sources import Pipe, Recorded
from voicelive_agent.wire.audio.formats import BYTES_PER_SAMPLE
from voicelive_agent.wire.audio.wav import WavWriter

STDIN = "-"
BEHIND_LIMIT_S = 1.0
"""Who reads later than this gets the audio of now, and no burst of what was missed."""
FAST_SILENCE_MS = 2_000
"""Silence behind an input that is sent as fast as possible, so that its turn ends."""


def block_bytes(rate_hz: int) -> int:
    return rate_hz * BLOCK_MS // 1000 * BYTES_PER_SAMPLE


class Pace:
    """Lets one block pass every ``BLOCK_MS`` of the loop's clock."""

    def __init__(self) -> None:
        self._next_s: float | None = None

    async def wait(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if self._next_s is None or now_s - self._next_s > BEHIND_LIMIT_S:
            self._next_s = now_s
        await asyncio.sleep(max(0.0, self._next_s - now_s))
        self._next_s += BLOCK_MS / 1000


class SilentMicrophone:
    """A person who says nothing, until ``say`` gives audio to be spoken."""

    dropped_ms = 0

    def __init__(self) -> None:
        self._pace = Pace()
        self._speech = b""
        self._said = asyncio.Event()
        self._block_bytes = 0
        self._closed = False

    async def open(self, rate_hz: int, *, on_status: Callable[[str], None] = ignore) -> None:
        self._block_bytes = block_bytes(rate_hz)

    def say(self, pcm: bytes) -> None:
        """Speak this, at the rate the microphone was opened with, behind what is being said.

        No block is marked as the end of an input: who says something knows when it was said.
        """
        self._speech += pcm
        self._said.clear()

    async def said(self) -> None:
        """Wait until all that ``say`` was given has been read."""
        if self._speech:
            await self._said.wait()

    def go_on(self) -> None:
        """There is no input to go on with."""

    async def read(self) -> Block | None:
        await self._pace.wait()
        if self._closed:
            return None
        taken, self._speech = self._speech[: self._block_bytes], self._speech[self._block_bytes :]
        if taken and not self._speech:
            self._said.set()
        return Block(taken.ljust(self._block_bytes, b"\0"))

    async def close(self) -> None:
        self._closed = True
        self._said.set()


class FileMicrophone:
    """Speaks inputs in turn: audio files, PCM16 mono at the rate that it is opened with, or ``-``
    for PCM16 from standard input, raw or as WAV.

    Silence comes before the first input, between inputs, and after the last one, until
    ``go_on`` is called; then ``read`` gives the next input, or None after the last. With
    ``wait_for_answers`` off, the next input follows after ``silence_ms`` by itself, and only the
    end waits. ``hold`` keeps the first input back as well, until ``go_on``: for a greeting.
    """

    dropped_ms = 0

    def __init__(
        self,
        inputs: Sequence[str | Path | bytes],
        *,
        fast: bool = False,
        silence_ms: int = 500,
        wait_for_answers: bool = True,
        hold: bool = False,
        stdin: BinaryIO | None = None,
    ) -> None:
        self._inputs = inputs
        self._fast = fast
        self._silence_ms = silence_ms
        self._wait_for_answers = wait_for_answers
        self._stdin = stdin
        self._waiting: deque[Recorded | Pipe] = deque()
        self._speaking: Recorded | Pipe | None = None
        self._go = not hold
        self._pace = Pace()
        self._silence = b""
        self._silent_blocks = 0

    async def open(self, rate_hz: int, *, on_status: Callable[[str], None] = ignore) -> None:
        """Read all files. Raises DeviceError, before anything was said."""
        size = block_bytes(rate_hz)
        for given in self._inputs:
            if given == STDIN:
                self._waiting.append(Pipe(self._stdin or _standard_input(), rate_hz))
            elif isinstance(given, bytes):
                self._waiting.append(Recorded(given, size))
            else:
                pcm = await asyncio.to_thread(read_sound, Path(given), rate_hz)
                self._waiting.append(Recorded(pcm, size))
        self._silence = bytes(size)
        self._silent_blocks = 0 if self._fast else self._silence_ms // BLOCK_MS

    def go_on(self) -> None:
        self._go = True

    async def read(self) -> Block | None:
        # Nothing is taken before a wait, so that a cancelled read loses no audio.
        if self._speaking is None and self._silent_blocks <= 0 and self._go:
            if not self._waiting:
                return None
            self._speaking = self._waiting.popleft()
        if not self._fast or (self._speaking is None and self._silent_blocks <= 0):
            await self._pace.wait()
        if self._speaking is None:
            self._silent_blocks -= 1
            return Block(self._silence)
        pcm, ended = await self._speaking.read()
        if ended:
            self._speaking = None
            self._silent_blocks = (FAST_SILENCE_MS if self._fast else self._silence_ms) // BLOCK_MS
            if self._wait_for_answers or not self._waiting:
                self._go = False
        return Block(pcm, input_ended=ended)

    async def close(self) -> None:
        for source in (self._speaking, *self._waiting):
            if source:
                source.close()
        self._waiting.clear()
        self._speaking = None


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise DeviceError("standard input is closed: give --input FILE")
    # A reader of its own: Python closes sys.stdin at its end, and dies if a thread waits in it.
    return open(os.dup(sys.stdin.fileno()), "rb")


class SilentLoudspeaker:
    """Plays to nobody, at the pace of a loudspeaker; with ``fast``, what is written is heard."""

    def __init__(self, *, fast: bool = False) -> None:
        self._fast = fast
        self._playback = Playback(BYTES_PER_SAMPLE)
        self._empty = asyncio.Event()
        self._empty.set()
        self._playing: asyncio.Task[None] | None = None

    async def open(
        self,
        rate_hz: int,
        *,
        on_first_sound: Callable[[str], None] = ignore,
        on_status: Callable[[str], None] = ignore,
    ) -> None:
        self._playback = Playback(rate_hz, on_first_sound)
        if not self._fast:
            self._playing = asyncio.create_task(self._play(block_bytes(rate_hz)))

    def write(self, item_id: str, content_index: int, pcm: bytes) -> None:
        self._playback.write(item_id, content_index, pcm)
        if self._fast:
            self._heard(self._playback.read(self._playback.queued_bytes))
        elif self._playback.queued_bytes:
            self._empty.clear()

    def cut(self) -> Played | None:
        self._empty.set()
        return self._playback.cut()

    def played(self, item_id: str, content_index: int) -> Played:
        return self._playback.played(item_id, content_index)

    def recent(self) -> bytes:
        return self._playback.recent()

    @property
    def queued_ms(self) -> int:
        return self._playback.queued_ms

    async def drained(self) -> None:
        await self._empty.wait()

    async def close(self) -> None:
        if self._playing:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing
            self._playing = None
        self.cut()

    async def _play(self, size: int) -> None:
        pace = Pace()
        while True:
            await pace.wait()
            if not self._playback.queued_bytes:
                self._empty.set()
            self._heard(self._playback.read(size))

    def _heard(self, pcm: bytes) -> None:
        """What was played in one block, silence included."""


class FileLoudspeaker(SilentLoudspeaker):
    """Plays into a WAV file: what a listener would hear, silence included, from the start.

    With ``fast`` the file holds the answers one behind the other, and each is heard as soon as
    it is written. A file that can't be written is told by ``on_status``; the talk goes on.
    """

    def __init__(self, path: str | Path, *, fast: bool = False) -> None:
        super().__init__(fast=fast)
        self._path = Path(path)
        self._file: WavWriter | None = None
        self._on_status: Callable[[str], None] = ignore

    async def open(
        self,
        rate_hz: int,
        *,
        on_first_sound: Callable[[str], None] = ignore,
        on_status: Callable[[str], None] = ignore,
    ) -> None:
        self._on_status = on_status
        try:
            self._file = await asyncio.to_thread(WavWriter, self._path, rate_hz)
        except OSError as error:
            raise DeviceError(
                f"can't write {self._path}: {error.strerror}. Give another file as --output."
            ) from error
        await super().open(rate_hz, on_first_sound=on_first_sound)

    async def close(self) -> None:
        await super().close()
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except OSError as error:
            self._on_status(f"{self._path} is not complete: {error.strerror}")

    def _heard(self, pcm: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(pcm)
        except OSError as error:
            self._file = None
            self._on_status(f"{self._path} is no longer written: {error.strerror}")
