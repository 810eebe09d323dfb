"""Agents of Microsoft Agent Framework (``agent_framework.Agent`` and its kin)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from agent_framework import (
    Agent,
    AgentResponse,
    AgentResponseUpdate,
    Content,
    FunctionInvocationContext,
    HistoryProvider,
    InMemoryHistoryProvider,
    Message,
    MiddlewareTermination,
    SupportsAgentRun,
    function_middleware,
)

from voicelive_agent.agent import Output, PastTurn, Turn
from voicelive_agent.frameworks.history import (
    INTERRUPTED_TOOL,
    describe_interruption,
    describe_turn,
    find_kept,
    find_told,
    is_json_object,
    keep,
    name_conversation,
    retell,
)
from voicelive_agent.frameworks.model_stops import check_finish
from voicelive_agent.frameworks.outlet import Outlet, perform
from voicelive_agent.frameworks.tool_failures import log_tool_failure

NOTE = "agent_framework"


class AgentFrameworkAgent:
    """Answers turns with an agent of Microsoft Agent Framework.

    The server's history is replayed to it, unless the agent has a history provider of its own
    that outlives the process: then it is given the session of this conversation, and only the
    turns that it can't have kept, since they were broken off. Of one that it has kept, it is told
    where the caller interrupted.
    """

    def __init__(self, agent: SupportsAgentRun) -> None:
        self._agent = agent
        self._open = AsyncExitStack()
        # Others that answer as an agent does take no middleware.
        takes_middleware = isinstance(agent, Agent)
        self._options: dict[str, Any] = (
            {"middleware": [_note_tool_failure]} if takes_middleware else {}
        )
        self._keeps_history = any(
            isinstance(provider, HistoryProvider)
            and provider.load_messages
            and not isinstance(provider, InMemoryHistoryProvider)
            for provider in getattr(agent, "context_providers", None) or ()
        )

    async def start(self) -> None:
        """Connect the agent's MCP tools and clients."""
        if isinstance(self._agent, AbstractAsyncContextManager):
            await self._open.enter_async_context(self._agent)

    async def stop(self) -> None:
        await self._open.aclose()

    def reply(self, turn: Turn) -> AsyncIterator[Output]:
        return perform(turn, self._run)

    async def _run(self, outlet: Outlet) -> None:
        turn = outlet.turn
        stream = self._agent.run(
            [*self._recall(find_told(turn)), Message("user", [describe_turn(turn)])],
            stream=True,
            session=self._agent.create_session(session_id=name_conversation(turn)),
            **self._options,
        )
        updates: list[AgentResponseUpdate] = []
        voice = _Voice(outlet)
        complete = False
        try:
            async for update in stream:
                updates.append(update)
                voice.say(update)
                if any(content.type == "function_result" for content in update.contents):
                    _keep(turn, updates)
            complete = True
            check_finish(*(update.finish_reason for update in updates))
        finally:
            _keep(turn, updates, complete=complete)

    def _recall(self, history: Sequence[PastTurn]) -> Iterator[Message]:
        if not self._keeps_history:
            yield from recall(history)
        elif unkept := _find_unkept(history):
            yield from recall(unkept)
        elif history and history[-1].interrupted:
            yield Message("user", [describe_interruption(history[-1])])


@function_middleware
async def _note_tool_failure(
    context: FunctionInvocationContext, call_next: Callable[[], Awaitable[None]]
) -> None:
    """The framework tells the model, and the log no more than the type."""
    try:
        await call_next()
    except MiddlewareTermination:
        raise
    except Exception as error:
        log_tool_failure(context.function.name, error)
        raise


class _Voice:
    """Says what a stream of updates adds; some clients repeat a text as a whole at its end."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._speaker: tuple[str | None, str | None] | None = None
        self._part = ""

    def say(self, update: AgentResponseUpdate) -> None:
        speaker = (update.message_id, update.author_name)
        if update.role not in (None, "assistant") or speaker != self._speaker:
            self._speaker = speaker
            self._part = ""
            self._outlet.begin()
        if update.role not in (None, "assistant"):
            return
        for content in update.contents:
            if content.type != "text" or not content.text:
                continue
            if "replace" in (content.merge_mode, update.merge_mode):
                said, self._part = self._part, ""
                # What was said can't be taken back: only what it lacks is added.
                if content.text.startswith(said):
                    self._outlet.say(content.text[len(said) :])
            else:
                self._part += content.text
                self._outlet.say(content.text)


def recall(history: Sequence[PastTurn]) -> Iterator[Message]:
    """Earlier turns as messages: tool calls kept, texts as they were delivered."""
    for past in history:
        yield Message("user", [describe_turn(past)])
        kept = find_kept(past, NOTE)
        messages = [] if kept is None else [Message.from_dict(dict(m)) for m in kept.messages]
        complete = kept is not None and kept.complete
        if past.interrupted or not complete:
            messages = _retell(messages, past, complete=complete)
        yield from messages


def _retell(messages: Sequence[Message], past: PastTurn, *, complete: bool) -> list[Message]:
    texts = [c.text or "" for m in messages for c in m.contents if _is_speech(m, c)]
    told, rest = retell(texts, past, complete=complete)
    remaining = iter(told)
    answered = {c.call_id for m in messages for c in m.contents if c.type == "function_result"}
    cut: list[Message] = []
    for message in messages:
        contents: list[Content] = []
        missing: list[Content] = []
        for content in message.contents:
            if _is_speech(message, content):
                text = next(remaining)
                if text:
                    contents.append(Content.from_text(text))
            elif content.type == "function_call" and content.call_id not in answered:
                # A call whose arguments are not all there never ran.
                if content.call_id and is_json_object(content.arguments):
                    contents.append(content)
                    missing.append(
                        Content.from_function_result(content.call_id, result=INTERRUPTED_TOOL)
                    )
            elif content.type in ("function_call", "function_result"):
                contents.append(content)
        if contents:
            cut.append(Message(message.role, contents, author_name=message.author_name))
        if missing:
            cut.append(Message("tool", missing))
    if rest:
        cut.append(Message("assistant", [rest]))
    return cut


def _is_speech(message: Message, content: Content) -> bool:
    return message.role == "assistant" and content.type == "text"


def _find_unkept(history: Sequence[PastTurn]) -> Sequence[PastTurn]:
    """The newest turns that were broken off before the agent's own history took them up."""
    unkept: list[PastTurn] = []
    for past in reversed(history):
        kept = past.notes.get(NOTE)
        if isinstance(kept, dict) and kept.get("complete") is True:
            break
        unkept.insert(0, past)
    return unkept


def _keep(turn: Turn, updates: Sequence[AgentResponseUpdate], *, complete: bool = False) -> None:
    response: AgentResponse[Any] = AgentResponse.from_updates(updates)
    messages = [json.loads(message.to_json()) for message in response.messages]
    keep(turn, NOTE, messages, complete=complete)
