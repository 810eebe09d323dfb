"""openai-agents' RealtimeRunner: a spoken turn and its history, told as a line of JSON."""

import asyncio
import json
import sys
from typing import Any

from agents.realtime import RealtimeAgent, RealtimeRunner

from tests.clients.spoken import spoken_turn


async def main(url: str) -> None:
    told: dict[str, Any] = {"audioBytes": 0, "errors": []}
    runner = RealtimeRunner(RealtimeAgent(name="desk", instructions="Answer briefly."))
    address = url.replace("http", "ws", 1) + "/openai/v1/realtime?model=gpt-realtime"
    async with await runner.run(
        model_config={"api_key": "local", "url": address},
    ) as session:
        await session.send_audio(spoken_turn())
        async for event in session:
            if event.type == "error":
                told["errors"].append(str(event.error))
            elif event.type == "audio":
                told["audioBytes"] += len(event.audio.data)
            elif event.type == "history_updated":
                told["history"] = [
                    [item.role, item.content[0].transcript]  # type: ignore[union-attr]
                    for item in event.history
                    if item.type == "message" and item.content
                ]
            elif event.type == "agent_end":
                told["status"] = "completed"
                break
    told["transcript"] = told["history"][-1][1]
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1]))
