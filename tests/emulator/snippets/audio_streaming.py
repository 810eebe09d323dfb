"""Audio Streaming: send base64 PCM16, receive audio."""
# mypy: ignore-errors

import asyncio
import base64
import io
import os
from pathlib import Path

from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential

played = bytearray()
microphone = io.BytesIO(Path(os.environ["SPEECH_FILE"]).read_bytes())


async def read_audio_from_microphone() -> bytes:
    await asyncio.sleep(0.05)
    return microphone.read(2400).ljust(2400, b"\0")


async def play_audio(audio: bytes) -> None:
    played.extend(audio)


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=AzureKeyCredential("<key>"),
        agent_name="demo",
        project_name="local",
    ) as conn:

        async def send() -> None:
            while True:
                # Read audio chunk (16-bit PCM, 24kHz mono)
                audio_chunk = await read_audio_from_microphone()
                b64_audio = base64.b64encode(audio_chunk).decode()
                await conn.input_audio_buffer.append(audio=b64_audio)

        sending = asyncio.create_task(send())
        async for event in conn:
            if event.type == "response.audio.delta":
                await play_audio(event.delta)  # the SDK has decoded it already
            elif event.type == "response.audio.done":
                print(f"Audio complete: {len(played)} bytes")
                break
        sending.cancel()


asyncio.run(main())
