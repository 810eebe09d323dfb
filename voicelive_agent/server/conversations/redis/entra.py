"""Azure Managed Redis with the Microsoft Entra identity of this process (no access key)."""

import base64
import json
from typing import Any

from redis.credentials import CredentialProvider

from voicelive_agent.command_name import spell_commands

_SCOPE = "https://redis.azure.com/.default"


class EntraCredentials(CredentialProvider):
    """Signs each new connection in with a fresh token, which azure-identity caches.

    Azure closes a connection whose token has expired; the next one is signed in again.
    Raises ValueError when azure-identity is missing.
    """

    def __init__(self, credential: Any = None) -> None:
        if credential is None:
            try:
                from azure.identity.aio import DefaultAzureCredential
            except ImportError as error:
                need = "auth=entra needs azure-identity: pip install azure-identity aiohttp"
                raise ValueError(spell_commands(need)) from error
            credential = DefaultAzureCredential()
        self._credential = credential

    def get_credentials(self) -> tuple[str, str]:
        raise NotImplementedError("this provider is for asyncio only")

    async def get_credentials_async(self) -> tuple[str, str]:
        """The object id of this identity, which Azure takes as the user name, and a token."""
        token: str = (await self._credential.get_token(_SCOPE)).token
        return read_object_id(token), token

    async def close(self) -> None:
        await self._credential.close()


def read_object_id(token: str) -> str:
    """The ``oid`` claim of a JWT, which is not verified: Redis does that."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["oid"])
