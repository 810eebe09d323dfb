"""Leftovers: turns that have ended in this process, while Redis may still say that they run.

It went away before they could be stored, or before it said whether a turn had begun. Only this
replica knows, so it ends them there as soon as it can.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from voicelive_agent.server.conversations.redis.link import end_tasks
from voicelive_agent.server.conversations.store import ConversationKey, StoreError

_RETRY_SECONDS = 0.5
_MOST = 20_000
_AT_ONCE = 100
# What was sent on a connection that broke may be carried out after what was sent later.
_ANSWERS = 2


@dataclass(slots=True)
class _Leftover:
    key: ConversationKey
    encoded: str
    answers: int = 0


class Leftovers:
    """``end(key, token, encoded)`` says in Redis how a turn ended, and returns whether it ran."""

    def __init__(self, end: Callable[[ConversationKey, str, str], Awaitable[bool]]) -> None:
        self._end = end
        self._turns: dict[str, _Leftover] = {}
        self._work: asyncio.Task[None] | None = None

    def add(self, key: ConversationKey, token: str, encoded: str) -> None:
        """A turn whose record is to become ``encoded``."""
        self._turns[token] = _Leftover(key, encoded)
        if len(self._turns) > _MOST:
            del self._turns[next(iter(self._turns))]
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._end_all())

    def find(self, token: str) -> str | None:
        """How the turn ended that Redis takes for running, if it is one of these."""
        leftover = self._turns.get(token)
        return None if leftover is None else leftover.encoded

    async def close(self, seconds: float) -> None:
        """What can't be ended within ``seconds`` ends with the lease of this replica."""
        if self._work is not None:
            await asyncio.wait([self._work], timeout=seconds)
            await end_tasks(self._work)

    async def _end_all(self) -> None:
        while self._turns:
            tokens = list(self._turns)
            for first in range(0, len(tokens), _AT_ONCE):
                some = tokens[first : first + _AT_ONCE]
                if not all(await asyncio.gather(*map(self._end_one, some))):
                    break
            if self._turns:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _end_one(self, token: str) -> bool:
        """Whether Redis answered."""
        leftover = self._turns.get(token)
        if leftover is None:  # There were too many.
            return True
        try:
            ran = await self._end(leftover.key, token, leftover.encoded)
        except StoreError:
            return False
        leftover.answers += 1
        if ran or leftover.answers >= _ANSWERS:
            self._turns.pop(token, None)
        return True
