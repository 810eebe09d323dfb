"""The agent's part in a turn: iterates over it, watches its deadlines, survives what it does."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import NoReturn

from voicelive_agent.agent import Agent, ClientEvent, EndCall, Output, Turn, VoiceChange
from voicelive_agent.diagnostics import (
    ExplainedError,
    Place,
    WrongOutputError,
    find_definition,
    find_waiting,
    wrong_output,
)
from voicelive_agent.frameworks.model_stops import ModelStoppedError, find_stop
from voicelive_agent.server.conversations.records import count_bytes
from voicelive_agent.server.engine.agent_tasks import enter_agent
from voicelive_agent.server.engine.deadline import Watchdog
from voicelive_agent.server.engine.ending import Ending, read_ending
from voicelive_agent.server.engine.events import (
    CallEnded,
    EngineEvent,
    Shown,
    TurnLimits,
    VoiceChanged,
)
from voicelive_agent.server.engine.latch import Latch
from voicelive_agent.server.engine.outbox import Outbox
from voicelive_agent.server.engine.pacing import Pacing
from voicelive_agent.server.speakable import SpeakableText, find_forms
from voicelive_agent.wire.invocations import SPOKEN_EVENT_TYPES

logger = logging.getLogger(__name__)

# How long a stopped agent may clean up before the turn goes on without it.
_CLEANUP_SECONDS = 1.0
# An agent that never waits for anything lets others run after so many outputs, and after so much
# of one: to make 4,096 letters speakable takes milliseconds.
_OUTPUTS_IN_A_ROW = 64
_SLICE_CHARACTERS = 4_096

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class _AnswerTooLargeError(ExplainedError):
    """The agent yielded more than an answer may have."""


class AgentRun:
    """Puts what the agent yields into ``outbox``.

    ``on_deadline`` is called where a deadline has passed, and is expected to ``stop`` the run.
    ``on_end`` is called once, in the same step of the event loop in which the agent has ended;
    with None where it was stopped.
    """

    def __init__(
        self,
        agent: Agent,
        turn: Turn,
        limits: TurnLimits,
        outbox: Outbox[EngineEvent],
        *,
        on_deadline: Callable[[Ending], None],
        on_end: Callable[[Ending | None], None],
        pacing: Pacing,
    ) -> None:
        self._agent = agent
        self._turn = turn
        self._limits = limits
        self._outbox = outbox
        self._on_deadline = on_deadline
        self._on_end = on_end
        self._pacing = pacing
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._over = Latch()
        self._watchdog = Watchdog(self._expire)
        self._speech = (
            SpeakableText(find_forms(limits.language), starts_in_thought=limits.starts_in_thought)
            if limits.speakable
            else None
        )
        self._last_spoken = ""
        self._output: AsyncIterator[Output] | None = None
        self.failure: BaseException | None = None
        """Why the agent has failed, where it has."""
        self._wrote = self._spoke = self._showed = False
        self._bytes_left = limits.answer_bytes

    @property
    def needs_space(self) -> bool:
        """Whether what was spoken so far needs a space before more can follow."""
        return self._last_spoken != "" and not self._last_spoken[-1].isspace()

    def start(self) -> None:
        self._watchdog.expect(Ending.FIRST_DELTA_TIMEOUT, self._limits.first_delta_seconds)
        self._watchdog.limit(Ending.TURN_TIMEOUT, self._limits.total_seconds)
        self._task = self._loop.create_task(self._iterate())
        self._task.add_done_callback(self._note_end_of_task)

    async def wait(self) -> None:
        """Return once the agent has ended, or was stopped and did not end in time."""
        await self._over.wait()

    def stop(self) -> None:
        """Cancel the agent; one that doesn't end soon is left behind."""
        self._stopped = True
        if self._task is not None and not self._over.is_set():
            self._task.cancel()
            self._loop.call_later(_CLEANUP_SECONDS, self._leave_behind)

    def _expire(self, ending: Ending) -> None:
        place = find_waiting(self._output) or self._find_definition()
        self._log_failure(ending, _describe_missed(ending, self._limits, place))
        self._on_deadline(ending)

    def _leave_behind(self) -> None:
        if not self._over.is_set():
            logger.error(
                "agent ignored its cancellation for %.0f s and was left behind: invocation %s",
                _CLEANUP_SECONDS,
                self._turn.invocation_id,
            )
            self._end(None)

    def _note_end_of_task(self, task: asyncio.Task[None]) -> None:
        # Retrieved, so that asyncio does not complain of it.
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.debug("agent's task ended with %s", type(error).__name__)
        # One that was cancelled before its first step has not run any of its own code.
        self._end(None)

    def _end(self, ending: Ending | None) -> None:
        if not self._over.is_set():
            self._over.set()
            self._watchdog.close()
            self._on_end(None if self._stopped else ending or Ending.AGENT_FAILED)

    async def _iterate(self) -> None:
        enter_agent()
        output: AsyncIterator[Output] | None = None
        ending: Ending | None = Ending.AGENT_FAILED
        try:
            output = self._output = self._agent.reply(self._turn)
            ending = await self._pass_on(output)
        except GeneratorExit as error:
            # The loop is closing this coroutine, so nothing can be awaited any more.
            self._log_failure(Ending.AGENT_FAILED, error)
            raise
        except WrongOutputError as error:
            ending = Ending.AGENT_WRONG_TYPE
            error.place = error.place or find_waiting(output) or self._find_definition()
            self._log_failure(ending, error)
        except _AnswerTooLargeError as error:
            ending = Ending.ANSWER_TOO_LARGE
            error.place = find_waiting(output) or self._find_definition()
            self._log_failure(ending, error)
        except BaseException as error:
            # Also what would otherwise end the server (SystemExit) or look like a cancellation.
            ending = _name_failure(error)
            if not self._stopped or isinstance(error, Exception):
                self._log_failure(ending, error)
        if ending is Ending.AGENT_NO_OUTPUT:
            self._log_failure(ending, self._describe_nothing())
        await self._close(output)
        self._end(ending)

    async def _pass_on(self, output: AsyncIterator[Output]) -> Ending | None:
        # Most outputs are a few letters, so what is done for each of them is kept short.
        outbox, watchdog, now = self._outbox, self._watchdog, self._loop.time
        count = 0
        has_begun = False
        async for item in output:
            if self._stopped:
                return None
            if type(item) is str and len(item) <= _SLICE_CHARACTERS:
                self._speak(item)
            elif isinstance(item, str):
                # What is more than a str, such as an enum's member, is none in slices.
                await self._speak_slices(item)
            else:
                event, size = _read_event(item)
                self._showed = True
                self._bytes_left -= size
                if self._bytes_left < 0:
                    self._refuse()
                outbox.put_nowait(event, size)
                if isinstance(event, CallEnded):
                    break
            if has_begun:
                watchdog.seen_at = now()
            elif self._last_spoken:
                has_begun = True
                watchdog.expect(Ending.IDLE_TIMEOUT, self._limits.idle_seconds)
                await self._pacing.give_way()
            if outbox.full:
                await self._wait_for_room()
            count += 1
            if count % _OUTPUTS_IN_A_ROW == 0:
                await asyncio.sleep(0)
        if self._stopped:
            return None
        if self._speech and (rest := self._speech.finish()):
            self._put_speech(rest, count_bytes(rest))
        self._log_advice()
        # Only events are an answer to an action; text that can't be spoken is none to anything.
        # A silence may go on.
        wordless = self._showed or self._turn.kind == "no_input"
        answered = self._spoke or (wordless and not self._wrote)
        return Ending.COMPLETED if answered else Ending.AGENT_NO_OUTPUT

    def _log_advice(self) -> None:
        advice = self._speech.advice if self._speech else ""
        if self._wrote and not self._spoke and not advice:
            advice = "its text held nothing that can be spoken"
        if advice:
            logger.warning("agent: %s: invocation %s", advice, self._turn.invocation_id)

    def _speak(self, text: str) -> None:
        size = count_bytes(text)
        self._bytes_left -= size
        if self._bytes_left < 0:
            self._refuse()
        if not self._wrote:
            self._wrote = not (text == "" or text.isspace())
        if spoken := self._speech.feed(text) if self._speech else text:
            self._put_speech(spoken, size)

    def _put_speech(self, text: str, size: int) -> None:
        if not self._spoke:
            self._spoke = not text.isspace()
        self._last_spoken = text
        self._outbox.put_nowait(text, size)

    async def _speak_slices(self, text: str) -> None:
        for start in range(0, len(text), _SLICE_CHARACTERS):
            if self._stopped:
                return
            self._speak(text[start : start + _SLICE_CHARACTERS])
            if self._outbox.full:
                await self._wait_for_room()
            await asyncio.sleep(0)

    async def _wait_for_room(self) -> None:
        """A slow caller is not the agent's fault."""
        self._watchdog.clear()
        await self._outbox.wait_for_room()
        self._watchdog.expect(Ending.IDLE_TIMEOUT, self._limits.idle_seconds)

    def _refuse(self) -> NoReturn:
        raise _AnswerTooLargeError(
            f"an answer has at most {self._limits.answer_bytes} bytes, client events too",
            step="Yield less, or allow more: --max-answer-bytes (VOICELIVE_MAX_ANSWER_BYTES).",
        )

    async def _close(self, output: AsyncIterator[Output] | None) -> None:
        close = getattr(output, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except GeneratorExit:
            raise
        except BaseException as error:
            if not self._stopped or isinstance(error, Exception):
                logger.exception(
                    "agent failed while cleaning up: invocation %s", self._turn.invocation_id
                )

    def _describe_nothing(self) -> ExplainedError:
        return ExplainedError(
            "the agent said nothing and showed nothing",
            place=self._find_definition(),
            step="Yield or return text on each path of the function.",
        )

    def _find_definition(self) -> Place | None:
        return find_definition(self._agent.reply)

    def _log_failure(self, ending: Ending, error: BaseException) -> None:
        self.failure = error
        if isinstance(error, ModelStoppedError):
            # The model's own doing: a place in the code explains nothing.
            logger.warning("%s: invocation %s", error, self._turn.invocation_id)
            return
        logger.error(
            "%s: invocation %s", ending.explanation, self._turn.invocation_id, exc_info=error
        )


def _name_failure(error: BaseException) -> Ending:
    stop = find_stop(error)
    return Ending.AGENT_FAILED if stop is None else read_ending(stop)


def _describe_missed(ending: Ending, limits: TurnLimits, place: Place | None) -> ExplainedError:
    """Where the agent waits, and how it gets more time."""
    said, seconds, option = {
        Ending.FIRST_DELTA_TIMEOUT: ("said nothing", limits.first_delta_seconds, "first-delta"),
        Ending.IDLE_TIMEOUT: ("said nothing more", limits.idle_seconds, "idle"),
        Ending.TURN_TIMEOUT: ("was not through", limits.total_seconds, "turn"),
    }[ending]
    # Where no code of the author's waits, a library does for a service.
    first = "Yield a few words earlier" if place else "Check that the model or service answers"
    variable = f"VOICELIVE_{option.upper().replace('-', '_')}_TIMEOUT_SECONDS"
    return ExplainedError(
        f"the agent {said} within {seconds:g} s",
        place=place,
        step=f"{first}, or allow more: --{option}-timeout-seconds ({variable}).",
    )


def _read_event(item: object) -> tuple[EngineEvent, int]:
    """What the agent yielded besides text, as an event of so many bytes.

    It is encoded here: an author may go on to change what was yielded.
    Raises WrongOutputError.
    """
    if isinstance(item, ClientEvent):
        text = _encode_payload(item)
        return Shown(text), count_bytes(text)
    if isinstance(item, VoiceChange):
        return VoiceChanged(item.patch), count_bytes(repr(item))
    if isinstance(item, EndCall) and isinstance(item.reason, str):
        return CallEnded(item.reason), count_bytes(item.reason)
    raise wrong_output("yielded", item)


def _encode_payload(event: ClientEvent) -> str:
    payload: object = event.payload
    kind = payload.get("type") if isinstance(payload, dict) else None
    if not isinstance(kind, str) or not kind or kind in SPOKEN_EVENT_TYPES:
        raise WrongOutputError(
            "the payload of a client event was made something else",
            step="Leave ClientEvent.payload an object with its own type.",
        )
    try:
        return _encode_json(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise WrongOutputError(
            "a client event holds something that is no JSON",
            because=error,
            step="Keep only str, int, float, bool, None, lists and dicts in it.",
        ) from error
