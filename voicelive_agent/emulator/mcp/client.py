"""Client of MCP servers, on the official ``mcp`` package: lists tools, and calls one.

Each request connects anew: a session asks seldom, and a server may come and go.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from voicelive_agent.command_name import spell_commands
from voicelive_agent.emulator.mcp import McpEndpoint, McpError, McpTool

LIST_S = 15.0
CALL_S = 60.0
_MAX_PAGES = 50
_MISSING = "the package mcp is missing: pip install 'voicelive-agent[mcp]'"


async def list_tools(server: McpEndpoint) -> tuple[McpTool, ...]:
    """All tools of a server. Raises McpError."""
    async with _asking(server, LIST_S) as client:
        found: list[McpTool] = []
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += [
                McpTool(tool.name, tool.description or "", tool.input_schema) for tool in page.tools
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
        return tuple(found)


async def call_tool(
    server: McpEndpoint, name: str, arguments: Mapping[str, Any]
) -> tuple[str, bool]:
    """What a tool says, and whether that is an error. Raises McpError."""
    async with _asking(server, CALL_S) as client:
        result = await client.call_tool(name, dict(arguments))
        texts = [part.text for part in result.content if part.type == "text"]
        if not texts and result.structured_content is not None:
            texts = [json.dumps(result.structured_content, ensure_ascii=False)]
        return "\n".join(texts), result.is_error


@asynccontextmanager
async def _asking(server: McpEndpoint, seconds: float) -> AsyncIterator[Any]:
    """A client of ``server``; what fails with it is an McpError that names the server."""
    try:
        import httpx2
        from mcp.client.client import Client
        from mcp.client.streamable_http import streamable_http_client
    except ImportError as error:
        raise McpError(spell_commands(_MISSING)) from error
    where = f"the MCP server {server.label!r}"
    try:
        async with (
            asyncio.timeout(seconds),
            httpx2.AsyncClient(headers=dict(server.headers), timeout=seconds) as http,
            Client(streamable_http_client(server.url, http_client=http)) as client,
        ):
            yield client
    except TimeoutError as error:
        raise McpError(f"{where} did not answer in {seconds:g} s") from error
    except Exception as error:
        raise McpError(f"{where} can't be asked: {_name_cause(error)}") from error


def _name_cause(error: BaseException) -> str:
    """The first of what a task group collected."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]
