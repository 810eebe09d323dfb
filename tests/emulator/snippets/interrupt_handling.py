"""Interrupt Handling: the person speaks, the client cancels."""
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
        # The service interrupts by itself unless it is told not to
        await conn.session.update(
            session={"turn_detection": {"type": "server_vad", "interrupt_response": False}}
        )
        text = "This is a long announcement that somebody will interrupt. " * 20
        await conn.response.create(
            response={
                "pre_generated_assistant_message": {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "text", "text": text}],
                }
            }
        )
        speech = Path(os.environ["SPEECH_FILE"]).read_bytes()
        cancelled = False
        async for event in conn:
            if event.type == "response.created" and not cancelled:
                await conn.input_audio_buffer.append(audio=speech + bytes(48_000))
            elif event.type == "input_audio_buffer.speech_started":
                # User interrupted - cancel current response
                await conn.response.cancel()
                await conn.output_audio_buffer.clear()
                cancelled = True
            elif event.type == "response.done":
                print(f"Response: {event.response.status}")
            elif event.type == "output_audio_buffer.cleared":
                print("Cleared")
                break
            elif event.type == "error":
                # The answer was complete before the person spoke
                print(f"Error: {event.error.code}")


asyncio.run(main())
