"""Text to speech by language: several local engines as one, each for what it speaks best."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import numpy as np

from voicelive_agent.emulator.tts import SpokenChunk, Voice
from voicelive_agent.emulator.tts.local import LocalTextToSpeech
from voicelive_agent.emulator.tts.voices import read_voice_request
from voicelive_agent.wire.audio.resampling import Resampler


class TextToSpeechByLanguage:
    """The first of ``engines`` that has the voice, or the language, that a session asks for.

    The first engine speaks what none has, and everybody's audio is at its sample rate. The others
    tell their voices at the start; their processes, 50 MB each, run from when a session asks for
    one of these.
    """

    def __init__(self, engines: Sequence[LocalTextToSpeech]) -> None:
        self._engines = engines
        self.name = ", ".join(engine.name for engine in engines)
        self.sample_rate_hz = 0
        self._starting: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        await asyncio.gather(*(engine.start() for engine in self._engines))
        self.sample_rate_hz = self._engines[0].sample_rate_hz
        await asyncio.gather(*(engine.stop() for engine in self._engines[1:]))

    async def stop(self) -> None:
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        self._starting.clear()
        await asyncio.gather(*(engine.stop() for engine in self._engines))

    def voice_names(self) -> Sequence[str]:
        return [name for engine in self._engines for name in engine.voice_names()]

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        """The nearest voice; its engine is started, as it will be spoken with soon."""
        engine = self._choose(voice)
        if engine is not self._engines[0]:
            self._begin_start(engine)
        return engine.resolve_voice(voice)

    def _choose(self, voice: Mapping[str, Any]) -> LocalTextToSpeech:
        request = read_voice_request(voice)
        language = request.locale.lower().split("-")[0]
        for engine in self._engines:
            if request.name.lower() in (own.name.lower() for own in engine.voices):
                return engine
        for engine in self._engines:
            if not language or language in (
                own.language.lower().split("-")[0] for own in engine.voices
            ):
                return engine
        return self._engines[0]

    def _begin_start(self, engine: LocalTextToSpeech) -> asyncio.Task[None]:
        task = self._starting.get(engine.name)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(engine.start(), name=f"start of {engine.name}")
            self._starting[engine.name] = task
        return task

    async def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        engine = next(
            (one for one in self._engines if any(own.name == voice.name for own in one.voices)),
            self._engines[0],
        )
        if engine is not self._engines[0]:
            # Who stops this clause stops nobody else's.
            await asyncio.shield(self._begin_start(engine))
        async with aclosing(engine.speak(clause, voice)) as chunks:
            if engine.sample_rate_hz == self.sample_rate_hz:
                async for chunk in chunks:
                    yield chunk
                return
            resampler = Resampler(engine.sample_rate_hz, self.sample_rate_hz)
            async for chunk in chunks:
                samples = np.frombuffer(chunk.pcm, np.int16)
                yield replace(chunk, pcm=resampler.resample(samples).tobytes())
            yield SpokenChunk(resampler.finish().tobytes())
