"""Microsoft's Python SDK of any version: a greeting and a typed turn, told as a line of JSON."""

import asyncio
import json
import sys
from typing import Any

from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential

TURN = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "good morning"}],
}


async def main(url: str) -> None:
    told: dict[str, Any] = {"audioBytes": 0}
    async with connect(
        endpoint=url, credential=AzureKeyCredential("local"), model="gpt-realtime"
    ) as connection:
        await connection.send({"type": "conversation.item.create", "item": TURN})
        await connection.send({"type": "response.create"})
        event: Any
        async for event in connection:
            if event.type == "response.audio.delta":
                told["audioBytes"] += len(event.delta)
            elif event.type == "response.audio_transcript.done":
                told["transcript"] = event.transcript
            elif event.type == "response.done":
                told["status"] = event.response.status
                break
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1]))
