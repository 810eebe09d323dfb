"""A model behind an OpenAI-compatible chat endpoint: ``POST {url}/chat/completions``, streamed."""

import json
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Literal

from voicelive_agent.emulator.agents import (
    DEFAULT_LIMITS,
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    ArgumentsDelta,
    FunctionCall,
    FunctionCallBegan,
    TextDelta,
    TextDone,
    Usage,
)
from voicelive_agent.emulator.agents.endpoint import (
    Endpoint,
    describe_error,
    read_url,
)
from voicelive_agent.emulator.agents.messages import write_messages, write_tool_choice, write_tools
from voicelive_agent.emulator.agents.openai_events import read_events, read_usage

_INCOMPLETE: Mapping[str, Literal["max_output_tokens", "content_filter"]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}

_MAX_CALLS = 128


class ChatBackend:
    """The model ``model`` at ``url``; without one, the model that the session names.

    Raises ValueError for a bad URL.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        model: str | None = None,
        limits: AnswerLimits = DEFAULT_LIMITS,
    ) -> None:
        self.model = model
        host = read_url(url).host
        self._speaks_openai = host.endswith((".openai.com", ".azure.com"))
        headers = {"accept": "text/event-stream, application/json"}
        if key and host.endswith(".azure.com"):
            headers["api-key"] = key
        elif key:
            headers["authorization"] = f"Bearer {key}"
        self.endpoint = Endpoint(
            url,
            "/chat/completions",
            who="model",
            hint="start the model's server, or correct --model-url",
            limits=limits,
            headers=headers,
            status_hints={
                401: "give its key with --model-key",
                403: "check the key given with --model-key",
                404: "--model-url is the part before /chat/completions, and --model-name must be "
                "a model that it has",
            },
        )
        self.name = f"{model or 'the model of the session'} at {host}"

    async def start(self) -> None:
        await self.endpoint.start()

    async def stop(self) -> None:
        await self.endpoint.stop()

    def open_session(self, session_id: str, *, conversation_id: str = "") -> "ChatSession":
        return ChatSession(self)

    def write_body(self, request: AgentRequest) -> dict[str, Any]:
        """The request as the endpoint wants it; only what the session asked for."""
        body: dict[str, Any] = {
            "model": self.model or request.model,
            "messages": write_messages(request.instructions, request.items),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools := write_tools(request.tools):
            body["tools"] = tools
            body["tool_choice"] = write_tool_choice(request.tool_choice)
            if not request.parallel_tool_calls:
                body["parallel_tool_calls"] = False
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_output_tokens is not None:
            # OpenAI's newer models refuse the name that every other server knows.
            limit = "max_completion_tokens" if self._speaks_openai else "max_tokens"
            body[limit] = request.max_output_tokens
        if request.reasoning_effort is not None:
            body["reasoning_effort"] = request.reasoning_effort
        return body


class ChatSession:
    """One session; the session's items are the whole of what the model knows."""

    def __init__(self, backend: ChatBackend) -> None:
        self._backend = backend

    async def close(self) -> None:
        """Nothing to close: no connection outlives its answer."""

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        endpoint = self._backend.endpoint
        answer = _Answer()
        async with endpoint.post(self._backend.write_body(request)) as reply:
            if reply.content_type.startswith("application/json"):
                # Some servers can't stream, or not with tools.
                for agent_event in answer.read_whole(await reply.read_whole()):
                    yield agent_event
            else:
                reply.require_event_stream("a chat endpoint")
                async with aclosing(read_events(endpoint, reply)) as events:
                    async for event in events:
                        for agent_event in answer.read(event):
                            yield agent_event
        for agent_event in answer.finish():
            yield agent_event


class _Call:
    """A function call that is being put together."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments = ""
        self.begun = False
        self.told = 0
        """How many characters of the arguments were passed on."""


class _Answer:
    """Turns the chunks of one completion into events of the answer."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._reason: str | None = None
        self._usage = Usage()

    def read(self, chunk: Mapping[str, Any]) -> list[AgentEvent]:
        """The events in a chunk. Raises AnswerError."""
        if chunk.get("error"):
            raise AnswerError(
                "model_error",
                f"the model reports an error: {describe_error(json.dumps(chunk).encode())}",
            )
        if chunk.get("usage"):
            self._usage = read_usage(chunk["usage"])
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            return []
        choice = choices[0]
        delta = choice.get("delta") or choice.get("message")
        agent_events = self._read_delta(delta) if isinstance(delta, Mapping) else []
        if choice.get("finish_reason") and self._reason is None:
            self._reason = str(choice["finish_reason"])
            if self._reason not in _INCOMPLETE:
                agent_events.append(TextDone())
        return agent_events

    def read_whole(self, body: bytes) -> list[AgentEvent]:
        """The events in an answer that was not streamed."""
        try:
            completion = json.loads(body)
        except (ValueError, RecursionError):
            completion = None
        if not isinstance(completion, dict):
            raise AnswerError("model_contract_violation", "the model's answer is not JSON")
        agent_events = self.read(completion)
        self._reason = self._reason or "stop"
        return agent_events

    def finish(self) -> list[AgentEvent]:
        """The calls that are left, and the end. Raises AnswerError where there is none."""
        if self._reason is None:
            raise AnswerError(
                "model_disconnected",
                "the model's stream ended in mid-answer, without a finish_reason: look for an "
                "error in its server's log",
            )
        agent_events: list[AgentEvent] = []
        for index in sorted(self._calls):
            call = self._calls[index]
            agent_events += self._tell(call)
            if not call.begun:
                raise AnswerError(
                    "model_contract_violation", "the model calls a function without naming it"
                )
            if not call.arguments:
                call.arguments = "{}"
                agent_events.append(ArgumentsDelta(call.id, "{}"))
            agent_events.append(FunctionCall(call.id, call.name, call.arguments))
        return [*agent_events, AnswerFinished(self._usage, _INCOMPLETE.get(self._reason))]

    def _read_delta(self, delta: Mapping[str, Any]) -> list[AgentEvent]:
        agent_events: list[AgentEvent] = []
        text = delta.get("content") or delta.get("refusal")
        if isinstance(text, str) and text:
            agent_events.append(TextDelta(text))
        for piece in delta.get("tool_calls") or ():
            if isinstance(piece, Mapping):
                self._add(piece)
        if self._calls:
            # The first is passed on as it comes; others wait, as they may come interleaved.
            agent_events += self._tell(self._calls[min(self._calls)])
        return agent_events

    def _add(self, piece: Mapping[str, Any]) -> None:
        index = piece.get("index")
        if not isinstance(index, int):
            # Without an index, an id begins a call.
            index = len(self._calls) - (0 if piece.get("id") or not self._calls else 1)
        if index not in self._calls and len(self._calls) >= _MAX_CALLS:
            raise AnswerError(
                "model_contract_violation",
                f"the model calls more than {_MAX_CALLS} functions in one answer, the most that "
                "OpenAI's own models do",
            )
        call = self._calls.setdefault(index, _Call())
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        call.id = call.id or str(piece.get("id") or f"call_{uuid.uuid4().hex[:22]}")
        call.name = call.name or str(function.get("name") or "")
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            call.arguments += arguments
        elif arguments is not None:
            call.arguments += json.dumps(arguments, ensure_ascii=False)

    def _tell(self, call: _Call) -> list[AgentEvent]:
        agent_events: list[AgentEvent] = []
        if not call.begun:
            if not call.name:
                return []
            call.begun = True
            agent_events.append(FunctionCallBegan(call.id, call.name))
        if delta := call.arguments[call.told :]:
            call.told = len(call.arguments)
            agent_events.append(ArgumentsDelta(call.id, delta))
        return agent_events
