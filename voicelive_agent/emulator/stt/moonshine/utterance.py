"""One utterance as Moonshine hears it: again and again while it grows, and for good at a pause.

::

    fed ──▶ heard again when it has grown ──▶ partial text
    pause ──▶ heard to here ──▶ the final text, if the pause holds until the turn ends
    pause, then speech, after CUT_AFTER_MS ──▶ what was heard is settled, and a new part begins

How often a growing part is heard again depends on what that costs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, SttError, Transcript, TranscriptWord
from voicelive_agent.emulator.stt.moonshine.hearing import Heard, find_quietest

CUT_AFTER_MS = 10_000
"""A part this long ends with the next pause."""
LONGEST_MS = 20_000
"""A part this long ends at its quietest place."""
FIRST_MS = 800
"""So much has to be there before it is heard the first time."""
GROWTH_MS = 500
"""A part is heard again when it has grown by this, or by what keeps to ``SHARE``."""
SHARE = 0.03
"""Of a core, for partial text."""
BACKLOG_MS = 60_000
"""From here on, the caller should hold back."""
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000

logger = logging.getLogger(__name__)


class MoonshineUtterance:
    """An ``Utterance``.

    ``hear`` gets PCM, where it stands in the utterance, in ms, what was heard of its beginning, and
    whether partial text is enough.
    """

    def __init__(
        self,
        hear: Callable[[bytes, int, Heard | None, bool], Awaitable[Heard]],
        is_busy: Callable[[], bool],
        on_partial: Callable[[str], None],
        finish: Callable[[Transcript, str], Transcript],
    ) -> None:
        """``is_busy``: there is no processor to spare for partial text.

        ``finish`` makes the final transcript of what was heard, and of why it isn't believed.
        """
        self._hear = hear
        self._is_busy = is_busy
        self._on_partial = on_partial
        self._finish = finish
        self._part = bytearray()
        self._part_ms = 0
        self._settled: list[Heard] = []
        self._heard: Heard | None = None
        self._heard_bytes = 0
        self._pause_bytes: int | None = None
        self._text = ""
        self._cost_s = 0.0
        self._wanted = 0
        self._is_ended = self._is_discarded = False
        self._outcome: Transcript | SttError | None = None
        self._filled = asyncio.Event()
        self._progress = asyncio.Condition()
        self.task = asyncio.create_task(self._run(), name="utterance")

    def feed(self, pcm: bytes) -> None:
        if not self._is_ended and self._outcome is None:
            self._part += pcm
            if self._has_grown() or len(self._part) > LONGEST_MS * _BYTES_PER_MS:
                self._filled.set()

    def pause(self) -> None:
        self._pause_bytes = len(self._part)
        self._filled.set()

    def resume(self) -> None:
        pause_bytes, self._pause_bytes = self._pause_bytes, None
        is_long = len(self._part) >= CUT_AFTER_MS * _BYTES_PER_MS
        is_heard = self._heard is not None and self._heard.is_final
        if is_long and pause_bytes and is_heard and self._heard_bytes == pause_bytes:
            self._settle()

    @property
    def is_full(self) -> bool:
        return self._outcome is None and len(self._part) > BACKLOG_MS * _BYTES_PER_MS

    async def drain(self) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: not self.is_full)

    async def text_so_far(self) -> str:
        self._wanted += 1
        self._filled.set()
        try:
            async with self._progress:
                await self._progress.wait_for(
                    lambda: self._outcome is not None or self._is_up_to_date()
                )
        finally:
            self._wanted -= 1
        if isinstance(self._outcome, SttError):
            raise self._outcome
        return self._text

    async def finish(self) -> Transcript:
        self._is_ended = True
        if self._outcome is None and self._is_up_to_date():
            # The pause held: nothing has to be waited for.
            self._outcome = self._write_transcript()
        self._filled.set()
        async with self._progress:
            await self._progress.wait_for(lambda: self._outcome is not None)
        if isinstance(self._outcome, Transcript):
            return self._outcome
        raise self._outcome or SttError("The utterance has no outcome.")

    def discard(self) -> None:
        self._is_discarded = self._is_ended = True
        self._part.clear()
        self._filled.set()

    async def _run(self) -> None:
        try:
            while self._outcome is None and not self._is_discarded:
                await self._do_next()
        except SttError as error:
            self._outcome = error
        except Exception as error:
            logger.exception("The speech recogniser failed in a way of its own.")
            self._outcome = SttError(
                f"The speech recogniser failed ({type(error).__name__}): the emulator's log says "
                "more."
            )
        finally:
            self._outcome = self._outcome or SttError("The utterance was discarded.")
            self._part.clear()
            await asyncio.shield(asyncio.ensure_future(self._tell_progress()))

    async def _do_next(self) -> None:
        """Hear what should be heard now, or wait for more."""
        if len(self._part) > LONGEST_MS * _BYTES_PER_MS:
            await self._take_in(find_quietest(self._part, CUT_AFTER_MS, LONGEST_MS))
            self._settle()
        elif self._is_needed():
            await self._take_in(self._needed_bytes())
        elif self._is_ended:
            self._outcome = self._write_transcript()
        elif self._has_grown() and not self._is_busy():
            await self._take_in(len(self._part), is_partial=True)
        else:
            self._filled.clear()
            await self._tell_progress()
            await self._filled.wait()

    def _needed_bytes(self) -> int:
        """How much of the part has to be heard: to the pause, while it holds."""
        return len(self._part) if self._pause_bytes is None else self._pause_bytes

    def _is_up_to_date(self) -> bool:
        return (
            self._heard_bytes >= self._needed_bytes()
            and (self._heard is None or self._heard.is_final)
            and len(self._part) <= LONGEST_MS * _BYTES_PER_MS
        )

    def _is_needed(self) -> bool:
        is_asked = self._is_ended or self._wanted > 0 or self._pause_bytes is not None
        return is_asked and not self._is_up_to_date()

    def _has_grown(self) -> bool:
        if self._pause_bytes is not None:
            return False
        size_ms = len(self._part) / _BYTES_PER_MS
        grown_ms = size_ms - self._heard_bytes / _BYTES_PER_MS
        return size_ms >= FIRST_MS and grown_ms >= max(GROWTH_MS, self._cost_s * 1000 / SHARE)

    async def _take_in(self, size: int, *, is_partial: bool = False) -> None:
        """Hear the part's first bytes."""
        pcm = bytes(self._part[:size])
        heard = await self._hear(pcm, self._part_ms, self._heard, is_partial)
        if self._is_discarded or self._outcome is not None:
            return
        self._heard, self._heard_bytes, self._cost_s = heard, size, heard.cost_s
        if heard.doubt and not heard.is_final:
            return
        text = " ".join(part.text for part in (*self._settled, heard) if part.text)
        if text != self._text:
            self._text = text
            self._on_partial(text)
        await self._tell_progress()

    def _settle(self) -> None:
        """What was heard is final, and what follows is a new part."""
        if self._heard is None:
            return
        self._settled.append(self._heard)
        self._part_ms += self._heard_bytes // _BYTES_PER_MS
        del self._part[: self._heard_bytes]
        if self._pause_bytes is not None:
            self._pause_bytes = max(0, self._pause_bytes - self._heard_bytes)
        self._heard, self._heard_bytes = None, 0

    def _write_transcript(self) -> Transcript:
        parts = [*self._settled, *([self._heard] if self._heard else [])]
        words = tuple(
            TranscriptWord(word.text, word.offset_ms, word.duration_ms, word.probability)
            for part in parts
            for word in part.words
        )
        sure = [word.confidence for word in words if word.confidence is not None]
        transcript = Transcript(
            " ".join(part.text for part in parts if part.text),
            words,
            sum(sure) / len(sure) if sure else None,
        )
        doubts = [part.doubt for part in parts if part.doubt]
        return self._finish(transcript, doubts[-1] if doubts else "")

    async def _tell_progress(self) -> None:
        async with self._progress:
            self._progress.notify_all()
