"""Manual Turn Mode (No VAD)."""
# mypy: ignore-errors

import asyncio
import base64
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
        b64_audio = base64.b64encode(Path(os.environ["SPEECH_FILE"]).read_bytes()).decode()
        await conn.session.update(session={"turn_detection": None})
        # Manually control turns
        await conn.input_audio_buffer.append(audio=b64_audio)
        await conn.input_audio_buffer.commit()  # End of user turn
        await conn.response.create()  # Trigger response
        async for event in conn:
            if event.type == "conversation.item.input_audio_transcription.completed":
                print(f"User said: {event.transcript}")
            elif event.type == "response.audio_transcript.done":
                print(f"Agent said: {event.transcript}")
            elif event.type == "response.done":
                break
            elif event.type == "error":
                raise SystemExit(event.error.message)


asyncio.run(main())
