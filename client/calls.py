"""What a model calls: the person's functions, and the tools of MCP servers.

All calls of a response run at the same time. When every one has given its result and the response
is done, one ``response.create`` lets the model go on; the service does not by itself.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from client.functions import Functions
from client.screen import Screen
from client.settings import Settings


class Calls:
    """The calls of a conversation."""

    def __init__(
        self, settings: Settings, screen: Screen, functions: Functions | None = None
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._functions = functions
        self._send: Callable[[dict[str, Any]], None] = lambda event: None
        self._ask: Callable[[], None] = lambda: None
        self._start: Callable[[Coroutine[Any, Any, None]], None] = lambda work: work.close()
        self._is_answering: Callable[[], bool] = lambda: False
        self._names: dict[str, str] = {}
        self._begun: set[str] = set()
        self._open: set[str] = set()
        self._responding: set[str] = set()
        self._owed = False
        self._mcp_names: dict[str, str] = {}
        self._approvals: dict[str, str] = {}

    def attach(
        self,
        *,
        send: Callable[[dict[str, Any]], None],
        ask: Callable[[], None],
        start: Callable[[Coroutine[Any, Any, None]], None],
        is_answering: Callable[[], bool],
    ) -> None:
        """Where events go, how a response is asked for, who runs functions, and whether a
        response is active."""
        self._send, self._ask, self._start = send, ask, start
        self._is_answering = is_answering

    def describe_tools(self) -> list[dict[str, Any]]:
        """The tools as ``session.update`` has them."""
        functions = self._functions.describe() if self._functions else []
        return functions + self._settings.mcp_tools()

    @property
    def running(self) -> bool:
        """Whether a result is still to come, or the model still to go on."""
        return bool(self._open or self._owed)

    @property
    def approval(self) -> str | None:
        """What the person is asked to approve, if anything."""
        return next(iter(self._approvals.values()), None)

    def decide(self, approve: bool) -> None:
        """Answer the oldest approval that an MCP server waits for."""
        request_id = next(iter(self._approvals), None)
        if request_id is None:
            return
        what = self._approvals.pop(request_id)
        self._screen.notice(f"{'Approved' if approve else 'Denied'}: {what}")
        self._send(
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "mcp_approval_response",
                    "approval_request_id": request_id,
                    "approve": approve,
                },
            }
        )
        if self.approval:
            self._ask_person()

    def forget(self) -> None:
        """The connection is new: nobody waits for what ran on the old one."""
        self._open.clear()
        self._responding.clear()
        self._approvals.clear()
        self._owed = False

    def handle(self, event: dict[str, Any]) -> None:
        """Take in one event; those that are about no call change nothing."""
        type = str(event["type"])
        if type == "response.function_call_arguments.done":
            name = _text(event, "name") or self._names.get(_text(event, "call_id"), "")
            self._begin(event, name)
        elif type in ("response.output_item.added", "response.output_item.done"):
            self._on_item(event, done=type.endswith("done"))
        elif type == "conversation.item.created":
            item = event.get("item")
            if isinstance(item, dict) and item.get("type") == "mcp_approval_request":
                self._on_approval(item)
        elif type.startswith(("mcp_list_tools.", "response.mcp_call.")):
            self._on_mcp(type, _text(event, "item_id"))

    def _on_item(self, event: dict[str, Any], *, done: bool) -> None:
        item = event.get("item")
        if not isinstance(item, dict):
            return
        kind = item.get("type")
        if kind == "function_call":
            self._names[_text(item, "call_id")] = _text(item, "name")
            if done:
                self._begin({**event, **item}, _text(item, "name"))
        elif kind == "mcp_call":
            label, name = _text(item, "server_label"), _text(item, "name")
            self._mcp_names[_text(item, "id")] = f"{label}: {name}"
            if done and item.get("error"):
                self._screen.notice(f"{label}: {name} reports an error.")
        elif kind == "mcp_approval_request":
            self._on_approval(item)

    def _begin(self, event: dict[str, Any], name: str) -> None:
        call_id, response_id = _text(event, "call_id"), _text(event, "response_id")
        if not call_id or call_id in self._begun:
            return
        self._begun.add(call_id)
        self._open.add(call_id)
        self._responding.add(response_id)
        self._screen.notice(f"The model calls {name}.")
        self._start(self._call(call_id, name, _text(event, "arguments")))

    async def _call(self, call_id: str, name: str, arguments: str) -> None:
        functions = self._functions or Functions([])
        output = await functions.call(name, arguments, self._settings.tool_timeout_s)
        if call_id not in self._open:
            return
        self._open.discard(call_id)
        self._owed = True
        item = {"type": "function_call_output", "call_id": call_id, "output": output}
        self._send({"type": "conversation.item.create", "item": item})
        self._go_on()

    def on_response_done(self, response_id: str, body: dict[str, Any], *, cut: bool) -> None:
        """A response has ended; ``body`` is what its ``response.done`` says."""
        output = body.get("output")
        items = (
            [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        )
        for item in items:
            # The last word on a call, should its own events be missing.
            if item.get("type") == "function_call" and body.get("status") == "completed":
                self._begin({**item, "response_id": response_id}, _text(item, "name"))
        self._responding.discard(response_id)
        kinds = [item.get("type") for item in items]
        if "mcp_call" in kinds and kinds[-1] == "mcp_call" and not cut:
            # The model has the result, and has said nothing about it.
            self._owed = True
        self._go_on()

    def _go_on(self) -> None:
        if self._owed and not self._open and not self._responding:
            self._owed = False
            self._ask()

    def _on_mcp(self, type: str, item_id: str) -> None:
        step = type.rpartition(".")[2]
        if type.startswith("mcp_list_tools."):
            words = {
                "in_progress": "An MCP server lists its tools.",
                "completed": "The tools of the MCP server are ready.",
                "failed": "An MCP server does not list its tools: check --mcp-server.",
            }
            self._screen.notice(words.get(step, f"MCP tools: {step}"))
            return
        name = self._mcp_names.get(item_id, "an MCP tool")
        words = {"in_progress": "runs", "completed": "is done", "failed": "failed"}
        self._screen.notice(f"{name} {words.get(step, step)}.")
        if step in ("completed", "failed") and not self._is_answering():
            # It ran after an approval, outside any response.
            self._owed = True
            self._go_on()

    def _on_approval(self, item: dict[str, Any]) -> None:
        request_id = _text(item, "id")
        if not request_id or request_id in self._begun:
            return
        self._begun.add(request_id)
        arguments = _text(item, "arguments")
        self._approvals[request_id] = (
            f"{_text(item, 'server_label')}: {_text(item, 'name')}({arguments})"
        )
        if len(self._approvals) == 1:
            self._ask_person()

    def _ask_person(self) -> None:
        self._screen.notice(f"May the model use {self.approval}? Type y or n.")


def _text(mapping: dict[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""
