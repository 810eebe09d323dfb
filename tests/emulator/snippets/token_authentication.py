"""Azure AD auth: any async token credential, here one that needs no sign-in."""
# mypy: ignore-errors

import asyncio
import os
import time
from typing import Any

from azure.ai.voicelive.aio import connect
from azure.core.credentials import AccessToken


class LocalCredential:
    """Stands for DefaultAzureCredential."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        print(f"Scopes: {scopes}")
        return AccessToken("local-token", int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "LocalCredential":
        return self

    async def __aexit__(self, *error: object) -> None: ...


async def main() -> None:
    async with connect(
        endpoint=os.environ["VOICELIVE_ENDPOINT"],
        credential=LocalCredential(),
        model="gpt-4o-realtime-preview",
        credential_scopes=["https://cognitiveservices.azure.com/.default"],
    ) as conn:
        async for event in conn:
            print(f"Event: {event.type}")
            break


asyncio.run(main())
