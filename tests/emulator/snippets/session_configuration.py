"""Session Configuration."""
# mypy: ignore-errors

import asyncio
import os

from azure.ai.voicelive.aio import connect
from azure.ai.voicelive.models import FunctionTool, RequestSession
from azure.core.credentials import AzureKeyCredential


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=AzureKeyCredential("<key>"),
        model="gpt-4o-realtime-preview",
    ) as conn:
        await conn.session.update(
            session=RequestSession(
                instructions="You are a helpful voice assistant.",
                modalities=["text", "audio"],
                voice="alloy",  # or "echo", "shimmer", "sage", etc.
                input_audio_format="pcm16",
                output_audio_format="pcm16",
                turn_detection={
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                },
                tools=[
                    FunctionTool(
                        name="get_weather",
                        description="Get current weather",
                        parameters={
                            "type": "object",
                            "properties": {"location": {"type": "string"}},
                            "required": ["location"],
                        },
                    )
                ],
            )
        )
        async for event in conn:
            if event.type == "session.updated":
                session = event.session
                print(f"Voice: {session.voice}")
                print(f"Turn detection: {session.turn_detection.type}")
                print(f"Silence: {session.turn_detection.silence_duration_ms}")
                print(f"Tool: {session.tools[0].name}")
                print(f"Instructions: {session.instructions}")
                break
            if event.type == "error":
                raise SystemExit(event.error.message)


asyncio.run(main())
