import asyncio

import pytest

from voicelive_agent.emulator.shell.outbox import FrameOutbox


class Peer:
    """A client's socket that takes a frame whenever it is told to."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.permits = asyncio.Semaphore(0)

    async def send(self, frame: str) -> None:
        await self.permits.acquire()
        self.taken.append(frame)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


async def test_all_goes_out_in_order_and_the_close_last() -> None:
    outbox, peer = FrameOutbox(), Peer()
    for number in range(5):
        outbox.put(str(number))
        peer.permits.release()
    outbox.close(1000, "done")
    outbox.put("too late")
    await outbox.run(peer.send, peer.close)
    assert peer.taken == ["0", "1", "2", "3", "4"]
    assert peer.closed == (1000, "done")


async def test_who_waits_for_room_waits_for_the_reader() -> None:
    outbox, peer = FrameOutbox(), Peer()
    for _ in range(3):
        outbox.put("x" * 100)
    running = asyncio.create_task(outbox.run(peer.send, peer.close))
    waiting = asyncio.create_task(outbox.wait_room(150))
    await asyncio.sleep(0)
    peer.permits.release()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    peer.permits.release()
    await asyncio.wait_for(waiting, 5)
    assert outbox.queued_bytes == 100
    outbox.close(1000, "")
    peer.permits.release()
    await running


async def test_a_peer_that_has_gone_holds_nobody_back() -> None:
    """A speaker that waited for a client which hung up would have waited for ever."""
    outbox = FrameOutbox()

    async def fail(frame: str) -> None:
        raise ConnectionResetError

    async def close(code: int, reason: str) -> None:
        raise AssertionError

    outbox.put("x" * 1000)
    waiting = asyncio.create_task(outbox.wait_room(10))
    await asyncio.sleep(0)
    with pytest.raises(ConnectionResetError):
        await outbox.run(fail, close)
    await asyncio.wait_for(waiting, 5)
    outbox.put("ignored")
    assert outbox.queued_bytes == 1000
