"""An OpenAI-compatible speech endpoint: what it is sent, and how its audio streams."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from tests.emulator.agents.servers import Received, ServerScript, answering, raw_server
from tests.emulator.tts.sound import hear
from voicelive_agent.emulator.tts import SpokenChunk, TtsError
from voicelive_agent.emulator.tts.engines.openai_audio import OpenAITextToSpeech
from voicelive_agent.listening import find_free_port

HEAD = "HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\nconnection: close\r\n\r\n"
TONE = (np.sin(np.arange(24_000) * 2 * np.pi * 200 / 24_000) * 9000).astype(np.int16).tobytes()


@contextlib.asynccontextmanager
async def speaking_at(url: str, **options: str) -> AsyncIterator[OpenAITextToSpeech]:
    tts = OpenAITextToSpeech(url, **options)
    await tts.start()
    try:
        yield tts
    finally:
        await tts.stop()


def odd_pieces(pcm: bytes) -> ServerScript:
    async def script(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD.encode())
        for start in range(0, len(pcm), 4801):
            writer.write(pcm[start : start + 4801])
            await writer.drain()
            await asyncio.sleep(0)

    return script


async def test_a_clause_is_asked_for_and_streamed() -> None:
    async with raw_server(odd_pieces(TONE)) as server:
        async with speaking_at(f"{server.url}/v1", key="k", model="tts-1") as tts:
            voice, warning = tts.resolve_voice({"name": "echo", "rate": "1.2"})
            spoken = await hear(tts, "Hello there.", voice)
        received = server.received[0]
    assert warning is None
    assert received.path == "/v1/audio/speech"
    assert received.headers["authorization"] == "Bearer k"
    assert received.body == {
        "model": "tts-1",
        "input": "Hello there.",
        "voice": "echo",
        "speed": 1.2,
        "response_format": "pcm",
    }
    assert spoken.samples.tobytes() == TONE
    assert [word.text for word in spoken.words] == ["Hello", "there."]
    last = spoken.words[-1]
    assert last.offset_ms + last.duration_ms == 1000


async def test_pitch_and_volume_are_made_here() -> None:
    async with raw_server(odd_pieces(TONE)) as server, speaking_at(server.url) as tts:
        voice, _ = tts.resolve_voice({"pitch": "1.25", "volume": "50"})
        spoken = await hear(tts, "Hello.", voice)
        assert server.received[0].body["speed"] == pytest.approx(0.8)
    assert spoken.pitch_hz == pytest.approx(250, rel=0.02)
    assert spoken.duration_ms == pytest.approx(800, rel=0.02)
    assert spoken.rms == pytest.approx(9000 / 2**0.5 / 2, rel=0.05)


async def test_nothing_to_say_asks_nothing() -> None:
    async with raw_server(answering("", HEAD)) as server, speaking_at(server.url) as tts:
        assert len((await hear(tts, " … ", tts.resolve_voice({})[0])).samples) == 0
    assert server.received == []


async def test_closing_closes_the_stream_at_once() -> None:
    async def endless(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD.encode() + TONE[:4800])
        await asyncio.Event().wait()

    async with raw_server(endless) as server, speaking_at(server.url) as tts:
        voice, _ = tts.resolve_voice({})
        async with aclosing(tts.speak("Hello.", voice)) as chunks:
            assert isinstance(await anext(chunks), SpokenChunk)
            began = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(server.gone, 10) - began < 1


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("HTTP/1.1 401 No\r\n\r\n", "VOICELIVE_EMULATOR_TTS_KEY"),
        ("HTTP/1.1 404 No\r\n\r\n", "check the URL"),
        ("HTTP/1.1 500 No\r\n\r\n", "HTTP 500"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", "fails"),
    ],
)
async def test_failures_say_what_to_do(head: str, message: str) -> None:
    async with raw_server(answering("", head)) as server, speaking_at(server.url) as tts:
        with pytest.raises(TtsError, match=message):
            await hear(tts, "Hello.", tts.resolve_voice({})[0])


async def test_an_endpoint_that_is_down() -> None:
    async with speaking_at(f"http://127.0.0.1:{find_free_port()}") as tts:
        with pytest.raises(TtsError, match="start it"):
            await hear(tts, "Hello.", tts.resolve_voice({})[0])


@pytest.mark.parametrize("url", ["localhost:1", "ftp://x/y", "http://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(TtsError, match="openai:http"):
        OpenAITextToSpeech(url)


def test_the_key_and_the_model_of_env_and_toml_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were read from the environment alone."""
    monkeypatch.chdir(tmp_path)
    for name in ("VOICELIVE_EMULATOR_TTS_KEY", "VOICELIVE_EMULATOR_TTS_MODEL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "voicelive.toml").write_text('[emulator]\ntts-key = "k"\ntts-model = "toml"\n')
    (tmp_path / ".env").write_text("VOICELIVE_EMULATOR_TTS_MODEL=env\n")
    tts = OpenAITextToSpeech()
    assert (tts._key, tts._model) == ("k", "env")
