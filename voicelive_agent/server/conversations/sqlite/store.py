"""Conversations in a SQLite file: the default store.

A turn that was settled survives ``kill -9``. Several processes on one machine may share the file
(workers of one server, or a new server that starts while the old one drains); one asks another
to stop a turn by a note in the turn's row. The file must lie on a local disk: for replicas on
several machines there is Redis.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from voicelive_agent.server.conversations.records import (
    count_bytes,
    describe_record,
    encode_events,
    encode_record,
    encode_settled,
)
from voicelive_agent.server.conversations.sqlite.database import Database
from voicelive_agent.server.conversations.sqlite.ledger import Ledger, Settled
from voicelive_agent.server.conversations.sqlite.presence import Presence
from voicelive_agent.server.conversations.sqlite.retention import Retention
from voicelive_agent.server.conversations.sqlite.schema import probe
from voicelive_agent.server.conversations.sqlite.stop_watch import StopWatch
from voicelive_agent.server.conversations.sqlite.warm import Warm, WarmConversations
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    Limits,
    StopTurn,
    StoreError,
    TurnExistsError,
    TurnRecord,
)

_STOP_SECONDS = 2.0
_BUSY_SECONDS = 2.0
_RETRY_SECONDS = 0.02


class SqliteStore:
    """A ``ConversationStore`` in the file ``path``, made with mode 0600 in a 0700 directory.

    ``stop_seconds`` is how long another process gets to settle a turn that it was asked to stop,
    ``busy_seconds`` how long another program's lock on the file is waited for.
    """

    def __init__(
        self,
        path: Path,
        limits: Limits | None = None,
        *,
        now: Callable[[], float] = time.time,
        stop_seconds: float = _STOP_SECONDS,
        busy_seconds: float = _BUSY_SECONDS,
    ) -> None:
        self._limits = limits = limits or Limits()
        self.path = path
        self.now = now
        self._stop_seconds = stop_seconds
        self._presence = Presence(path)
        # Turns that the file takes for running until the next of their conversation begins.
        self._unsaved: dict[ConversationKey, TurnRecord] = {}
        self._warm = WarmConversations()
        self._ledger = Ledger(self._presence, limits, now, self._warm.gone)
        self._stop_watch = StopWatch(self._presence.owner)
        self._retention = Retention(limits, now, self._warm.gone)
        self._database = Database(
            path, [self._stop_watch, self._retention], busy_seconds=busy_seconds
        )

    async def open(self, on_stop: StopTurn) -> None:
        self._stop_watch.start(on_stop)
        self._database.start()
        try:
            await self._database.run(self._enter)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._database.stop()
        self._presence.withdraw()

    async def ready(self) -> bool:
        try:
            await self._database.run(partial(probe, path=self.path))
        except StoreError:
            return False
        return True

    async def begin(self, record: TurnRecord, *, is_new: bool = False) -> Conversation:
        warm = self._find_new(record.key) if is_new else self._warm.find(record.key)
        if warm is not None and record.invocation_id in warm.ids:
            warm = None
        if warm is not None and (is_new or self._is_all_there_is(warm)):
            self._begin_beside(record, warm)
            return warm.load(record.key)
        return await self._begin_in_file(record, encode_record(record), warm)

    def _find_new(self, key: ConversationKey) -> Warm | None:
        """A conversation that begins now; None where its first turn has to wait for the file.

        That is where the file failed last, or another process uses it: who is told the session's
        id could go on there before this turn is stored.
        """
        alone = self._presence.look()
        if self._database.failing or alone is None:
            return None
        warm = Warm(alone=alone)
        self._warm.keep(key, warm)
        return warm

    def _is_all_there_is(self, warm: Warm) -> bool:
        """Whether nobody else can have changed a conversation since it was left so."""
        return warm.alone is not None and warm.alone == self._presence.look()

    def _begin_beside(self, record: TurnRecord, warm: Warm) -> None:
        """Begin a turn of a conversation that nobody else can have changed, without waiting.

        A turn that ends before that was stored is stored once.
        """
        record.sequence = warm.last + 1
        warm.ids.add(record.invocation_id)
        work = partial(self._begin, record=record, encoded=None, displace=True, warm=warm)

        def check(begun: asyncio.Future[tuple[Warm, int] | TurnRecord | None]) -> None:
            # Where this failed, the end of the turn tells: it is stored whole.
            if begun.exception() is None:
                match begun.result():
                    case found, sequence if found is warm and sequence == warm.last + 1:
                        return
            self._warm.forget(record.key)

        warm.beginning = self._database.submit(work, hurry=False)
        warm.beginning.add_done_callback(check)

    async def _begin_in_file(
        self, record: TurnRecord, encoded: str, warm: Warm | None
    ) -> Conversation:
        self._warm.forget(record.key)
        deadline = time.monotonic() + self._stop_seconds
        try:
            while True:
                displace = time.monotonic() >= deadline
                begun = await self._database.run(
                    partial(
                        self._begin, record=record, encoded=encoded, displace=displace, warm=warm
                    )
                )
                if isinstance(begun, TurnRecord):
                    raise TurnExistsError(self._as_ended(begun))
                if begun is not None:
                    self._unsaved.pop(record.key, None)
                    warm, record.sequence = begun
                    warm.ids.add(record.invocation_id)
                    self._warm.keep(record.key, warm)
                    return warm.load(record.key)
                await asyncio.sleep(_RETRY_SECONDS)
        except asyncio.CancelledError:
            # It may have been done, or be done still: nobody else would end the turn.
            with suppress(StoreError):
                self._database.submit(partial(self._ledger.abandon, record=record))
            raise

    async def read(self, key: ConversationKey) -> Conversation:
        return await self._database.run(partial(self._ledger.read, key=key))

    async def settle(
        self, record: TurnRecord, conversation: Conversation, *, heard_before: TurnRecord | None
    ) -> None:
        encoded, state, problem = encode_settled(
            record, conversation, self._limits.conversation_bytes
        )
        heard = None
        if heard_before is not None:
            heard = (encode_record(heard_before), heard_before.sequence)
        work = partial(
            self._ledger.settle,
            record=record,
            encoded=encoded,
            events=encode_events(record),
            state=state,
            language=conversation.language,
            heard_before=heard,
        )
        warm = self._warm.find(record.key)
        self._warm.forget(record.key)
        begun = warm is None or not self._withdraw_beginning(warm)
        try:
            settled = await self._database.run(partial(work, begun=begun))
        except StoreError:
            self._unsaved[record.key] = record
            raise
        record.sequence = settled.sequence
        if warm is not None and not begun and not self._is_all_there_is(warm):
            # Another process came meanwhile, and may have changed what was before this turn.
            warm = None
        if warm is not None and settled.stamp is not None:
            warm.state = warm.state if state is None else state
            warm.language = conversation.language
            self._warm_up(warm, record, encoded, conversation, heard, settled)
        if problem is not None:
            raise problem

    def _withdraw_beginning(self, warm: Warm) -> bool:
        beginning, warm.beginning = warm.beginning, None
        return beginning is not None and self._database.withdraw(beginning)

    def _warm_up(
        self,
        warm: Warm,
        record: TurnRecord,
        encoded: str,
        conversation: Conversation,
        heard: tuple[str, int] | None,
        settled: Settled,
    ) -> None:
        """A turn was stored as the newest of a conversation that was known before it."""
        before = conversation.turns[-1] if warm.newest and conversation.turns else None
        if settled.sequence <= warm.last or (before.sequence if before else 0) != warm.last:
            return
        if heard is not None:
            warm.newest, warm.newest_bytes = heard[0], count_bytes(heard[0])
        warm.add(record, encoded, before)
        warm.trim(self._limits, settled.first)
        warm.stamp, warm.alone = settled.stamp, self._presence.look()
        if len(warm.ids) <= 2 * self._limits.max_turns:
            # Else half of them are of turns that are stored no more: read anew.
            self._warm.keep(record.key, warm)

    async def find(
        self, user_id: str, invocation_id: str, session_id: str | None = None
    ) -> TurnRecord | None:
        if session_id is not None:
            warm = self._warm.find(ConversationKey(user_id, session_id))
            if warm and invocation_id not in warm.ids and self._is_all_there_is(warm):
                return None
        found = await self._database.run(
            partial(
                self._ledger.find,
                user_id=user_id,
                invocation_id=invocation_id,
                session_id=session_id,
            )
        )
        return None if found is None else self._as_ended(found)

    def _as_ended(self, found: TurnRecord) -> TurnRecord:
        """The record of a turn that ended here when the file could not be written."""
        unsaved = self._unsaved.get(found.key)
        if found.status != "running" or unsaved is None:
            return found
        return unsaved if unsaved.invocation_id == found.invocation_id else found

    async def stop_elsewhere(self, record: TurnRecord, reason: str) -> TurnRecord:
        deadline = time.monotonic() + self._stop_seconds
        while True:
            displace = time.monotonic() >= deadline
            stopped = await self._database.run(
                partial(self._ledger.stop, record=record, reason=reason, displace=displace)
            )
            if stopped is not None:
                return stopped
            await asyncio.sleep(_RETRY_SECONDS)

    async def amend(self, record: TurnRecord) -> None:
        work = partial(self._ledger.amend, record=record, encoded=encode_record(record))
        self._warm.forget(record.key)
        await self._database.run(work)
        # A turn that ended meanwhile knew it as it was.
        self._warm.forget(record.key)

    async def erase(self, record: TurnRecord) -> None:
        self._warm.forget(record.key)
        await self._database.run(partial(self._ledger.erase, record=record))

    async def list_keys(self) -> AsyncIterator[ConversationKey]:
        last = 0
        while listed := await self._database.run(
            partial(self._ledger.list_after, conversation_id=last)
        ):
            for _, key in listed:
                yield key
            last, _ = listed[-1]

    async def export(self, key: ConversationKey | None = None) -> AsyncIterator[dict[str, Any]]:
        if key is None:
            async for each in self.list_keys():
                async for turn in self.export(each):
                    yield turn
            return
        last = 0
        while turns := await self._database.run(
            partial(self._ledger.read_after, key=key, sequence=last)
        ):
            for record in turns:
                yield describe_record(record)
            last = turns[-1].sequence

    async def purge(self, key: ConversationKey | None = None) -> int:
        self._warm.clear()
        if key is not None:
            return await self._database.run(partial(self._ledger.remove, key=key))
        self._retention.sweep()
        removed, more = 0, True
        while more:
            in_step, more = await self._database.run(self._retention.remove_some)
            removed += in_step
        return removed

    def _enter(self, connection: sqlite3.Connection) -> None:
        self._presence.declare()
        self._ledger.settle_dead(connection)

    def _begin(
        self,
        connection: sqlite3.Connection,
        record: TurnRecord,
        encoded: str | None,
        displace: bool,
        warm: Warm | None,
    ) -> tuple[Warm, int] | TurnRecord | None:
        """``encoded`` None: as the record stands by now."""
        encoded = encoded or encode_record(record)
        begun = self._ledger.begin(connection, record, encoded, displace, warm)
        if isinstance(begun, tuple):
            self._stop_watch.watch()
        return begun
