"""Workers: ``voicelive-agent serve --workers N`` as a supervisor and N processes that serve.

::

    SIGTERM, SIGINT ─▶ each worker drains, as a server alone does; the supervisor ends after them
    SIGHUP          ─▶ one after the other, a worker starts with what the files say now, and the one
                       in whose place it is takes nothing new and drains
    a worker dies   ─▶ the log says of what, and another starts

Linux spreads connections among as many listening sockets as there are workers. The supervisor keeps
them, so that what waits in one is taken by the next worker in its place. What workers know of each
other is in the conversation store. Each is the same command with the same options.

uvicorn's supervisor takes an application by its name alone, without this command's options; it has
all workers accept from one socket, of which asyncio lets one take whatever waits; it kills who
does not answer within five seconds, starts who dies at once, for ever, and says so in nobody's log.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

VARIABLE = "_VOICELIVE_WORKER"
"""For a worker: the descriptors of its listening socket and of one to its supervisor."""
_READY = b"r"
# One that lives shorter may die of the same at once again.
_LONG_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 30.0


def find_sockets() -> tuple[socket.socket, socket.socket] | None:
    """In a worker, its listening socket and the one to its supervisor; None in a server alone."""
    if not (descriptors := os.environ.pop(VARIABLE, "")):
        return None
    listener, supervisor = (socket.socket(fileno=int(number)) for number in descriptors.split())
    listener.setblocking(False)
    return listener, supervisor


def follow(supervisor: socket.socket) -> None:
    """Tell the supervisor that this worker listens, and end as at SIGTERM once it has gone."""
    supervisor.setblocking(True)
    supervisor.sendall(_READY)

    def wait() -> None:
        with suppress(OSError):
            supervisor.recv(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()


@dataclass(eq=False)
class _Worker:
    process: asyncio.subprocess.Process
    socket: socket.socket
    started_at: float
    retired: bool = False
    ready: bool = False

    async def wait_until_ready(self) -> bool:
        """False where it ends before."""
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            self.ready = await loop.sock_recv(self.socket, 1) == _READY
        return self.ready

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Supervisor:
    """A worker for each of ``listeners``: ``voicelive-agent serve`` with ``arguments``.

    ``on_ready`` is called once all of them serve.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        arguments: Sequence[str],
        on_ready: Callable[[], None],
    ) -> None:
        self._listeners = listeners
        self._arguments = arguments
        self._on_ready = on_ready
        self._places: list[_Worker | None] = [None] * len(listeners)
        self._all: set[_Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._reloading = False
        self._exit_code = 0
        self._over = asyncio.Event()

    async def run(self) -> int:
        """Until a signal ends all of it; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload)
        ready = await asyncio.gather(*(self._fill(at) for at in range(len(self._places))))
        if all(ready) and not self._stopping:
            self._on_ready()
        elif not self._stopping:
            # Each has said why.
            self._exit_code = 1
            self._stop()
        await self._over.wait()
        for task in self._tasks:
            task.cancel()
        return self._exit_code

    async def _fill(self, place: int) -> bool:
        """Start a worker in a place, in that of the one that is there; whether it is ready."""
        if self._stopping:
            return False
        worker = await self._start(self._listeners[place].fileno())
        self._all.add(worker)
        self._spawn(self._watch(worker, place))
        if self._stopping:
            worker.signal(signal.SIGTERM)
        if self._places[place] is None:
            self._places[place] = worker
        if not await worker.wait_until_ready():
            return False
        before, self._places[place] = self._places[place], worker
        if before is not None and before is not worker:
            before.retired = True
            before.signal(signal.SIGHUP)
        return True

    async def _start(self, listener: int) -> _Worker:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "voicelive_agent", "serve", *self._arguments, "--quiet"),
                env={**os.environ, VARIABLE: f"{listener} {theirs.fileno()}"},
                pass_fds=[listener, theirs.fileno()],
                # A terminal's Ctrl-C is the supervisor's, which passes it on once.
                start_new_session=True,
            )
        finally:
            theirs.close()
        return _Worker(process, ours, asyncio.get_running_loop().time())

    async def _watch(self, worker: _Worker, place: int) -> None:
        code = await worker.process.wait()
        worker.socket.close()
        self._all.discard(worker)
        if self._stopping:
            self._exit_code = self._exit_code or abs(code)
            if not self._all:
                self._over.set()
            return
        if worker.retired or not worker.ready:
            return
        lived = asyncio.get_running_loop().time() - worker.started_at
        logger.error(
            "worker %d %s after %.0f s: another is started in its place",
            worker.process.pid,
            _describe_end(code),
            lived,
        )
        self._places[place] = None
        pause = 0.0 if lived >= _LONG_SECONDS else 1.0
        while not self._stopping:
            await asyncio.sleep(pause)
            if await self._fill(place):
                return
            self._places[place] = None
            pause = min(max(1.0, 2 * pause), _LONGEST_PAUSE_SECONDS)

    def _begin_reload(self) -> None:
        if not (self._reloading or self._stopping):
            self._reloading = True
            self._spawn(self._reload())

    async def _reload(self) -> None:
        logger.info("SIGHUP: each of %d workers is replaced", len(self._places))
        for place in range(len(self._places)):
            if not await self._fill(place):
                if not self._stopping:
                    logger.error("a new worker did not start: those that are there stay")
                break
        self._reloading = False

    def _stop(self) -> None:
        self._stopping = True
        for worker in self._all:
            worker.signal(signal.SIGTERM)
        if not self._all:
            self._over.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _describe_end(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with {code}"
