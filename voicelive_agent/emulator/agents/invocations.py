"""Agents of the Invocations protocol, called as Voice Live calls them.

What Voice Live does with an answer that breaks the protocol (``wire.invocations``) is documented
nowhere. Here, what leaves the answer unclear ends it at once with an AnswerError; an answer that
is clear all the same is told to its end, and what it broke is a breach there, or a warning where
samples of Microsoft's do so.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from voicelive_agent.command_name import spell_command
from voicelive_agent.emulator.agents import (
    DEFAULT_LIMITS,
    AgentEvent,
    AgentRequest,
    AnswerError,
    AnswerFinished,
    AnswerLimits,
    ScreenEvent,
    TextDelta,
    TextDone,
)
from voicelive_agent.emulator.agents.endpoint import (
    LOCAL_USER_ID,
    Endpoint,
    describe_error,
    read_url,
)
from voicelive_agent.emulator.agents.protocols import advise_protocol
from voicelive_agent.wire.invocations import (
    CALL_HEADER,
    DELTA,
    DONE,
    GREETING_INPUT,
    INVOCATION_HEADER,
    SESSION_QUERY,
    SPEECH_DONE,
    USER_HEADER,
    AgentError,
    AnswerReader,
    UnreadableError,
    speech_input,
)

_AFTER_DONE_S = 0.25
_PROTOCOL = "the Invocations protocol of Voice Live"
_GREETING_REFUSALS = frozenset({400, 422})


class InvocationsBackend:
    """An agent at ``url``; ``POST {url}/invocations``. Raises ValueError for a bad URL.

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
            "/invocations",
            who="agent",
            hint=f"start the agent ({spell_command('serve')}), or correct its URL in --agent",
            limits=limits,
            headers={"accept": "text/event-stream"} | ({"api-key": key} if key else {}),
            status_hints={401: "set VOICELIVE_AGENT_API_KEY as the agent's server has it"},
            advise_without_route=advise_protocol(read_url(url), "invocations"),
        )

    async def start(self) -> None:
        await self.endpoint.start()

    async def stop(self) -> None:
        await self.endpoint.stop()

    def open_session(self, session_id: str, *, conversation_id: str = "") -> "InvocationsSession":
        return InvocationsSession(self, conversation_id or session_id)


class InvocationsSession:
    """One session with the agent: the same ``agent_session_id`` for each of its requests.

    It is the conversation's id, so a client that resumes a conversation finds the agent's memory
    of it; how Voice Live maps one to the other is not documented.
    """

    def __init__(self, backend: InvocationsBackend, session_id: str) -> None:
        self._backend = backend
        self._session_id = session_id

    async def close(self) -> None:
        """Nothing to close: no connection outlives its answer."""

    async def answer(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        try:
            async with aclosing(self._ask(request)) as agent_events:
                async for agent_event in agent_events:
                    yield agent_event
        except AnswerError as error:
            if request.kind != "greeting" or error.status not in _GREETING_REFUSALS:
                raise
            # What Voice Live sends for a greeting is documented nowhere: empty input is a guess.
            yield AnswerFinished(
                warnings=(
                    f"the agent takes no empty input (HTTP {error.status}), which stands for a "
                    "greeting here, so it says nothing first: greet with "
                    "pre_generated_assistant_message, or have the agent answer it",
                )
            )

    async def _ask(self, request: AgentRequest) -> AsyncGenerator[AgentEvent, None]:
        endpoint = self._backend.endpoint
        check = AnswerCheck()
        async with (
            endpoint.post(
                self._describe(request),
                params={SESSION_QUERY: self._session_id},
                headers={
                    USER_HEADER: LOCAL_USER_ID,
                    CALL_HEADER: uuid.uuid4().hex,
                    INVOCATION_HEADER: str(uuid.uuid4()),
                },
            ) as reply,
            aclosing(reply.read_lines()) as lines,
        ):
            reply.require_event_stream(_PROTOCOL)
            while not check.done:
                line = await anext(lines, None)
                if line is None:
                    break
                for agent_event in check.read_line(line):
                    yield agent_event
            if check.done:
                # What follows is only looked at to tell the developer of it.
                await check.watch_end(lines)
        yield check.finish()

    def _describe(self, request: AgentRequest) -> Mapping[str, Any]:
        if request.kind == "action":
            return request.action or {}
        if request.kind == "greeting":
            return GREETING_INPUT
        return speech_input(request.text)


class AnswerCheck:
    """Turns the lines of one answer into events and holds them to the contract."""

    def __init__(self) -> None:
        self._reader = AnswerReader()

    @property
    def done(self) -> bool:
        return self._reader.done

    def read_line(self, line: str) -> list[AgentEvent]:
        """The events in a line. Raises AnswerError."""
        try:
            event = self._reader.read_line(line)
        except UnreadableError as error:
            raise _violation(error.finding.message) from None
        except AgentError as error:
            described = describe_error(json.dumps(error.event).encode())
            raise AnswerError("agent_error", f"the agent reports an error: {described}") from None
        if event is None or event.get("type") == DONE:
            return []
        if event.get("type") == DELTA:
            return [TextDelta(event["delta"])] if event["delta"] else []
        return [TextDone()] if event.get("type") == SPEECH_DONE else [ScreenEvent(event)]

    async def watch_end(self, lines: AsyncGenerator[str, None]) -> None:
        """See whether the stream ends after ``done``, as it should."""
        try:
            async with asyncio.timeout(_AFTER_DONE_S):
                async for line in lines:
                    if line and not line.startswith(":"):
                        self._reader.note_more_after_done()
                        return
        except TimeoutError:
            self._warn('the stream stays open after {"type":"done"}: end it there')
        except AnswerError:
            self._warn('the stream breaks off after {"type":"done"}: end it properly')

    def finish(self) -> AnswerFinished:
        """The end of the answer. Raises AnswerError where the answer has none."""
        try:
            self._reader.finish()
        except UnreadableError as error:
            raise _violation(error.finding.message) from None
        found = self._reader.findings
        return AnswerFinished(
            breaches=tuple(
                f"{one.message} ({_PROTOCOL})" for one in found if one.weight == "breach"
            ),
            warnings=tuple(one.message for one in found if one.weight == "warning"),
        )

    def _warn(self, message: str) -> None:
        self._reader.note("SSE-12", "warning", message)


def _violation(message: str) -> AnswerError:
    return AnswerError("agent_contract_violation", f"{message} ({_PROTOCOL})")
