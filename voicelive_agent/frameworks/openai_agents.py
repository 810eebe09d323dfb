"""Agents of the OpenAI Agents SDK (``agents.Agent``)."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

from agents import Agent, Handoff, RunConfig, Runner, RunResultStreaming
from agents.exceptions import ModelRefusalError
from agents.items import RunItem, TResponseInputItem
from agents.run_config import ToolErrorFormatterArgs
from openai.types.responses import (
    ResponseIncompleteEvent,
    ResponseOutputItemAddedEvent,
    ResponseRefusalDeltaEvent,
    ResponseTextDeltaEvent,
)

from voicelive_agent.agent import Output, PastTurn, Turn
from voicelive_agent.frameworks.history import (
    INTERRUPTED_TOOL,
    describe_turn,
    find_kept,
    find_told,
    keep,
    retell,
)
from voicelive_agent.frameworks.model_stops import check_finish
from voicelive_agent.frameworks.outlet import Outlet, perform
from voicelive_agent.frameworks.tool_failures import log_tool_failure

NOTE = "openai_agents"
_SPEAKER = "openai_agents_speaker"


class OpenAIAgentsAgent:
    """Answers turns with an agent of the OpenAI Agents SDK.

    Its context (``RunContextWrapper.context``) is the ``Turn``. After a handoff, the agent that
    took over answers the next turn. Traces hold what was said only where
    ``OPENAI_AGENTS_TRACE_INCLUDE_SENSITIVE_DATA`` asks for it.

    Raises ValueError for an agent whose output is not text.
    """

    def __init__(self, agent: Agent[Any]) -> None:
        for known in _reach(agent):
            if known.output_type not in (None, str):
                raise ValueError(
                    f"the output_type of agent {known.name!r} is no text that a caller can hear:"
                    " leave it out, and use voicelive_agent.frameworks.show() for what is shown"
                )
        self._agent = agent
        self._open = AsyncExitStack()

    async def start(self) -> None:
        """Connect the MCP servers of the agent and of those it can hand over to."""
        servers: dict[int, Any] = {
            id(s): s for agent in _reach(self._agent) for s in agent.mcp_servers
        }
        for server in servers.values():
            await self._open.enter_async_context(server)

    async def stop(self) -> None:
        await self._open.aclose()

    def reply(self, turn: Turn) -> AsyncIterator[Output]:
        return perform(turn, self._run)

    async def _run(self, outlet: Outlet) -> None:
        turn = outlet.turn
        items = [*recall(find_told(turn)), _say("user", describe_turn(turn))]
        result = Runner.run_streamed(
            self._find_speaker(turn),
            items,
            context=turn,
            run_config=RunConfig(
                trace_include_sensitive_data=_may_trace_words(),
                tool_error_formatter=_note_tool_failure,
            ),
        )
        kept: list[RunItem] = []
        complete = False
        try:
            async for event in result.stream_events():
                if event.type == "raw_response_event":
                    _pass_on(event.data, outlet)
                elif event.type == "run_item_stream_event":
                    kept.append(event.item)
                    _keep(turn, kept)
            complete = True
        except ModelRefusalError as error:
            # Its words have been spoken as they came, unless they came as a whole.
            if outlet.is_unused:
                outlet.say(error.refusal)
        finally:
            _keep(turn, kept, complete=complete)
            turn.state[_SPEAKER] = result.current_agent.name
            await _end(result)

    def _find_speaker(self, turn: Turn) -> Agent[Any]:
        name = turn.state.get(_SPEAKER)
        return next((agent for agent in _reach(self._agent) if agent.name == name), self._agent)


def _pass_on(event: object, outlet: Outlet) -> None:
    match event:
        case ResponseOutputItemAddedEvent():
            outlet.begin()
        case ResponseTextDeltaEvent() | ResponseRefusalDeltaEvent():
            outlet.say(event.delta)
        case ResponseIncompleteEvent():
            details = event.response.incomplete_details
            check_finish(details.reason if details else None)


def _note_tool_failure(failure: ToolErrorFormatterArgs[Any]) -> None:
    """The SDK tells nobody but the model; None leaves what that is told as it is."""
    if failure.error is not None:
        log_tool_failure(failure.tool_name, failure.error)


def _may_trace_words() -> bool:
    """The SDK would send what is said to its traces unless told not to; here it must be asked."""
    asked = os.environ.get("OPENAI_AGENTS_TRACE_INCLUDE_SENSITIVE_DATA", "")
    return asked.strip().lower() in ("1", "true", "yes", "on")


def _reach(agent: Agent[Any]) -> list[Agent[Any]]:
    """The agent and all that it can hand over to, each once."""
    reached = [agent]
    for known in reached:
        for target in known.handoffs:
            if isinstance(target, Handoff):
                reference = target._agent_ref
                target = cast(Any, reference() if reference is not None else None)
            if isinstance(target, Agent) and all(target is not other for other in reached):
                reached.append(target)
    return reached


async def _end(result: RunResultStreaming) -> None:
    """Stop the run's own tasks and wait for them."""
    task = result.run_loop_task
    if task is None or task.done():
        return
    result.cancel()
    task.cancel()
    await asyncio.wait({task})


def recall(history: Sequence[PastTurn]) -> Iterator[TResponseInputItem]:
    """Earlier turns as input items: tool calls kept, texts as they were delivered."""
    for past in history:
        yield _say("user", describe_turn(past))
        kept = find_kept(past, NOTE)
        items = [] if kept is None else kept.messages
        complete = kept is not None and kept.complete
        if past.interrupted or not complete:
            items = _retell(items, past, complete=complete)
        yield from items


def _retell(items: Sequence[dict[str, Any]], past: PastTurn, *, complete: bool) -> list[Any]:
    texts = [_read(item) for item in items if _is_speech(item)]
    told, rest = retell(texts, past, complete=complete)
    remaining = iter(told)
    answered = {item.get("call_id") for item in items if _is_result(item)}
    called = {item.get("call_id") for item in items if not _is_result(item)}
    cut: list[Any] = []
    for item in items:
        if _is_speech(item):
            text = next(remaining)
            if text:
                cut.append(_say("assistant", text))
        elif _is_result(item):
            if item.get("call_id") in called:
                cut.append(item)
        elif item.get("type") == "function_call":
            # Without the id under which the provider would look for what belongs to it.
            cut.append({key: value for key, value in item.items() if key != "id"})
            if item.get("call_id") not in answered:
                cut.append(
                    {
                        "type": "function_call_output",
                        "call_id": item.get("call_id"),
                        "output": INTERRUPTED_TOOL,
                    }
                )
    if rest:
        cut.append(_say("assistant", rest))
    return cut


def _say(role: str, text: str) -> TResponseInputItem:
    return cast(TResponseInputItem, {"role": role, "content": text})


def _is_speech(item: dict[str, Any]) -> bool:
    return item.get("role") == "assistant"


def _is_result(item: dict[str, Any]) -> bool:
    return item.get("type") == "function_call_output"


def _read(item: dict[str, Any]) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or part.get("refusal") or "" for part in content or ())


def _keep(turn: Turn, run_items: Sequence[RunItem], *, complete: bool = False) -> None:
    items = [item.to_input_item() for item in run_items if item.type != "tool_approval_item"]
    # Items may hold the SDK's own objects; notes are plain JSON.
    keep(turn, NOTE, json.loads(json.dumps(items, default=_dump)), complete=complete)


def _dump(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_unset=True)
