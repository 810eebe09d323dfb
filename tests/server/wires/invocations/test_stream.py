"""The stream of one turn, as messages to the server that sends them."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message

from tests.server.engine.engine_room import EngineRoom
from tests.server.serving import read_events
from tests.virtual_time import run_virtual
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.engine.events import Delta, Shown
from voicelive_agent.server.platform.errors import SlowCallerError
from voicelive_agent.server.wires.invocations.stream import InvocationsStream, encode_events


async def say_two(turn: Turn) -> AsyncIterator[Output]:
    yield "one "
    await asyncio.sleep(1)
    yield "two"


class Peer:
    """A caller whose connection can be slow, or go."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.gone = asyncio.Event()
        self.seconds_to_read = 0.0

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        await asyncio.sleep(self.seconds_to_read)

    async def follow(self, stream: InvocationsStream) -> None:
        await stream({"type": "http"}, self.receive, self.send)


def test_the_last_event_and_the_end_of_the_body_are_one_write() -> None:
    """Two would be two packets, and a caller that waits for the end waits for both."""

    async def main() -> list[Message]:
        async with EngineRoom(say_two) as room:
            peer = Peer()
            await peer.follow(InvocationsStream(room.begin().listen(), 0.4, 30))
            return peer.messages

    start, *bodies = run_virtual(main())
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in headers
    assert [body["more_body"] for body in bodies] == [True] * (len(bodies) - 1) + [False]
    assert bodies[-1]["body"].endswith(b'data: {"type":"done"}\n\n')
    events = read_events(b"".join(body["body"] for body in bodies).decode())
    assert [event["type"] for event in events][-2:] == ["output_audio_transcription.done", "done"]
    assert [body["body"] for body in bodies].count(b": keep-alive\n\n") == 2


def test_a_peer_that_goes_ends_the_stream_and_its_turn() -> None:
    async def main() -> None:
        async with EngineRoom(say_two) as room:
            peer, turn = Peer(), room.begin()
            asyncio.get_running_loop().call_later(0.5, peer.gone.set)
            await peer.follow(InvocationsStream(turn.listen(), 0, 30))
            await turn.settled.wait()
            assert turn.snapshot().reason == "disconnected"
            assert room.loop.time() == 0.5

    run_virtual(main())


def test_a_peer_that_does_not_read_is_left() -> None:
    """Where even the head did not leave, the turn was never told, and ran for ever."""

    async def main() -> None:
        async with EngineRoom(say_two) as room:
            peer, turn = Peer(), room.begin()
            peer.seconds_to_read = 100
            with pytest.raises(SlowCallerError):
                await peer.follow(InvocationsStream(turn.listen(), 0, 5))
            assert room.loop.time() == 5
            await turn.settled.wait()
            assert turn.snapshot().reply == ""

    run_virtual(main())


def test_a_cancellation_from_outside_is_passed_on() -> None:
    """The server's own end of a request is no peer that has gone."""

    async def main() -> None:
        async with EngineRoom(say_two) as room:
            task = asyncio.create_task(
                Peer().follow(InvocationsStream(room.begin().listen(), 0, 30))
            )
            await asyncio.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run_virtual(main())


@pytest.mark.parametrize("text", ["half \ud83d a pair", "\x00\u2028\n\r\n", '"\\', "data: x\n\n"])
def test_any_text_stays_one_frame(text: str) -> None:
    for event in (Delta(text), Shown(json.dumps({"type": "x", "text": text}, ensure_ascii=False))):
        frame = encode_events([event]).decode("utf-8")
        (decoded,) = read_events(frame)
        said = decoded.get("delta") or decoded.get("text")
        assert said == text.replace("\ud83d", "?")
