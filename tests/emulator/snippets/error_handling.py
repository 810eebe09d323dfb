"""Error Handling."""
# mypy: ignore-errors

import asyncio
import os

from azure.ai.voicelive.aio import ConnectionClosed, ConnectionError, connect
from azure.core.credentials import AzureKeyCredential


async def main() -> None:
    try:
        async with connect(
            endpoint=os.environ["VOICELIVE_ENDPOINT"],
            credential=AzureKeyCredential("<key>"),
            model="gpt-4o-realtime-preview",
        ) as conn:
            await conn.response.cancel()
            async for event in conn:
                if event.type == "error":
                    print(f"API Error: {event.error.code} - {event.error.message}")
                    break
    except ConnectionClosed as e:
        print(f"Connection closed: {e.code} - {e.reason}")
    except ConnectionError as e:
        print(f"Connection error: {e}")
    try:
        async with connect(
            endpoint="http://127.0.0.1:9",
            credential=AzureKeyCredential("<key>"),
            model="gpt-4o-realtime-preview",
        ):
            pass
    except ConnectionError as e:
        print(f"Connection error: {type(e.__cause__).__name__}")


asyncio.run(main())
