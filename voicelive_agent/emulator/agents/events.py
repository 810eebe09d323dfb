"""Server-sent events whose data are JSON objects, as OpenAI's protocols stream them."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx

from voicelive_agent.emulator.agents.endpoint import Endpoint

END = "[DONE]"


async def read_events(
    endpoint: Endpoint, response: httpx.Response
) -> AsyncGenerator[dict[str, Any], None]:
    """The objects, up to ``[DONE]`` or the end. Raises ThinkingError.

    An object without a ``type`` takes that of its ``event:`` line, if it has one.
    """
    name = ""
    async with aclosing(endpoint.read_lines(response)) as lines:
        async for line in lines:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif not line:
                name = ""
            elif field == "data":
                if value.strip() == END:
                    return
                yield _parse(endpoint, value, name)


def _parse(endpoint: Endpoint, text: str, name: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError:
        raise endpoint.violation(
            "an event is not JSON: each is one 'data:' line with a whole JSON object"
        ) from None
    if not isinstance(event, dict):
        raise endpoint.violation("an event is JSON, but not an object")
    if name and "type" not in event:
        event["type"] = name
    return event
