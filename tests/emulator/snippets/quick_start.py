"""Quick Start, and authentication by key."""
# mypy: ignore-errors

import asyncio
import os

from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=AzureKeyCredential("<your-api-key>"),
        model="gpt-4o-realtime-preview",
    ) as conn:
        # Update session with instructions
        await conn.session.update(
            session={
                "instructions": "You are a helpful assistant.",
                "modalities": ["text", "audio"],
                "voice": "alloy",
            }
        )
        # Nobody speaks here, so ask for the greeting
        await conn.response.create()
        # Listen for events
        async for event in conn:
            print(f"Event: {event.type}")
            if event.type == "response.audio_transcript.done":
                print(f"Transcript: {event.transcript}")
            elif event.type == "response.done":
                break


asyncio.run(main())
