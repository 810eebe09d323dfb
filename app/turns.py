"""One running turn: the agent at one end, a wire at the other, and a record at the end.

How a turn ends, whatever happens behind it::

    agent ends ───────────▶ completed ─────────────┐
    raises, stalls, … ────▶ apology, agent.error ──┤
    SIGTERM, grace over ──▶ closing sentence ──────┼▶ SpeechDone ▶ record stored ▶ Finished
    newer turn, cancel ───▶ the rest is dropped ───┘
    peer gone ────────────▶ record stored with what was delivered, nothing more is sent
"""

import asyncio
import copy
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.agent import ClientEvent, EndCall, Output, PastTurn, Turn
from app.conversations import Conversation, StoreError, TurnRecord
from app.heard import SpeakingRate
from app.outbox import Outbox
from app.phrases import find_phrases
from app.platform.telemetry import span_turn
from app.speech import SpeakableText
from app.turn_events import (
    CallEnded,
    Delta,
    EngineEvent,
    Finished,
    Shown,
    SpeechDone,
    TurnRequest,
)
from app.watchdog import Watchdog

if TYPE_CHECKING:
    from app.engine import Engine

logger = logging.getLogger(__name__)

# A mark is made at most this often; between two, speech is assumed to flow evenly.
_MARK_MS = 40
# How long a stopped agent may clean up before the turn goes on without it.
_CLEANUP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """What one turn may take, and how its server speaks. Times in seconds."""

    first_delta_seconds: float = 10.0
    idle_seconds: float = 15.0
    total_seconds: float = 120.0
    closing_seconds: float = 3.0
    max_active_turns: int = 2000
    speakable: bool = True
    """Whether Markdown and the like are made speakable (``app.speech``)."""
    language: str = "en-US"
    apology: str = ""
    closing: str = ""
    speaking_rate: SpeakingRate = field(default_factory=SpeakingRate)


# Codes of a failed turn and what the log says of them; a caller hears an apology only.
_FAILURES = {
    "agent_failed": "the agent raised",
    "agent_no_output": "the agent yielded nothing",
    "agent_wrong_type": "the agent yielded something that is no text, ClientEvent or EndCall",
    "first_delta_timeout": "the agent said nothing before the first-delta deadline",
    "idle_timeout": "the agent said nothing more before the idle deadline",
    "turn_timeout": "the turn took longer than its total deadline",
    "conversation_unavailable": "the conversation store could not be read",
    "conversation_not_saved": "the conversation store could not be written",
    "internal_error": "the server itself failed",
}
# Reasons that end a turn without a word: somebody else speaks now, or nobody listens.
_ABRUPT = frozenset({"superseded", "cancelled", "disconnected"})


class _WrongOutputError(TypeError):
    """The agent yielded something that can't be sent."""


class RunningTurn:
    """A turn in progress. ``settled`` is set once its record is stored."""

    task: asyncio.Task[None]

    def __init__(
        self, engine: "Engine", request: TurnRequest, previous: "RunningTurn | None"
    ) -> None:
        self.request = request
        self.settled = asyncio.Event()
        self._engine = engine
        self._limits = engine.limits
        self._previous = previous
        self._record = TurnRecord(
            invocation_id=request.invocation_id,
            key=request.key,
            kind=request.kind,
            text=request.text,
            action=request.action,
            started_at=engine.now(),
        )
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._outbox: Outbox[EngineEvent] = Outbox()
        self._consumed = asyncio.Event()
        self._reason = ""
        self._language = self._limits.language
        self._agent_task: asyncio.Task[None] | None = None
        self._agent_ended = asyncio.Event()
        self._heard_before: TurnRecord | None = None
        self._spoken_end = ""
        self._deltas: list[str] = []
        self._confirmed_deltas = 0
        self._characters = 0
        self._first_delta_ms: int | None = None

    def start(self, on_end: Callable[["RunningTurn"], None]) -> asyncio.Task[None]:
        self.task = self._loop.create_task(self._run())
        self.task.add_done_callback(lambda _: on_end(self))
        return self.task

    # For a wire

    async def events(
        self, heartbeat_seconds: float | None = None
    ) -> AsyncGenerator[list[EngineEvent], None]:
        """What to send, in batches; an empty batch after each ``heartbeat_seconds`` of quiet.

        Ends with SpeechDone and Finished. A consumer that stops early (its peer has gone) closes
        the generator: the agent is cancelled at once, and what was taken before the last batch
        counts as delivered.
        """
        try:
            spoken = False
            while not spoken:
                batch = await self._outbox.take(heartbeat_seconds)
                if batch is None:
                    batch = []
                self._take(batch)
                if spoken := self._outbox.exhausted:
                    batch.append(SpeechDone("".join(self._deltas)))
                yield batch
                self._confirmed_deltas = len(self._deltas)
            self._consumed.set()
            while not self.settled.is_set():
                try:
                    await asyncio.wait_for(self.settled.wait(), heartbeat_seconds)
                except TimeoutError:
                    yield []
            if self._record.reason == "conversation_not_saved":
                yield [_describe_failure("conversation_not_saved")]
            yield [Finished(self._record)]
        finally:
            if not self._consumed.is_set():
                self._lose_peer()

    def snapshot(self) -> TurnRecord:
        """The turn as it stands now."""
        if self.settled.is_set():
            return self._record
        return replace(self._record, reply="".join(self._deltas))

    # For the engine

    def stop(self, reason: str) -> None:
        """End the turn now, unless all of it has been sent or it is ending like this already."""
        if self._consumed.is_set() or self._reason in _ABRUPT:
            return
        if reason in _ABRUPT:
            if not (self._reason and self._outbox.empty):
                self._reason = reason
            self._outbox.close(discard=True)
            self._consumed.set()
        elif not self._reason:
            self._reason = reason
        if self._agent_task is not None:
            self._agent_task.cancel()
            self._loop.call_later(_CLEANUP_SECONDS, self._leave_agent_behind)

    def _lose_peer(self) -> None:
        self.stop("disconnected")
        if self._reason not in _ABRUPT and self._reason not in _FAILURES:
            # The agent was through, but its last words did not arrive.
            self._reason = "disconnected"
        del self._deltas[self._confirmed_deltas :]

    def _leave_agent_behind(self) -> None:
        if not self._agent_ended.is_set():
            logger.error(
                "agent ignored its cancellation for %.0f s and was left behind: invocation %s",
                _CLEANUP_SECONDS,
                self.request.invocation_id,
            )
            self._agent_ended.set()

    def _take(self, batch: list[EngineEvent]) -> None:
        texts = [event.text for event in batch if isinstance(event, Delta)]
        if not texts:
            return
        self._deltas += texts
        self._characters += sum(map(len, texts))
        ms = int(1000 * (self._loop.time() - self._started))
        if self._first_delta_ms is None:
            self._first_delta_ms = ms
        marks = self._record.marks
        if marks and ms - marks[-1][0] < _MARK_MS:
            marks[-1] = (marks[-1][0], self._characters)
        else:
            marks.append((ms, self._characters))

    # The turn itself

    async def _run(self) -> None:
        try:
            await self._run_through()
        except Exception:
            # A defect of ours: the stream must still end as every stream does.
            logger.exception("turn broke off: invocation %s", self.request.invocation_id)
            self._reason = self._reason or "internal_error"
            self._record.status, self._record.reason = "failed", self._reason
            self._close_speech()
            self._log_end()
        finally:
            self.settled.set()

    async def _run_through(self) -> None:
        with span_turn(self.request) as span:
            if self._previous is not None:
                await self._previous.settled.wait()
                self._previous = None
            conversation: Conversation | None = None
            turn: Turn | None = None
            try:
                conversation = await self._engine.store.begin(self._record)
            except StoreError as error:
                self._fail("conversation_unavailable", error)
            if conversation is not None:
                turn = self._brief_agent(conversation)
                if not self._reason:
                    await self._run_agent(turn)
            self._close_speech()
            if self._reason not in _ABRUPT:
                await self._consumed.wait()
            await self._settle(conversation, turn)
            span.end(self._record, self._first_delta_ms)
            self._log_end()

    def _brief_agent(self, conversation: Conversation) -> Turn:
        self._heard_before = (
            self._engine.note_heard(conversation.turns[-1], self._record)
            if conversation.turns
            else None
        )
        self._language = conversation.language or self._language
        request = self.request
        return Turn(
            kind=request.kind,
            text=request.text,
            action=request.action,
            history=tuple(
                PastTurn(
                    kind=past.kind,
                    text=past.text,
                    action=past.action,
                    reply=past.reply if past.heard is None else past.heard,
                    interrupted=past.interrupted,
                    notes=past.notes,
                )
                for past in conversation.turns
            ),
            state=copy.deepcopy(conversation.state),
            language=self._language,
            session_id=request.key.session_id,
            user_id=request.key.user_id,
            invocation_id=request.invocation_id,
            call_id=request.call_id,
        )

    async def _run_agent(self, turn: Turn) -> None:
        watchdog = Watchdog(self.stop)
        watchdog.expect("first_delta_timeout", self._limits.first_delta_seconds)
        total = self._loop.call_later(self._limits.total_seconds, self.stop, "turn_timeout")
        task = self._agent_task = self._loop.create_task(self._converse(turn, watchdog))
        task.add_done_callback(lambda _: self._agent_ended.set())
        try:
            await self._agent_ended.wait()
        finally:
            total.cancel()
            watchdog.close()
            self._agent_task = None
        if task.done() and not task.cancelled() and not self._reason:
            self._reason = "completed"

    async def _converse(self, turn: Turn, watchdog: Watchdog) -> None:
        """Iterate the agent; ends the turn's reason to end, where it is the agent's."""
        output: AsyncIterator[Output] | None = None
        produced = False
        try:
            speech = SpeakableText() if self._limits.speakable else None
            output = self._engine.agent.reply(turn)
            async for item in output:
                if self._reason:
                    break
                event = _read_output(item)
                if isinstance(event, Delta):
                    produced = produced or event.text != ""
                    self._speak(speech.feed(event.text) if speech else event.text)
                else:
                    produced = True
                    self._outbox.put_nowait(event)
                    if isinstance(event, CallEnded):
                        break
                if self._spoken_end:
                    watchdog.expect("idle_timeout", self._limits.idle_seconds)
                if self._outbox.full:
                    watchdog.clear()
                    await self._outbox.wait_for_room()
                    watchdog.expect("idle_timeout", self._limits.idle_seconds)
            if not self._reason:
                if speech:
                    self._speak(speech.finish())
                if not produced:
                    self._fail("agent_no_output")
        except _WrongOutputError as error:
            self._fail("agent_wrong_type", error)
        except Exception as error:
            self._fail("agent_failed", error)
        finally:
            close = getattr(output, "aclose", None)
            if close is not None:
                try:
                    await close()
                except Exception:
                    logger.exception(
                        "agent failed while cleaning up: invocation %s", self.request.invocation_id
                    )

    def _speak(self, text: str) -> None:
        if text:
            self._spoken_end = text[-1]
            self._outbox.put_nowait(Delta(text))

    def _fail(self, code: str, error: Exception | None = None) -> None:
        if error is not None:
            logger.error(
                "%s: invocation %s", _FAILURES[code], self.request.invocation_id, exc_info=error
            )
        if not self._reason:
            self._reason = code

    def _close_speech(self) -> None:
        """Say what the server itself has to say at the end of this turn."""
        phrases = find_phrases(
            self._language, apology=self._limits.apology, closing=self._limits.closing
        )
        failed = self._reason in _FAILURES
        if failed or self._reason == "draining":
            sentence = phrases.apology if failed else phrases.closing
            space = " " if self._spoken_end and not self._spoken_end.isspace() else ""
            self._speak(space + sentence)
        if failed:
            self._outbox.put_nowait(_describe_failure(self._reason))
        self._outbox.close()

    async def _settle(self, conversation: Conversation | None, turn: Turn | None) -> None:
        record = self._record
        record.reply = "".join(self._deltas)
        record.marks = [(ms, min(characters, len(record.reply))) for ms, characters in record.marks]
        record.reason = self._reason
        record.interrupted = self._reason in _ABRUPT or self._reason == "draining"
        record.ended_at = self._engine.now()
        if self._reason == "completed":
            record.status = "completed"
        else:
            record.status = "failed" if self._reason in _FAILURES else "cancelled"
        if conversation is None:
            return
        if turn is not None and self._is_json(turn):
            conversation.state, record.notes = turn.state, turn.notes
            conversation.language = turn.language if turn.language != self._limits.language else ""
        try:
            await self._engine.store.settle(record, conversation, heard_before=self._heard_before)
        except StoreError as error:
            self._fail("conversation_not_saved", error)
            record.status, record.reason = "failed", "conversation_not_saved"

    def _is_json(self, turn: Turn) -> bool:
        try:
            json.dumps([turn.state, turn.notes], allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            logger.exception(
                "the agent left something in state or notes that is no JSON, so neither was kept:"
                " invocation %s",
                self.request.invocation_id,
            )
            return False
        return isinstance(turn.state, dict) and isinstance(turn.notes, dict)

    def _log_end(self) -> None:
        reason = self._record.reason
        logger.log(
            logging.WARNING if reason in _FAILURES else logging.INFO,
            "turn %s (%s): invocation %s, first delta after %s ms, %d characters in %d ms",
            self._record.status,
            _FAILURES.get(reason, reason),
            self.request.invocation_id,
            "-" if self._first_delta_ms is None else self._first_delta_ms,
            len(self._record.reply),
            int(1000 * (self._loop.time() - self._started)),
        )


def _read_output(item: object) -> EngineEvent:
    """What the agent yielded, as an event. Raises _WrongOutputError."""
    if isinstance(item, str):
        return Delta(item)
    if isinstance(item, ClientEvent):
        try:
            json.dumps(item.payload, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise _WrongOutputError(f"{item!r} holds something that is no JSON") from error
        return Shown(item.payload)
    if isinstance(item, EndCall):
        return CallEnded(item.reason)
    raise _WrongOutputError(
        f"an agent yields str, ClientEvent or EndCall, not {type(item).__name__}"
    )


def _describe_failure(code: str) -> Shown:
    """The client event of a failure: a code and a sentence, nothing of what is inside."""
    return Shown(
        {"type": "agent.error", "error": {"code": code, "message": f"This turn failed: {code}."}}
    )
