"""livekit-plugins-azure's RealtimeModel: a reply asked for, a spoken turn and the chat context."""

import asyncio
import json
import sys
from typing import Any

from livekit import rtc
from livekit.agents import llm
from livekit.plugins.azure.realtime import RealtimeModel
from spoken import RATE_HZ, spoken_turn


async def take(generation: llm.GenerationCreatedEvent, told: dict[str, Any]) -> str:
    """The text of an answer; its audio is counted."""
    said = ""
    async for message in generation.message_stream:
        async for text in message.text_stream:
            said += text
        async for frame in message.audio_stream:
            told["audioBytes"] += len(bytes(frame.data))
    return said


async def main(url: str) -> None:
    told: dict[str, Any] = {"audioBytes": 0, "errors": [], "status": "completed"}
    model = RealtimeModel(endpoint=url, api_key="local", model="gpt-realtime")
    session = model.session()
    spoken: asyncio.Queue[llm.GenerationCreatedEvent] = asyncio.Queue()
    heard: asyncio.Queue[str] = asyncio.Queue()

    def note_generation(event: llm.GenerationCreatedEvent) -> None:
        if not event.user_initiated:
            spoken.put_nowait(event)

    def note_transcript(event: llm.InputTranscriptionCompleted) -> None:
        if event.is_final:
            heard.put_nowait(event.transcript)

    session.on("error", lambda event: told["errors"].append(str(event.error)))
    session.on("generation_created", note_generation)
    session.on("input_audio_transcription_completed", note_transcript)
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="good morning")
    await session.update_chat_ctx(context)
    told["reply"] = await take(await session.generate_reply(), told)
    pcm = spoken_turn()
    session.push_audio(rtc.AudioFrame(pcm, RATE_HZ, 1, len(pcm) // 2))
    told["transcript"] = await take(await spoken.get(), told)
    told["heard"] = await heard.get()
    told["context"] = [[item.role, item.text_content] for item in session.chat_ctx.messages()]
    await session.aclose()
    await model.aclose()
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1]))
