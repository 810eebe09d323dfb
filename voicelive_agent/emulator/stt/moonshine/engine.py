"""Moonshine: the default speech to text. English, with case and punctuation, on the CPU.

All sessions share one model and a thread for each processor. Its files come out of the wheel of
``moonshine-voice``, which is fetched and never installed.
"""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.models.catalogue import MOONSHINE
from voicelive_agent.emulator.stt import SttError, Transcript
from voicelive_agent.emulator.stt.moonshine.biasing import ListedPhrase, read_list
from voicelive_agent.emulator.stt.moonshine.budget import PartialBudget
from voicelive_agent.emulator.stt.moonshine.hearing import Heard, hear
from voicelive_agent.emulator.stt.moonshine.model import FILES, MoonshineModel
from voicelive_agent.emulator.stt.moonshine.utterance import MoonshineUtterance
from voicelive_agent.emulator.stt.recognition import Threads, locate_model

INSTALL_HINT = spell_commands("pip install 'voicelive-agent[emulator]'")
_OTHER_LANGUAGES = spell_commands(
    "pip install 'voicelive-agent[faster-whisper]', voicelive-agent models fetch whisper-base, and "
    "start the emulator again"
)


class Moonshine:
    """``SpeechToText`` on a folder with a model of Moonshine."""

    name = "moonshine"
    advice: str | None = None

    def __init__(self, what: str = "", *, models_dir: Path | None = None) -> None:
        """``what`` is a model's name or folder. Raises SttError, which says what to do."""
        if importlib.util.find_spec("onnxruntime") is None:
            raise SttError(f"onnxruntime is not installed: {INSTALL_HINT}")
        self._folder = locate_model(self.name, what, models_dir)
        missing = [name for name in FILES if not (self._folder / name).is_file()]
        if missing:
            raise SttError(
                f"{self._folder} holds no model of Moonshine: {', '.join(missing)} is missing"
            )
        self.for_other_languages = ""
        """The engine that hears a session of another language, if one does."""
        self._threads = Threads(self.name)
        self._budget = PartialBudget()
        self._model: MoonshineModel | None = None

    async def start(self) -> None:
        try:
            self._model = await self._threads.run(MoonshineModel, self._folder)
            await self.hear(bytes(32_000), 0)
        except Exception as error:
            raise SttError(
                f"Moonshine can't load {self._folder}: {error}. Only {MOONSHINE} is known to work: "
                f"voicelive-agent models fetch {MOONSHINE}"
            ) from error

    async def stop(self) -> None:
        await self._threads.stop()
        self._model = None

    def open_recognizer(self) -> "MoonshineRecognizer":
        return MoonshineRecognizer(self)

    def knows_language(self, language: str) -> bool:
        return language.lower().partition("-")[0] == "en"

    def describe_unknown(self, language: str = "") -> str:
        """What to do about a language that it doesn't know: this one, or one that was spoken."""
        if language and self.for_other_languages:
            return f"No engine here knows {language}: English is heard."
        if language:
            return f"Moonshine hears English only, not {language}: {_OTHER_LANGUAGES}."
        way = "name it in session.input_audio_transcription.language"
        return "Nothing was understood: Moonshine hears English only. " + (
            f"If another language was spoken, {way}: {self.for_other_languages} hears it then."
            if self.for_other_languages
            else f"For another language, {_OTHER_LANGUAGES}; then {way}."
        )

    def is_busy(self) -> bool:
        """Whether partial text has to wait."""
        return self._budget.is_spent

    async def hear(
        self,
        pcm: bytes,
        offset_ms: int,
        before: Heard | None = None,
        is_partial: bool = False,
        phrases: Sequence[ListedPhrase] = (),
    ) -> Heard:
        """What was said in a piece of an utterance, as ``hearing.hear`` has it. Raises SttError."""
        if self._model is None:
            raise SttError("Moonshine is not started.")
        self._budget.begin()
        try:
            heard = await self._threads.run(
                hear, self._model, pcm, offset_ms, phrases, before, is_partial=is_partial
            )
        finally:
            self._budget.end()
        if is_partial:
            self._budget.spend(heard.cost_s)
        return heard


class MoonshineRecognizer:
    """One session's ``Recognizer``."""

    def __init__(self, stt: Moonshine) -> None:
        self._stt = stt
        self._language = "en-US"
        self._phrases: tuple[ListedPhrase, ...] = ()
        self._utterances: set[MoonshineUtterance] = set()

    def begin(self, on_partial: Callable[[str], None]) -> MoonshineUtterance:
        language, phrases = self._language, self._phrases

        def finish(transcript: Transcript, doubt: str) -> Transcript:
            notice = self._stt.describe_unknown() if doubt == "language" else ""
            return replace(transcript, language=language, notice=notice, source=Moonshine.name)

        utterance = MoonshineUtterance(
            partial(self._stt.hear, phrases=phrases), self._stt.is_busy, on_partial, finish
        )
        self._utterances.add(utterance)
        utterance.task.add_done_callback(lambda _: self._utterances.discard(utterance))
        return utterance

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        self._phrases = read_list(phrases)
        self._language = "en-US"
        if self._stt.knows_language(language):
            self._language = language
            return None
        return self._stt.describe_unknown(language)

    async def close(self) -> None:
        utterances = list(self._utterances)
        for utterance in utterances:
            utterance.discard()
        for utterance in utterances:
            await utterance.task
