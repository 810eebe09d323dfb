"""The tools of MCP servers, which the service calls by itself: shown, and approved by the person.

As Voice Live does it: the service lists a server's tools (``mcp_list_tools.*``), the model calls
one (an item ``mcp_call``), and where the server needs it the client is asked first
(``mcp_approval_request``). The model has the result then, but says nothing about it until a
``response.create`` asks it to.
"""

from collections.abc import Callable
from typing import Any

from voicelive_agent.client.core.protocol import (
    Event,
    create_item,
    read_mapping,
    read_mappings,
    read_text,
)
from voicelive_agent.client.core.screen import Notice, Screen

TOOLS_SHOWN = 8


class Mcp:
    """``send`` sends an event; ``owe`` says that the model has a result to speak about."""

    def __init__(
        self,
        screen: Screen,
        *,
        send: Callable[[Event], None],
        owe: Callable[[], None],
        is_answering: Callable[[], bool],
    ) -> None:
        self._screen = screen
        self._send = send
        self._owe = owe
        self._is_answering = is_answering
        self._labels: dict[str, str] = {}
        self._listed: set[str] = set()
        self._names: dict[str, str] = {}
        self._responses: dict[str, str] = {}
        self._silent: set[str] = set()
        """Responses whose last word is a call: the model has said nothing about its result."""
        self._known_requests: set[str] = set()
        self._requests: dict[str, str] = {}

    @property
    def approval(self) -> str | None:
        """What the person is asked to approve, if anything."""
        return next(iter(self._requests.values()), None)

    def decide(self, approve: bool) -> None:
        """Answer the oldest request for approval."""
        request_id = next(iter(self._requests), None)
        if request_id is None:
            return
        what = self._requests.pop(request_id)
        self._screen.show(Notice(f"{'Approved' if approve else 'Denied'}: {what}"))
        self._send(
            create_item(
                {
                    "type": "mcp_approval_response",
                    "approval_request_id": request_id,
                    "approve": approve,
                }
            )
        )
        if not approve:
            # No call follows, and the person still waits for an answer.
            self._owe()
        if self.approval:
            self._ask_person()

    def forget(self) -> None:
        """The connection is new, and nobody waits for an approval any more."""
        self._requests.clear()
        self._silent.clear()

    def handle(self, event: Event) -> None:
        """Take in one event; those that are about no MCP server change nothing."""
        type = str(event["type"])
        item_id = read_text(event, "item_id")
        if type in ("conversation.item.created", "response.output_item.added"):
            self._on_item(read_mapping(event, "item"), read_text(event, "response_id"))
        elif type == "response.output_item.done":
            self._on_item_done(read_mapping(event, "item"))
        elif type.startswith("mcp_list_tools."):
            self._on_list(type.rpartition(".")[2], self._labels.get(item_id, "An MCP server"))
        elif type == "response.mcp_call_arguments.done":
            self._show_call(item_id, read_text(event, "arguments"))
        elif type.startswith("response.mcp_call."):
            self._on_call(type.rpartition(".")[2], item_id)

    def on_response_done(self, response_id: str, items: list[dict[str, Any]], *, cut: bool) -> None:
        """A response has ended; ``items`` are those it tells of."""
        is_silent = response_id in self._silent
        self._silent.discard(response_id)
        last = items[-1] if items else {}
        if last.get("type") == "mcp_call" and (last.get("output") or last.get("error")):
            is_silent = True
        if is_silent and not cut:
            self._owe()

    def _on_item(self, item: dict[str, Any], response_id: str) -> None:
        item_id, label = read_text(item, "id"), read_text(item, "server_label")
        match item.get("type"):
            case "mcp_list_tools":
                self._labels[item_id] = label or "An MCP server"
                self._show_tools(item)
            case "mcp_call":
                self._names[item_id] = f"{label}: {read_text(item, 'name')}"
                self._responses[item_id] = response_id or self._responses.get(item_id, "")
            case "mcp_approval_request":
                self._on_request(item_id, label, item)
            case "message":
                self._silent.discard(response_id)

    def _on_item_done(self, item: dict[str, Any]) -> None:
        if item.get("type") == "mcp_list_tools":
            self._show_tools(item)
        elif item.get("type") == "mcp_call" and item.get("error"):
            self._screen.show(Notice(f"{self._name(read_text(item, 'id'))} reports an error."))

    def _on_list(self, step: str, label: str) -> None:
        words = {
            "in_progress": "lists its tools",
            "completed": "is ready",
            "failed": "does not list its tools: check --mcp-server",
        }
        self._screen.show(Notice(f"{label} {words.get(step, step)}."))

    def _show_tools(self, item: dict[str, Any]) -> None:
        names = [name for tool in read_mappings(item, "tools") if (name := read_text(tool, "name"))]
        label = read_text(item, "server_label") or "An MCP server"
        if names and label not in self._listed:
            self._listed.add(label)
            more = f" and {len(names) - TOOLS_SHOWN} more" if len(names) > TOOLS_SHOWN else ""
            self._screen.show(Notice(f"{label} offers {', '.join(names[:TOOLS_SHOWN])}{more}."))

    def _show_call(self, item_id: str, arguments: str) -> None:
        self._screen.show(Notice(f"The model calls {self._name(item_id)}({arguments})."))

    def _on_call(self, step: str, item_id: str) -> None:
        words = {"in_progress": "runs", "completed": "is done", "failed": "failed"}
        self._screen.show(Notice(f"{self._name(item_id)} {words.get(step, step)}."))
        if step not in ("completed", "failed"):
            return
        if self._is_answering():
            self._silent.add(self._responses.get(item_id, ""))
        else:
            # It ran after an approval, outside any response.
            self._owe()

    def _on_request(self, request_id: str, label: str, item: dict[str, Any]) -> None:
        if not request_id or request_id in self._known_requests:
            return
        self._known_requests.add(request_id)
        name, arguments = read_text(item, "name"), read_text(item, "arguments")
        self._requests[request_id] = f"{label}: {name}({arguments})"
        if len(self._requests) == 1:
            self._ask_person()

    def _ask_person(self) -> None:
        self._screen.show(Notice(f"May the model use {self.approval}? Type y or n."))

    def _name(self, item_id: str) -> str:
        return self._names.get(item_id, "an MCP tool")
