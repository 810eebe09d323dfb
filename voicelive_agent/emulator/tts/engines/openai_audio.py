"""Speech from an OpenAI-compatible endpoint: ``POST {url}/audio/speech``, streamed."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from voicelive_agent.emulator.tts import SpokenChunk, TtsError, Voice
from voicelive_agent.emulator.tts.samples import SAMPLE_BYTES, Shaper
from voicelive_agent.emulator.tts.text.words import WordAligner, estimate_marks
from voicelive_agent.emulator.tts.voices import EngineVoice, resolve
from voicelive_agent.settings_sources import read_environment, read_setting
from voicelive_agent.wire.audio.formats import DEFAULT_RATE_HZ
from voicelive_agent.wire.net import is_this_machine
from voicelive_agent.wire.voice_live.voices import OPENAI_SPEECH_VOICES

SAMPLE_RATE_HZ = DEFAULT_RATE_HZ
"""What ``response_format: pcm`` has."""
DEFAULT_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini-tts"
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_VOICES = tuple(EngineVoice(name, "en-US", gender) for name, gender in OPENAI_SPEECH_VOICES.items())


class OpenAITextToSpeech:
    """An endpoint at ``url``, keyed by ``VOICELIVE_EMULATOR_TTS_KEY`` or ``OPENAI_API_KEY``.

    ``VOICELIVE_EMULATOR_TTS_MODEL`` names the model. These voices speak any language. Raises
    TtsError for a URL that is none.
    """

    name = "openai"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self, url: str = "", *, key: str | None = None, model: str | None = None) -> None:
        try:
            base = httpx.URL(url or DEFAULT_URL)
        except httpx.InvalidURL:
            base = httpx.URL("")
        if base.scheme not in ("http", "https") or not base.host:
            raise TtsError(f"{url!r} is not a URL: write --tts openai:http://127.0.0.1:8880/v1")
        path = base.path.rstrip("/")
        self._url = base.copy_with(
            path=path if path.endswith("/audio/speech") else f"{path}/audio/speech"
        )
        self._key = (
            key
            or read_setting("emulator", "tts-key", "VOICELIVE_EMULATOR_TTS_KEY")
            or read_environment().get("OPENAI_API_KEY")
        )
        self._model = (
            model
            or read_setting("emulator", "tts-model", "VOICELIVE_EMULATOR_TTS_MODEL")
            or DEFAULT_MODEL
        )
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        local = is_this_machine(self._url.host)
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_keepalive_connections=0 if local else 20),
            trust_env=not local,
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def voice_names(self) -> Sequence[str]:
        return [voice.name for voice in _VOICES]

    def resolve_voice(self, voice: Mapping[str, Any]) -> tuple[Voice, str | None]:
        resolved, warning = resolve({**voice, "locale": "en-US"}, _VOICES, self.name)
        return replace(resolved, says_any_script=True), warning

    async def speak(self, clause: str, voice: Voice) -> AsyncGenerator[SpokenChunk, None]:
        if self._client is None:
            raise TtsError("the speech endpoint is not started")
        if not any(char.isalnum() for char in clause):
            return
        # The endpoint has no pitch: it speaks slower, and is played faster.
        shaper = Shaper(SAMPLE_RATE_HZ, volume=voice.volume, shift=voice.pitch)
        aligner = WordAligner(clause)
        produced_bytes = 0
        body = {
            "model": self._model,
            "input": clause,
            "voice": voice.name,
            "speed": min(max(voice.rate / voice.pitch, 0.25), 4.0),
            "response_format": "pcm",
        }
        half = b""
        try:
            async with self._client.stream("POST", self._url, json=body) as response:
                if response.status_code != 200:
                    raise await self._describe_failure(response)
                async for received in response.aiter_bytes():
                    data = half + received
                    half = data[len(data) - len(data) % SAMPLE_BYTES :]
                    pcm = shaper.shape(data[: len(data) - len(half)])
                    produced_bytes += len(pcm)
                    if pcm:
                        yield SpokenChunk(pcm)
        except httpx.HTTPError as error:
            raise TtsError(
                f"the speech endpoint at {self._url.host} fails ({type(error).__name__}): start "
                "it, or correct the URL in --tts openai:URL"
            ) from error
        rest = shaper.shape(b"", last=True)
        spoken_ms = round((produced_bytes + len(rest)) / SAMPLE_BYTES / SAMPLE_RATE_HZ * 1000)
        words = [*aligner.add(estimate_marks(clause, spoken_ms)), *aligner.finish(spoken_ms)]
        yield SpokenChunk(rest, tuple(words))

    async def _describe_failure(self, response: httpx.Response) -> TtsError:
        hint = {
            401: ": give a key in VOICELIVE_EMULATOR_TTS_KEY",
            404: ": check the URL in --tts openai:URL and VOICELIVE_EMULATOR_TTS_MODEL",
        }.get(response.status_code, "")
        await response.aread()
        return TtsError(
            f"the speech endpoint at {self._url.host} answers HTTP {response.status_code}{hint}"
        )
