"""Voice Options, Audio Formats, Turn Detection Options: each is accepted and echoed."""
# mypy: ignore-errors

import asyncio
import os

from azure.ai.voicelive.aio import connect
from azure.ai.voicelive.models import AzureStandardVoice
from azure.core.credentials import AzureKeyCredential

VOICES = ["alloy", "echo", "shimmer", "sage", "coral", "ash", "ballad", "verse"]
FORMATS = ["pcm16", "pcm16-8000hz", "pcm16-16000hz", "g711_ulaw", "g711_alaw"]
TURN_DETECTION = [
    # Server VAD (default)
    {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500},
    # Azure Semantic VAD (smarter detection)
    {"type": "azure_semantic_vad"},
    {"type": "azure_semantic_vad_en"},  # English optimized
    {"type": "azure_semantic_vad_multilingual"},
]


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=AzureKeyCredential("<key>"),
        model="gpt-4o-realtime-preview",
    ) as conn:
        updates = [
            *({"voice": voice} for voice in VOICES),
            {"voice": AzureStandardVoice(name="en-US-AvaNeural")},
            *({"output_audio_format": name} for name in FORMATS),
            *({"turn_detection": detection} for detection in TURN_DETECTION),
        ]
        for update in updates:
            await conn.session.update(session=update)
        updated = 0
        async for event in conn:
            if event.type == "session.updated":
                updated += 1
                if updated == len(updates):
                    break
            elif event.type == "error":
                raise SystemExit(event.error.message)
        print(f"Updated: {updated}")


asyncio.run(main())
