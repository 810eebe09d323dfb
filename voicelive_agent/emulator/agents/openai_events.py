"""Events of OpenAI's protocols: server-sent JSON objects, and the token counts in them."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from voicelive_agent.emulator.agents import Usage
from voicelive_agent.emulator.agents.endpoint import Answer, Endpoint

END = "[DONE]"


async def read_events(endpoint: Endpoint, answer: Answer) -> AsyncGenerator[dict[str, Any], None]:
    """The objects, up to ``[DONE]`` or the end. Raises AnswerError.

    An object without a ``type`` takes that of its ``event:`` line, if it has one.
    """
    name = ""
    async with aclosing(answer.read_lines()) as lines:
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
    except (ValueError, RecursionError):
        raise endpoint.violation(
            "an event is not JSON: each is one 'data:' line with a whole JSON object"
        ) from None
    if not isinstance(event, dict):
        raise endpoint.violation("an event is JSON, but not an object")
    if name and "type" not in event:
        event["type"] = name
    return event


def read_usage(usage: Any) -> Usage:
    """Token counts of either of OpenAI's protocols; what is absent counts as none."""
    if not isinstance(usage, Mapping):
        return Usage()

    def count(*names: str) -> int:
        for name in names:
            value: Any = usage
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if isinstance(value, int):
                return value
        return 0

    return Usage(
        count("input_tokens", "prompt_tokens"),
        count("output_tokens", "completion_tokens"),
        count("input_tokens_details.cached_tokens", "prompt_tokens_details.cached_tokens"),
        count(
            "output_tokens_details.reasoning_tokens", "completion_tokens_details.reasoning_tokens"
        ),
    )
