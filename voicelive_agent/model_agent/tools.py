"""The tools of the built-in model agent: Python functions, MCP servers, and ending the call."""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Self

from pydantic_ai import RunContext
from pydantic_ai.exceptions import (
    ApprovalRequired,
    CallDeferred,
    ModelRetry,
    ToolFailed,
    UserError,
)
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.toolsets import FunctionToolset, ToolsetTool, WrapperToolset

from voicelive_agent.frameworks import outlet
from voicelive_agent.frameworks.naming import AgentLoadError, find_named, import_named
from voicelive_agent.frameworks.tool_failures import log_tool_failure
from voicelive_agent.model_agent.settings import McpServer

logger = logging.getLogger(__name__)

_EXAMPLE = "VOICELIVE_AGENT_TOOLS=my_tools:get_weather,my_tools:book_table"
_MEANT_FOR_THE_MODEL = (ModelRetry, ToolFailed, CallDeferred, ApprovalRequired)
_FAILED = "This failed for a technical reason. Tell the caller so; don't claim that it is done."
# JSON-RPC errors that the model itself can mend: the method is not there, its arguments are wrong.
_MENDABLE_CODES = (-32601, -32602)
_CONNECT_SECONDS = 5.0
_RECONNECT_SECONDS = 1.5
"""What a caller may wait for a server that is back."""
_RECONNECT_PAUSE_SECONDS = 15.0


def end_call() -> str:
    """End the call, once the caller has said goodbye or has nothing more to ask.

    Say goodbye in your answer: it is spoken before the call ends.
    """
    outlet.end_call()
    return "The call ends when you have said goodbye."


def find_functions(names: Sequence[str]) -> list[Callable[..., Any]]:
    """The functions that ``VOICELIVE_AGENT_TOOLS`` names. Raises AgentLoadError."""
    functions: list[Callable[..., Any]] = []
    for name in names:
        label = f"VOICELIVE_AGENT_TOOLS={name!r}"
        module_name, colon, attribute = name.partition(":")
        module = import_named(label, module_name, example=_EXAMPLE)
        if colon:
            found = [find_named(label, module, attribute, example=_EXAMPLE)]
        else:
            found = _list_functions(module)
        if not found or not all(callable(function) for function in found):
            raise AgentLoadError(f"{label} names no function. A valid name is like {_EXAMPLE}.")
        functions.extend(function for function in found if function not in functions)
    return functions


def _list_functions(module: ModuleType) -> list[Callable[..., Any]]:
    public = getattr(module, "__all__", None)
    return [
        value
        for name, value in vars(module).items()
        if inspect.isroutine(value)
        and (name in public if public is not None else not name.startswith("_"))
        and (public is not None or value.__module__ == module.__name__)
    ]


@dataclass
class ForgivingToolset(WrapperToolset[Any]):
    """Tools whose failure the model is told of, so that it can say it to the caller."""

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        try:
            return await super().call_tool(name, tool_args, ctx, tool)
        except _MEANT_FOR_THE_MODEL:
            raise
        except (Exception, SystemExit) as error:
            log_tool_failure(name, error)
            self.note_failure(error)
            raise ToolFailed(_FAILED) from error

    def note_failure(self, error: BaseException) -> None:
        """Called when a tool failed for another reason than its own."""


@dataclass
class McpToolset(ForgivingToolset):
    """The tools of an MCP server, as long as it can be reached.

    One connection serves all turns. A server that is away leaves the agent without its tools, and
    is tried again in a later turn.
    """

    server: str = ""
    """What the log calls it."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _connected: bool = False
    _broken: bool = False
    _try_again_at: float = 0.0

    async def open(self) -> None:
        await self._connect(_CONNECT_SECONDS)

    async def close(self) -> None:
        async with self._lock:
            await self._disconnect()

    async def __aenter__(self) -> Self:
        # The connection is the agent's; a run that enters its tools neither opens nor closes it.
        return self

    async def __aexit__(self, *args: Any) -> None:
        return None

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        await self._connect(_RECONNECT_SECONDS)
        if not self._connected:
            return {}
        try:
            return await super().get_tools(ctx)
        except Exception as error:
            self.note_failure(error)
            return {}

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        try:
            return await super().call_tool(name, tool_args, ctx, tool)
        except ModelRetry as error:
            # MCPToolset asks for a retry where the connection fails, too.
            cause = getattr(error.__cause__, "error", None)
            if getattr(cause, "code", None) in _MENDABLE_CODES:
                raise
            self.note_failure(error)
            raise ToolFailed(_FAILED) from error

    def note_failure(self, error: BaseException) -> None:
        logger.warning("MCP server %s failed: %s", self.server, type(error).__name__)
        self._broken = True

    async def _connect(self, seconds: float) -> None:
        async with self._lock:
            if self._broken:
                await self._disconnect()
            now = asyncio.get_running_loop().time()
            if self._connected or now < self._try_again_at:
                return
            try:
                async with asyncio.timeout(seconds):
                    await self.wrapped.__aenter__()
                self._connected = True
            except Exception as error:
                self._try_again_at = now + _RECONNECT_PAUSE_SECONDS
                logger.warning(
                    "MCP server %s can't be reached, so its tools are missing: %s",
                    self.server,
                    type(error).__name__,
                )

    async def _disconnect(self) -> None:
        if self._connected:
            self._connected = False
            # A connection that is already broken may fail to close.
            with contextlib.suppress(Exception):
                await self.wrapped.__aexit__(None, None, None)
        self._broken = False


def make_function_tools(names: Sequence[str], timeout_seconds: float) -> ForgivingToolset:
    """``end_call`` and what ``VOICELIVE_AGENT_TOOLS`` names. Raises AgentLoadError."""
    try:
        return ForgivingToolset(
            FunctionToolset([end_call, *find_functions(names)], timeout=timeout_seconds)
        )
    except (UserError, TypeError, NameError) as error:
        raise AgentLoadError(
            "VOICELIVE_AGENT_TOOLS: a function can't be a tool", because=error
        ) from error


def make_mcp_tools(servers: Mapping[str, McpServer], timeout_seconds: float) -> list[McpToolset]:
    """The tools of each server; each name begins with its server's label."""
    return [
        McpToolset(
            MCPToolset(
                server.url,
                id=label,
                headers={name: value.get_secret_value() for name, value in server.headers.items()},
                tool_error_behavior="failed",
                include_instructions=True,
                init_timeout=_CONNECT_SECONDS,
                read_timeout=timeout_seconds,
            ),
            server=label,
        )
        for label, server in servers.items()
    ]
