"""A scripted Voice Live on a real socket, whose model calls a tool of an MCP server.

Frames come in the order that Voice Live is known to use (the .NET SDK's live tests, and the
MCP chapter of its documentation).
"""

from typing import Any

from websockets.asyncio.server import ServerConnection

from tests.client.service import Service

LABEL = "docs"
TOOL = "search"
ARGUMENTS = '{"query": "opening hours"}'
CALL_ID, REQUEST_ID, LIST_ID = "item_call", "item_approval", "item_tools"


class McpService(Service):
    """``asks``: the call waits for an approval, within its response or after it."""

    def __init__(self, *, asks: str = "within", fails: bool = False) -> None:
        super().__init__()
        self._asks = asks
        self._fails = fails
        self._has_called = False

    async def _answer(self, socket: ServerConnection, event: dict[str, Any]) -> None:
        item = event.get("item", {})
        if event["type"] == "response.create" and not self._has_called:
            self.received.append(event)
            self._has_called = True
            await self._call(socket)
        elif item.get("type") == "mcp_approval_response":
            self.received.append(event)
            assert item["approval_request_id"] == REQUEST_ID
            await self._on_approval(socket, approved=item["approve"])
        else:
            await super()._answer(socket, event)
            if event["type"] == "session.update":
                await self._list_tools(socket)

    async def _list_tools(self, socket: ServerConnection) -> None:
        tools = [{"name": TOOL, "description": "Searches.", "input_schema": {}}]
        item = {"type": "mcp_list_tools", "id": LIST_ID, "server_label": LABEL, "tools": tools}
        await self._send(socket, "conversation.item.created", item=item)
        await self._send(socket, "mcp_list_tools.in_progress", item_id=LIST_ID)
        await self._send(socket, "mcp_list_tools.completed", item_id=LIST_ID)

    async def _call(self, socket: ServerConnection) -> None:
        of = {"response_id": "resp_call", "item_id": CALL_ID, "output_index": 0}
        await self._send(socket, "response.created", response={"id": "resp_call"})
        await self._send(socket, "response.output_item.added", **_without_id(of), item=_call())
        await self._send(socket, "conversation.item.created", item=_call())
        await self._send(socket, "response.mcp_call_arguments.delta", **of, delta=ARGUMENTS[:9])
        await self._send(socket, "response.mcp_call_arguments.delta", **of, delta=ARGUMENTS[9:])
        await self._send(socket, "response.mcp_call_arguments.done", **of, arguments=ARGUMENTS)
        if self._asks == "never":
            await self._run(socket)
            return
        request = {
            "type": "mcp_approval_request",
            "id": REQUEST_ID,
            "server_label": LABEL,
            "name": TOOL,
            "arguments": ARGUMENTS,
        }
        await self._send(socket, "conversation.item.created", item=request)
        if self._asks == "after":
            await self._end_call(socket, output=[])

    async def _on_approval(self, socket: ServerConnection, *, approved: bool) -> None:
        if approved:
            await self._run(socket)
        elif self._asks == "within":
            await self._end_call(socket, output=[])

    async def _run(self, socket: ServerConnection) -> None:
        await self._send(socket, "response.mcp_call.in_progress", item_id=CALL_ID, output_index=0)
        end = "failed" if self._fails else "completed"
        await self._send(socket, f"response.mcp_call.{end}", item_id=CALL_ID, output_index=0)
        if self._asks != "after":
            outcome = {"error": {"message": "no"}} if self._fails else {"output": "from nine"}
            await self._end_call(socket, output=[{**_call(), **outcome}])

    async def _end_call(self, socket: ServerConnection, output: list[dict[str, Any]]) -> None:
        for item in output:
            await self._send(
                socket,
                "response.output_item.done",
                response_id="resp_call",
                output_index=0,
                item=item,
            )
        response = {"id": "resp_call", "status": "completed", "output": output}
        await self._send(socket, "response.done", response=response)


def _call() -> dict[str, Any]:
    return {
        "type": "mcp_call",
        "id": CALL_ID,
        "server_label": LABEL,
        "name": TOOL,
        "arguments": "",
    }


def _without_id(of: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in of.items() if key != "item_id"}
