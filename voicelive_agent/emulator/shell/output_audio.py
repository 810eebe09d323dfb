"""Output audio of one session: its clauses through text to speech, one after another.

The engine runs ahead of playback: audio leaves as fast as it is made and the client takes it.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import numpy as np

from voicelive_agent.emulator.session import Fact, effects, facts
from voicelive_agent.emulator.shell.outbox import AUDIO_ROOM_BYTES, FrameOutbox
from voicelive_agent.emulator.shell.tasks import SessionTasks
from voicelive_agent.emulator.tts import (
    SpokenChunk,
    SpokenWord,
    TextToSpeech,
    TtsError,
    Viseme,
    Voice,
)
from voicelive_agent.emulator.tts.text.scripts import find_unsayable
from voicelive_agent.wire.audio.streams import Encoder

AUDIBLE_LEVEL = 330
"""A sample of this amplitude (1 % of full scale, -40 dBFS) can be heard."""
CHUNK_MS = 100
_SAMPLE_BYTES = 2

logger = logging.getLogger(__name__)


class OutputAudio:
    """What a session speaks, clause by clause."""

    def __init__(
        self,
        tts: TextToSpeech,
        outbox: FrameOutbox,
        tell: Callable[[Fact], None],
        on_audible: Callable[[str, float], None],
    ) -> None:
        """``on_audible`` gets a response's id and at which ms of its audio one can hear it."""
        self._tts = tts
        self._outbox = outbox
        self._tell = tell
        self._on_audible = on_audible
        self._clauses: deque[effects.Speak] = deque()
        self._filled = asyncio.Event()
        self._current: effects.Speak | None = None
        self._speech: asyncio.Task[None] | None = None
        self._spoken_ms: dict[str, float] = {}
        self._warned: set[str] = set()

    def speak(self, effect: effects.Speak) -> None:
        self._clauses.append(effect)
        self._filled.set()

    def choose_voice(self, request: Mapping[str, Any]) -> Voice:
        """The engine's nearest voice; warns, once, of what can't be met."""
        voice, warning = self._tts.resolve_voice(request)
        if warning is not None and warning not in self._warned:
            self._warned.add(warning)
            self._tell(facts.Warned(warning, code="voice_not_available", param="session.voice"))
        return voice

    def _warn_unsayable(self, text: str, voice: Voice) -> None:
        """Warn, once for each script, of text that the voice has no sounds for."""
        script = None if voice.says_any_script else find_unsayable(text, voice.locale)
        if script is None or script in self._warned:
            return
        self._warned.add(script)
        self._tell(
            facts.Warned(
                f"The voice {voice.name!r} ({voice.locale}) can't say text in {script} letters, "
                "and leaves it out: name a voice of that language in session.voice, with an engine "
                "that has one (--tts espeak).",
                code="text_not_sayable",
                param="session.voice",
            )
        )

    def stop(self, effect: effects.StopSpeaking) -> None:
        """Drop the clauses of a response, the one being spoken too."""
        kept = [clause for clause in self._clauses if clause.response_id != effect.response_id]
        self._clauses = deque(kept)
        if (
            self._speech is not None
            and self._current is not None
            and self._current.response_id == effect.response_id
        ):
            self._speech.cancel()

    async def run(self, tasks: SessionTasks) -> None:
        while True:
            while not self._clauses:
                self._filled.clear()
                await self._filled.wait()
            self._current = self._clauses.popleft()
            self._speech = tasks.start(self._speak_clause(self._current), "clause")
            await asyncio.wait([self._speech])
            self._speech = self._current = None

    async def _speak_clause(self, effect: effects.Speak) -> None:
        try:
            await self._produce(effect)
        except TtsError as error:
            self._tell(facts.SynthesisFailed(effect.response_id, str(error)))
        except Exception as error:
            logger.exception("Text to speech by %s failed in a way of its own.", self._tts.name)
            self._tell(
                facts.SynthesisFailed(
                    effect.response_id,
                    f"Text to speech by {self._tts.name} failed ({type(error).__name__}): "
                    "the emulator's log says more.",
                )
            )

    async def _produce(self, effect: effects.Speak) -> None:
        voice = self.choose_voice(effect.voice)
        self._warn_unsayable(effect.text, voice)
        rate_hz = self._tts.sample_rate_hz
        encoder = Encoder(effect.output_format, rate_hz)
        async with contextlib.aclosing(self._chunks(effect.text, voice)) as chunks:
            async for chunk in chunks:
                await self._outbox.wait_room(AUDIO_ROOM_BYTES)
                self._tell_audio(
                    effect, encoder, encoder.encode(chunk.pcm), chunk.words, chunk.visemes
                )
                self._listen(effect.response_id, chunk.pcm, rate_hz)
        self._tell_audio(effect, encoder, encoder.finish(), (), ())
        self._tell(facts.ClauseSpoken(effect.response_id, effect.clause))

    async def _chunks(self, text: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        """The engine's audio: its first chunk as soon as it is there, then ``CHUNK_MS`` each."""
        size = self._tts.sample_rate_hz * CHUNK_MS // 1000 * _SAMPLE_BYTES
        pcm = bytearray()
        words: list[SpokenWord] = []
        visemes: list[Viseme] = []
        enough = 1
        async with contextlib.aclosing(self._tts.speak(text, voice)) as chunks:
            async for chunk in chunks:
                pcm += chunk.pcm
                words += chunk.words
                visemes += chunk.visemes
                while len(pcm) >= enough:
                    yield SpokenChunk(bytes(pcm[:size]), tuple(words), tuple(visemes))
                    del pcm[:size]
                    words, visemes = [], []
                    enough = size
        if pcm or words or visemes:
            yield SpokenChunk(bytes(pcm), tuple(words), tuple(visemes))

    def _tell_audio(
        self,
        effect: effects.Speak,
        encoder: Encoder,
        audio: bytes,
        words: tuple[SpokenWord, ...],
        visemes: tuple[Viseme, ...],
    ) -> None:
        if audio or words or visemes:
            self._tell(
                facts.ClauseAudio(
                    effect.response_id,
                    effect.clause,
                    audio,
                    encoder.duration_ms(audio),
                    words,
                    visemes,
                )
            )

    def _listen(self, response_id: str, pcm: bytes, rate_hz: int) -> None:
        """Find the first audible sample of a response."""
        if response_id not in self._spoken_ms:
            # Only the latest response can still be without a sound.
            self._spoken_ms = {response_id: 0.0}
        so_far_ms = self._spoken_ms[response_id]
        if so_far_ms < 0:
            return
        samples = np.frombuffer(pcm, dtype="<i2")
        audible = np.flatnonzero(np.abs(samples.astype(np.int32)) >= AUDIBLE_LEVEL)
        if len(audible):
            self._spoken_ms[response_id] = -1.0
            self._on_audible(response_id, so_far_ms + float(audible[0]) * 1000 / rate_hz)
        else:
            self._spoken_ms[response_id] = so_far_ms + len(samples) * 1000 / rate_hz
