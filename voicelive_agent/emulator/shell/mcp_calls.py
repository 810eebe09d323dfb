"""MCP calls of one session: servers asked for their tools, and tools called."""

import asyncio
import json
import logging
from collections.abc import Callable

from voicelive_agent.emulator.mcp import McpError
from voicelive_agent.emulator.mcp.client import call_tool, list_tools
from voicelive_agent.emulator.session import Fact, effects, facts
from voicelive_agent.emulator.shell.tasks import SessionTasks

logger = logging.getLogger(__name__)


class McpCalls:
    """Does the effects that concern MCP servers."""

    def __init__(self, tasks: SessionTasks, tell: Callable[[Fact], None]) -> None:
        self._tasks = tasks
        self._tell = tell
        self._calls: dict[str, asyncio.Task[None]] = {}

    def do(self, effect: effects.ListMcpTools | effects.CallMcpTool | effects.StopMcpCall) -> None:
        match effect:
            case effects.ListMcpTools():
                self._tasks.start(self._list(effect), "mcp tools")
            case effects.CallMcpTool(item_id=item_id):
                self._calls[item_id] = self._tasks.start(self._call(effect), "mcp call")
            case effects.StopMcpCall(item_id) if item_id in self._calls:
                self._calls.pop(item_id).cancel()

    async def _list(self, effect: effects.ListMcpTools) -> None:
        try:
            tools = await list_tools(effect.endpoint)
        except McpError as error:
            logger.warning("No tools: %s", error)
            self._tell(facts.McpListed(effect.item_id, None, str(error)))
        else:
            self._tell(facts.McpListed(effect.item_id, tools))

    async def _call(self, effect: effects.CallMcpTool) -> None:
        try:
            arguments = json.loads(effect.arguments or "{}")
            if not isinstance(arguments, dict):
                raise McpError("the model's arguments are no JSON object")  # noqa: TRY301
            output, is_error = await call_tool(effect.endpoint, effect.tool, arguments)
        except (McpError, ValueError) as error:
            output, is_error = str(error), True
        self._calls.pop(effect.item_id, None)
        self._tell(facts.McpCalled(effect.item_id, output, is_error))
