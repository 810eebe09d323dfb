"""Whisper on CTranslate2: accurate, many languages, punctuation; it hears whole utterances."""

import importlib.util
from collections.abc import Awaitable, Callable
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
        self._threads = Threads(self.name)
        self._model: Any = None

    async def start(self) -> None:
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
        return await self._threads.run(self._transcribe, pcm, language, phrases)

    def _load(self) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(str(self._folder), device="cpu", compute_type="int8")
        self._transcribe(bytes(32_000), "en", ())

    def _transcribe(self, pcm: bytes, language: str, phrases: tuple[str, ...]) -> Transcript:
        import numpy as np

        code = language.partition("-")[0].lower()
        segments, info = self._model.transcribe(
            np.frombuffer(pcm, "<i2").astype(np.float32) / 32768,
            language=code if code in self._model.supported_languages else None,
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

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        stt, language, phrases = self._stt, self.language, self.phrases

        async def open_recognition() -> Recognition:
            return CollectedRecognition(lambda pcm: stt.transcribe(pcm, language, phrases))

        return open_recognition
