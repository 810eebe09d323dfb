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

    The first engine speaks what none has, and everybody's audio is at its sample rate.
    """

    def __init__(self, engines: Sequence[LocalTextToSpeech]) -> None:
        self._engines = engines
        self.name = ", ".join(engine.name for engine in engines)
        self.sample_rate_hz = 0

    async def start(self) -> None:
        await asyncio.gather(*(engine.start() for engine in self._engines))
        self.sample_rate_hz = self._engines[0].sample_rate_hz

    async def stop(self) -> None:
        await asyncio.gather(*(engine.stop() for engine in self._engines))

    def voice_names(self) -> Sequence[str]:
        return [name for engine in self._engines for name in engine.voice_names()]

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        request = read_voice_request(voice)
        language = request.locale.lower().split("-")[0]
        for engine in self._engines:
            if request.name.lower() in (own.name.lower() for own in engine.voices):
                return engine.resolve_voice(voice)
        for engine in self._engines:
            if not language or language in (
                own.language.lower().split("-")[0] for own in engine.voices
            ):
                return engine.resolve_voice(voice)
        return self._engines[0].resolve_voice(voice)

    async def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        engine = next(
            (one for one in self._engines if any(own.name == voice.name for own in one.voices)),
            self._engines[0],
        )
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
