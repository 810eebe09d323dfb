"""Replicas that share a Redis: their common clock, which of them live, and how one asks another to
stop a turn.

A replica keeps a key that expires (its lease) and listens on a channel of the same name. With
each renewal it also sends itself a beat there, so that a subscription that has gone deaf shows.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable

from redis.exceptions import RedisError

from voicelive_agent.server.conversations.redis.link import (
    Command,
    OutdatedRedisError,
    RedisLink,
    end_tasks,
)
from voicelive_agent.server.conversations.store import (
    ConversationKey,
    StopTurn,
    StoreError,
    TurnRecord,
    TurnStatus,
)

logger = logging.getLogger(__name__)

_BEAT = ""
_RETRY_SECONDS = 0.5
_JOIN_SECONDS = 2.0
# An attempt that began just before Redis came back, the pause after it, and the next one.
_REJOIN_SECONDS = 3.0


Verdict = tuple[TurnStatus, str]

_PAUSE_SECONDS = 0.02
_PAUSES_PER_REQUEST = 12
_DIED: Verdict = ("failed", "replica_died")


class SharedClock:
    """Redis's clock, which all replicas share whatever their own ones say.

    Unix seconds, told by ``now``, the clock of this machine, corrected by Redis's answers.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.local = now
        self._offset_s = 0.0

    def __call__(self) -> float:
        return self.local() + self._offset_s

    def correct(self, asked_at: float, redis_time: float, answered_at: float) -> None:
        """Redis said ``redis_time`` between two moments of the local clock.

        The correction stays what it was as long as it can be right, so that time runs evenly.
        """
        least, most = sorted((redis_time - answered_at, redis_time - asked_at))
        self._offset_s = min(max(self._offset_s, least), most)


class Replica:
    """This process among those that share a Redis. ``id`` is its name in the records."""

    def __init__(self, link: RedisLink, lease_seconds: float, clock: SharedClock) -> None:
        self.id = uuid.uuid4().hex
        self._link = link
        self._clock = clock
        self._prefix = link.prefix
        self._lease_seconds = lease_seconds
        self._lease_ms = int(lease_seconds * 1000)
        self._subscribed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._trust_from = 0.0

    async def join(self, on_stop: StopTurn) -> None:
        """Take the lease and listen; without a Redis, as soon as there is one.

        Raises OutdatedRedisError, and StoreError for a Redis that takes no subscription.
        """
        held = await self._try_first()
        self._tasks = [
            asyncio.create_task(self._keep_lease(held)),
            asyncio.create_task(self._listen(on_stop)),
        ]
        if not held:
            return
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                await self._subscribed.wait()
        except TimeoutError as error:
            raise StoreError(
                "Redis takes commands but no subscription: allow this user SUBSCRIBE and the "
                f"channels {self._prefix}:*"
            ) from error

    async def leave(self) -> None:
        """Give the lease up, so that others need not wait for its end."""
        await end_tasks(*self._tasks)
        if self._tasks:
            try:
                await self._link.run(("UNLINK", self._name(self.id)))
            except StoreError as error:
                logger.warning("lease left to expire: %s", error)

    async def renew(self) -> None:
        """Prolong the lease, and see what time it is in Redis. Raises StoreError."""
        asked_at = self._clock.local()
        _, _, (seconds, microseconds) = await self._link.run(
            self.lease, ("PUBLISH", self._name(self.id), _BEAT), ("TIME",)
        )
        self._clock.correct(asked_at, seconds + microseconds / 1e6, self._clock.local())

    @property
    def lease(self) -> Command:
        """The command that prolongs it."""
        return "SET", self._name(self.id), "1", "PX", self._lease_ms

    async def is_alive(self, owner: str) -> bool:
        """Whether the lease of a replica holds. Raises StoreError."""
        (exists,) = await self._link.run(("EXISTS", self._name(owner)))
        # After an outage the others need a moment to renew their leases, too.
        return bool(exists) or time.monotonic() < self._trust_from

    async def ask_to_stop(
        self, owner: str, key: ConversationKey, invocation_id: str, reason: str
    ) -> bool:
        """Send a request that may get lost: ask again. Whether anybody listens.

        Raises StoreError.
        """
        message = json.dumps([*key, invocation_id, reason])
        (listeners,) = await self._link.run(("PUBLISH", self._name(owner), message))
        return bool(listeners)

    async def _try_first(self) -> bool:
        """Replicas and their Redis may start at the same time, or its rights come minutes later."""
        try:
            await self._link.check()
            await self.renew()
        except OutdatedRedisError:
            raise
        except StoreError as error:
            logger.warning("no turns until the conversation store is there: %s", error)
            return False
        return True

    async def _keep_lease(self, held: bool) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3 if held else _RETRY_SECONDS)
            try:
                if not held:
                    await self._link.check()
                await self.renew()
            except StoreError as error:
                if held:
                    logger.warning("lost the conversation store: %s", error)
                held = False
            else:
                if not held:
                    logger.warning("the conversation store is back")
                    self._trust_from = time.monotonic() + _REJOIN_SECONDS
                held = True

    async def _listen(self, on_stop: StopTurn) -> None:
        while True:
            try:
                async with self._link.listen() as channel:
                    await channel.subscribe(self._name(self.id))
                    last_heard = time.monotonic()
                    while time.monotonic() - last_heard < self._lease_seconds:
                        message = await channel.get_message(timeout=self._lease_seconds)
                        if message is not None:
                            last_heard = time.monotonic()
                            self._take(message, on_stop)
            except (RedisError, OSError, TimeoutError):
                # The lease's renewal tells the log about a lost Redis.
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                # Bytes that are no text, from another program: nobody else would listen again.
                logger.exception("a message from Redis could not be read")
                await asyncio.sleep(_RETRY_SECONDS)

    def _take(self, message: dict[str, object], on_stop: StopTurn) -> None:
        if message["type"] == "subscribe":
            self._subscribed.set()
        elif message["data"] != _BEAT:
            try:
                user_id, session_id, invocation_id, reason = json.loads(str(message["data"]))
                on_stop(ConversationKey(user_id, session_id), invocation_id, reason)
            except Exception:
                logger.exception("a request to stop a turn could not be met")

    def _name(self, replica_id: str) -> str:
        return f"{self._prefix}:replica:{replica_id}"


class StopRequest:
    """A request that whatever turn runs in a conversation be stopped, within ``seconds``."""

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
