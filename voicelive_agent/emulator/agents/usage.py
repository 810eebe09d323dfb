"""Token counts, as OpenAI's protocols tell them."""

from collections.abc import Mapping
from typing import Any

from voicelive_agent.emulator.agents import Usage


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
