"""STT, TTS and VAD engines of a session that is typed only: nothing is loaded, heard or spoken."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NoReturn

from voicelive_agent.emulator.agents.opening import open_agent, open_model
from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.settings import Settings
from voicelive_agent.emulator.stt import SttError
from voicelive_agent.emulator.tts import SpokenChunk, TtsError, Voice

_HINT = 'this session is typed only: open it with VoiceLive(..., by="voice")'


class NoRecognizer:
    def begin(self, on_partial: Callable[[str], None]) -> NoReturn:
        raise SttError(_HINT)

    def configure(self, *, language: str, phrases: Sequence[str]) -> str | None:
        return None

    async def close(self) -> None: ...


class NoSpeechToText:
    name = "none"
    advice: str | None = None

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def open_recognizer(self) -> NoRecognizer:
        return NoRecognizer()


class NoTextToSpeech:
    name = "none"
    sample_rate_hz = 16_000

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def voice_names(self) -> Sequence[str]:
        return []

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        return Voice("none"), None

    async def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        raise TtsError(_HINT)
        yield


class NoVoiceActivity:
    frame_bytes = 1024
    frame_ms = 32
    onset_lag_ms = 0
    release_lag_ms = 0

    def probability(self, frame: bytes) -> float:
        return 0.0

    def reset(self) -> None: ...


@contextlib.asynccontextmanager
async def open_typing_engines(settings: Settings) -> AsyncIterator[Engines]:
    """Engines for the agents of ``settings`` alone."""
    engines = Engines(
        NoSpeechToText(),
        NoTextToSpeech(),
        {
            one.name: open_agent(one.url, limits=settings.answer_limits())
            for one in settings.addresses()
        },
        open_model(None),
        open_voice_activity=NoVoiceActivity,
    )
    try:
        for one in (engines.model, *engines.agents.values()):
            await one.start()
        yield engines
    finally:
        await engines.stop()
