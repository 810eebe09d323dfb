"""Compiled LangGraph graphs whose state has ``messages`` (LangChain's agents among them)."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.types import Command, StateSnapshot

from voicelive_agent.agent import Output, PastTurn, Turn
from voicelive_agent.frameworks.history import (
    HISTORY_REFUSED,
    INTERRUPTED_TOOL,
    describe_turn,
    find_kept,
    find_told,
    keep,
    name_conversation,
    retell,
    was_filtered,
)
from voicelive_agent.frameworks.model_stops import check_finish
from voicelive_agent.frameworks.outlet import Outlet, perform

NOTE = "langgraph"


class LangGraphAgent:
    """Answers turns with a compiled graph.

    A graph with a checkpointer keeps its own history, in one thread for each conversation; what
    it kept of an interrupted turn is cut, or marked, like all history. To one without, the
    server's history is replayed. A graph that stops at ``interrupt("a question?")`` asks it, and
    the caller's next words resume it. Where ``context_schema`` is ``Turn``, the turn is the
    graph's context.

    Raises ValueError where the state has no ``messages``.
    """

    def __init__(self, graph: Pregel[Any, Any, Any, Any]) -> None:
        if "messages" not in graph.channels:
            raise ValueError(
                "this graph's state has no `messages`: give it langgraph.graph.MessagesState, or"
                " a state with that key"
            )
        self._graph = graph
        self._remembers = bool(graph.checkpointer)
        # What a graph says that a tool calls is the tool's own business; that of a node is speech.
        self._speaking = {name.replace("|", "/") for name, _ in graph.get_subgraphs(recurse=True)}

    def reply(self, turn: Turn) -> AsyncIterator[Output]:
        return perform(turn, self._run)

    async def _run(self, outlet: Outlet) -> None:
        turn = outlet.turn
        config: RunnableConfig = {"configurable": {"thread_id": name_conversation(turn)}}
        said = HumanMessage(describe_turn(turn), id=uuid.uuid4().hex)
        anchor = said.id
        graph_input: Any = {"messages": [*recall(find_told(turn)), said]}
        if self._remembers:
            state = await self._graph.aget_state(config)
            remembered = _read_messages(state.values)
            mended = list(mend(find_told(turn), remembered))
            if turn.notes.get(HISTORY_REFUSED):
                mended = [RemoveMessage(message.id) for message in remembered if message.id]
            graph_input = {"messages": [*mended, said]}
            if state.interrupts:
                graph_input = Command(resume=said.content, update={"messages": mended})
                anchor = remembered[-1].id if remembered else None
        _keep(turn, anchor, (), complete=False)
        messages: Sequence[AnyMessage] = ()
        voice = _Voice(outlet)
        async for namespace, mode, data in self._graph.astream(
            graph_input,
            config,
            context=turn if self._graph.context_schema is Turn else None,
            stream_mode=["messages", "values"],
            subgraphs=True,
        ):
            if mode == "values" and not namespace:
                messages = _find_answer(_read_messages(data), anchor)
                voice.catch_up(messages)
                _keep(turn, anchor, messages, complete=False)
            elif mode == "messages" and self._is_spoken(namespace):
                voice.say(data[0])
        if self._remembers:
            _ask(outlet, await self._graph.aget_state(config))
        _keep(turn, anchor, messages, complete=True)
        _check_end(messages)

    def _is_spoken(self, namespace: Sequence[str]) -> bool:
        path = "/".join(step.split(":")[0] for step in namespace)
        return not path or path in self._speaking


class _Voice:
    """Says messages as they stream, and those that nodes put into the state without streaming."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._speaker: str | None = None
        self._said = ""

    def say(self, message: Any) -> None:
        if isinstance(message, AIMessage):
            if self._speaker != message.id:
                self._speaker = message.id
                self._outlet.begin()
            text = str(message.text)
            self._said += text
            self._outlet.say(text)

    def catch_up(self, messages: Sequence[Any]) -> None:
        for message in messages:
            if isinstance(message, AIMessage) and str(message.text) not in self._said:
                self.say(message)


def _check_end(messages: Sequence[AnyMessage]) -> None:
    """Raises ModelStoppedError where a limit or a filter cut the last message."""
    if messages and isinstance(messages[-1], AIMessage):
        metadata = messages[-1].response_metadata
        details = metadata.get("incomplete_details")
        check_finish(
            metadata.get("finish_reason"),
            metadata.get("stop_reason"),
            details.get("reason") if isinstance(details, dict) else None,
        )


def _ask(outlet: Outlet, state: StateSnapshot) -> None:
    for interrupt in state.interrupts:
        if isinstance(interrupt.value, str):
            outlet.begin()
            outlet.say(interrupt.value)


def recall(history: Sequence[PastTurn]) -> Iterator[BaseMessage]:
    """Earlier turns as messages: tool calls kept, texts as they were delivered."""
    for past in history:
        yield HumanMessage(describe_turn(past))
        kept = find_kept(past, NOTE)
        messages = [] if kept is None else messages_from_dict(kept.messages)
        complete = kept is not None and kept.complete
        if past.interrupted or not complete:
            messages = _retell(messages, past, complete=complete)
        yield from messages


def mend(history: Sequence[PastTurn], messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """What makes a graph's own messages say what the caller said and heard.

    Turns that were interrupted are cut, and those that the graph has lost or never kept (another
    replica answered them, or the process was restarted) are told again. A message with the id of
    an earlier one replaces that; the others are added at the end.
    """
    places = {message.id: end for end, message in enumerate(messages, 1) if message.id}
    known = [index for index, past in enumerate(history) if _find_anchor(past) in places]
    if known:
        last = history[known[-1]]
        if was_filtered(last):
            yield HumanMessage(describe_turn(last), id=_find_anchor(last))
        yield from _mend_turn(last, messages[places[_find_anchor(last)] :])
        yield from recall(history[known[-1] + 1 :])
    elif not messages:
        yield from recall(history)


def _mend_turn(past: PastTurn, messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    kept = find_kept(past, NOTE)
    complete = kept is not None and kept.complete
    if complete and not past.interrupted:
        return
    end = next((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), None)
    answer = messages[:end]
    told = _retell(() if was_filtered(past) else answer, past, complete=complete)
    kept_ids = {message.id for message in told}
    yield from (RemoveMessage(m.id) for m in answer if m.id and m.id not in kept_ids)
    yield from (message for message in told if message not in answer)


def _retell(
    messages: Sequence[BaseMessage], past: PastTurn, *, complete: bool
) -> list[BaseMessage]:
    texts = [str(message.text) for message in messages if isinstance(message, AIMessage)]
    told, rest = retell(texts, past, complete=complete)
    remaining = iter(told)
    answered = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    cut: list[BaseMessage] = []
    for message in messages:
        if isinstance(message, AIMessage):
            text = next(remaining)
            if text != str(message.text):
                message = AIMessage(text, id=message.id, tool_calls=message.tool_calls)
            if text or message.tool_calls:
                cut.append(message)
            cut.extend(
                ToolMessage(INTERRUPTED_TOOL, tool_call_id=call["id"], name=call["name"])
                for call in message.tool_calls
                if call["id"] not in answered
            )
        else:
            cut.append(message)
    if rest:
        cut.append(AIMessage(rest))
    return cut


def _read_messages(state: Any) -> list[Any]:
    messages = state.get("messages") if isinstance(state, dict) else getattr(state, "messages", ())
    return list(messages or ())


def _find_answer(messages: Sequence[Any], anchor: str | None) -> Sequence[Any]:
    """What came after the message with this id."""
    start = next((end for end, m in enumerate(messages, 1) if m.id == anchor), len(messages))
    return messages[start if anchor else 0 :]


def _keep(
    turn: Turn, anchor: str | None, messages: Sequence[BaseMessage], *, complete: bool
) -> None:
    keep(turn, NOTE, messages_to_dict(messages), complete=complete)
    turn.notes[NOTE]["anchor"] = anchor


def _find_anchor(past: PastTurn) -> Any:
    note = past.notes.get(NOTE)
    return note.get("anchor") if isinstance(note, dict) else None
