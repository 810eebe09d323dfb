"""pocketsphinx: speech to text that needs no download, in processes of its own. Demo grade.

It writes lower case without punctuation, numbers as words, and knows English only.
"""

import os
from collections.abc import Awaitable, Callable, Sequence

from voicelive_agent.emulator.stt import SttError, Transcript, TranscriptWord
from voicelive_agent.emulator.stt.phrases import parse_phrase
from voicelive_agent.emulator.stt.pocketsphinx.pool import (
    CAN_FORK,
    RecogniserPool,
    RecogniserProcess,
)
from voicelive_agent.emulator.stt.recognition import BufferedRecognizer, Recognition

PROCESSES_FOR_EACH_CORE = 16
"""More than can talk in real time: a client that records without an end holds one of them."""
_ADVICE = (
    "The default STT (pocketsphinx) is demo grade: of clear speech they miss about one word in "
    "ten, of many people's one in three. For better ones: pip install "
    "'voicelive-agent[sherpa-onnx]', then voicelive-agent models, and start with "
    "--stt sherpa-onnx."
)


class PocketSphinx:
    """``SpeechToText`` on pocketsphinx."""

    name = "pocketsphinx"
    advice: str | None = _ADVICE

    def __init__(
        self, *, accurate: bool = False, processes: int | None = None, can_fork: bool = CAN_FORK
    ) -> None:
        """``accurate`` takes a tenth of a second more for the final transcript.

        ``processes`` stay ready, one for each core if None; each takes 25 MB.
        """
        cores = os.cpu_count() or 1
        count = cores if processes is None else processes
        self._pool = RecogniserPool(
            count, count * PROCESSES_FOR_EACH_CORE, accurate=accurate, can_fork=can_fork
        )

    async def start(self) -> None:
        await self._pool.start()

    async def stop(self) -> None:
        await self._pool.stop()

    def open_recognizer(self) -> "PocketSphinxRecognizer":
        return PocketSphinxRecognizer(self._pool)


class PocketSphinxRecognizer(BufferedRecognizer):
    """Keeps the speaker's cepstral mean, so that any process can go on with it."""

    def __init__(self, pool: RecogniserPool) -> None:
        super().__init__()
        self.cmn: str | None = None
        self._pool = pool

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        super().configure(language=language, phrases=phrases)
        warnings = []
        if not language.lower().startswith("en"):
            warnings.append(
                f"pocketsphinx hears English only, not {language}: start the emulator with "
                "--stt sherpa-onnx or faster-whisper and a model of that language."
            )
        unheard = [text for text in phrases if not _can_be_heard(text)]
        if unheard:
            warnings.append(
                f"pocketsphinx can't listen for {len(unheard)} of the {len(phrases)} phrases: it "
                "needs words in Latin letters."
            )
        return " ".join(warnings) or None

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        phrases = self.phrases

        async def open_recognition() -> Recognition:
            try:
                process = await self._borrow(phrases)
            except SttError:
                # It died while it was idle; nothing is lost yet.
                process = await self._borrow(phrases)
            return _Recognition(self, self._pool, process)

        return open_recognition

    async def _borrow(self, phrases: tuple[str, ...]) -> RecogniserProcess:
        process = await self._pool.borrow()
        try:
            await process.begin(self.cmn, phrases)
        except BaseException:
            self._pool.give_back(process)
            raise
        return process


class _Recognition:
    def __init__(
        self, recognizer: PocketSphinxRecognizer, pool: RecogniserPool, process: RecogniserProcess
    ) -> None:
        self._ear = recognizer
        self._pool = pool
        self._process = process

    async def take(self, pcm: bytes) -> str:
        return await self._process.feed(pcm)

    async def end(self) -> Transcript:
        try:
            result = await self._process.finish()
        finally:
            self._pool.give_back(self._process)
        self._ear.cmn = result["cmn"] or self._ear.cmn
        words = tuple(TranscriptWord(**word) for word in result["words"])
        known = [word.confidence for word in words if word.confidence is not None]
        return Transcript(
            text=result["text"],
            words=words,
            confidence=sum(known) / len(known) if known else None,
            source=f"{PocketSphinx.name}+phrases" if result["from_phrases"] else PocketSphinx.name,
        )

    async def abandon(self) -> None:
        try:
            if self._process.is_usable:
                await self._process.discard()
        except SttError:
            # It is closed, and the pool opens another.
            pass
        finally:
            self._pool.give_back(self._process)


def _can_be_heard(text: str) -> bool:
    phrase = parse_phrase(text)
    return phrase is not None and all(word.isascii() for word in phrase.words)
