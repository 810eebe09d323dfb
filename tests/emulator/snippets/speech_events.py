"""Event Handling: what a spoken turn tells."""
# mypy: ignore-errors

import asyncio
import os
from pathlib import Path

from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=AzureKeyCredential("<key>"),
        agent_name="demo",
        project_name="local",
    ) as conn:
        speech = Path(os.environ["SPEECH_FILE"]).read_bytes()
        await conn.input_audio_buffer.append(audio=speech + bytes(48_000))
        async for event in conn:
            match event.type:
                # Audio input events
                case "input_audio_buffer.speech_started":
                    print(f"Speech started at {event.audio_start_ms}ms")
                case "input_audio_buffer.speech_stopped":
                    print(f"Speech stopped at {event.audio_end_ms}ms")
                # Transcription events
                case "conversation.item.input_audio_transcription.completed":
                    print(f"User said: {event.transcript}")
                case "conversation.item.input_audio_transcription.delta":
                    print(f"Partial: {event.delta}")
                case "response.audio_transcript.done":
                    print(f"Agent said: {event.transcript}")
                case "response.done":
                    print(f"Response complete: {event.response.status}")
                    break
                case "error":
                    raise SystemExit(f"Error: {event.error.message}")


asyncio.run(main())
