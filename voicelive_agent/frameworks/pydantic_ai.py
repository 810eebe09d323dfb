"""Agents of Pydantic AI (``pydantic_ai.Agent``) as agents of this server."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pydantic_ai
from pydantic_ai import Agent, AgentStreamEvent, RunContext, capture_run_messages
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.capabilities import ReinjectSystemPrompt
from pydantic_ai.exceptions import ContentFilterError, UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    ModelResponsePart,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    UserPromptPart,
    repair_messages,
)
from pydantic_ai.settings import ModelSettings

from voicelive_agent.agent import Output, PastTurn, Turn
from voicelive_agent.frameworks.history import (
    FILLERS,
    describe_turn,
    find_kept,
    find_told,
    keep,
    retell,
)
from voicelive_agent.frameworks.model_stops import check_finish
from voicelive_agent.frameworks.outlet import Outlet, perform

# Its first run would draw a picture into the server's log.
pydantic_ai.BANNER_ENABLED = False

NOTE = "pydantic_ai"
_THREADS = 32


class PydanticAIAgent:
    """Answers turns with a Pydantic AI agent: history, tools and streaming included.

    ``deps`` makes the agent's dependencies for a turn; without it they are the ``Turn`` where the
    agent's ``deps_type`` is that, and None otherwise. Raises UserError where the agent declares
    other dependencies and ``deps`` is not given.
    """

    def __init__(
        self, agent: AbstractAgent[Any, Any], *, deps: Callable[[Turn], Any] | None = None
    ) -> None:
        self._agent = agent
        self._deps = deps or _find_deps(agent)
        self._open = AsyncExitStack()
        # A thread of its own pool is left behind at a barge-in, instead of being waited for.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tool")

    async def start(self) -> None:
        """Open the agent's toolsets, so that no caller waits for an MCP server's handshake."""
        await self._open.enter_async_context(self._agent)

    async def stop(self) -> None:
        await self._open.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def reply(self, turn: Turn) -> AsyncIterator[Output]:
        return perform(turn, self._run)

    async def _run(self, outlet: Outlet) -> None:
        turn = outlet.turn
        follow_event = self.make_follower(outlet)

        async def follow(context: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
            _keep(turn, context.messages, context.run_id)
            outlet.begin()
            async for event in events:
                follow_event(event)

        result = None
        with capture_run_messages() as messages, Agent.using_thread_executor(self._threads):
            try:
                result = await self._agent.run(
                    describe_turn(turn),
                    message_history=list(recall(find_told(turn))) or None,
                    deps=self._deps(turn),
                    model_settings=self.settle(turn),
                    event_stream_handler=follow,
                    capabilities=[ReinjectSystemPrompt()],
                    infer_name=False,
                )
            except ContentFilterError as error:
                if not (refusal := _read_refusal(error)):
                    raise
                outlet.begin()
                outlet.say(refusal)
                return
            finally:
                run_id = messages[-1].run_id if messages else None
                _keep(turn, messages, run_id, complete=result is not None)
        if not isinstance(result.output, str):
            raise UserError(
                f"this agent's output is a {type(result.output).__name__}, but a caller can only"
                " hear text: use output_type=str, and voicelive_agent.frameworks.show() for what"
                " is shown"
            )
        _end_answer(outlet, result.response)

    def make_follower(self, outlet: Outlet) -> Callable[[AgentStreamEvent], None]:
        """What passes on the events of one run to its caller."""

        def follow(event: AgentStreamEvent) -> None:
            if text := read_text(event):
                outlet.say(text)

        return follow

    def settle(self, turn: Turn) -> ModelSettings | None:
        """Model settings for one turn, on top of the agent's own."""
        return None


def _read_refusal(error: ContentFilterError) -> str:
    """The words in which the model itself declined to answer; empty for a filter's refusal."""
    try:
        [response] = ModelMessagesTypeAdapter.validate_json(error.body or "")
    except ValueError:
        return ""
    details = response.provider_details if isinstance(response, ModelResponse) else None
    return str((details or {}).get("refusal") or "")


def _end_answer(outlet: Outlet, response: ModelResponse) -> None:
    """Say what the model declined with, or raise what ended its answer early."""
    details = response.provider_details or {}
    if refusal := details.get("refusal"):
        outlet.begin()
        outlet.say(str(refusal))
    else:
        check_finish(response.finish_reason, details.get("finish_reason"))


def read_text(event: AgentStreamEvent) -> str:
    """What an event of a run adds to the model's own words."""
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
    return ""


def _find_deps(agent: AbstractAgent[Any, Any]) -> Callable[[Turn], Any]:
    declared = agent.deps_type
    if declared is Turn:
        return lambda turn: turn
    if declared in (object, type(None), None, Any):
        return lambda turn: None
    raise UserError(
        f"this agent needs dependencies of type {getattr(declared, '__name__', declared)}: give"
        " deps_type=Turn to its Agent, or name a"
        " voicelive_agent.frameworks.pydantic_ai.PydanticAIAgent(agent, deps=function of the turn)"
    )


def recall(history: Sequence[PastTurn]) -> Iterator[ModelMessage]:
    """Earlier turns as Pydantic AI messages: tool calls kept, texts as they were delivered."""
    for past in history:
        yield ModelRequest([UserPromptPart(describe_turn(past))])
        kept = find_kept(past, NOTE)
        messages = [] if kept is None else ModelMessagesTypeAdapter.validate_python(kept.messages)
        complete = kept is not None and kept.complete
        if past.interrupted or not complete:
            messages = _retell(messages, past, complete=complete)
        yield from repair_messages(messages)


def _retell(
    messages: Sequence[ModelMessage], past: PastTurn, *, complete: bool
) -> list[ModelMessage]:
    texts = [
        part.content
        for message in messages
        if isinstance(message, ModelResponse)
        for part in message.parts
        if isinstance(part, TextPart)
    ]
    told, rest = retell(texts, past, complete=complete, fillers=past.notes.get(FILLERS, ()))
    remaining = iter(told)
    cut: list[ModelMessage] = []
    for message in messages:
        if isinstance(message, ModelResponse):
            parts: list[ModelResponsePart] = []
            for part in message.parts:
                if isinstance(part, TextPart):
                    text = next(remaining)
                    if text:
                        parts.append(part if text == part.content else TextPart(text))
                elif message.state == "complete":
                    # Of a response that broke off, a tool call may be half there: it never ran.
                    parts.append(part)
            message = replace(message, parts=parts, provider_response_id=None, state="complete")
        if message.parts:
            cut.append(message)
    if rest:
        cut.append(ModelResponse([TextPart(rest)]))
    return cut


def _keep(
    turn: Turn, messages: Sequence[ModelMessage], run_id: str | None, *, complete: bool = False
) -> None:
    """Note the messages of this run, without the prompts, which are made anew for each turn."""
    own = []
    for message in messages:
        if run_id is None or message.run_id != run_id:
            continue
        if isinstance(message, ModelRequest):
            parts = [
                part
                for part in message.parts
                if not isinstance(part, SystemPromptPart | UserPromptPart)
            ]
            message = replace(message, parts=parts, instructions=None)
        if message.parts:
            own.append(message)
    keep(turn, NOTE, ModelMessagesTypeAdapter.dump_python(own, mode="json"), complete=complete)
