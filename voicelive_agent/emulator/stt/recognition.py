"""Parts that recognisers share: buffered utterances, collected audio, threads, model folders.

An engine gives a ``Recognition``, which takes audio piece by piece at its own pace; what stands
here makes an ``Utterance`` of it and a ``Recognizer`` of many.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, SttError, Transcript

PIECE_MS = 200
"""An engine gets no more at a time, so that an utterance can be dropped soon."""
BUFFERED_LIMIT_MS = 10_000
"""From here on, the caller should hold back."""
PART_LIMIT_MS = 120_000
"""What lasts longer is recognised in parts by ``CollectedRecognition``, to bound memory."""
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)


class Recognition(Protocol):
    """An engine at work on one utterance. Its methods are called one at a time."""

    async def take(self, pcm: bytes) -> str:
        """Take in audio; the text so far, once the audio is recognised. Raises SttError."""
        ...

    async def end(self) -> Transcript:
        """The final transcript. Nothing is called after it. Raises SttError."""
        ...

    async def abandon(self) -> None:
        """Free what is used; nothing is called after it. Must not raise."""


class BufferedUtterance:
    """Feeds one ``Recognition`` and joins it to its ``Utterance``."""

    def __init__(
        self,
        open_recognition: Callable[[], Awaitable[Recognition]],
        on_partial: Callable[[str], None],
    ) -> None:
        self._open_recognition = open_recognition
        self._on_partial = on_partial
        self._buffer = bytearray()
        self._text = ""
        self._is_opening = True
        self._is_ended = False
        self._is_discarded = False
        self._outcome: Transcript | SttError | None = None
        self._filled = asyncio.Event()
        self._progress = asyncio.Condition()
        self._is_idle = True
        self.task = asyncio.create_task(self._run(), name="utterance")

    def feed(self, pcm: bytes) -> None:
        if not self._is_ended and self._outcome is None:
            self._buffer += pcm
            self._filled.set()

    def pause(self) -> None:
        """Nothing: these engines recognise as they are fed, or whole utterances."""

    def resume(self) -> None:
        """Nothing, as there was nothing to prepare."""

    @property
    def is_full(self) -> bool:
        return self._outcome is None and len(self._buffer) > BUFFERED_LIMIT_MS * _BYTES_PER_MS

    async def drain(self) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: not self.is_full)

    async def text_so_far(self) -> str:
        async with self._progress:
            await self._progress.wait_for(
                lambda: self._outcome is not None or (self._is_idle and not self._buffer)
            )
        if isinstance(self._outcome, SttError):
            raise self._outcome
        return self._text

    async def finish(self) -> Transcript:
        self._is_ended = True
        self._filled.set()
        async with self._progress:
            await self._progress.wait_for(lambda: self._outcome is not None)
        if isinstance(self._outcome, Transcript):
            return self._outcome
        raise self._outcome or SttError("The utterance has no outcome.")

    def discard(self) -> None:
        self._is_discarded = self._is_ended = True
        self._buffer.clear()
        self._filled.set()
        if self._is_opening:
            self.task.cancel()

    async def _run(self) -> None:
        outcome: Transcript | SttError = SttError("The utterance was discarded.")
        try:
            outcome = await self._recognise() or outcome
        except SttError as error:
            outcome = error
        except Exception as error:
            logger.exception("The speech recogniser failed in a way of its own.")
            outcome = SttError(
                f"The speech recogniser failed ({type(error).__name__}): the emulator's log says "
                "more."
            )
        finally:
            self._outcome = outcome
            self._buffer.clear()
            await asyncio.shield(asyncio.ensure_future(self._tell_progress()))

    async def _recognise(self) -> Transcript | None:
        """None where it was discarded."""
        recognition = await self._open_recognition()
        self._is_opening = False
        is_open = True
        try:
            while not self._is_discarded:
                piece = bytes(self._buffer[: PIECE_MS * _BYTES_PER_MS])
                del self._buffer[: len(piece)]
                self._is_idle = not piece
                if piece:
                    self._tell_text(await recognition.take(piece))
                elif self._is_ended:
                    is_open = False
                    return await recognition.end()
                else:
                    self._filled.clear()
                    await self._tell_progress()
                    await self._filled.wait()
                    continue
                await self._tell_progress()
            return None
        finally:
            if is_open:
                await recognition.abandon()

    def _tell_text(self, text: str) -> None:
        if text != self._text and not self._is_discarded:
            self._text = text
            self._on_partial(text)

    async def _tell_progress(self) -> None:
        async with self._progress:
            self._progress.notify_all()


class BufferedRecognizer:
    """An ``Recognizer`` whose subclass opens recognitions."""

    def __init__(self) -> None:
        self.language = "en-US"
        self.phrases: tuple[str, ...] = ()
        self._utterances: set[BufferedUtterance] = set()

    def begin(self, on_partial: Callable[[str], None]) -> BufferedUtterance:
        utterance = BufferedUtterance(self._prepare(), on_partial)
        self._utterances.add(utterance)
        utterance.task.add_done_callback(lambda _: self._utterances.discard(utterance))
        return utterance

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        self.language = language
        self.phrases = tuple(phrases)
        return None

    async def close(self) -> None:
        utterances = list(self._utterances)
        for utterance in utterances:
            utterance.discard()
        await asyncio.gather(*(each.task for each in utterances), return_exceptions=True)

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        """What opens a recognition with the language and phrases as they are now."""
        raise NotImplementedError


class CollectedRecognition:
    """A ``Recognition`` by an engine that takes whole utterances: ``transcribe`` gets them.

    It has no text before a part of ``PART_LIMIT_MS`` is complete.
    """

    def __init__(self, transcribe: Callable[[bytes], Awaitable[Transcript]]) -> None:
        self._transcribe = transcribe
        self._audio = bytearray()
        self._heard: list[Transcript] = []
        self._heard_ms = 0

    async def take(self, pcm: bytes) -> str:
        self._audio += pcm
        if len(self._audio) >= PART_LIMIT_MS * _BYTES_PER_MS:
            await self._hear_part()
        return _join(self._heard)

    async def end(self) -> Transcript:
        if self._audio or not self._heard:
            await self._hear_part()
        known = [part.confidence for part in self._heard if part.confidence is not None]
        return replace(
            self._heard[-1],
            text=_join(self._heard),
            words=tuple(word for part in self._heard for word in part.words),
            confidence=sum(known) / len(known) if known else None,
        )

    async def abandon(self) -> None:
        self._audio.clear()

    async def _hear_part(self) -> None:
        pcm = bytes(self._audio)
        self._audio.clear()
        part = await self._transcribe(pcm)
        words = (replace(word, offset_ms=word.offset_ms + self._heard_ms) for word in part.words)
        self._heard.append(replace(part, words=tuple(words)))
        self._heard_ms += len(pcm) // _BYTES_PER_MS


def _join(parts: list[Transcript]) -> str:
    return " ".join(part.text for part in parts if part.text)


def count_processors() -> int:
    """Those that this program may use, which in a container may be fewer than there are."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Threads:
    """Threads for engines that let go of the GIL while they compute, one for each processor.

    ``stop`` waits for what they are doing.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(count_processors(), name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: work(*args, **kwargs)
        )

    async def stop(self) -> None:
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)


def locate_model(engine: str, what: str, models_dir: Path | None) -> Path:
    """The folder of a model by name or path; the first installed where none is named.

    Raises SttError, which names the command that fetches one.
    """
    from voicelive_agent.emulator.models import ModelError, find_model

    try:
        return find_model(what, models_dir, use="stt", engine=engine)
    except ModelError as error:
        raise SttError(str(error)) from error
