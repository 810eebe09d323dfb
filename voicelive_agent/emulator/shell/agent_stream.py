"""The agent's stream: a session's requests to its agent, and the events that come back."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from voicelive_agent.emulator.agents import (
    AgentEvent,
    AgentSession,
    AnswerError,
    CallBegan,
    CallingAgentSession,
    ListeningAgentSession,
    TextDelta,
)
from voicelive_agent.emulator.session import Fact, effects, facts
from voicelive_agent.emulator.shell.outbox import REPLY_ROOM_BYTES, FrameOutbox
from voicelive_agent.emulator.shell.tasks import SessionTasks

DEFAULT_MAX_CHARACTERS = 100_000
"""Of an answer's text: an hour and a half of speech."""
_PIECE_CHARACTERS = 2000
"""Text is taken in so much at a time: cutting it into clauses holds the event loop."""

logger = logging.getLogger(__name__)


class AgentStream:
    """One session's requests, one at a time: a new one begins when the stream before is closed."""

    def __init__(
        self,
        agent: AgentSession,
        outbox: FrameOutbox,
        tasks: SessionTasks,
        tell: Callable[[Fact], None],
        max_characters: int = DEFAULT_MAX_CHARACTERS,
    ) -> None:
        self._agent = agent
        self._outbox = outbox
        self._tasks = tasks
        self._tell = tell
        self._max_characters = max_characters
        self._latest: asyncio.Task[None] | None = None
        self._latest_id: str | None = None

    def do(
        self, effect: effects.AskAgent | effects.StopAgent | effects.TellHeard | effects.TellAgent
    ) -> None:
        match effect:
            case effects.AskAgent():
                self._start(effect)
            case effects.StopAgent():
                self._stop(effect)
            case effects.TellHeard():
                self._tell_heard(effect)
            case effects.TellAgent():
                self._tell_agent(effect)

    def _start(self, effect: effects.AskAgent) -> None:
        before = self._latest
        self._latest_id = effect.response_id
        self._latest = self._tasks.start(self._ask(effect, before), "agent")

    def _stop(self, effect: effects.StopAgent) -> None:
        """Close the stream at once, if it is still open."""
        if self._latest is not None and self._latest_id == effect.response_id:
            self._latest.cancel()

    def _tell_heard(self, effect: effects.TellHeard) -> None:
        """Tell the agent what was heard, where it wants to know."""
        if isinstance(self._agent, ListeningAgentSession):
            self._agent.note_heard(effect.response_id, effect.text)

    def _tell_agent(self, effect: effects.TellAgent) -> None:
        agent = self._agent
        if not isinstance(agent, CallingAgentSession):
            return
        if isinstance(effect.note, CallBegan):
            self._tasks.start(self._hold_call(agent, effect.note.greeting), "call")
        else:
            agent.note(effect.note)

    async def _hold_call(self, agent: CallingAgentSession, greeting: str) -> None:
        async with contextlib.aclosing(agent.call(greeting)) as call_events:
            async for call_event in call_events:
                self._tell(facts.AgentCalled(call_event))

    async def _ask(self, effect: effects.AskAgent, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        response_id = effect.response_id
        request = replace(effect.request, response_id=response_id)
        try:
            answer = bound_text(self._agent.answer(request), self._max_characters)
            async with contextlib.aclosing(answer) as agent_events:
                async for agent_event in agent_events:
                    self._tell(facts.AgentSent(response_id, agent_event))
                    await self._outbox.wait_room(REPLY_ROOM_BYTES)
                    # Others are served between the events of an agent that doesn't pause.
                    await asyncio.sleep(0)
        except AnswerError as error:
            self._tell(facts.AnswerFailed(response_id, error.code, error.message))
        except Exception as error:
            logger.exception("The connection to the agent failed in a way of its own.")
            self._tell(
                facts.AnswerFailed(
                    response_id,
                    "agent_error",
                    f"The emulator failed while it asked for an answer ({type(error).__name__}): "
                    "its log says more.",
                )
            )


class InterimWriter:
    """Asks a model what to say while an answer is on its way."""

    def __init__(
        self, agent: AgentSession, tasks: SessionTasks, tell: Callable[[Fact], None]
    ) -> None:
        self._agent = agent
        self._tasks = tasks
        self._tell = tell
        self._writing: asyncio.Task[None] | None = None

    def start(self, effect: effects.WriteInterim) -> None:
        self._writing = self._tasks.start(self._write(effect), "interim")

    def stop(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    async def _write(self, effect: effects.WriteInterim) -> None:
        text = ""
        try:
            answer = bound_text(self._agent.answer(effect.request), DEFAULT_MAX_CHARACTERS)
            async with contextlib.aclosing(answer) as agent_events:
                async for agent_event in agent_events:
                    if isinstance(agent_event, TextDelta):
                        text += agent_event.text
        except AnswerError as error:
            text = ""
            self._warn(error.message)
        except Exception as error:
            logger.exception("The model failed in a way of its own.")
            text = ""
            self._warn(f"the emulator failed ({type(error).__name__}), its log says more")
        self._tell(facts.InterimWritten(effect.response_id, text))

    def _warn(self, reason: str) -> None:
        self._tell(
            facts.Warned(
                f"No interim response was written, and a set phrase is spoken: {reason}",
                "interim_response_not_generated",
            )
        )


async def bound_text(
    answer: AsyncGenerator[AgentEvent, None], max_characters: int
) -> AsyncGenerator[AgentEvent, None]:
    """The events of an answer, text in small pieces. Raises AnswerError where it is too long."""
    total = 0
    async with contextlib.aclosing(answer) as agent_events:
        async for agent_event in agent_events:
            if not isinstance(agent_event, TextDelta):
                yield agent_event
                continue
            text = agent_event.text
            total += len(text)
            if total > max_characters:
                raise AnswerError(
                    "agent_contract_violation",
                    f"the answer's text is longer than {max_characters} characters "
                    "(--max-answer-characters): nobody listens for so long; send less, or raise "
                    "the limit",
                )
            for start in range(0, len(text), _PIECE_CHARACTERS):
                yield TextDelta(text[start : start + _PIECE_CHARACTERS])
