"""Measures of spoken audio, and a listener, for the tests of speech engines."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from tests.understanding import understand
from voicelive_agent.emulator.tts import SpokenWord, TextToSpeech, Viseme, Voice
from voicelive_agent.emulator.tts.local import LocalTextToSpeech


@dataclass(frozen=True)
class Spoken:
    """A clause as it was spoken."""

    samples: npt.NDArray[np.int16]
    words: Sequence[SpokenWord]
    visemes: Sequence[Viseme]
    sample_rate_hz: int
    chunks: int

    @property
    def duration_ms(self) -> float:
        return len(self.samples) / self.sample_rate_hz * 1000

    @property
    def voiced_ms(self) -> float:
        """From the first to the last sample that can be heard."""
        loud = np.flatnonzero(np.abs(self.samples.astype(np.int32)) > 300)
        return 0.0 if not len(loud) else (loud[-1] - loud[0]) / self.sample_rate_hz * 1000

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.samples.astype(np.float64) ** 2)))

    @property
    def pitch_hz(self) -> float:
        """Median fundamental frequency of the voiced frames, by autocorrelation."""
        size = self.sample_rate_hz // 20
        shortest, longest = self.sample_rate_hz // 500, self.sample_rate_hz // 50
        found = []
        for start in range(0, len(self.samples) - size, size // 2):
            frame = self.samples[start : start + size].astype(np.float64)
            frame -= frame.mean()
            if np.sqrt(np.mean(frame**2)) < 500:
                continue
            power = np.correlate(frame, frame, "full")[size - 1 :]
            lag = shortest + int(np.argmax(power[shortest:longest]))
            if power[lag] > 0.5 * power[0]:
                found.append(self.sample_rate_hz / lag)
        return float(np.median(found))


@asynccontextmanager
async def running(tts: LocalTextToSpeech) -> AsyncIterator[LocalTextToSpeech]:
    """An engine with its processes, for as long as a test needs it."""
    await tts.start()
    try:
        yield tts
    finally:
        await tts.stop()


async def speak(tts: TextToSpeech, clause: str, **voice: str) -> Spoken:
    """A whole clause, by the voice that a session asks for."""
    resolved, _ = tts.resolve_voice(voice)
    return await hear(tts, clause, resolved)


async def hear(tts: TextToSpeech, clause: str, voice: Voice) -> Spoken:
    """A whole clause."""
    pcm = bytearray()
    words: list[SpokenWord] = []
    visemes: list[Viseme] = []
    chunks = 0
    async with aclosing(tts.speak(clause, voice)) as stream:
        async for chunk in stream:
            pcm += chunk.pcm
            words += chunk.words
            visemes += chunk.visemes
            chunks += bool(chunk.pcm)
    samples = np.frombuffer(bytes(pcm), dtype=np.int16)
    return Spoken(samples, words, visemes, tts.sample_rate_hz, chunks)


def transcribe(spoken: Spoken) -> str:
    """The words that the default speech to text hears."""
    samples = soxr.resample(spoken.samples, spoken.sample_rate_hz, 16_000)
    return understand(np.asarray(samples, np.int16).tobytes())
