"""Local text to speech: an engine on this machine, its processes, its voices, its model."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from voicelive_agent.emulator.tts import SpokenChunk, TtsError, Voice
from voicelive_agent.emulator.tts.processes import EngineProcesses
from voicelive_agent.emulator.tts.samples import SAMPLE_BYTES, Shaper, pause_ms, silence
from voicelive_agent.emulator.tts.text.scripts import drop_unsayable
from voicelive_agent.emulator.tts.text.spoken_form import SpokenForm, write_out
from voicelive_agent.emulator.tts.text.visemes import read_visemes
from voicelive_agent.emulator.tts.text.words import WordAligner, estimate_marks
from voicelive_agent.emulator.tts.voices import EngineVoice, resolve

_QUICK_CHARS = 100
"""So much is written out in less time than a change of threads and back: in 0.3 ms, with many
figures in 3."""


class LocalTextToSpeech:
    """Speaks with an engine of this package, each clause in one of ``processes`` processes.

    ``module`` has the engine's ``open_synthesizer``. ``list_voices`` makes the voices, the default
    one first, of what the engine tells of itself.
    ``pitch_range`` is how far the engine itself moves the pitch; the rest is done by resampling.
    """

    def __init__(
        self,
        name: str,
        list_voices: Callable[[Mapping[str, Any]], Sequence[EngineVoice]],
        *,
        module: str = "",
        options: Mapping[str, Any] | None = None,
        processes: int = 2,
        pitch_range: tuple[float, float] = (1.0, 1.0),
        adds_pauses: bool = True,
    ) -> None:
        self.name = name
        self.sample_rate_hz = 0
        self.voices: Sequence[EngineVoice] = ()
        self._list_voices = list_voices
        self._processes = EngineProcesses(
            module or f"voicelive_agent.emulator.tts.engines.{name}",
            options or {},
            processes,
            name=name,
        )
        self._pitch_range = pitch_range
        self._adds_pauses = adds_pauses
        self._written_languages: set[str] = set()

    async def start(self) -> None:
        """Raises TtsError, which says what to do."""
        await self._processes.start()
        self.sample_rate_hz = self._processes.sample_rate_hz
        self.voices = self._list_voices(self._processes.about)
        voice, _ = self.resolve_voice({})
        async with aclosing(self.speak("Ready.", voice)) as chunks:
            async for _ in chunks:
                pass

    async def stop(self) -> None:
        await self._processes.stop()

    def voice_names(self) -> Sequence[str]:
        return [voice.name for voice in self.voices]

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        return resolve(voice, self.voices, self.name)

    async def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        if not clause.strip():
            return
        own = next((own for own in self.voices if own.name == voice.name), self.voices[0])
        form = await self._write_out(clause, own.language)
        # Engines read such letters as "Chinese letter", one after another.
        said = drop_unsayable(form.text, own.language)
        low, high = self._pitch_range
        pitch = min(max(voice.pitch, low), high)
        shift = voice.pitch / pitch
        shaper = Shaper(self.sample_rate_hz, volume=voice.volume, shift=shift)
        aligner = WordAligner(clause)
        produced_bytes = 0
        marked = False
        settings = {**own.settings, "rate": voice.rate * own.rate / shift, "pitch": pitch}
        async with aclosing(self._processes.speak(said, settings)) as frames:
            async for frame in frames:
                pcm = shaper.shape(frame.pcm)
                produced_bytes += len(pcm)
                marked = marked or bool(frame.words)
                phonemes = [(ipa, round(offset / shift)) for ipa, offset in frame.phonemes]
                words = aligner.add(
                    [(form.origin(start), round(offset / shift)) for start, offset in frame.words],
                    phonemes,
                )
                yield SpokenChunk(pcm, tuple(words), tuple(read_visemes(phonemes)))
                # Frames wait in a queue; without this, a long clause would keep the loop busy.
                await asyncio.sleep(0)
        rest = shaper.shape(b"", last=True)
        produced_bytes += len(rest)
        spoken_ms = round(produced_bytes / SAMPLE_BYTES / self.sample_rate_hz * 1000)
        words = [] if marked else aligner.add(estimate_marks(clause, spoken_ms))
        words += aligner.finish(spoken_ms)
        pause = silence(pause_ms(clause), self.sample_rate_hz) if self._adds_pauses else b""
        yield SpokenChunk(rest + pause, tuple(words))

    async def _write_out(self, clause: str, language: str) -> SpokenForm:
        if len(clause) <= _QUICK_CHARS and language in self._written_languages:
            return write_out(clause, language)
        # The first clause in a language compiles its rules: 0.2 s.
        form = await asyncio.to_thread(write_out, clause, language)
        self._written_languages.add(language)
        return form


def locate_model(engine: str, what: str, models_dir: Path | None) -> Path:
    """The folder or file of a model by name or path; the first installed where none is named.

    Raises TtsError, which names the command that fetches one.
    """
    from voicelive_agent.emulator.models import ModelError, find_model

    try:
        return find_model(what, models_dir, use="tts", engine=engine)
    except ModelError as error:
        raise TtsError(str(error)) from error
