"""The default store: SQLite under ``$HOME``, in memory while that can't be written.

A hosted agent whose user may not write ``$HOME`` once ended at start, again and again. It answers
from memory instead, says so, and goes on trying the file.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.conversations.sqlite.store import SqliteStore
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    ConversationStore,
    Limits,
    StopTurn,
    StoreError,
    TurnRecord,
)

_RETRY_SECONDS = 30.0

logger = logging.getLogger(__name__)


class HomeStore:
    """A SqliteStore, and a MemoryStore for what begins while the file can't be opened.

    A conversation that began in memory stays there. ``retry_seconds`` lie between two tries.
    """

    def __init__(
        self, path: Path, limits: Limits | None = None, *, retry_seconds: float = _RETRY_SECONDS
    ) -> None:
        self.now = time.time
        self._path = path
        self._limits = limits
        self._retry_seconds = retry_seconds
        self._memory = MemoryStore(limits)
        self._file: SqliteStore | None = None
        self._trying: asyncio.Task[None] | None = None

    @property
    def in_memory(self) -> bool:
        """Whether what is said now is gone when the process ends."""
        return self._file is None

    async def open(self, on_stop: StopTurn) -> None:
        await self._memory.open(on_stop)
        problem = await self._open_file(on_stop)
        if problem is not None:
            logger.error(
                "CONVERSATIONS ARE KEPT IN MEMORY and gone when this process ends: %s. "
                "It is tried again every %g s",
                problem,
                self._retry_seconds,
            )
            self._trying = asyncio.create_task(self._try_again(on_stop))

    async def _open_file(self, on_stop: StopTurn) -> StoreError | None:
        """Why the file can't be opened; None where it is."""
        store = SqliteStore(self._path, self._limits)
        try:
            await store.open(on_stop)
        except StoreError as error:
            return error
        self._file = store
        return None

    async def _try_again(self, on_stop: StopTurn) -> None:
        while self._file is None:
            await asyncio.sleep(self._retry_seconds)
            await self._open_file(on_stop)
        logger.warning("new conversations are kept in %s from now on", self._path)

    async def close(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])
        if self._file is not None:
            await self._file.close()

    async def ready(self) -> bool:
        return self._file is None or await self._file.ready()

    async def begin(self, record: TurnRecord, *, is_new: bool = False) -> Conversation:
        return await self._choose(record.key).begin(record, is_new=is_new)

    async def read(self, key: ConversationKey) -> Conversation:
        return await self._choose(key).read(key)

    async def settle(
        self, record: TurnRecord, conversation: Conversation, *, heard_before: TurnRecord | None
    ) -> None:
        store = self._choose(record.key)
        await store.settle(record, conversation, heard_before=heard_before)

    async def find(
        self, user_id: str, invocation_id: str, session_id: str | None = None
    ) -> TurnRecord | None:
        for store in self._stores():
            if found := await store.find(user_id, invocation_id, session_id):
                return found
        return None

    async def stop_elsewhere(self, record: TurnRecord, reason: str) -> TurnRecord:
        return await self._choose(record.key).stop_elsewhere(record, reason)

    async def amend(self, record: TurnRecord) -> None:
        await self._choose(record.key).amend(record)

    async def erase(self, record: TurnRecord) -> None:
        await self._choose(record.key).erase(record)

    async def list_keys(self) -> AsyncIterator[ConversationKey]:
        for store in self._stores():
            async for key in store.list_keys():
                yield key

    async def export(self, key: ConversationKey | None = None) -> AsyncIterator[dict[str, Any]]:
        for store in self._stores():
            async for turn in store.export(key):
                yield turn

    async def purge(self, key: ConversationKey | None = None) -> int:
        return sum([await store.purge(key) for store in self._stores()])

    def _stores(self) -> list[ConversationStore]:
        return [self._memory, *([] if self._file is None else [self._file])]

    def _choose(self, key: ConversationKey) -> ConversationStore:
        if self._file is None or self._memory.holds(key):
            return self._memory
        return self._file
