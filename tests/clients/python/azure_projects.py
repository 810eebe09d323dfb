"""azure-ai-projects' realtime connect to a voice agent: a spoken turn, as a line of JSON."""

import asyncio
import base64
import json
import sys
from typing import Any

from azure.ai.projects.aio import AIProjectClient
from azure.core.credentials import AccessToken

from tests.clients.spoken import spoken_turn


class LocalCredential:
    """Signed in to nothing: the emulator takes any token."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("local", 4_000_000_000)

    async def close(self) -> None: ...


async def main(url: str) -> None:
    told: dict[str, Any] = {"audioBytes": 0}
    client = AIProjectClient(f"{url}/api/projects/boats", LocalCredential())  # type: ignore[arg-type]
    realtime = client.beta.voice_agents.realtime
    async with client, realtime.connect(agent_name="desk", agent_session_id="s_1") as connection:
        await connection.session.update(
            session={
                "type": "realtime",
                "audio": {
                    "input": {"turn_detection": {"type": "azure_semantic_vad"}},
                    "output": {"voice": "en-US-AvaNeural", "voice_type": "azure-standard"},
                },
            }
        )
        await connection.input_audio_buffer.append(audio=spoken_turn())
        event: Any
        async for event in connection:
            if event["type"] == "session.updated":
                told["voice"] = event.session["audio"]["output"]["voice"]
            elif event["type"] == "response.output_audio.delta":
                told["audioBytes"] += len(base64.b64decode(event["delta"]))
            elif event["type"] == "response.output_audio_transcript.done":
                told["transcript"] = event.transcript
            elif event["type"] == "response.done":
                told["status"] = event.response.status
                break
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1]))
