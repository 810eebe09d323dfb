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
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from voicelive_agent.agent import PastTurn, Turn
from voicelive_agent.server.conversations import Conversation, StoreError, TurnRecord
from voicelive_agent.server.engine.agent_run import AgentRun
from voicelive_agent.server.engine.delivery import Delivery
from voicelive_agent.server.engine.events import (
    Delta,
    EngineEvent,
    Finished,
    SpeechDone,
    TurnRequest,
)
from voicelive_agent.server.engine.failures import FAILURES, describe_failure
from voicelive_agent.server.engine.outbox import Outbox
from voicelive_agent.server.engine.phrases import find_phrases
from voicelive_agent.server.platform.telemetry.spans import span_turn

if TYPE_CHECKING:
    from voicelive_agent.server.engine.engine import Engine

logger = logging.getLogger(__name__)

# Reasons that end a turn without a word: somebody else speaks now, or nobody listens.
_ABRUPT = frozenset({"superseded", "cancelled", "disconnected"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")


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
        self._outbox: Outbox[EngineEvent] = Outbox()
        self._delivery = Delivery(self._loop.time)
        self._consumed = asyncio.Event()
        self._reason = ""
        self._turn: Turn | None = None
        self._language = self._limits.language
        self._agent_run: AgentRun | None = None
        self._heard_before: TurnRecord | None = None

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
                self._delivery.take(batch)
                if spoken := self._outbox.exhausted:
                    batch.append(SpeechDone(self._delivery.text))
                yield batch
                self._delivery.confirm()
            self._consumed.set()
            while not self.settled.is_set():
                try:
                    await asyncio.wait_for(self.settled.wait(), heartbeat_seconds)
                except TimeoutError:
                    yield []
            if self._record.reason == "conversation_not_saved":
                yield [describe_failure("conversation_not_saved")]
            yield [Finished(self._record)]
        finally:
            if not self._consumed.is_set():
                self._lose_peer()

    def snapshot(self) -> TurnRecord:
        """The turn as it stands now."""
        if self.settled.is_set():
            return self._record
        return replace(self._record, reply=self._delivery.text)

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
        if self._agent_run is not None:
            self._agent_run.stop()

    def _lose_peer(self) -> None:
        self.stop("disconnected")
        if self._reason not in _ABRUPT and self._reason not in FAILURES:
            # The agent was through, but its last words did not arrive.
            self._reason = "disconnected"
        self._delivery.withdraw()

    # The turn itself

    async def _run(self) -> None:
        try:
            with span_turn(self.request) as span:
                try:
                    await self._run_through()
                except Exception:
                    self._break_off()
                span.end(self._record, self._delivery.first_delta_ms)
                self._log_end()
        except Exception:
            # What traces turns has failed.
            self._break_off()
        finally:
            self.settled.set()

    def _break_off(self) -> None:
        """A defect of ours: the stream must still end as every stream does."""
        logger.exception("turn broke off: invocation %s", self.request.invocation_id)
        if self._reason not in FAILURES:
            self._reason = "internal_error"
        self._record.status, self._record.reason = "failed", self._reason
        self._close_speech()

    async def _run_through(self) -> None:
        if self._previous is not None:
            await self._previous.settled.wait()
            self._previous = None
        conversation: Conversation | None = None
        try:
            conversation = await self._engine.store.begin(self._record)
        except StoreError as error:
            self._fail("conversation_unavailable", error)
        if conversation is not None:
            self._turn = self._brief_agent(conversation)
            if not self._reason:
                await self._run_agent(self._turn)
        self._close_speech()
        if self._reason not in _ABRUPT:
            await self._consumed.wait()
        await self._settle(conversation)

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
        self._agent_run = AgentRun(
            self._engine.agent,
            turn,
            self._limits,
            self._outbox,
            on_deadline=self.stop,
            on_end=self._end_agent,
        )
        await self._agent_run.finish()

    def _end_agent(self, outcome: str) -> None:
        self._reason = self._reason or outcome
        # At once, so that the end of the speech leaves with its last delta.
        self._close_speech()

    def _fail(self, code: str, error: Exception | None = None) -> None:
        if error is not None:
            logger.error(
                "%s: invocation %s", FAILURES[code], self.request.invocation_id, exc_info=error
            )
        if not self._reason:
            self._reason = code

    def _close_speech(self) -> None:
        """Say what the server itself has to say at the end of this turn."""
        if self._outbox.closed:
            return
        phrases = find_phrases(
            self._read_language(), apology=self._limits.apology, closing=self._limits.closing
        )
        failed = self._reason in FAILURES
        if failed or self._reason == "draining":
            sentence = phrases.apology if failed else phrases.closing
            needs_space = self._agent_run is not None and self._agent_run.needs_space
            self._outbox.put_nowait(Delta(f" {sentence}" if needs_space else sentence))
        if failed:
            self._outbox.put_nowait(describe_failure(self._reason))
        self._outbox.close()

    def _read_language(self) -> str:
        """The conversation's language: the one that the agent set, where that is one."""
        language: object = self._turn.language if self._turn is not None else self._language
        if isinstance(language, str) and _LANGUAGE.fullmatch(language):
            return language
        return self._language

    async def _settle(self, conversation: Conversation | None) -> None:
        record = self._record
        record.reply = self._delivery.text
        record.marks = self._delivery.marks
        record.reason = self._reason
        record.interrupted = self._reason in _ABRUPT or self._reason == "draining"
        record.ended_at = self._engine.now()
        if self._reason == "completed":
            record.status = "completed"
        else:
            record.status = "failed" if self._reason in FAILURES else "cancelled"
        if conversation is None:
            return
        turn = self._turn
        if turn is not None:
            language = self._read_language()
            conversation.language = language if language != self._limits.language else ""
            if self._is_json(turn):
                conversation.state, record.notes = turn.state, turn.notes
        try:
            await self._engine.store.settle(record, conversation, heard_before=self._heard_before)
        except StoreError as error:
            self._fail("conversation_not_saved", error)
            record.status, record.reason = "failed", "conversation_not_saved"

    def _is_json(self, turn: Turn) -> bool:
        try:
            _check_object(turn.state)
            _check_object(turn.notes)
        except (TypeError, ValueError, RecursionError):
            logger.exception(
                "the agent left something in state or notes that is no JSON, so neither was kept:"
                " invocation %s",
                self.request.invocation_id,
            )
            return False
        return True

    def _log_end(self) -> None:
        reason = self._record.reason
        logger.log(
            logging.WARNING if reason in FAILURES else logging.INFO,
            "turn %s (%s): invocation %s, first delta after %s ms, %d characters in %d ms",
            self._record.status,
            FAILURES.get(reason, reason),
            self.request.invocation_id,
            "-" if self._delivery.first_delta_ms is None else self._delivery.first_delta_ms,
            len(self._record.reply),
            self._delivery.elapsed_ms,
        )


def _check_object(value: object) -> None:
    """Raises TypeError, ValueError or RecursionError for what is no JSON object."""
    if not isinstance(value, dict):
        raise TypeError(f"a dict is needed, not {type(value).__name__}")
    if value:
        json.dumps(value, allow_nan=False)
