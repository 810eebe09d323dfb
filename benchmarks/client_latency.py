"""The latency that the client adds: from the socket to the device, and from the device on.

    python -m benchmarks.client_latency [--turns 40]

A local service sends ``response.audio.delta`` over a real socket through the unmodified SDK. The
sound card is a thread that calls back every 20 ms, as PortAudio's does. Measured are: from the
frame on the socket to the audio in the device's queue, and to its first sample in the card; and
from a block of the card to its ``input_audio_buffer.append`` in the service. Deltas come one by
one, and 50 at once.
"""

import argparse
import asyncio
import base64
import json
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from benchmarks.spoken import describe, percentile
from voicelive_agent.client.settings import load_settings
from voicelive_agent.client.sound.devices import BLOCK_MS
from voicelive_agent.client.sound.hardware_devices import HardwareLoudspeaker, HardwareMicrophone
from voicelive_agent.client.talk import Talk
from voicelive_agent.client.ui.json_lines import JsonLines

RATE_HZ = 24_000
BLOCK_FRAMES = RATE_HZ * BLOCK_MS // 1000
GOAL_MS = 20.0
BURST = 50
ITEM = "item_{turn}"


class SoundCard:
    """Stands in for a ``portaudio_lines.Line``: moves a block every 20 ms, in its own thread."""

    latency_s = 0.0
    lost = False
    rate_hz = RATE_HZ

    def __init__(self, move: Callable[[], None]) -> None:
        self._move = move
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def open(self, rate_hz: int) -> None:
        self._thread.start()

    async def close(self) -> None:
        self._running = False
        self._thread.join()

    def _run(self) -> None:
        next_s = time.perf_counter()
        while self._running:
            self._move()
            next_s += BLOCK_MS / 1000
            time.sleep(max(0.0, next_s - time.perf_counter()))


class Measured:
    """Times of what left and what arrived, by turn and delta or by number of block."""

    def __init__(self) -> None:
        self.sent_s: dict[tuple[int, int], float] = {}
        self.queued_ms: list[float] = []
        self.sounding_ms: list[float] = []
        self.captured_s: dict[int, float] = {}
        self.appended_ms: list[float] = []

    def queue(self, item_id: str, delta: int) -> None:
        turn = int(item_id.removeprefix("item_"))
        self.queued_ms.append((time.perf_counter() - self.sent_s[turn, delta]) * 1000)

    def sound(self, turn: int) -> None:
        self.sounding_ms.append((time.perf_counter() - self.sent_s[turn, 0]) * 1000)

    def append(self, pcm: bytes) -> None:
        [number] = struct.unpack("<h", pcm[:2])
        if number in self.captured_s:
            elapsed_s = time.perf_counter() - self.captured_s.pop(number)
            self.appended_ms.append(elapsed_s * 1000)


class Service:
    """Says ``turns`` answers, each of ``deltas`` deltas that leave at once."""

    def __init__(self, measured: Measured, turns: int, deltas: int) -> None:
        self._measured = measured
        self._turns = turns
        self._deltas = deltas

    async def hold(self, socket: ServerConnection) -> None:
        await socket.send(json.dumps({"type": "session.created", "session": {}}))
        speaking: asyncio.Task[None] | None = None
        async for frame in socket:
            event = json.loads(frame)
            if event["type"] == "session.update":
                updated = {"type": "session.updated", "session": event["session"]}
                await socket.send(json.dumps(updated))
                speaking = asyncio.create_task(self._speak(socket))
            elif event["type"] == "input_audio_buffer.append":
                self._measured.append(base64.b64decode(event["audio"]))
        if speaking:
            speaking.cancel()

    async def _speak(self, socket: ServerConnection) -> None:
        audio = struct.pack("<h", 1000) * BLOCK_FRAMES
        for turn in range(self._turns):
            # At another moment of the sound card's 20 ms each time.
            await asyncio.sleep(0.1 + turn * 0.0037 % 0.02)
            response = {"id": f"response_{turn}", "object": "realtime.response"}
            await socket.send(json.dumps({"type": "response.created", "response": response}))
            delta = json.dumps(
                {
                    "type": "response.audio.delta",
                    "response_id": f"response_{turn}",
                    "item_id": ITEM.format(turn=turn),
                    "output_index": 0,
                    "content_index": 0,
                    "delta": base64.b64encode(audio).decode(),
                }
            )
            for number in range(self._deltas):
                self._measured.sent_s[turn, number] = time.perf_counter()
                await socket.send(delta)
            response["status"] = "completed"
            await socket.send(json.dumps({"type": "response.done", "response": response}))
            await asyncio.sleep(self._deltas * BLOCK_MS / 1000 + 0.1)
        await socket.close()


class ServiceThread:
    """The service, in a thread and event loop of its own."""

    def __init__(self, service: Service) -> None:
        self.url = ""
        self._service = service
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ServiceThread":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with serve(self._service.hold, "127.0.0.1", 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"http://127.0.0.1:{port}"
            self._ready.set()
            await self._stop.wait()


class MeasuredLoudspeaker(HardwareLoudspeaker):
    """The real one, with a sound card that notes when it gets sound."""

    def __init__(self, measured: Measured) -> None:
        super().__init__()
        self._measured = measured
        self._deltas: dict[str, int] = {}
        self._turn = 0
        self._is_sounding = False
        self._line: Any = SoundCard(self._play)

    def write(self, item_id: str, content_index: int, pcm: bytes) -> None:
        super().write(item_id, content_index, pcm)
        number = self._deltas.get(item_id, 0)
        self._deltas[item_id] = number + 1
        self._measured.queue(item_id, number)

    def _play(self) -> None:
        sounding = any(self._give(b"", BLOCK_FRAMES)[:2])
        if sounding and not self._is_sounding:
            self._measured.sound(self._turn)
            self._turn += 1
        self._is_sounding = sounding


class MeasuredMicrophone(HardwareMicrophone):
    """The real one, with a sound card that numbers its blocks."""

    def __init__(self, measured: Measured) -> None:
        super().__init__()
        self._measured = measured
        self._number = 0
        self._line: Any = SoundCard(self._capture)

    def _capture(self) -> None:
        self._number = self._number % 30_000 + 1
        self._measured.captured_s[self._number] = time.perf_counter()
        self._take(struct.pack("<h", self._number) * BLOCK_FRAMES, BLOCK_FRAMES)


class Nowhere:
    """Standard output's place where nobody looks."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...


async def measure(turns: int, deltas: int) -> Measured:
    measured = Measured()
    settings = load_settings({"agent_name": "demo", "project_name": "local", "api_key": "local"})
    nowhere: Any = Nowhere()
    with ServiceThread(Service(measured, turns, deltas)) as service:
        talk = Talk(
            settings,
            service.url,
            JsonLines(nowhere),
            MeasuredLoudspeaker(measured),
            MeasuredMicrophone(measured),
        )
        await talk.run()
    return measured


def report(name: str, values_ms: list[float]) -> bool:
    print(f"  {name:38} {describe(values_ms)}")
    return percentile(values_ms, 50) < GOAL_MS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    options = parser.parse_args()
    good = True
    for deltas in (1, BURST):
        measured = asyncio.run(measure(options.turns if deltas == 1 else 10, deltas))
        print(f"{deltas} delta{'s' if deltas > 1 else ''} at once, ms")
        good &= report("socket to the device's queue", measured.queued_ms)
        good &= report("socket to the first sample in the card", measured.sounding_ms)
        good &= report("card to append", measured.appended_ms)
    print(f"Goal: medians below {GOAL_MS:.0f}: {'met' if good else 'NOT met'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
