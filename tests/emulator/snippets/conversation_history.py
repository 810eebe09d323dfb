"""Conversation History."""
# mypy: ignore-errors

import asyncio
import os

from azure.ai.voicelive.aio import connect
from azure.ai.voicelive.models import (
    InputTextContentPart,
    RequestSession,
    SystemMessageItem,
    UserMessageItem,
)
from azure.core.credentials import AzureKeyCredential


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=AzureKeyCredential("<key>"),
        model="gpt-4o-realtime-preview",
    ) as conn:
        await conn.session.update(session=RequestSession(modalities=["text"]))
        # Add system message
        await conn.conversation.item.create(
            item=SystemMessageItem(content=[InputTextContentPart(text="Be concise.")])
        )
        # Add user message
        await conn.conversation.item.create(
            item=UserMessageItem(content=[InputTextContentPart(text="Hello!")])
        )
        await conn.response.create()
        async for event in conn:
            if event.type == "conversation.item.created":
                print(f"Item: {event.item.role}")
            elif event.type == "response.text.done":
                print(f"Text: {event.text}")
            elif event.type == "response.done":
                break
            elif event.type == "error":
                raise SystemExit(event.error.message)


asyncio.run(main())
