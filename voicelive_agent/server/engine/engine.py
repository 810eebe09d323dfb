"""The turns that run: starts them, stops the previous one of a conversation (barge-in), drains.

The engine knows no wire and no web framework. ``Engine.begin`` takes a ``TurnRequest`` and gives
a ``RunningTurn`` (``server.engine.turn``), whose ``events`` a wire encodes.
"""

import asyncio
import logging
from collections.abc import Callable

from voicelive_agent.agent import Agent
from voicelive_agent.server.conversations import ConversationKey, ConversationStore, TurnRecord
from voicelive_agent.server.engine.ending import Ending, read_ending
from voicelive_agent.server.engine.events import TurnLimits, TurnRequest
from voicelive_agent.server.engine.turn import RunningTurn

logger = logging.getLogger(__name__)

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
        self._active: dict[ConversationKey, RunningTurn] = {}
        self._running: dict[tuple[str, str], RunningTurn] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the store and start the agent. Raises StoreError, or what the agent raises."""
        await self.store.open(self._stop_for_another_replica)
        start = getattr(self.agent, "start", None)
        if start is not None:
            await start()

    async def stop(self) -> None:
        """Drain without waiting, then stop the agent and close the store."""
        await self.drain(0)
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

    def is_full_for(self, key: ConversationKey) -> bool:
        """Whether a turn would be one too many; a barge-in takes the place of the turn it ends."""
        return len(self._tasks) - (key in self._active) >= self.limits.max_active_turns

    def begin(self, request: TurnRequest) -> RunningTurn:
        """Start a turn; the one that runs in the same conversation is stopped first."""
        previous = self._active.get(request.key)
        turn = RunningTurn(
            request,
            previous,
            agent=self.agent,
            store=self.store,
            limits=self.limits,
            now=self.now,
        )
        self._active[request.key] = turn
        self._running[request.key.user_id, request.invocation_id] = turn
        if previous is not None:
            previous.stop(Ending.SUPERSEDED)
        task = turn.start()
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._forget(turn))
        return turn

    async def find(self, user_id: str, invocation_id: str) -> TurnRecord | None:
        """The newest turn of this user with this id, running or ended. Raises StoreError."""
        turn = self._running.get((user_id, invocation_id))
        if turn is not None:
            return turn.snapshot()
        return await self.store.find(user_id, invocation_id)

    async def cancel(self, user_id: str, invocation_id: str) -> TurnRecord | None:
        """Stop a turn if it runs, and return it as it ended. Raises StoreError."""
        turn = self._running.get((user_id, invocation_id))
        if turn is not None:
            turn.stop(Ending.CANCELLED)
            await turn.settled.wait()
            return turn.snapshot()
        record = await self.store.find(user_id, invocation_id)
        if record is not None and record.status == "running":
            return await self.store.stop_elsewhere(record, Ending.CANCELLED.value)
        return record

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
        key, user_and_id = turn.request.key, (turn.request.key.user_id, turn.request.invocation_id)
        if self._active.get(key) is turn:
            del self._active[key]
        if self._running.get(user_and_id) is turn:
            del self._running[user_and_id]
        self._tasks.discard(turn.task)

    def _stop_for_another_replica(
        self, key: ConversationKey, invocation_id: str, reason: str
    ) -> None:
        turn = self._running.get((key.user_id, invocation_id))
        if turn is not None and turn.request.key == key:
            turn.stop(read_ending(reason))
