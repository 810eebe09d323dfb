"""Audio from a pipe, raw or as WAV, while it is written."""

import asyncio
import io
import os
import struct

import numpy as np
import pytest
import soundfile

from tests.client.sound.sounds import BLOCK_BYTES, RATE_HZ, loud, pcm16, read_speech, tone
from voicelive_agent.client.sound.devices import Block, DeviceError
from voicelive_agent.client.sound.file_devices import FileMicrophone


def wav_of_8_bits() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(50), RATE_HZ, "PCM_U8", format="WAV")
    return file.getvalue()


async def test_raw_audio_from_a_pipe() -> None:
    speech = pcm16(tone(110))
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO(speech))
    await microphone.open(RATE_HZ)
    blocks, _ = await read_speech(microphone)
    assert b"".join(block.pcm for block in blocks) == speech.ljust(6 * BLOCK_BYTES, b"\0")
    microphone.go_on()
    assert await microphone.read() is None
    await microphone.close()


async def test_empty_pipe_is_an_input_without_words() -> None:
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO())
    await microphone.open(RATE_HZ)
    assert await microphone.read() == Block(bytes(BLOCK_BYTES), input_ended=True)
    await microphone.close()


async def test_pipe_nobody_writes_to_can_be_closed() -> None:
    reading_fd, writing_fd = os.pipe()
    with os.fdopen(reading_fd, "rb") as stdin:
        microphone = FileMicrophone(["-"], silence_ms=0, stdin=stdin)
        await microphone.open(RATE_HZ)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(microphone.read(), 0.05)
        os.write(writing_fd, bytes(range(256)) * 8)
        block = await asyncio.wait_for(microphone.read(), 5)
        assert block and loud(block)
        await microphone.close()
        os.close(writing_fd)


@pytest.mark.parametrize("size", ["known", "endless"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(RATE_HZ, 1), (48_000, 2), (8_000, 1)])
async def test_wav_in_a_pipe_is_read_while_it_is_written(
    size: str, rate_hz: int, channels: int
) -> None:
    """As arecord and ffmpeg write it: without knowing how much it will be."""
    said = np.frombuffer(pcm16(tone(400, rate_hz=rate_hz)), "<i2")
    file = io.BytesIO()
    soundfile.write(file, np.stack([said] * channels, axis=1), rate_hz, "PCM_16", format="WAV")
    wav = bytearray(file.getvalue())
    at = wav.index(b"data") + 4
    if size == "endless":
        wav[at : at + 4] = b"\xff\xff\xff\x7f"
    else:
        wav += b"LIST" + struct.pack("<I", 4000) + b"\x55" * 4000
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO(bytes(wav)))
    await microphone.open(RATE_HZ)
    blocks, _ = await read_speech(microphone)
    heard = np.frombuffer(b"".join(block.pcm for block in blocks), "<i2").astype(float)
    assert abs(len(heard) / RATE_HZ - 0.4) < 0.03
    assert np.abs(heard).max() == pytest.approx(np.abs(said.astype(float)).max(), rel=0.1)
    await microphone.close()


@pytest.mark.parametrize(
    "stream", [b"RIFF\0\0\0\0WAVE", b"ID3" + bytes(40), b"fLaC" + bytes(40), wav_of_8_bits()]
)
async def test_other_sound_in_a_pipe_is_refused(stream: bytes) -> None:
    microphone = FileMicrophone(["-"], silence_ms=0, stdin=io.BytesIO(stream))
    await microphone.open(RATE_HZ)
    with pytest.raises(DeviceError, match="standard input"):
        await microphone.read()
    await microphone.close()
