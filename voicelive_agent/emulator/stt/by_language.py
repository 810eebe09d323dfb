"""Speech to text by language: several engines as one, each for the languages that it knows."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from voicelive_agent.emulator.stt import Recognizer, SpeechToText, Utterance


class LanguageSpeechToText(SpeechToText, Protocol):
    """An engine that tells which languages it knows before it is started.

    Utterances that begin while it starts wait for it.
    """

    def knows_language(self, language: str) -> bool:
        """Whether it hears this language (BCP-47)."""
        ...


class SpeechToTextByLanguage:
    """The first of ``engines`` that knows a session's language.

    The first engine hears what none knows, and warns of it. The others load when the first
    session wants them, as their models are large.
    """

    def __init__(self, engines: Sequence[LanguageSpeechToText]) -> None:
        self._engines = engines
        self.name = ", ".join(engine.name for engine in engines)
        self.advice = engines[0].advice
        self._starting: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        await self._engines[0].start()

    async def stop(self) -> None:
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        await asyncio.gather(*(engine.stop() for engine in self._engines))

    def open_recognizer(self) -> "RecognizerByLanguage":
        return RecognizerByLanguage(self)

    def choose(self, language: str) -> LanguageSpeechToText:
        """The engine for a language, which is started or starts now."""
        first = self._engines[0]
        engine = next((one for one in self._engines if one.knows_language(language)), first)
        if engine is not first and engine.name not in self._starting:
            self._starting[engine.name] = asyncio.create_task(engine.start(), name="start of STT")
        return engine


class RecognizerByLanguage:
    """One session's ``Recognizer``, which changes with its language."""

    def __init__(self, stt: SpeechToTextByLanguage) -> None:
        self._stt = stt
        self._opened: dict[str, Recognizer] = {}
        self._now = self._open("en-US")

    def begin(self, on_partial: Callable[[str], None]) -> Utterance:
        return self._now.begin(on_partial)

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        self._now = self._open(language)
        return self._now.configure(language=language, phrases=phrases)

    async def close(self) -> None:
        await asyncio.gather(*(recognizer.close() for recognizer in self._opened.values()))

    def _open(self, language: str) -> Recognizer:
        engine = self._stt.choose(language)
        if engine.name not in self._opened:
            self._opened[engine.name] = engine.open_recognizer()
        return self._opened[engine.name]
