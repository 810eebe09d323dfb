"""Budget of one turn: which part of the server spends how much of a core on it.

    python -m benchmarks.turn_budget [--wire invocations|bridge] [--agent burst] [--history 50]

The server runs here as ``voicelive-agent serve`` runs it, with SQLite, deadlines, speakable text,
ids and logs; callers in a process of their own. Every millisecond of CPU the stack of the event
loop's thread is looked at, and the innermost function that belongs to a part says whose it is.
CPU time, not time: a busy machine makes the table rougher, and hardly different. On asyncio, whose
work this can see: what uvloop does itself would count for the function that it calls next.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from unittest.mock import patch

from benchmarks.bridge import open_call_at, receive, say
from benchmarks.peers import REQUEST_BODY, read_answer
from voicelive_agent.listening import find_free_port

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # The name of a part, and what the file names of its functions hold. The first that fits.
    ("log", ("/logging/", "/platform/logs.py")),
    ("span", ("/telemetry/", "/opentelemetry/")),
    ("store", ("/server/conversations/",)),
    ("speakable text", ("/server/speakable/",)),
    ("agent", ("/benchmarks/agents.py", "/voicelive_agent/frameworks/")),
    ("encode", ("/wire/", "invocations/stream.py", "bridge/response.py")),
    ("ids and headers", ("/platform/headers.py", "/platform/ids.py")),
    ("input", ("invocations/input.py", "/platform/body.py")),
    ("engine", ("/server/engine/",)),
    ("wire", ("/server/wires/",)),
    ("access, errors", ("/platform/",)),
    ("application", ("/starlette/", "/fastapi/")),
    ("parse and write", ("/uvicorn/", "/websockets/", "/asyncio/selector_events.py")),
    ("wait", ("/selectors.py",)),
    ("event loop, tasks", ("/asyncio/",)),
)
WARM_UP_TURNS = 100


class Sampler:
    """Counts by part, and by function, in which the main thread is found after each ms of CPU."""

    def __init__(self) -> None:
        self.parts: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()

    def start(self) -> None:
        self._cpu_s, self._loop_s = time.process_time(), time.thread_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)

    def stop(self) -> tuple[float, float]:
        """Seconds of CPU since the start: of the event loop's thread, of all others."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        loop_s = time.thread_time() - self._loop_s
        return loop_s, time.process_time() - self._cpu_s - loop_s

    def _look(self, _: int, frame: FrameType | None) -> None:
        innermost = frame
        while frame is not None:
            if part := find_part(frame.f_code.co_filename):
                break
            frame = frame.f_back
        else:
            part = "other"
        self.parts[part] += 1
        if innermost is not None:
            code = (frame or innermost).f_code
            self.functions[f"{code.co_filename[-40:]}:{code.co_qualname}"] += 1


def find_part(path: str) -> str:
    """The part that a file belongs to; empty for none."""
    return next((name for name, marks in PARTS if any(mark in path for mark in marks)), "")


def print_budget(sampler: Sampler, loop_s: float, other_s: float, turns: int) -> None:
    # What the timer counts while this thread waits is the store's thread.
    sampler.parts.pop("wait", None)
    looks = sampler.parts.total()
    print(f"{'part':22}{'us':>8}{'share':>8}")
    for part, count in sampler.parts.most_common():
        share = count / looks
        print(f"{part:22}{1e6 * loop_s * share / turns:8.0f}{100 * share:7.1f} %")
    print(f"{'event loop in all':22}{1e6 * loop_s / turns:8.0f}")
    print(f"{'store, its own thread':22}{1e6 * other_s / turns:8.0f}")
    print(f"\n{turns} turns, {looks} looks")


async def call_invocations(port: int, session: str, turns: int) -> None:
    """Without a name of the session, each turn has one of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    query = f"?agent_session_id={session}" if session else ""
    request = (
        f"POST /invocations{query} HTTP/1.1\r\nhost: localhost\r\n"
        f"content-type: application/json\r\ncontent-length: {len(REQUEST_BODY)}\r\n\r\n"
    ).encode() + REQUEST_BODY
    for _ in range(turns):
        await read_answer(reader, writer, request)
    writer.close()


async def call_bridge(port: int, session: str, turns: int) -> None:
    socket = await open_call_at(port, session)
    for _ in range(turns):
        await say(socket, f"in_{os.urandom(4).hex()}", "hello")
        await receive(socket, "response.done")
    await socket.close()


CALLERS: dict[str, Callable[[int, str, int], Awaitable[None]]] = {
    "invocations": call_invocations,
    "bridge": call_bridge,
}


async def call(arguments: argparse.Namespace) -> None:
    """In the callers' process: all have their history, then all take their turns."""
    take = CALLERS[arguments.wire]
    named = arguments.history or arguments.wire == "bridge"
    names = [f"caller-{number}" if named else "" for number in range(arguments.callers)]
    warm = arguments.history + WARM_UP_TURNS // len(names)
    await asyncio.gather(*(take(arguments.call, name, warm) for name in names))
    os.kill(os.getppid(), signal.SIGUSR1)
    each = arguments.turns // len(names)
    await asyncio.gather(*(take(arguments.call, name, each) for name in names))
    os.kill(os.getppid(), signal.SIGUSR2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--wire", choices=tuple(CALLERS), default="invocations")
    parser.add_argument("--agent", default="burst", help="one of benchmarks.agents")
    parser.add_argument("--history", type=int, default=0, help="turns each caller had before")
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--turns", type=int, default=4000)
    parser.add_argument("--functions", type=int, default=0, help="print so many of them, too")
    parser.add_argument("--call", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.call:
        asyncio.run(call(arguments))
        return
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(
            HOME=home,
            PORT=str(find_free_port()),
            VOICELIVE_AGENT=f"benchmarks.agents:{arguments.agent}",
            VOICELIVE_WIRES=arguments.wire,
            VOICELIVE_LOG_LEVEL="INFO",
        )
        measure(arguments)


def measure(arguments: argparse.Namespace) -> None:
    from voicelive_agent.server.serve import serve
    from voicelive_agent.server.settings import Settings, load_settings

    sampler = Sampler()
    callers: list[subprocess.Popen[bytes]] = []

    def begin(_: Settings, url: str) -> None:
        signal.signal(signal.SIGUSR1, lambda *_: sampler.start())
        signal.signal(signal.SIGUSR2, lambda *_: end())
        command = [sys.executable, "-m", "benchmarks.turn_budget", *sys.argv[1:]]
        callers.append(subprocess.Popen([*command, "--call", url.rpartition(":")[2]]))

    def end() -> None:
        loop_s, other_s = sampler.stop()
        print_budget(sampler, loop_s, other_s, arguments.turns)
        for name, count in sampler.functions.most_common(arguments.functions):
            print(f"{count:8} {name}")
        threading.Timer(0, partial(os.kill, os.getpid(), signal.SIGTERM)).start()

    # Never closed: the server's last lines come after all of this.
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    with patch("voicelive_agent.event_loop.new_event_loop", asyncio.new_event_loop):
        serve(load_settings(), begin)
    for caller in callers:
        caller.wait()


if __name__ == "__main__":
    main()
