"""What a model calls: the person's functions, and the tools of MCP servers (``mcp``).

All calls of a response run at the same time. When every one has given its result and the response
is done, one ``response.create`` lets the model go on; the service does not by itself.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from voicelive_agent.client.core.protocol import (
    Event,
    create_item,
    read_mapping,
    read_mappings,
    read_text,
)
from voicelive_agent.client.core.screen import Notice, Screen
from voicelive_agent.client.core.session import describe_mcp_servers
from voicelive_agent.client.core.tool_calls.functions import Functions
from voicelive_agent.client.core.tool_calls.mcp import Mcp
from voicelive_agent.client.settings import Settings


class Calls:
    """The calls of a conversation."""

    def __init__(
        self,
        settings: Settings,
        screen: Screen,
        functions: Functions | None,
        *,
        send: Callable[[Event], None],
        ask: Callable[[], None],
        start: Callable[[Coroutine[Any, Any, None]], None],
        is_answering: Callable[[], bool],
    ) -> None:
        """``send`` and ``ask`` send an event and ask for a response, ``start`` runs a function's
        call, ``is_answering`` tells whether a response is active."""
        self._settings = settings
        self._screen = screen
        self._functions = functions or Functions([])
        self._send = send
        self._ask = ask
        self._start = start
        self._names: dict[str, str] = {}
        self._begun: set[str] = set()
        self._open: set[str] = set()
        self._responding: set[str] = set()
        self._owed = False
        self._mcp = Mcp(screen, send=send, owe=self._owe, is_answering=is_answering)

    def describe_tools(self) -> list[dict[str, Any]]:
        """The tools as ``session.update`` has them."""
        return self._functions.describe() + describe_mcp_servers(self._settings)

    @property
    def approval(self) -> str | None:
        """The MCP call that the person is asked to approve, if any."""
        return self._mcp.approval

    def decide(self, approve: bool) -> None:
        """Answer the oldest request for approval."""
        self._mcp.decide(approve)

    @property
    def running(self) -> bool:
        """Whether a result is still to come, or the model still to go on."""
        return bool(self._open or self._owed)

    def forget(self) -> None:
        """The connection is new: nobody waits for what ran on the old one."""
        self._open.clear()
        self._responding.clear()
        self._owed = False
        self._mcp.forget()

    def handle(self, event: Event) -> None:
        """Take in one event; those that are about no call change nothing."""
        match event["type"]:
            case "response.function_call_arguments.done":
                name = read_text(event, "name") or self._names.get(read_text(event, "call_id"), "")
                self._begin(event, name)
            case "response.output_item.added" | "response.output_item.done" as type:
                item = read_mapping(event, "item")
                if item.get("type") == "function_call":
                    self._names[read_text(item, "call_id")] = read_text(item, "name")
                    if type.endswith("done"):
                        self._begin({**event, **item}, read_text(item, "name"))
        self._mcp.handle(event)

    def on_response_done(self, response_id: str, body: dict[str, Any], *, cut: bool) -> None:
        """A response has ended; ``body`` is what its ``response.done`` says."""
        items = read_mappings(body, "output")
        for item in items:
            # The last word on a call, should its own events be missing.
            if item.get("type") == "function_call" and body.get("status") == "completed":
                self._begin({**item, "response_id": response_id}, read_text(item, "name"))
        self._responding.discard(response_id)
        self._mcp.on_response_done(response_id, items, cut=cut)
        self._go_on()

    def _begin(self, event: Event, name: str) -> None:
        call_id, response_id = read_text(event, "call_id"), read_text(event, "response_id")
        if not call_id or call_id in self._begun:
            return
        self._begun.add(call_id)
        self._open.add(call_id)
        self._responding.add(response_id)
        self._screen.show(Notice(f"The model calls {name}."))
        self._start(self._call(call_id, name, read_text(event, "arguments")))

    async def _call(self, call_id: str, name: str, arguments: str) -> None:
        output = await self._functions.call(name, arguments, self._settings.tool_timeout_s)
        if call_id not in self._open:
            return
        self._open.discard(call_id)
        self._send(
            create_item({"type": "function_call_output", "call_id": call_id, "output": output})
        )
        self._owe()

    def _owe(self) -> None:
        """There is a result about which the model has said nothing yet."""
        self._owed = True
        self._go_on()

    def _go_on(self) -> None:
        if self._owed and not self._open and not self._responding:
            self._owed = False
            self._ask()
