"""Event Handling, function calls included."""
# mypy: ignore-errors

import asyncio
import json
import os

from azure.ai.voicelive.aio import connect
from azure.ai.voicelive.models import (
    FunctionCallOutputItem,
    FunctionTool,
    InputTextContentPart,
    RequestSession,
    UserMessageItem,
)
from azure.core.credentials import AzureKeyCredential


def handle_function(name: str, arguments: str) -> dict[str, object]:
    print(f"Function: {name}({arguments})")
    return {"temperature": 52, "conditions": "cloudy"}


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=AzureKeyCredential("<key>"),
        model="gpt-4o-realtime-preview",
    ) as conn:
        call = None
        responses = 0
        async for event in conn:
            match event.type:
                # Session events
                case "session.created":
                    print(f"Session: {event.session.id}")
                    await conn.session.update(
                        session=RequestSession(
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
                            ]
                        )
                    )
                case "session.updated":
                    print("Session updated")
                    await conn.conversation.item.create(
                        item=UserMessageItem(
                            content=[InputTextContentPart(text="What is the weather in Seattle?")]
                        )
                    )
                    await conn.response.create()
                # Response events
                case "response.created":
                    print(f"Response started: {event.response.id}")
                case "response.audio_transcript.delta":
                    print(event.delta, end="", flush=True)
                case "response.audio.delta":
                    assert isinstance(event.delta, bytes)
                case "response.done":
                    print(f"\nResponse complete: {event.response.status}")
                    responses += 1
                    if responses == 2:
                        break
                    # The next response may begin when this one is over
                    if call is not None:
                        result = handle_function(call.name, call.arguments)
                        await conn.conversation.item.create(
                            item=FunctionCallOutputItem(
                                call_id=call.call_id, output=json.dumps(result)
                            )
                        )
                        await conn.response.create()
                # Function calls
                case "response.function_call_arguments.done":
                    call = event
                # Errors
                case "error":
                    raise SystemExit(f"Error: {event.error.message}")


asyncio.run(main())
