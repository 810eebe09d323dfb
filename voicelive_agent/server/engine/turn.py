"""One running turn: the agent at one end, a wire at the other, and a record at the end.

How a turn ends, whatever happens behind it::

    agent ends ───────────▶ completed ─────────────┐
    raises, stalls, … ────▶ apology, Failed ───────┤
    SIGTERM, grace over ──▶ closing sentence ──────┼▶ SpeechDone ▶ record stored ▶ Finished
    newer turn, cancel ───▶ the rest is dropped ───┘
    peer gone ────────────▶ record stored with what was delivered, nothing more is sent

Three things come after one another, however it ends: its words are all there (the outbox is
closed), they are delivered (or nobody waits for them), and the turn is settled.
"""

import asyncio
import copy
import json
import logging
from collections.abc import Callable
from dataclasses import replace

from voicelive_agent.agent import Agent, Turn
from voicelive_agent.diagnostics import ExplainedError, diagnose, find_definition, is_local
from voicelive_agent.server.conversations import (
    Conversation,
    ConversationStore,
    StoreError,
    TurnExistsError,
    TurnRecord,
)
from voicelive_agent.server.engine.agent_run import AgentRun
from voicelive_agent.server.engine.ending import Ending, find_ending, find_phrases
from voicelive_agent.server.engine.events import (
    CallEnded,
    EngineEvent,
    Failed,
    Finished,
    Shown,
    SpeechDone,
    TurnLimits,
    TurnRequest,
)
from voicelive_agent.server.engine.latch import Latch
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.engine.outbox import Delivery, Outbox
from voicelive_agent.server.engine.pacing import Pacing
from voicelive_agent.server.engine.past.amendments import Amendments
from voicelive_agent.server.engine.past.heard import note_heard, note_known
from voicelive_agent.server.engine.past.line import choose_line, recall, recall_told
from voicelive_agent.server.engine.past.repeat import IdReusedError, StoredTurn, check_same
from voicelive_agent.server.platform.telemetry.spans import TurnSpan
from voicelive_agent.wire.language import is_language_tag

logger = logging.getLogger(__name__)

# How often a turn that repeats another replica's looks whether its own caller is still there.
_LOOK_SECONDS = 0.2


class RunningTurn:
    """A turn in progress. ``settled`` is set once its record is stored.

    ``now`` gives Unix seconds. ``previous`` is the turn of the same conversation that this one
    supersedes; it is waited for, and so are the ``amendments`` of the conversation.
    ``on_store`` is told False where the store could not begin the turn, True once it has kept it.
    """

    task: asyncio.Task[None]

    def __init__(
        self,
        request: TurnRequest,
        previous: "RunningTurn | None",
        *,
        agent: Agent,
        store: ConversationStore,
        limits: TurnLimits,
        now: Callable[[], float],
        on_store: Callable[[bool], None],
        amendments: Amendments,
        pacing: Pacing,
    ) -> None:
        self.request = request
        self.settled = Latch()
        self._previous = previous
        self._agent = agent
        self._store = store
        self._limits = limits
        self._now = now
        self._on_store = on_store
        self._amendments = amendments
        self._pacing = pacing
        self._record = TurnRecord(
            invocation_id=request.invocation_id,
            key=request.key,
            kind=request.kind,
            text=request.text,
            action=request.action,
            told=list(request.told),
            follows=request.follows,
            request=request.request,
            started_at=now(),
            untried=True,
        )
        self._loop = asyncio.get_running_loop()
        self.outbox: Outbox[EngineEvent] = Outbox()
        self.delivery = Delivery(self._loop.time)
        self._delivered = Latch()
        self._listeners = 0
        self._ending: Ending | None = None
        self._turn: Turn | None = None
        self._language = limits.language
        self._agent_run: AgentRun | None = None
        self._heard: str | None = None
        self._heard_before: TurnRecord | None = None
        self._failure: BaseException | None = None

    def start(self) -> asyncio.Task[None]:
        self.task = self._loop.create_task(self._run())
        return self.task

    # For a wire

    def listen(self) -> "Listener":
        """Follow the turn from its beginning; several may."""
        self._listeners += 1
        return Listener(self, self.outbox.read())

    def end_delivery(self) -> None:
        """A listener has been sent all that is spoken."""
        self._delivered.set()

    def lose_listener(self) -> None:
        """The peer of a listener has gone; with the last one, the agent is cancelled at once."""
        self._listeners -= 1
        if self._listeners or self._delivered.is_set():
            return
        self.stop(Ending.DISCONNECTED)
        if self._ending is None or not self._ending.failed:
            # The agent may have been through, but its last words did not arrive.
            self._ending = Ending.DISCONNECTED
        self.outbox.drop(self.delivery.withdraw())

    def last_events(self) -> list[EngineEvent]:
        """What follows the end of the speech, once the turn is settled."""
        if self._ending is Ending.CONVERSATION_NOT_SAVED:
            return [Failed(self._ending, self._tell_why()), Finished(self._record)]
        return [Finished(self._record)]

    @property
    def is_cut(self) -> bool:
        """Whether it ended, or is ending, without its last words."""
        return self._ending is not None and self._ending.is_abrupt

    def cut(self, heard: str) -> bool:
        """Stop: the caller interrupted, and the wire knows that they heard ``heard`` of it.

        False where the turn has ended already (``Engine.note_heard``).
        """
        if self._record.status != "running":
            return False
        self._heard = heard
        self.stop(Ending.CANCELLED)
        return True

    def snapshot(self) -> TurnRecord:
        """The turn as it stands now."""
        if self.settled.is_set():
            return self._record
        return replace(self._record, reply=self.delivery.text)

    # For the engine

    def stop(self, ending: Ending) -> None:
        """End the turn now, unless all of it has been sent or it is ending abruptly already."""
        if self._delivered.is_set():
            return
        if ending.is_abrupt:
            # What was said to its end, and taken by the wire, has ended as it did.
            if self._ending is None or not self.outbox.empty:
                self._ending = ending
            self.outbox.close(discard=True)
            self._delivered.set()
        elif self._ending is None:
            self._ending = ending
        if self._agent_run is not None:
            self._agent_run.stop()

    # The turn itself

    async def _run(self) -> None:
        try:
            with TurnSpan(self.request) as span:
                try:
                    await self._run_through()
                except Exception as error:
                    self._break_off(error)
                span.end(self._record, self.delivery.first_delta_ms)
                self._log_end()
        except Exception as error:
            # What traces turns has failed.
            self._break_off(error)
        finally:
            self.settled.set()

    def _break_off(self, error: Exception) -> None:
        """A defect of ours: the stream must still end as every stream does."""
        self._failure = error
        logger.exception("turn broke off: invocation %s", self.request.invocation_id)
        if self._ending is None or not self._ending.failed:
            self._ending = Ending.INTERNAL_ERROR
        self._note_ending(self._ending)
        self._close_speech()

    async def _run_through(self) -> None:
        if self._previous is not None:
            await self._previous.settled.wait()
            self._previous = None
        await self._amendments.wait(self.request.key)
        conversation: Conversation | None = None
        try:
            conversation = await self._open_conversation()
        except TurnExistsError as error:
            await self._repeat(error.record)
        except StoreError as error:
            self._fail(Ending.CONVERSATION_UNAVAILABLE, error)
            self._on_store(False)
        if conversation is not None:
            self._turn = self._brief_agent(conversation)
            if self._ending is None:
                self._record.untried = False
                await self._run_agent(self._turn)
        self._close_speech()
        await self._delivered.wait()
        await self._settle(conversation)

    async def _open_conversation(self) -> Conversation:
        request = self.request
        if request.kept:
            return await self._store.begin(self._record, is_new=not request.named_session)
        return Conversation() if request.opens else await self._store.read(request.key)

    async def _repeat(self, earlier: TurnRecord) -> None:
        """Another replica was asked the same at the same time, and was first."""
        try:
            check_same(earlier, self.request)
        except IdReusedError as error:
            self._fail(Ending.ID_REUSED, error)
            return
        stored = StoredTurn(earlier, self._store, self._limits)
        async for batch in stored.events(_LOOK_SECONDS):
            for event in batch:
                if not isinstance(event, SpeechDone | Finished):
                    self.outbox.put_nowait(event)
            if self.outbox.closed:
                return
        self._ending = find_ending(stored.record.reason)
        self.outbox.close()

    def _brief_agent(self, conversation: Conversation) -> Turn:
        line = choose_line(conversation.turns, self.request.follows)
        if line and line[-1] is conversation.turns[-1]:
            self._heard_before = self._note_heard(line[-1])
        self._language = conversation.language or self._language
        request = self.request
        return Turn(
            kind=request.kind,
            text=request.text,
            action=request.action,
            history=(*recall(line, conversation.past), *recall_told(request.told)),
            state=copy.deepcopy(conversation.state) if conversation.state else {},
            language=self._language,
            session_id=request.key.session_id,
            user_id=request.key.user_id,
            invocation_id=request.invocation_id,
            call_id=request.call_id,
            heard_is_known=request.heard_is_known,
            no_input_count=request.no_input_count,
        )

    def _note_heard(self, before: TurnRecord) -> TurnRecord | None:
        """What this turn shows of the one before it; None where that is nothing new."""
        request = self.request
        if request.typed or request.heard_is_known:
            return None
        return note_heard(self._limits.speaking_rate, before, self._record)

    async def _run_agent(self, turn: Turn) -> None:
        self._agent_run = AgentRun(
            self._agent,
            turn,
            self._limits,
            self.outbox,
            on_deadline=self.stop,
            on_end=self._end_agent,
            pacing=self._pacing,
        )
        self._agent_run.start()
        # That comes after the agent's end, mostly: one step of the event loop instead of two.
        await self._delivered.wait()
        await self._agent_run.wait()
        # Each knows the other: kept, they and all that was said would wait for the collector.
        self._failure = self._failure or self._agent_run.failure
        self._agent_run = None

    def _end_agent(self, ending: Ending | None) -> None:
        self._ending = self._ending or ending
        # At once, so that the end of the speech leaves with its last delta.
        self._close_speech()

    def _fail(self, ending: Ending, error: Exception) -> None:
        logger.error(
            "%s: invocation %s", ending.explanation, self.request.invocation_id, exc_info=error
        )
        self._failure = error
        if self._ending is None:
            self._ending = ending

    def _tell_why(self) -> str:
        failure = self._failure
        if failure is None and self._agent_run is not None:
            failure = self._agent_run.failure
        if failure is None or not (self._limits.tell_why and is_local()):
            return ""
        return diagnose(failure).sentence

    def _close_speech(self) -> None:
        """Say what the server itself has to say at the end of this turn."""
        if self.outbox.closed:
            return
        ending = self._ending or Ending.INTERNAL_ERROR
        if sentence := self._find_sentence(ending):
            needs_space = self._agent_run is not None and self._agent_run.needs_space
            self.outbox.put_nowait(f" {sentence}" if needs_space else sentence)
        if ending.failed:
            self.outbox.put_nowait(Failed(ending, self._tell_why()))
        self.outbox.close()

    def _find_sentence(self, ending: Ending) -> str:
        if ending is Ending.COMPLETED:
            return ""
        limits = self._limits
        phrases = find_phrases(
            self._read_language(), apology=limits.apology, closing=limits.closing
        )
        return ending.find_sentence(phrases)

    def _read_language(self) -> str:
        """The conversation's language: the one that the agent set, where that is one."""
        language: object = self._turn.language if self._turn is not None else self._language
        if isinstance(language, str) and is_language_tag(language.replace("_", "-")):
            return language
        return self._language

    async def _settle(self, conversation: Conversation | None) -> None:
        record = self._record
        record.reply = self.delivery.text
        record.events = [(at, _encode_event(event)) for at, event in self.delivery.events]
        if not (self.request.typed or self.request.heard_is_known):
            record.marks = self.delivery.marks
        record.ended_at = self._now()
        ending = self._ending or Ending.INTERNAL_ERROR
        record.interrupted = ending.interrupts
        if self._heard is not None:
            note_known(record, self._heard)
        self._note_ending(ending)
        if conversation is None or not self.request.kept:
            return
        turn = self._turn
        if turn is not None:
            language = self._read_language()
            conversation.language = language if language != self._limits.language else ""
            if self._is_json(turn):
                conversation.state, record.notes = turn.state, turn.notes
        try:
            await self._store.settle(record, conversation, heard_before=self._heard_before)
        except StoreError as error:
            self._fail(Ending.CONVERSATION_NOT_SAVED, error)
            self._ending = Ending.CONVERSATION_NOT_SAVED
            self._note_ending(self._ending)
        else:
            self._on_store(True)

    def _note_ending(self, ending: Ending) -> None:
        self._record.status, self._record.reason = ending.status, ending.value

    def _is_json(self, turn: Turn) -> bool:
        for name, value in (("state", turn.state), ("notes", turn.notes)):
            try:
                _check_object(value)
            except (TypeError, ValueError, RecursionError) as error:
                logger.exception(
                    "state and notes of this turn were not kept: invocation %s",
                    self.request.invocation_id,
                    exc_info=ExplainedError(
                        f"the agent left something in turn.{name} that is no JSON",
                        because=error,
                        place=find_definition(self._agent.reply),
                        step="Keep only str, int, float, bool, None, lists and dicts in it.",
                    ),
                )
                return False
        return True

    def _log_end(self) -> None:
        ending = self._ending or Ending.INTERNAL_ERROR
        logger.log(
            logging.WARNING if ending.failed else logging.INFO,
            "turn %s (%s): invocation %s, first delta after %s ms, %d characters in %d ms",
            ending.status,
            ending.explanation if ending.failed else ending.value,
            self.request.invocation_id,
            "-" if self.delivery.first_delta_ms is None else self.delivery.first_delta_ms,
            len(self._record.reply),
            self.delivery.elapsed_ms,
        )


def _encode_event(event: Shown | CallEnded) -> str:
    """As ``repeat`` reads it: an object is for the screen, a string ends the call."""
    return event.text if isinstance(event, Shown) else json.dumps(event.reason)


def _check_object(value: object) -> None:
    """Raises TypeError, ValueError or RecursionError for what is no JSON object."""
    if not isinstance(value, dict):
        raise TypeError(f"a dict is needed, not {type(value).__name__}")
    if value:
        json.dumps(value, allow_nan=False)
