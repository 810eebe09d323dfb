"""Connection to Redis: batches, timeouts, and errors as StoreError."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from voicelive_agent.server.conversations.redis.scripts import Script
from voicelive_agent.server.conversations.store import StoreError

if TYPE_CHECKING:
    from voicelive_agent.server.conversations.redis.entra import EntraCredentials

Command = tuple[str | int | float, ...]
_CANCEL_AGAIN_SECONDS = 1.0

_ANSWER_SECONDS = 1.0
_PORT = 6379
_PREFIX = "voicelive-agent"
_CONNECTIONS = 2
_MAX_BATCH = 256
_OLDEST_MAJOR = 7


class OutdatedRedisError(StoreError):
    """This Redis will not do, however long one waits."""


class _Address(NamedTuple):
    place: str
    """Host and port, to be shown."""
    prefix: str
    pool: ConnectionPool
    credentials: "EntraCredentials | None"


class RedisLink:
    """Commands to the Redis at ``url``; each takes at most about ``2 * answer_seconds``.

    ``url`` may carry ``?prefix=name`` (for several agents in one Redis), ``?auth=entra`` (Azure
    Managed Redis with the identity of this process) and redis-py's own options. ``prefix`` is
    what the names of keys and channels begin with. Raises ValueError for a senseless URL.
    """

    def __init__(self, url: str, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._place, self.prefix, self._pool, self._credentials = _parse(url, answer_seconds)
        self._client = Redis(connection_pool=self._pool)
        self._limit_seconds = 2 * answer_seconds
        self._pending: list[tuple[Sequence[Command], asyncio.Future[list[Any]]]] = []
        self._is_pending = asyncio.Event()
        self._senders: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Take commands from now on."""
        self._senders = [asyncio.create_task(self._send_batches()) for _ in range(_CONNECTIONS)]

    async def check(self) -> None:
        """Raises StoreError when Redis can't be reached; OutdatedRedisError for one before 7."""
        try:
            (info,) = await self.run(("INFO", "server"))
        except StoreError as error:
            if not isinstance(error.__cause__, NoPermissionError):
                raise
        else:
            version = str(info["redis_version"])
            if int(version.split(".")[0]) < _OLDEST_MAJOR:
                raise OutdatedRedisError(
                    f"Redis at {self._place} is version {version}: upgrade it to "
                    f"{_OLDEST_MAJOR} or later"
                )

    async def close(self) -> None:
        senders, self._senders = self._senders, []
        await end_tasks(*senders)
        self._fail_pending(StoreError("the conversation store is closed"))
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._limit_seconds):
                await self._client.aclose()
                await self._pool.aclose()
        if self._credentials is not None:
            await self._credentials.close()

    async def run(self, *commands: Command) -> list[Any]:
        """The replies to ``commands``, sent together but not atomic. Raises StoreError."""
        if not self._senders:
            raise StoreError("the conversation store is closed: open it first")
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._pending.append((commands, future))
        self._is_pending.set()
        replies = await future
        for reply in replies:
            if isinstance(reply, Exception):
                raise self._explain(reply) from reply
        return replies

    async def evaluate(
        self,
        script: Script,
        keys: Sequence[str],
        *arguments: str | float,
        also: Sequence[Command] = (),
    ) -> Any:
        """The result of a script; ``also`` are commands that share its round trip."""
        rest = (len(keys), *keys, *arguments)
        try:
            replies = await self.run(("EVALSHA", script.sha, *rest), *also)
        except StoreError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
            # Redis was restarted, or has never seen it.
            replies = await self.run(("EVAL", script.text, *rest), *also)
        return replies[0]

    def listen(self) -> PubSub:
        return self._client.pubsub()

    async def _send_batches(self) -> None:
        while True:
            await self._is_pending.wait()
            batch, self._pending = self._pending[:_MAX_BATCH], self._pending[_MAX_BATCH:]
            if not self._pending:
                self._is_pending.clear()
            if batch:
                try:
                    await self._send(batch)
                except Exception as error:
                    # Whatever it is, those after them must not wait for ever.
                    for _, future in batch:
                        _fail(future, self._explain(error))
                    # They have waited for the same Redis.
                    self._fail_pending(self._explain(error))
                    if isinstance(error, ReadOnlyError):
                        await self._pool.disconnect()
                except asyncio.CancelledError:
                    for _, future in batch:
                        _fail(future, StoreError("the conversation store is closed"))
                    raise

    async def _send(
        self, batch: Sequence[tuple[Sequence[Command], asyncio.Future[list[Any]]]]
    ) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for commands, _ in batch:
            for command in commands:
                pipeline.execute_command(*command)
        async with asyncio.timeout(self._limit_seconds):
            replies = await pipeline.execute(raise_on_error=False)
        first = 0
        for commands, future in batch:
            if not future.done():
                future.set_result(replies[first : first + len(commands)])
            first += len(commands)

    def _fail_pending(self, error: StoreError) -> None:
        pending, self._pending = self._pending, []
        self._is_pending.clear()
        for _, future in pending:
            _fail(future, error)

    def _explain(self, error: Exception) -> StoreError:
        match error:
            case AuthenticationError() | NoPermissionError():
                advice = "refuses this user: check the user name, password and rights"
            case OutOfMemoryError():
                advice = "is full: raise its maxmemory, or keep less with a shorter retention"
            case ReadOnlyError():
                advice = "is a read-only replica: name the primary, or wait for the failover"
            case ResponseError() if str(error).startswith("MISCONF"):
                advice = "can't write to its disk: read its log, and free some space"
            case ResponseError():
                advice = "does not take a command: check that it is Redis 7 or later"
            case UnicodeError():
                advice = "can't take or give this text: it is no valid Unicode"
            case _:
                advice = (
                    "can't be reached: check that it runs, that its address is right and that "
                    "no firewall is between"
                )
        explained = StoreError(f"Redis at {self._place} {advice} ({type(error).__name__}: {error})")
        explained.__cause__ = error
        return explained


def _fail(future: asyncio.Future[list[Any]], error: StoreError) -> None:
    if not future.done():
        future.set_exception(error)


def _parse(url: str, answer_seconds: float) -> _Address:
    # A URL may hold a password, and a mistyped one anywhere: repeat nothing of it.
    problem = ValueError(
        "the redis URL makes no sense: use redis://host:6379/0, or "
        "rediss://user:password@host:6380/0 with TLS; write special characters of the password "
        "as %XX; options of this program are ?prefix=name and ?auth=entra"
    )
    try:
        parts = urlsplit(url)
        place = f"{parts.hostname}:{parts.port or _PORT}"
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise problem from None
    prefix, auth = options.pop("prefix", _PREFIX), options.pop("auth", None)
    known: dict[str, Any] = {
        "decode_responses": True,
        "max_connections": _CONNECTIONS * 2 + 2,
        "retry": Retry(NoBackoff(), 1),
        "socket_connect_timeout": answer_seconds,
        "socket_timeout": answer_seconds,
    }
    if not parts.hostname or auth not in (None, "entra") or set(prefix) & set("{}*?[]\\"):
        raise problem
    credentials = None
    if auth == "entra":
        from voicelive_agent.server.conversations.redis.entra import EntraCredentials

        known["credential_provider"] = credentials = EntraCredentials()
    try:
        pool = ConnectionPool.from_url(parts._replace(query=urlencode(options)).geturl(), **known)
        # An option that redis-py doesn't know shows here.
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError):
        raise problem from None
    return _Address(place, prefix, pool, credentials)


async def end_tasks(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks until they have ended.

    A connection that fails while it is given back takes the place of the cancellation, and a loop
    that survives failures would go on.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
