"""The turns that run: starts them, stops the previous one of a conversation (barge-in), drains.

The engine knows no wire and no web framework. ``Engine.begin`` takes a ``TurnRequest`` and gives
a ``RunningTurn`` (``server.engine.turn``), whose ``events`` a wire encodes.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from voicelive_agent.agent import Agent
from voicelive_agent.server.conversations import (
    ConversationKey,
    ConversationStore,
    StoreError,
    TurnRecord,
)
from voicelive_agent.server.engine.agent_tasks import guard_tasks
from voicelive_agent.server.engine.announcements import Announcement
from voicelive_agent.server.engine.ending import Ending, read_ending
from voicelive_agent.server.engine.events import TurnLimits, TurnRequest
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.engine.pacing import Pacing
from voicelive_agent.server.engine.past.amendments import Amendments
from voicelive_agent.server.engine.past.repeat import StoredTurn, check_same
from voicelive_agent.server.engine.store_health import StoreHealth
from voicelive_agent.server.engine.turn import RunningTurn

logger = logging.getLogger(__name__)

T = TypeVar("T")

_AGENT_STOP_SECONDS = 10.0


class Engine:
    """One agent, one store, and the turns that run now.

    At most one turn is active in a conversation: a new one supersedes the one that runs.
    ``now`` is the wall clock in Unix seconds, the store's by default; deadlines use the event
    loop's own clock.
    """

    def __init__(
        self,
        agent: Agent,
        store: ConversationStore,
        limits: TurnLimits,
        *,
        now: Callable[[], float] | None = None,
    ) -> None:
        self.agent = agent
        self.store = store
        self.limits = limits
        self.now = now or store.now
        self.draining = False
        self.store_health = StoreHealth()
        self._active: dict[ConversationKey, RunningTurn] = {}
        self._running: dict[tuple[ConversationKey, str], RunningTurn] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns_of: Counter[ConversationKey] = Counter()
        self._turns_of_user: Counter[str] = Counter()
        self._amendments = Amendments(store)
        self.pacing = Pacing()

    async def start(self) -> None:
        """Open the store and start the agent. Raises StoreError, or what the agent raises."""
        guard_tasks(asyncio.get_running_loop())
        await self.store.open(self._stop_for_another_replica)
        start = getattr(self.agent, "start", None)
        if start is not None:
            await start()

    async def stop(self) -> None:
        """Drain without waiting, then stop the agent and close the store."""
        await self.drain(0)
        await self._amendments.close()
        stop = getattr(self.agent, "stop", None)
        try:
            if stop is not None:
                async with asyncio.timeout(_AGENT_STOP_SECONDS):
                    await stop()
        except Exception:
            logger.exception("the agent's stop failed, or took too long")
        finally:
            await self.store.close()

    @property
    def active_turns(self) -> int:
        return len(self._tasks)

    def find_active(self, key: ConversationKey) -> TurnRecord | None:
        """The turn that runs in this conversation, as it stands now."""
        turn = self._active.get(key)
        return turn.snapshot() if turn is not None and not turn.settled.is_set() else None

    def find_surplus(self, key: ConversationKey) -> str:
        """Which of the ``TurnLimits`` a turn of this conversation would break; empty for none.

        A barge-in takes the place of the turn that it ends.
        """
        limits, replaced = self.limits, key in self._active
        if self._turns_of[key] >= limits.max_active_turns_per_session:
            return "max_active_turns_per_session"
        of_user = self._turns_of_user[key.user_id] - replaced
        if key.user_id and of_user >= limits.max_active_turns_per_user:
            return "max_active_turns_per_user"
        return "max_active_turns" if len(self._tasks) - replaced >= limits.max_active_turns else ""

    async def find_repeated(self, request: TurnRequest) -> Listener | StoredTurn | None:
        """The turn that this request asks for again: the same invocation id of the same user.

        One that runs here is followed from its beginning. Raises IdReusedError where the id is
        known and something else is asked.
        """
        key = request.key
        ids = key.user_id, request.invocation_id, key.session_id if request.named_session else None
        record: TurnRecord | None = None
        asked = False
        while (turn := self._find_running(*ids)) is not None or not asked:
            if turn is None:
                asked = True
                # Where the store does not answer, the turn itself will tell.
                with suppress(StoreError):
                    record = await self.store.find(*ids)
            elif not turn.is_cut:
                check_same(turn.snapshot(), request)
                return turn.listen()
            elif turn.settled.is_set():
                record = turn.snapshot()
                break
            else:
                await turn.settled.wait()
        if record is None or not record.is_spent:
            return None
        check_same(record, request)
        return StoredTurn(record, self.store, self.limits)

    def begin(self, request: TurnRequest) -> RunningTurn:
        """Start a turn; the one that runs in the same conversation is stopped first."""
        previous = self._active.get(request.key)
        said = request.announcement
        turn = RunningTurn(
            request,
            previous,
            agent=self.agent if said is None else Announcement(said),
            store=self.store,
            limits=self.limits,
            now=self.now,
            on_store=self.store_health.note,
            amendments=self._amendments,
            pacing=self.pacing,
        )
        self._active[request.key] = turn
        self._running[request.key, request.invocation_id] = turn
        self._turns_of[request.key] += 1
        self._turns_of_user[request.key.user_id] += 1
        if previous is not None:
            previous.stop(Ending.SUPERSEDED)
        task = turn.start()
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._forget(turn))
        return turn

    async def note_greeting(self, key: ConversationKey, invocation_id: str, text: str) -> None:
        """Keep what a caller was greeted with by somebody else, as the conversation's beginning.

        Raises StoreError.
        """
        now = self.now()
        record = TurnRecord(invocation_id, key, "greeting", reply=text, started_at=now)
        conversation = await self.store.begin(record)
        record.status, record.reason, record.ended_at = "completed", Ending.COMPLETED.value, now
        await self.store.settle(record, conversation, heard_before=None)

    def note_heard(self, turn: RunningTurn, heard: str) -> None:
        """The caller interrupted and heard only ``heard`` of a turn, as its wire knows.

        A turn that runs stops; of one that has ended the record is changed.
        """
        if not turn.cut(heard):
            self._amendments.note_heard(turn.request, turn.settled, heard)

    async def find(
        self, user_id: str, invocation_id: str, session_id: str | None = None
    ) -> TurnRecord | None:
        """The newest turn of this user with this id, running or ended. Raises StoreError."""
        turn = self._find_running(user_id, invocation_id, session_id)
        if turn is not None:
            return turn.snapshot()
        return await self.store.find(user_id, invocation_id, session_id)

    def is_running(self, user_id: str, invocation_id: str) -> bool:
        """Whether a turn of this user has this id now, kept or not."""
        return any(
            other == invocation_id and key.user_id == user_id for key, other in self._running
        )

    async def cancel(
        self, user_id: str, invocation_id: str, session_id: str | None = None
    ) -> TurnRecord | None:
        """Stop a turn if it runs, and return it as it ended. Raises StoreError."""
        turn = self._find_running(user_id, invocation_id, session_id)
        if turn is not None:
            turn.stop(Ending.CANCELLED)
            await turn.settled.wait()
            return turn.snapshot()
        record = await self.store.find(user_id, invocation_id, session_id)
        if record is not None and record.status == "running":
            return await self.store.stop_elsewhere(record, Ending.CANCELLED.value)
        return record

    def _find_running(
        self, user_id: str, invocation_id: str, session_id: str | None
    ) -> RunningTurn | None:
        """The one that runs in a session; without one, the newest of all sessions."""
        if session_id is not None:
            return self._running.get((ConversationKey(user_id, session_id), invocation_id))
        found = [
            turn
            for (key, other), turn in self._running.items()
            if other == invocation_id and key.user_id == user_id and turn.request.kept
        ]
        return found[-1] if found else None

    async def drain(self, grace_seconds: float) -> None:
        """Let no new turn start, give those that run ``grace_seconds``, then end them properly."""
        self.draining = True
        if self._tasks and grace_seconds > 0:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        for turn in list(self._running.values()):
            turn.stop(Ending.DRAINING)
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=self.limits.closing_seconds)
            for turn in list(self._running.values()):
                turn.stop(Ending.DISCONNECTED)
            if unfinished:
                await asyncio.wait(unfinished, timeout=self.limits.closing_seconds)

    def _forget(self, turn: RunningTurn) -> None:
        key, name = turn.request.key, (turn.request.key, turn.request.invocation_id)
        if self._active.get(key) is turn:
            del self._active[key]
        if self._running.get(name) is turn:
            del self._running[name]
        self._tasks.discard(turn.task)
        _count_down(self._turns_of, key)
        _count_down(self._turns_of_user, key.user_id)

    def _stop_for_another_replica(
        self, key: ConversationKey, invocation_id: str, reason: str
    ) -> None:
        turn = self._running.get((key, invocation_id))
        if turn is not None:
            turn.stop(read_ending(reason))


def _count_down(counter: Counter[T], name: T) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]
