"""How many sessions at once one core carries in real time, and what each costs in memory.

    python -m benchmarks.sessions [--sessions 1 5 10 25] [--seconds 10] [--speech | --muted]

The emulator runs on one core and its clients on the others. Each client streams 20 ms frames in
real time. They hold the noise of a quiet room, so what is measured is the service itself and voice
activity; with ``--speech`` each caller asks the demo agent something over and over, by voice; with
``--muted`` the frames are zeros, as those of a muted microphone. Memory is private to the processes
of the emulator and the agent, ``in all`` what both have with these sessions.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect

from benchmarks.services import start_services
from benchmarks.spoken import percentile, synthesise

FRAME_MS = 20
RATE_HZ = 24_000
FULL_PERCENT = 95
"""A core that does more falls behind."""
ROOM_LEVEL = 40


def read_usage(pids: list[int]) -> tuple[float, float]:
    """CPU seconds and private memory in MB of processes."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds = megabytes = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        seconds += (int(fields[11]) + int(fields[12])) / ticks
        megabytes += sum(
            int(line.split()[1]) / 1024
            for line in rollup.splitlines()
            if line.startswith(("Private_", "Swap:"))
        )
    return seconds, megabytes


def find_descendants(parent: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, todo = [], [parent]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def pin_threads(pid: int, core: int) -> None:
    """All that there are: a thread of a process has cores of its own."""
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {core})


class Client:
    """One session without the SDK, which would take most of the measured time itself."""

    def __init__(self, url: str, sound: bytes, offset_s: float) -> None:
        self._url = url.replace("http", "ws", 1)
        self._offset_s = offset_s
        size = RATE_HZ * FRAME_MS // 1000 * 2
        sound += bytes(-len(sound) % size)
        frames = [sound[at : at + size] for at in range(0, len(sound), size)]
        self._frames = [
            json.dumps(
                {"type": "input_audio_buffer.append", "audio": base64.b64encode(frame).decode()}
            )
            for frame in frames
        ]
        self.answers = 0
        self.delays_ms: list[float] = []

    async def run(self, seconds: float) -> None:
        await asyncio.sleep(self._offset_s)
        query = "agent-name=demo&agent-project-name=local"
        async with connect(
            f"{self._url}/voice-live/realtime?{query}", compression=None, max_size=None
        ) as socket:
            reading = asyncio.create_task(self._read(socket))
            began_s = time.monotonic()
            number = 0
            while time.monotonic() - began_s < seconds:
                number += 1
                due_s = began_s + number * FRAME_MS / 1000
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                await socket.send(self._frames[number % len(self._frames)])
                if number % 50 == 0:
                    pong = await socket.ping()
                    latency_s = await pong
                    self.delays_ms.append(latency_s * 1000)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, socket: object) -> None:
        async for frame in socket:  # type: ignore[attr-defined]
            if b'"response.done"' in (frame if isinstance(frame, bytes) else frame.encode()):
                self.answers += 1


async def measure(counts: list[int], seconds: float, sound: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with start_services(Path(directory), record=False) as url:
            pids = find_descendants(os.getpid())
            if hasattr(os, "sched_setaffinity"):
                for pid in pids:
                    pin_threads(pid, core=0)
                os.sched_setaffinity(0, set(range(1, os.cpu_count() or 2)) or {0})
            _, empty_mb = read_usage(pids)
            print(
                f"{'sessions':>8} {'core %':>7} {'MB each':>8} {'MB in all':>10} "
                f"{'ping p95 ms':>12} {'answers':>8}"
            )
            carried = 0.0
            for count in counts:
                clients = [Client(url, sound, 4 * at / count) for at in range(count)]
                running = [asyncio.create_task(client.run(seconds + 4)) for client in clients]
                await asyncio.sleep(4)
                before_s, _ = read_usage(pids)
                began_s = time.monotonic()
                await asyncio.sleep(seconds - 0.5)
                after_s, full_mb = read_usage(pids)
                elapsed_s = time.monotonic() - began_s
                await asyncio.gather(*running)
                delays = [delay for client in clients for delay in client.delays_ms]
                percent = (after_s - before_s) / elapsed_s * 100
                if percent < FULL_PERCENT:
                    carried = count * FULL_PERCENT / percent
                print(
                    f"{count:8} {percent:7.0f} "
                    f"{(full_mb - empty_mb) / count:8.1f} {full_mb:10.0f} "
                    f"{percentile(delays, 95):12.0f} "
                    f"{sum(client.answers for client in clients):8}"
                )
            print(f"One core carries about {carried:.0f} of them in real time.")


def make_sound(options: argparse.Namespace) -> bytes:
    """What each caller sends over and over."""
    pause = np.zeros(RATE_HZ * 4, np.int16)
    if not options.muted:
        noise = np.random.default_rng(0).normal(0, ROOM_LEVEL, len(pause))
        pause = noise.astype(np.int16)
    speech = synthesise("What are your opening hours?", "heart-deep") if options.speech else b""
    return speech + pause.tobytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 5, 10, 25])
    parser.add_argument("--seconds", type=float, default=10)
    sound = parser.add_mutually_exclusive_group()
    sound.add_argument("--speech", action="store_true", help="callers ask something every 5 s")
    sound.add_argument("--muted", action="store_true", help="callers send zeros")
    options = parser.parse_args()
    asyncio.run(measure(options.sessions, options.seconds, make_sound(options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
