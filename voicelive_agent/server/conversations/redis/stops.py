"""Waits for another replica to stop a turn, and judges how the turn ends where it does not."""

import asyncio
import time

from voicelive_agent.server.conversations.redis.replica import Replica
from voicelive_agent.server.conversations.store import TurnRecord, TurnStatus

Verdict = tuple[TurnStatus, str]

_PAUSE_SECONDS = 0.02
_PAUSES_PER_REQUEST = 12
_DIED: Verdict = ("failed", "replica_died")


class StopRequest:
    """One wish that whatever turn runs in a conversation be stopped, within ``seconds``."""

    def __init__(self, replica: Replica, reason: str, seconds: float) -> None:
        self._replica = replica
        self._reason = reason
        self._deadline = time.monotonic() + seconds
        self._asked: tuple[str, int] | None = None
        self._pauses = 0
        self._was_heard = False

    async def press(self, owner: str, record: TurnRecord) -> Verdict | None:
        """How this turn of ``owner`` ends without it; None after a pause, in which it may end.

        Raises StoreError.
        """
        if owner != self._replica.id and not await self._replica.is_alive(owner):
            return _DIED
        if time.monotonic() >= self._deadline:
            # Its lease has not run out yet, but nobody listens there any more.
            return ("cancelled", self._reason) if self._was_heard else _DIED
        if self._asked != (owner, record.sequence):
            self._asked, self._pauses = (owner, record.sequence), 0
        if self._pauses % _PAUSES_PER_REQUEST == 0:
            ids = (record.key, record.invocation_id)
            self._was_heard = await self._replica.ask_to_stop(owner, *ids, self._reason)
        self._pauses += 1
        await asyncio.sleep(_PAUSE_SECONDS)
        return None
