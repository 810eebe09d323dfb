"""MCP servers of a session: where one answers, and what it offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class McpEndpoint:
    """An MCP server that speaks streamable HTTP. Its text form shows no key."""

    label: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class McpTool:
    """What a server offers: ``input_schema`` is a JSON schema."""

    name: str
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=dict)


class McpError(Exception):
    """A server that can't be asked; the text is for the developer."""
