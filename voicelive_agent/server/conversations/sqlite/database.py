"""A SQLite file, and the one thread that works on it.

Work that comes within a few turns of the event loop, or piles up while the thread is busy, is done
in one transaction (group commit) and its results go back to the event loop in one call, so a turn
costs the loop little. When one piece of work in a transaction fails, the others are done again,
each in a transaction of its own.
"""

import asyncio
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from voicelive_agent.server.conversations.sqlite.checkpoints import LOG_PAGES, Checkpoints
from voicelive_agent.server.conversations.sqlite.schema import migrate
from voicelive_agent.server.conversations.store import StoreError

logger = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_MAX_BATCH = 256
# So many turns of the event loop work waits for more: hardly any time while the loop is idle, and
# while it is busy one transaction, and one change of threads, for what many turns want.
_GATHERING_STEPS = 3
# Work that nobody waits for is done so much later, at most twice as much: with others of its kind,
# and not while somebody waits for first words. Until then it may have become needless, as the
# beginning of a turn that has ended.
_UNHURRIED_SECONDS = 0.0125
_CHORE_PAUSE_SECONDS = 60.0
# After these the connection itself may be at fault; the next work opens another.
_SUSPECT_CONNECTION = frozenset(
    {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY"}
)


class Chore(Protocol):
    """Work that the thread does by itself, in short steps between the work it is given."""

    def due_seconds(self) -> float:
        """How long until the next step; 0 when there is more to do."""

    def step(self, connection: sqlite3.Connection) -> None: ...


@dataclass(slots=True, eq=False)
class _Job:
    work: Work[Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class Database:
    """One SQLite file in WAL mode. ``run`` raises StoreError when the file can't be used."""

    def __init__(self, path: Path, chores: Sequence[Chore], *, busy_seconds: float) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._chores = chores
        self._given: dict[asyncio.Future[Any], _Job] = {}
        self._gathering = False
        self._unhurried: dict[asyncio.Future[Any], _Job] = {}
        self._ripe: dict[asyncio.Future[Any], _Job] = {}
        self._ripening = False
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._chores_pause_until = 0.0
        self._connection: sqlite3.Connection | None = None
        self._file: os.stat_result | None = None
        self._checkpoints = Checkpoints(path)
        self._thread: threading.Thread | None = None
        self.failing = False
        """Whether the file could not be used last."""
        self._loop: asyncio.AbstractEventLoop

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="conversations", daemon=True)
        self._thread.start()
        self._checkpoints.start()

    async def stop(self) -> None:
        """Finish all work that was given, and close the file."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._given = {**self._ripe, **self._unhurried, **self._given}
            self._ripe, self._unhurried = {}, {}
            self._hand_over(0)
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    async def run(self, work: Work[T]) -> T:
        """Do ``work`` in a transaction. A caller that is cancelled does not undo it.

        ``work`` may be done twice, after a rollback, so it must change nothing but the database.
        """
        return await self.submit(work)

    def submit(self, work: Work[T], *, hurry: bool = True) -> asyncio.Future[T]:
        """Like ``run``, for a caller that need not wait; without ``hurry`` for one that doesn't."""
        if self._thread is None:
            raise StoreError("the conversation store is closed: open it first")
        future: asyncio.Future[T] = self._loop.create_future()
        (self._given if hurry else self._unhurried)[future] = _Job(work, future)
        if hurry and not self._gathering:
            self._gathering = True
            self._loop.call_soon(self._hand_over, _GATHERING_STEPS)
        elif not hurry and not self._ripening:
            self._ripening = True
            self._loop.call_later(_UNHURRIED_SECONDS, self._ripen)
        return future

    def withdraw(self, submitted: asyncio.Future[Any]) -> bool:
        """Take unhurried work back; whether that was still possible."""
        work = self._unhurried.pop(submitted, None) or self._ripe.pop(submitted, None)
        return work is not None

    def _ripen(self) -> None:
        """Give the thread the unhurried work that has been there since the last time."""
        self._given = {**self._ripe, **self._given}
        self._ripe, self._unhurried = self._unhurried, {}
        self._hand_over(0)
        self._ripening = bool(self._ripe)
        if self._ripening:
            self._loop.call_later(_UNHURRIED_SECONDS, self._ripen)

    def _hand_over(self, steps: int) -> None:
        """Give the thread all there is, ``steps`` turns of the event loop from now."""
        if steps:
            self._loop.call_soon(self._hand_over, steps - 1)
            return
        given, self._given = self._given, {}
        self._gathering = False
        if given:
            self._jobs.put(list(given.values()))

    # What follows runs in the thread.

    def _work(self) -> None:
        going = True
        while going:
            jobs, going = self._take()
            if jobs:
                self._perform(jobs)
                with suppress(RuntimeError):  # The loop was closed without closing the store.
                    self._loop.call_soon_threadsafe(_deliver, jobs)
                self._finish_checkpoint()
            if going:
                self._do_chore()
        self._checkpoints.stop(self._connection)
        self._disconnect()

    def _take(self) -> tuple[list[_Job], bool]:
        """Wait for work or the next chore; return all work there is, and whether to go on."""
        jobs: list[_Job] = []
        try:
            given = self._jobs.get(timeout=self._idle_seconds())
            while given is not None:
                jobs += given
                if len(jobs) >= _MAX_BATCH:
                    break
                given = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, given is not None

    def _perform(self, jobs: Sequence[_Job]) -> None:
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
        except (sqlite3.Error, OSError, StoreError) as error:
            self.failing = True
            for job in jobs:
                job.error = self._explain(error)
            return
        try:
            for job in jobs:
                job.result = job.work(connection)
            connection.execute("COMMIT")
            self.failing = False
            self._checkpoints.note(len(jobs))
        except Exception as error:
            self._roll_back()
            if len(jobs) == 1:
                jobs[0].error = self._explain(error)
                self.failing = isinstance(jobs[0].error, StoreError)
            else:
                for job in jobs:
                    self._perform([job])

    def _finish_checkpoint(self) -> None:
        if self._connection is not None:
            # What stands in the way meets the next piece of work, too.
            with suppress(sqlite3.Error):
                self._checkpoints.finish(self._connection)

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._is_moved():
                logger.warning("%s was moved or deleted: starting it anew", self.path)
                self._disconnect()
            else:
                return self._connection
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its companion files the permissions of this one.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, cached_statements=64
        )
        try:
            migrate(connection, self.path)
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
            self._file = self.path.stat()
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _is_moved(self) -> bool:
        # SQLite itself would go on writing into a file that no name leads to.
        try:
            return not os.path.samestat(self.path.stat(), self._file)  # type: ignore[arg-type]
        except OSError:
            return True

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                self._disconnect()

    def _explain(self, error: Exception) -> Exception:
        """The StoreError for a failure of the file; other errors as they are."""
        if isinstance(error, sqlite3.Error):
            name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
            if name in _SUSPECT_CONNECTION:
                self._disconnect()
            explained = StoreError(f"{_advise(name, self.path)} (SQLite says: {error})")
        elif isinstance(error, OSError):
            explained = StoreError(
                f"{_advise('SQLITE_CANTOPEN', self.path)} (the system says: {error.strerror})"
            )
        else:
            return error
        explained.__cause__ = error
        return explained

    def _idle_seconds(self) -> float:
        due = min(chore.due_seconds() for chore in self._chores)
        paused = self._chores_pause_until - time.monotonic()
        # Bounded: what is due depends on clocks that a suspended machine doesn't advance.
        return min(max(due, paused, 0.0), _CHORE_PAUSE_SECONDS)

    def _do_chore(self) -> None:
        if self._chores_pause_until > time.monotonic():
            return
        for chore in self._chores:
            if chore.due_seconds() <= 0:
                try:
                    connection = self._connect()
                    changes_before = connection.total_changes
                    chore.step(connection)
                    self._checkpoints.note(connection.total_changes - changes_before)
                except Exception as error:
                    self._roll_back()
                    self._chores_pause_until = time.monotonic() + _CHORE_PAUSE_SECONDS
                    logger.warning("background work waits: %s", self._explain(error))
                    return


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction of a chore's own; ``Database`` rolls it back after an error."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _deliver(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        if not job.future.done():
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)
                job.future.exception()  # Nobody may be waiting.


def _advise(name: str, path: Path) -> str:
    match name:
        case "SQLITE_FULL":
            return f"the disk that holds {path} is full: free some space or give it more"
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return f"another program has locked {path}: end it, or wait until it is through"
        case "SQLITE_CORRUPT" | "SQLITE_NOTADB":
            return (
                f"{path} is damaged or no conversation store: move it away, a new one is made "
                "by itself; what is in it may be saved with sqlite3's .recover"
            )
        case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
            return (
                f"{path} can't be written: let this user write it and its directory, or name "
                "another place with VOICELIVE_CONVERSATIONS=sqlite:///absolute/path"
            )
        case "SQLITE_IOERR":
            return f"the disk that holds {path} fails: check its space, quota and health"
        case _:
            return f"{path} can't be used"
