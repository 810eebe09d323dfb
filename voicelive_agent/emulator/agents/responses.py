"""Agents of the Responses protocol: ``POST /responses`` with ``stream: true``.

The conversation is kept by the agent under one ``conversation`` id for each session, so an
answer that was cut stays in it as far as it went.
"""

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
    TextDelta,
    TextDone,
    ToolWaiting,
)
from voicelive_agent.emulator.agents.endpoint import LOCAL_USER_ID, Endpoint, read_url
from voicelive_agent.emulator.agents.openai_events import read_events, read_usage
from voicelive_agent.emulator.agents.protocols import advise_protocol
from voicelive_agent.wire.invocations import CALL_HEADER, SESSION_QUERY, USER_HEADER

GREETING_INPUT = ""
"""The ``input`` for a bare ``response.create``; what Voice Live sends is not documented."""

_PROTOCOL = "the Responses protocol"
_TOOL_ITEMS = ("_call", "_call_output")


class ResponsesBackend:
    """An agent at ``url``; ``POST {url}/responses``. Raises ValueError for a bad URL.

    ``limits``: how long and how large its answers may be.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        key: str | None = None,
        limits: AnswerLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name or url
        self.endpoint = Endpoint(
            url,
            "/responses",
            who="agent",
            hint="start the agent, or correct its URL in --agent",
            limits=limits,
            headers={"accept": "text/event-stream"} | ({"api-key": key} if key else {}),
            status_hints={401: "set VOICELIVE_AGENT_API_KEY as the agent's server has it"},
            advise_without_route=advise_protocol(read_url(url), "responses"),
        )

    async def start(self) -> None:
        await self.endpoint.start()

    async def stop(self) -> None:
        await self.endpoint.stop()

    def open_session(self, session_id: str, *, conversation_id: str = "") -> "ResponsesSession":
        return ResponsesSession(self, session_id, conversation_id)


class ResponsesSession:
    """One session with the agent: one conversation."""

    def __init__(self, backend: ResponsesBackend, session_id: str, conversation_id: str) -> None:
        self._backend = backend
        self._session_id = session_id
        self.conversation_id = conversation_id or f"conv_{uuid.uuid4().hex}"

    async def close(self) -> None:
        """Nothing to close: no connection outlives its answer."""

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        if request.kind == "action":
            raise AnswerError(
                "agent_error",
                "invoke_input is for agents of the Invocations protocol: this one speaks the "
                "Responses protocol; send text, or start the emulator with --agent-protocol "
                "invocations",
            )
        endpoint = self._backend.endpoint
        reading = _Answer()
        body = {
            "input": GREETING_INPUT if request.kind == "greeting" else request.text,
            "stream": True,
            "conversation": self.conversation_id,
            SESSION_QUERY: self._session_id,
        }
        async with (
            endpoint.post(
                body,
                params={SESSION_QUERY: self._session_id},
                headers={
                    USER_HEADER: LOCAL_USER_ID,
                    CALL_HEADER: uuid.uuid4().hex,
                },
            ) as reply,
            aclosing(read_events(endpoint, reply)) as events,
        ):
            reply.require_event_stream(_PROTOCOL)
            async for event in events:
                for agent_event in reading.read(event):
                    yield agent_event
                if reading.finished is not None:
                    break
        if reading.finished is None:
            raise _violation(
                "the stream ended without response.completed: nobody can tell whether the answer "
                "is complete"
            )
        yield reading.finished


class _Answer:
    """Turns the events of one response into events of the answer."""

    def __init__(self) -> None:
        self.finished: AnswerFinished | None = None
        self._texts: dict[tuple[Any, Any], str] = {}
        self._last: tuple[Any, Any] | None = None
        self._calls: dict[str, str] = {}
        """Names of the functions that were called and have no output, by call id."""
        self._breaches: list[str] = []
        self._warnings: list[str] = []

    def read(self, event: Mapping[str, Any]) -> list[AgentEvent]:
        """The events of the answer in one of the response. Raises AnswerError."""
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta":
                return self._read_delta(event)
            case "response.output_text.done":
                self._check_text(event)
            case "response.output_item.added":
                return self._read_item(event.get("item"))
            case "response.completed":
                return self._finish(event, None)
            case "response.incomplete":
                return self._finish(event, _read_reason(event))
            case "response.failed":
                response = event.get("response")
                raise _failure(response.get("error") if isinstance(response, Mapping) else None)
            case "error":
                raise _failure(event.get("error", event))
            case None if "error" in event:
                raise _failure(event["error"])
        return []

    def _read_delta(self, event: Mapping[str, Any]) -> list[AgentEvent]:
        delta = event.get("delta")
        if not isinstance(delta, str):
            raise _violation("the delta of response.output_text.delta is not a string")
        part = (event.get("item_id"), event.get("content_index"))
        agent_events: list[AgentEvent] = []
        if self._last not in (None, part) and not self._texts[self._last][-1:].isspace():
            # Two messages are two sentences.
            agent_events.append(TextDelta(" "))
        self._last = part
        self._texts[part] = self._texts.get(part, "") + delta
        return [*agent_events, TextDelta(delta)] if delta else []

    def _check_text(self, event: Mapping[str, Any]) -> None:
        part = (event.get("item_id"), event.get("content_index"))
        if event.get("text") != self._texts.get(part, ""):
            self._break(
                "the text of response.output_text.done is not the concatenation of the deltas: the "
                "deltas are what is spoken"
            )

    def _read_item(self, item: Any) -> list[AgentEvent]:
        if not isinstance(item, Mapping):
            raise _violation("response.output_item.added has no item")
        kind = str(item.get("type", ""))
        if not kind.endswith(_TOOL_ITEMS):
            return []
        call_id, name = str(item.get("call_id", "")), str(item.get("name", ""))
        if kind == "function_call":
            self._calls[call_id] = name
        elif kind == "function_call_output":
            self._calls.pop(call_id, None)
            return []
        return [ToolWaiting(name or kind.removesuffix("_call"))]

    def _finish(
        self,
        event: Mapping[str, Any],
        reason: Literal["max_output_tokens", "content_filter"] | None,
    ) -> list[AgentEvent]:
        for name in self._calls.values():
            self._warn(
                f"the agent leaves its function {name!r} to the caller: Voice Live runs no "
                "function of an agent, so run it in the agent"
            )
        response = event.get("response")
        usage = response.get("usage") if isinstance(response, Mapping) else None
        self.finished = AnswerFinished(
            read_usage(usage), reason, tuple(self._breaches), tuple(self._warnings)
        )
        return [] if reason else [TextDone()]

    def _break(self, message: str) -> None:
        message = f"{message} ({_PROTOCOL})"
        if message not in self._breaches:
            self._breaches.append(message)

    def _warn(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)


def _read_reason(event: Mapping[str, Any]) -> Literal["max_output_tokens", "content_filter"]:
    response = event.get("response")
    details = response.get("incomplete_details") if isinstance(response, Mapping) else None
    reason = details.get("reason") if isinstance(details, Mapping) else None
    return "content_filter" if reason == "content_filter" else "max_output_tokens"


def _failure(error: Any) -> AnswerError:
    code, message = "", ""
    if isinstance(error, Mapping):
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    told = ": ".join(part for part in (code, message) if part) or "it does not say why"
    return AnswerError("agent_error", f"the agent's response failed: {told}")


def _violation(message: str) -> AnswerError:
    return AnswerError("agent_contract_violation", f"{message} ({_PROTOCOL})")
