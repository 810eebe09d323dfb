"""Agents of the Invocations protocol, called as Voice Live calls them.

The contract (how-to-voice-live-hosted-agent-integration): ``POST /invocations`` answers 200 and
``text/event-stream``; each event is one line ``data: <JSON object>``; any number of
``output_audio_transcription.delta``, one ``output_audio_transcription.done`` whose ``text`` is
their concatenation, one ``done`` at the end. Events of other types go to the client.

What Voice Live does with an answer that breaks it is documented nowhere. Here, what leaves the
answer unclear ends it at once with a ThinkingError; an answer that is clear all the same is told
to its end, and what it broke is a breach there, or a warning where samples of Microsoft's do so.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from voicelive_agent.emulator.agents import (
    ClientEvent,
    Finished,
    Request,
    TextDelta,
    TextDone,
    ThinkingError,
    Thought,
)
from voicelive_agent.emulator.agents.endpoint import (
    LOCAL_USER_ID,
    SILENCE_TIMEOUT_S,
    Endpoint,
    describe_error,
)
from voicelive_agent.wire.net import name_json_type

GREETING_INPUT: Mapping[str, Any] = {"type": "input_audio.transcription", "input": ""}
"""The body for a bare ``response.create``. The real one is not documented; an agent should
treat empty, absent and unknown input alike."""

_DELTA = "output_audio_transcription.delta"
_TEXT_DONE = "output_audio_transcription.done"
_DONE = "done"
_AFTER_DONE_S = 0.25
_PROTOCOL = "the Invocations protocol of Voice Live"


class InvocationsThinking:
    """An agent at ``url``; ``POST {url}/invocations``. Raises ValueError for a bad URL.

    ``timeout_s`` is how long the agent may be silent.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        timeout_s: float = SILENCE_TIMEOUT_S,
    ) -> None:
        self.name = name or url
        self.endpoint = Endpoint(
            url,
            "/invocations",
            who="agent",
            hint="start the agent (voicelive-agent serve), or correct its URL in --agent",
            timeout_s=timeout_s,
            headers={"accept": "text/event-stream"},
        )

    async def start(self) -> None:
        await self.endpoint.start()

    async def stop(self) -> None:
        await self.endpoint.stop()

    def open_mind(self, session_id: str, *, conversation_id: str = "") -> "InvocationsMind":
        return InvocationsMind(self, conversation_id or session_id)


class InvocationsMind:
    """One session with the agent: the same ``agent_session_id`` for each of its requests.

    It is the conversation's id, so a client that resumes a conversation finds the agent's memory
    of it; how Voice Live maps one to the other is not documented.
    """

    def __init__(self, thinking: InvocationsThinking, session_id: str) -> None:
        self._thinking = thinking
        self._session_id = session_id

    async def close(self) -> None:
        """Nothing to close: no connection outlives its answer."""

    async def think(self, request: Request) -> AsyncGenerator[Thought, None]:
        endpoint = self._thinking.endpoint
        check = AnswerCheck()
        async with (
            endpoint.post(
                self._describe(request),
                params={"agent_session_id": self._session_id},
                headers={
                    "x-agent-user-id": LOCAL_USER_ID,
                    "x-agent-foundry-call-id": uuid.uuid4().hex,
                    "x-agent-invocation-id": str(uuid.uuid4()),
                },
            ) as response,
            aclosing(endpoint.read_lines(response)) as lines,
        ):
            endpoint.require_event_stream(response, _PROTOCOL)
            while not check.done:
                line = await anext(lines, None)
                if line is None:
                    break
                for thought in check.read_line(line):
                    yield thought
            if check.done:
                # What follows is only looked at to tell the developer of it.
                await check.watch_end(lines)
        yield check.finish()

    def _describe(self, request: Request) -> Mapping[str, Any]:
        if request.kind == "action":
            return request.action or {}
        if request.kind == "greeting":
            return GREETING_INPUT
        return {"type": "input_audio.transcription", "input": request.text}


class AnswerCheck:
    """Turns the lines of one answer into thoughts and holds them to the contract."""

    def __init__(self) -> None:
        self.done = False
        self._line = 0
        self._deltas: list[str] = []
        self._text_done = False
        self._breaches: list[str] = []
        self._warnings: list[str] = []

    def read_line(self, line: str) -> list[Thought]:
        """The thoughts in a line. Raises ThinkingError."""
        self._line += 1
        event = self._parse(line)
        if event is None:
            return []
        kind = event.get("type")
        if kind == _DELTA:
            return self._read_delta(event)
        if kind == _TEXT_DONE:
            return self._read_text_done(event)
        if kind == _DONE:
            self.done = True
            return []
        if not isinstance(kind, str) or not kind:
            if "error" in event:
                raise ThinkingError(
                    "agent_error",
                    f"the agent reports an error: {describe_error(json.dumps(event).encode())}",
                )
            self._warn("an event has no type: give it a non-empty string")
        return [ClientEvent(event)]

    async def watch_end(self, lines: AsyncGenerator[str, None]) -> None:
        """See whether the stream ends after ``done``, as it should."""
        try:
            async with asyncio.timeout(_AFTER_DONE_S):
                async for line in lines:
                    self._line += 1
                    if line and not line.startswith(":"):
                        self._warn('something follows {"type":"done"}: it is ignored')
                        return
        except TimeoutError:
            self._warn('the stream stays open after {"type":"done"}: end it there')
        except ThinkingError:
            self._warn('the stream breaks off after {"type":"done"}: end it properly')

    def finish(self) -> Finished:
        """The end of the answer. Raises ThinkingError where the answer has none."""
        if not self.done and not self._text_done:
            raise _violation(
                'the stream ended without {"type":"done"}: nobody can tell whether the answer is '
                f"complete; send {_TEXT_DONE} and done last, also when the agent fails"
            )
        if not self.done:
            self._break('the stream ended without {"type":"done"}: send it last')
        elif not self._text_done:
            self._break(f"no {_TEXT_DONE} came before done: send it once, with the whole text")
        return Finished(breaches=tuple(self._breaches), warnings=tuple(self._warnings))

    def _parse(self, line: str) -> dict[str, Any] | None:
        if not line.strip() or line.startswith(":"):
            return None
        field, _, value = line.partition(":")
        if field != "data":
            if line.lstrip().startswith(("{", "[")):
                raise _violation(
                    f"line {self._line} lacks its prefix: write each event as 'data: <JSON>'"
                )
            if field not in ("id", "retry"):
                self._warn(f"a line begins with {field[:20]!r}: write 'data:' lines only")
            return None
        if value.strip() == "[DONE]":
            self._warn('"data: [DONE]" is not of this protocol: send {"type":"done"}')
            return None
        try:
            event = json.loads(value)
        except ValueError:
            raise _violation(
                f"line {self._line} is not JSON: each event is one 'data:' line with a whole JSON "
                "object"
            ) from None
        if not isinstance(event, dict):
            raise _violation(f"line {self._line} is not a JSON object but {name_json_type(event)}")
        return event

    def _read_delta(self, event: dict[str, Any]) -> list[Thought]:
        delta = event.get("delta")
        if not isinstance(delta, str):
            raise _violation(f"the delta of a {_DELTA} is not a string but {name_json_type(delta)}")
        if self._text_done:
            self._break(f"a {_DELTA} follows {_TEXT_DONE}: it is not spoken; send it before")
            return []
        self._deltas.append(delta)
        return [TextDelta(delta)] if delta else []

    def _read_text_done(self, event: dict[str, Any]) -> list[Thought]:
        text = event.get("text")
        if not isinstance(text, str):
            raise _violation(f"the text of {_TEXT_DONE} is not a string but {name_json_type(text)}")
        if self._text_done:
            self._break(f"{_TEXT_DONE} came more than once: send it once")
            return []
        self._text_done = True
        spoken = "".join(self._deltas)
        if text != spoken:
            # Microsoft's own samples differ in their spaces.
            tell = self._warn if text.split() == spoken.split() else self._break
            tell(
                f"the text of {_TEXT_DONE} is not the concatenation of the deltas: the deltas are "
                "what is spoken"
            )
        return [TextDone()]

    def _break(self, message: str) -> None:
        message = f"{message} ({_PROTOCOL})"
        if message not in self._breaches:
            self._breaches.append(message)

    def _warn(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)


def _violation(message: str) -> ThinkingError:
    return ThinkingError("agent_contract_violation", f"{message} ({_PROTOCOL})")
