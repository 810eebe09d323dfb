"""MCP servers of one session: their tools, listed as the session names them, and who is asked.

::

    session.update ─▶ conversation.item.created (mcp_list_tools)
                   ─▶ mcp_list_tools.in_progress ─▶ mcp_list_tools.completed | .failed

Events and their order are those of Voice Live's reference, 4.9.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voicelive_agent.emulator.mcp import McpEndpoint, McpTool
from voicelive_agent.emulator.session.conversation import ConversationItems
from voicelive_agent.emulator.session.effects import ListMcpTools
from voicelive_agent.emulator.session.facts import McpListed
from voicelive_agent.emulator.session.items import ConversationItem
from voicelive_agent.emulator.session.plan import Plan


@dataclass(frozen=True, slots=True)
class McpTarget:
    """A tool as the model calls it."""

    endpoint: McpEndpoint
    tool: McpTool
    needs_approval: bool


class McpServers:
    """The servers that the session's tools name."""

    def __init__(self, plan: Plan, conversation: ConversationItems) -> None:
        self._plan = plan
        self._conversation = conversation
        self._servers: dict[str, Mapping[str, Any]] = {}
        self._tools: dict[str, tuple[McpTool, ...]] = {}
        self._listing: dict[str, tuple[str, ConversationItem]] = {}

    def update(self, tools: Sequence[Mapping[str, Any]]) -> None:
        """The session's tools are now these: servers that are new or other are asked for theirs."""
        servers = {tool["server_label"]: tool for tool in tools if tool["type"] == "mcp"}
        for label in set(self._servers) - set(servers):
            self._tools.pop(label, None)
        before, self._servers = self._servers, servers
        for label, server in servers.items():
            if before.get(label) != server:
                self._list(label, server)

    def is_listing(self) -> bool:
        """Whether a server has been asked and has not answered yet."""
        return bool(self._listing)

    def take_listing(self, fact: McpListed) -> None:
        label, item = self._listing.pop(fact.item_id, ("", None))
        if item is None:
            return
        if fact.tools is None:
            self._plan.send("mcp_list_tools.failed", item_id=fact.item_id)
            self._plan.warn(fact.message, "mcp_server_not_listed")
            return
        server = self._servers.get(label, {})
        allowed = server.get("allowed_tools")
        tools = tuple(tool for tool in fact.tools if allowed is None or tool.name in allowed)
        if label in self._servers:
            self._tools[label] = tools
        item.fields["tools"] = [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": dict(tool.input_schema),
            }
            for tool in tools
        ]
        self._plan.send("mcp_list_tools.completed", item_id=fact.item_id)

    def functions(self, taken: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The tools as functions for a model; ``taken`` are names that are somebody's already."""
        return [
            {
                "type": "function",
                "name": name,
                "description": target.tool.description,
                "parameters": dict(target.tool.input_schema),
            }
            for name, target in self._targets()
            if name not in taken
        ]

    def find(self, name: str) -> McpTarget | None:
        """The tool that a model calls by this name."""
        return dict(self._targets()).get(name)

    def _targets(self) -> Iterator[tuple[str, McpTarget]]:
        """Names are the tools' own; where two servers have one, the later is told by its label."""
        used: set[str] = set()
        for label, tools in self._tools.items():
            server = self._servers[label]
            endpoint = _read_endpoint(server)
            for tool in tools:
                name = tool.name if tool.name not in used else f"{label}_{tool.name}"
                used.add(name)
                yield name, McpTarget(endpoint, tool, _needs_approval(server, tool.name))

    def _list(self, label: str, server: Mapping[str, Any]) -> None:
        self._tools.pop(label, None)
        fields = {"type": "mcp_list_tools", "server_label": label, "tools": []}
        item = ConversationItem(fields, self._plan.new_id("item"))
        self._conversation.append(item)
        self._conversation.announce(item)
        self._plan.send("mcp_list_tools.in_progress", item_id=item.id)
        # An answer to an older question about this server is no business of this.
        self._listing = {id: one for id, one in self._listing.items() if one[0] != label}
        self._listing[item.id] = (label, item)
        self._plan.do(ListMcpTools(item.id, _read_endpoint(server)))


def _read_endpoint(server: Mapping[str, Any]) -> McpEndpoint:
    headers = dict(server.get("headers") or {})
    if server.get("authorization"):
        headers["Authorization"] = server["authorization"]
    return McpEndpoint(server["server_label"], server["server_url"], headers)


def _needs_approval(server: Mapping[str, Any], tool: str) -> bool:
    """By default a person is asked: the reference names no default, and a call may do things."""
    rule = server.get("require_approval")
    if isinstance(rule, Mapping):
        return tool not in (rule.get("never") or ())
    return rule != "never"
