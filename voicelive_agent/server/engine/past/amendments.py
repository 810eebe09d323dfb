"""Amendments: what becomes known of turns that have ended, stored before the next turn begins.

Over the Bridge, text runs far ahead of sound, so a person mostly interrupts an answer that was all
delivered, and at times one before the newest, which still plays.
"""

import asyncio
import logging

from voicelive_agent.server.conversations import ConversationKey, ConversationStore, StoreError
from voicelive_agent.server.engine.events import TurnRequest
from voicelive_agent.server.engine.latch import Latch
from voicelive_agent.server.engine.past.heard import note_known

logger = logging.getLogger(__name__)


class Amendments:
    """Those that are being stored now, by conversation."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store
        self._tasks: dict[ConversationKey, asyncio.Task[None]] = {}

    def note_heard(self, request: TurnRequest, settled: Latch, heard: str) -> None:
        """No more than ``heard`` was heard of the turn of ``request``, which is or will be
        ``settled``."""
        key = request.key
        work = self._amend(request, settled, heard, self._tasks.get(key))
        task = self._tasks[key] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._forget(key, task))

    async def wait(self, key: ConversationKey) -> None:
        """Return once all that is known of this conversation is stored."""
        while (task := self._tasks.get(key)) is not None:
            await asyncio.wait([task])

    async def close(self) -> None:
        """Likewise, of all conversations."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _amend(
        self,
        request: TurnRequest,
        settled: Latch,
        heard: str,
        before: asyncio.Task[None] | None,
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        await settled.wait()
        key, name = request.key, request.invocation_id
        try:
            record = await self._store.find(key.user_id, name, key.session_id)
            if record is not None:
                await self._store.amend(note_known(record, heard))
        except StoreError:
            logger.exception("what was heard of a turn was not kept: invocation %s", name)

    def _forget(self, key: ConversationKey, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
