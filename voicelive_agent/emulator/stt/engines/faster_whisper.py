"""Whisper on CTranslate2: accurate, many languages, punctuation; it hears whole utterances."""

import asyncio
import importlib.util
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.stt import SttError, Transcript, TranscriptWord
from voicelive_agent.emulator.stt.phrases import list_readings
from voicelive_agent.emulator.stt.recognition import (
    BufferedRecognizer,
    CollectedRecognition,
    Recognition,
    Threads,
    locate_model,
)

_WHISPER_CODES = {"nb": "no", "fil": "tl", "iw": "he", "in": "id"}
"""Where Whisper names a language otherwise than BCP-47 does."""
INSTALL_HINT = spell_commands("pip install 'voicelive-agent[faster-whisper]'")


class FasterWhisper:
    """``SpeechToText`` on a folder with a CTranslate2 model of Whisper."""

    name = "faster-whisper"
    advice: str | None = None

    def __init__(self, what: str = "", *, models_dir: Path | None = None) -> None:
        """``what`` is a model's name or folder. Raises SttError, which says what to do."""
        if importlib.util.find_spec("faster_whisper") is None:
            raise SttError(f"faster-whisper is not installed: {INSTALL_HINT}")
        self._folder = locate_model(self.name, what, models_dir)
        if not (self._folder / "model.bin").is_file():
            raise SttError(
                f"{self._folder} holds no CTranslate2 model of Whisper: it needs model.bin."
            )
        self._languages = _read_languages(self._folder)
        self._threads = Threads(self.name)
        self._starting = asyncio.Lock()
        self._model: Any = None

    def knows_language(self, language: str) -> bool:
        """Whether its model hears this language (BCP-47)."""
        return _code_of(language) in self._languages

    async def start(self) -> None:
        async with self._starting:
            if self._model is None:
                await self._start()

    async def _start(self) -> None:
        try:
            await self._threads.run(self._load)
        except Exception as error:
            raise SttError(
                f"faster-whisper can't load {self._folder}: {error}. Fetch it anew: "
                "voicelive-agent models remove NAME, then fetch NAME."
            ) from error

    async def stop(self) -> None:
        await self._threads.stop()
        self._model = None

    def open_recognizer(self) -> "FasterWhisperRecognizer":
        return FasterWhisperRecognizer(self)

    async def transcribe(self, pcm: bytes, language: str, phrases: tuple[str, ...]) -> Transcript:
        if self._model is None:
            await self.start()
        return await self._threads.run(self._transcribe, pcm, language, phrases)

    def _load(self) -> None:
        from faster_whisper import WhisperModel

        model = WhisperModel(str(self._folder), device="cpu", compute_type="int8")
        self._transcribe_with(model, bytes(32_000), "en", ())
        self._model = model

    def _transcribe(self, pcm: bytes, language: str, phrases: tuple[str, ...]) -> Transcript:
        return self._transcribe_with(self._model, pcm, language, phrases)

    def _transcribe_with(
        self, model: Any, pcm: bytes, language: str, phrases: tuple[str, ...]
    ) -> Transcript:
        import numpy as np

        code = _code_of(language)
        segments, info = model.transcribe(
            np.frombuffer(pcm, "<i2").astype(np.float32) / 32768,
            language=code if code in model.supported_languages else None,
            hotwords=", ".join(list_readings(phrases)) or None,
            word_timestamps=True,
            # Each utterance stands for itself, and what was misheard must not go on.
            condition_on_previous_text=False,
            beam_size=1,
        )
        heard = list(segments)
        words = tuple(
            TranscriptWord(
                word.word.strip(),
                round(float(word.start) * 1000),
                round(float(word.end - word.start) * 1000),
                float(word.probability),
            )
            for segment in heard
            for word in segment.words or ()
        )
        known = [word.confidence for word in words if word.confidence is not None]
        return Transcript(
            text=" ".join(segment.text.strip() for segment in heard),
            words=words,
            confidence=sum(known) / len(known) if known else None,
            language=language or info.language,
            source=self.name,
        )


class FasterWhisperRecognizer(BufferedRecognizer):
    def __init__(self, stt: FasterWhisper) -> None:
        super().__init__()
        self._stt = stt

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        super().configure(language=language, phrases=phrases)
        if self._stt.knows_language(language):
            return None
        return (
            f"{self._stt.name}'s model doesn't know {language}: it guesses the language of what it "
            "hears."
        )

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        stt, language, phrases = self._stt, self.language, self.phrases

        async def open_recognition() -> Recognition:
            return CollectedRecognition(lambda pcm: stt.transcribe(pcm, language, phrases))

        return open_recognition


def _read_languages(folder: Path) -> frozenset[str]:
    """The languages that a model has tokens of; a model for English alone lists them too."""
    if folder.name.endswith((".en", "-en")):
        return frozenset({"en"})
    names = ("vocabulary.txt", "vocabulary.json", "tokenizer.json")
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        return frozenset({"en"})
    text = path.read_text(encoding="utf-8", errors="replace")
    return frozenset(re.findall(r"<\|([a-z]{2,3})\|>", text))


def _code_of(language: str) -> str:
    """As Whisper names a language: without its region."""
    code = language.partition("-")[0].lower()
    return _WHISPER_CODES.get(code, code)
