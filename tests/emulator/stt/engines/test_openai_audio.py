"""Speech to text at an OpenAI-compatible endpoint, over a real socket."""

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voicelive_agent.emulator.stt import SttError, Transcript
from voicelive_agent.emulator.stt.engines.openai_audio import OpenAISpeechToText


@dataclass
class Endpoint:
    """Answers ``body`` with ``status`` and keeps what it was sent."""

    url: str = ""
    status: int = 200
    body: Any = field(default_factory=lambda: {"text": " Two tables, please. "})
    forms: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    async def transcribe(self, request: Request) -> Response:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        form: dict[str, Any] = {}
        for part in message_from_bytes(head + await request.body()).walk():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if name == "file":
                form["audio"] = content
            elif isinstance(content, bytes):
                form[str(name)] = content.decode()
        self.forms.append(form)
        self.keys.append(request.headers.get("authorization"))
        return Response(
            self.body if isinstance(self.body, str) else json.dumps(self.body),
            self.status,
            media_type="application/json",
        )


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    served = Endpoint()
    app = Starlette(routes=[Route("/v1/audio/transcriptions", served.transcribe, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    served.url = f"http://127.0.0.1:{port}/v1"
    yield served
    server.should_exit = True
    await running


async def hear(
    stt: OpenAISpeechToText, pcm: bytes = bytes(3200), language: str = "en-US", *phrases: str
) -> Transcript:
    await stt.start()
    try:
        recognizer = stt.open_recognizer()
        recognizer.configure(language=language, phrases=phrases)
        utterance = recognizer.begin(lambda text: None)
        utterance.feed(pcm)
        return await utterance.finish()
    finally:
        await stt.stop()


async def test_an_utterance_is_sent_as_a_file(endpoint: Endpoint) -> None:
    stt = OpenAISpeechToText(endpoint.url, key="secret", model="whisper-1")
    transcript = await hear(stt, b"\1\2" * 1600, "de-DE", "Contoso", "Zava")
    assert transcript == Transcript("Two tables, please.", language="de-DE", source="openai")
    (form,) = endpoint.forms
    with wave.open(io.BytesIO(form.pop("audio"))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.readframes(1600) == b"\1\2" * 1600
    assert form == {
        "model": "whisper-1",
        "response_format": "json",
        "language": "de",
        "prompt": "Contoso, Zava",
    }
    assert endpoint.keys == ["Bearer secret"]


async def test_words_are_taken_where_they_come(endpoint: Endpoint) -> None:
    endpoint.body = {"text": "hi", "words": [{"word": " hi", "start": 0.5, "end": 0.75}]}
    (word,) = (await hear(OpenAISpeechToText(endpoint.url))).words
    assert (word.text, word.offset_ms, word.duration_ms) == ("hi", 500, 250)


async def test_nothing_said_is_not_sent(endpoint: Endpoint) -> None:
    assert (await hear(OpenAISpeechToText(endpoint.url), b"")).text == ""
    assert endpoint.forms == []


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "VOICELIVE_EMULATOR_STT_KEY"), (404, "--stt openai:URL"), (500, "HTTP 500")],
)
async def test_refusals_say_what_to_do(endpoint: Endpoint, status: int, hint: str) -> None:
    endpoint.status, endpoint.body = status, {"error": {"message": "secret words"}}
    with pytest.raises(SttError, match=hint) as failure:
        await hear(OpenAISpeechToText(endpoint.url))
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("body", ["no JSON", [], {}, {"text": 3}, {"text": "x", "words": [{}]}])
async def test_other_answers_are_refused(endpoint: Endpoint, body: Any) -> None:
    endpoint.body = body
    with pytest.raises(SttError, match="OpenAI-compatible"):
        await hear(OpenAISpeechToText(endpoint.url))


async def test_nobody_is_there() -> None:
    with pytest.raises(SttError, match="start it"):
        await hear(OpenAISpeechToText("http://127.0.0.1:9/v1"))


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(SttError, match="--stt openai:http"):
        OpenAISpeechToText(url)


def test_it_says_where_the_audio_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "api.openai.com" in str(OpenAISpeechToText().advice)
    assert OpenAISpeechToText("http://127.0.0.1:1/v1").advice is None


def test_the_key_and_the_model_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICELIVE_EMULATOR_STT_KEY", "from-environment")
    monkeypatch.setenv("VOICELIVE_EMULATOR_STT_MODEL", "tiny")
    stt = OpenAISpeechToText()
    assert (stt._key, stt._model) == ("from-environment", "tiny")


def test_the_key_and_the_model_of_env_and_toml_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were read from the environment alone."""
    monkeypatch.chdir(tmp_path)
    for name in ("VOICELIVE_EMULATOR_STT_KEY", "VOICELIVE_EMULATOR_STT_MODEL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "voicelive.toml").write_text('[emulator]\nstt-key = "k"\nstt-model = "toml"\n')
    (tmp_path / ".env").write_text("VOICELIVE_EMULATOR_STT_MODEL=env\n")
    stt = OpenAISpeechToText()
    assert (stt._key, stt._model) == ("k", "env")
