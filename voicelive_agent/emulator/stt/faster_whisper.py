"""Whisper on CTranslate2: accurate, many languages, punctuation; it hears whole utterances."""

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from voicelive_agent.emulator.stt import HeardWord, HearingError, Transcript
from voicelive_agent.emulator.stt.collecting import CollectedRecognition
from voicelive_agent.emulator.stt.feeding import FedEar, Recognition
from voicelive_agent.emulator.stt.models import locate_model
from voicelive_agent.emulator.stt.pocketsphinx.phrases import list_readings
from voicelive_agent.emulator.stt.threads import Threads

INSTALL_HINT = "pip install 'voicelive-agent[faster-whisper]'"


class FasterWhisper:
    """``Hearing`` on a folder with a CTranslate2 model of Whisper."""

    name = "faster-whisper"
    advice: str | None = None

    def __init__(self, what: str = "", *, models_dir: Path | None = None) -> None:
        """``what`` is a model's name or folder. Raises HearingError, which says what to do."""
        if importlib.util.find_spec("faster_whisper") is None:
            raise HearingError(f"faster-whisper is not installed: {INSTALL_HINT}")
        self._folder = locate_model(self.name, what, models_dir)
        if not (self._folder / "model.bin").is_file():
            raise HearingError(
                f"{self._folder} holds no CTranslate2 model of Whisper: it needs model.bin."
            )
        self._threads = Threads(self.name)
        self._model: Any = None

    async def start(self) -> None:
        try:
            await self._threads.run(self._load)
        except Exception as error:
            raise HearingError(
                f"faster-whisper can't load {self._folder}: {error}. Fetch it anew: "
                "voicelive-agent models remove NAME, then fetch NAME."
            ) from error

    async def stop(self) -> None:
        await self._threads.stop()
        self._model = None

    def open_ear(self) -> "FasterWhisperEar":
        return FasterWhisperEar(self)

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
            HeardWord(
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


class FasterWhisperEar(FedEar):
    def __init__(self, hearing: FasterWhisper) -> None:
        super().__init__()
        self._hearing = hearing

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        hearing, language, phrases = self._hearing, self.language, self.phrases

        async def open_recognition() -> Recognition:
            return CollectedRecognition(lambda pcm: hearing.transcribe(pcm, language, phrases))

        return open_recognition
