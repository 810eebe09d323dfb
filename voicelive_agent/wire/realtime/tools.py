"""Tools of a GA session: what its MCP servers may do, in Voice Live's lists of names, and back.

GA filters tools by an object (openai 3.52 ``Mcp``), where Voice Live has the names alone.
"""

from collections.abc import Callable, Mapping
from typing import Any


def read_tools(tools: Any, path: str, ignore: Callable[[str], None]) -> Any:
    """A client's ``tools`` in Voice Live's form; what is no list is left to be refused."""
    if not isinstance(tools, list):
        return tools
    return [
        _read_tool(tool, f"{path}[{place}]", ignore)
        if isinstance(tool, Mapping) and tool.get("type") == "mcp"
        else tool
        for place, tool in enumerate(tools)
    ]


def _read_tool(tool: Mapping[str, Any], path: str, ignore: Callable[[str], None]) -> dict[str, Any]:
    read = dict(tool)
    if "allowed_tools" in tool:
        read["allowed_tools"] = _read_filter(tool["allowed_tools"], f"{path}.allowed_tools", ignore)
    rule = tool.get("require_approval")
    if isinstance(rule, Mapping):
        read["require_approval"] = {
            when: _read_filter(names, f"{path}.require_approval.{when}", ignore)
            for when, names in rule.items()
            if names is not None
        }
    return read


def _read_filter(names: Any, path: str, ignore: Callable[[str], None]) -> Any:
    if not isinstance(names, Mapping):
        return names
    for other in names.keys() - {"tool_names"}:
        if names[other] is not None:
            ignore(f"{path}.{other}")
    return names.get("tool_names")


def write_tools(tools: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A session's ``tools`` as its client is told of them."""
    return [_write_tool(tool) for tool in tools]


def _write_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    rule = tool.get("require_approval")
    if tool.get("type") != "mcp" or not isinstance(rule, Mapping):
        return dict(tool)
    filters = {when: {"tool_names": names} for when, names in rule.items()}
    return {**tool, "require_approval": filters}
