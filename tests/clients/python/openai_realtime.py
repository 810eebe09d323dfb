"""The openai SDK's `realtime` of GA: a spoken turn, told as a line of JSON."""

import asyncio
import base64
import json
import sys
from typing import Any

from openai import AsyncOpenAI

from tests.clients.spoken import spoken_turn


async def main(url: str) -> None:
    told: dict[str, Any] = {"audioBytes": 0}
    client = AsyncOpenAI(api_key="local", base_url=f"{url}/openai/v1")
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(
            session={
                "type": "realtime",
                "output_modalities": ["audio"],
                "audio": {
                    "input": {
                        "transcription": {"model": "gpt-4o-mini-transcribe"},
                        "turn_detection": {"type": "semantic_vad", "eagerness": "high"},
                    },
                    "output": {"voice": "marin"},
                },
            }
        )
        audio = base64.b64encode(spoken_turn()).decode()
        await connection.input_audio_buffer.append(audio=audio)
        async for event in connection:
            if event.type == "session.updated":
                told["voice"] = event.session.audio.output.voice  # type: ignore[union-attr]
            elif event.type == "conversation.item.input_audio_transcription.completed":
                told["heard"] = event.transcript
            elif event.type == "response.output_audio.delta":
                told["audioBytes"] += len(base64.b64decode(event.delta))
            elif event.type == "response.output_audio_transcript.done":
                told["transcript"] = event.transcript
            elif event.type == "response.done":
                told["status"] = event.response.status
                break
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1]))
