"""The voice of a caller that is no person: another one than the emulator answers with."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from voicelive_agent.emulator.tts.local import LocalSpeaking
from voicelive_agent.wire.audio.formats import AudioFormat
from voicelive_agent.wire.audio.streams import Encoder

CallerVoice = Callable[[str], Awaitable[bytes]]
"""Text to PCM16 mono."""

FLITE_VOICE = "slt"


@contextlib.asynccontextmanager
async def open_caller_voice(rate_hz: int) -> AsyncIterator[CallerVoice]:
    """A voice that the recogniser understands: flite's, or one of espeak's.

    Raises SpeakingError where neither is installed.
    """
    speaking = _choose_engine()
    await speaking.start()
    try:
        default, _ = speaking.resolve_voice({})
        names = [voice.name for voice in speaking.voices if voice.language == default.locale]
        other = FLITE_VOICE if FLITE_VOICE in names else names[1 % len(names)]
        voice, _ = speaking.resolve_voice({"name": other})

        async def synthesise(text: str) -> bytes:
            encoder = Encoder(AudioFormat("pcm16", rate_hz), speaking.sample_rate_hz)
            async with contextlib.aclosing(speaking.speak(text, voice)) as chunks:
                pieces = [encoder.encode(chunk.pcm) async for chunk in chunks]
            return b"".join([*pieces, encoder.finish()])

        yield synthesise
    finally:
        await speaking.stop()


def _choose_engine() -> LocalSpeaking:
    from voicelive_agent.emulator.tts import espeak, flite

    return flite.open_speaking() if flite.find_library() else espeak.open_speaking()
