"""Speech to text at an OpenAI-compatible endpoint: ``POST {url}/audio/transcriptions``.

The audio of each utterance leaves this machine, unless the endpoint is on it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, SttError, Transcript, TranscriptWord
from voicelive_agent.emulator.stt.phrases import list_readings
from voicelive_agent.emulator.stt.recognition import (
    BufferedRecognizer,
    CollectedRecognition,
    Recognition,
)
from voicelive_agent.settings_sources import read_environment, read_setting
from voicelive_agent.wire.audio.wav import encode_header
from voicelive_agent.wire.net import is_this_machine

DEFAULT_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o-mini-transcribe"
_PATH = "/audio/transcriptions"
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class OpenAISpeechToText:
    """An endpoint at ``url``, keyed by ``VOICELIVE_EMULATOR_STT_KEY`` or ``OPENAI_API_KEY``.

    ``VOICELIVE_EMULATOR_STT_MODEL`` names the model. Raises SttError for a wrong URL.
    """

    name = "openai"
    advice: str | None = None

    def __init__(self, url: str = "", *, key: str | None = None, model: str | None = None) -> None:
        try:
            base = httpx.URL(url or DEFAULT_URL)
        except httpx.InvalidURL:
            base = httpx.URL("")
        if base.scheme not in ("http", "https") or not base.host:
            raise SttError(f"{url!r} is not a URL: write --stt openai:http://127.0.0.1:8000/v1")
        path = base.path.rstrip("/")
        self._url = base.copy_with(path=path if path.endswith(_PATH) else path + _PATH)
        self._key = (
            key
            or read_setting("emulator", "stt-key", "VOICELIVE_EMULATOR_STT_KEY")
            or read_environment().get("OPENAI_API_KEY")
        )
        self._model = (
            model
            or read_setting("emulator", "stt-model", "VOICELIVE_EMULATOR_STT_MODEL")
            or DEFAULT_MODEL
        )
        self._client: httpx.AsyncClient | None = None
        if not is_this_machine(base.host):
            self.advice = f"What people say is sent to {base.host}, which transcribes it."

    async def start(self) -> None:
        is_local = is_this_machine(self._url.host)
        self._client = httpx.AsyncClient(
            headers={"authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=_TIMEOUT,
            trust_env=not is_local,
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def open_recognizer(self) -> "OpenAIRecognizer":
        return OpenAIRecognizer(self)

    async def transcribe(self, pcm: bytes, language: str, phrases: tuple[str, ...]) -> Transcript:
        """The transcript of an utterance. Raises SttError."""
        if self._client is None:
            raise SttError("The transcription endpoint is not started.")
        if not pcm:
            return Transcript("", language=language, source=self.name)
        wav = encode_header(SAMPLE_RATE_HZ, 1, len(pcm)) + pcm
        form = {"model": self._model, "response_format": "json"}
        if language:
            form["language"] = language.partition("-")[0].lower()
        if phrases:
            form["prompt"] = ", ".join(list_readings(phrases))
        try:
            response = await self._client.post(
                self._url, data=form, files={"file": ("speech.wav", wav, "audio/wav")}
            )
            if response.status_code != 200:
                raise self._describe_failure(response.status_code)
            return self._read(response.json(), language)
        except httpx.HTTPError as error:
            raise SttError(
                f"The transcription endpoint at {self._url.host} fails ({type(error).__name__}): "
                "start it, or correct the URL in --stt openai:URL."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SttError(
                f"The transcription endpoint at {self._url.host} answers something else than "
                'JSON such as {"text": "…"}: is it OpenAI-compatible?'
            ) from error

    def _read(self, body: Any, language: str) -> Transcript:
        words = tuple(
            TranscriptWord(
                str(word["word"]).strip(),
                round(word["start"] * 1000),
                round((word["end"] - word["start"]) * 1000),
            )
            for word in body.get("words") or ()
        )
        text = body["text"]
        if not isinstance(text, str):
            raise TypeError("the text is no text")
        return Transcript(text.strip(), words, language=language, source=self.name)

    def _describe_failure(self, status: int) -> SttError:
        hint = {
            401: ": give a key in VOICELIVE_EMULATOR_STT_KEY",
            404: ": check the URL in --stt openai:URL and VOICELIVE_EMULATOR_STT_MODEL",
        }.get(status, "")
        return SttError(
            f"The transcription endpoint at {self._url.host} answers HTTP {status}{hint}."
        )


class OpenAIRecognizer(BufferedRecognizer):
    def __init__(self, stt: OpenAISpeechToText) -> None:
        super().__init__()
        self._stt = stt

    def _prepare(self) -> Callable[[], Awaitable[Recognition]]:
        stt, language, phrases = self._stt, self.language, self.phrases

        async def open_recognition() -> Recognition:
            return CollectedRecognition(lambda pcm: stt.transcribe(pcm, language, phrases))

        return open_recognition
