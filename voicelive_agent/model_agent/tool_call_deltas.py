"""Tool call deltas: the streamed tool calls of OpenAI-compatible servers, made what OpenAI sends.

OpenAI names a call once, in its first delta, under an index and an id of its own. Servers differ
(llama.cpp, vLLM, NVIDIA NIM, MiniMax, Ollama, Gemini's and others' proxies): they repeat the name
or all of the call, share an index or an id among calls, leave either out, or send the arguments as
an object. Without this, names run together and no tool runs.
"""

import json
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import (
    ChoiceDelta,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallFunction,
)
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIStreamedResponse


@dataclass(slots=True)
class _Call:
    index: int
    id: str
    server_id: str
    """Its id in the server's words; empty where there is none."""
    name: str
    arguments: str = ""

    @property
    def is_complete(self) -> bool:
        return _is_object(self.arguments)


class ToolCallDeltas:
    """The tool calls of one streamed response; ``tools`` are the names of those there are."""

    def __init__(self, tools: Collection[str]) -> None:
        self._tools = tools
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def mend(self, delta: Any) -> None:
        """Change a delta, with whatever types it came, to what OpenAI would have sent."""
        function = getattr(delta, "function", None)
        name = _read_text(getattr(function, "name", None))
        arguments = _read_arguments(getattr(function, "arguments", None))
        index, server_id = getattr(delta, "index", None), _read_text(getattr(delta, "id", None))
        call = self._find(index, server_id, name, arguments)
        if call is None:
            call = self._begin(server_id)
            delta.id = call.id
        else:
            delta.id = None
            call.server_id = call.server_id or server_id
            name = self._find_new_name(call, name)
            arguments = _find_new(call.arguments, arguments)
        call.name += name
        call.arguments += arguments
        if isinstance(index, int):
            self._by_index[index] = call
        delta.index = call.index
        delta.function = ChoiceDeltaToolCallFunction(name=name or None, arguments=arguments)

    def _find(self, index: object, server_id: str, name: str, arguments: str) -> _Call | None:
        """The call that a delta goes on with; None where it begins one."""
        last = self._calls[-1] if self._calls else None
        with_id = next(
            (one for one in self._calls if server_id and one.server_id == server_id), None
        )
        with_index = self._by_index.get(index) if isinstance(index, int) else last
        call = with_id or with_index
        if call is None and last is not None and _goes_on(last, name, arguments):
            return last
        if call is None or not name:
            return call
        return None if self._begins_another(call, server_id, name, arguments) else call

    def _begins_another(self, call: _Call, server_id: str, name: str, arguments: str) -> bool:
        """Whether a delta with a name begins another call than the one under its index or id."""
        if call.name + name in self._tools:
            return False
        has_other_id = bool(server_id and call.server_id and server_id != call.server_id)
        if call.is_complete:
            repeats = name == call.name and arguments in ("", call.arguments)
            return not repeats or (has_other_id and arguments != "")
        if call.arguments:
            return name != call.name
        # Nothing but names so far: those of two tools, or of one that is told again.
        return has_other_id or (name in self._tools and not name.startswith(call.name))

    def _begin(self, server_id: str) -> _Call:
        is_free = server_id and all(one.id != server_id for one in self._calls)
        own_id = server_id if is_free else f"call_{uuid.uuid4().hex}"
        call = _Call(len(self._calls), own_id, server_id, "")
        self._calls.append(call)
        return call

    def _find_new_name(self, call: _Call, name: str) -> str:
        """What a delta adds to the name: nothing where it repeats it."""
        added = _find_new(call.name, name)
        return added if not call.name or call.name + added in self._tools else ""


def _goes_on(last: _Call, name: str, arguments: str) -> bool:
    """Whether a delta under an index of its own is the rest of the last call, all the same."""
    if not name:
        return True
    begun = bool(last.arguments) and not last.is_complete
    return begun and arguments != "" and not arguments.lstrip().startswith("{")


def _find_new(known: str, given: str) -> str:
    """What ``given`` adds, for servers that repeat all there was each time."""
    if known and given.startswith(known):
        return given[len(known) :]
    return given


def _read_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read_arguments(value: object) -> str:
    # An empty object stands for arguments that are still to come, or that there are none.
    if value is None or value in ("null", "{}", {}):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


class _ChatStream(OpenAIStreamedResponse):
    def _validate_response(self) -> AsyncIterable[ChatCompletionChunk]:
        return self._mend_tool_calls(super()._validate_response())

    async def _mend_tool_calls(
        self, chunks: AsyncIterable[ChatCompletionChunk]
    ) -> AsyncIterator[ChatCompletionChunk]:
        deltas = ToolCallDeltas(
            {tool.name for tool in self.model_request_parameters.function_tools}
        )
        async for chunk in chunks:
            for choice in chunk.choices or ():
                if choice.delta is not None:
                    _mend_delta(choice.delta, deltas)
            yield chunk


def _mend_delta(delta: ChoiceDelta, deltas: ToolCallDeltas) -> None:
    if not delta.tool_calls and (function := delta.function_call):
        # What OpenAI had before there were several calls in an answer.
        delta.tool_calls = [ChoiceDeltaToolCall.construct(index=0, function=function)]
    for call in delta.tool_calls or ():
        deltas.mend(call)


class LenientChatModel(OpenAIChatModel):
    """A model of any OpenAI-compatible server, whose tool calls are read with lenience."""

    @property
    def _streamed_response_cls(self) -> type[OpenAIStreamedResponse]:
        return _ChatStream
