"""A latch lets all go who wait for it, and those who come later."""

import asyncio

from tests.virtual_time import run_virtual
from voicelive_agent.server.engine.latch import Latch


async def test_all_who_wait_go_on_once_it_is_set() -> None:
    latch = Latch()
    waiting = [asyncio.create_task(latch.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not latch.is_set()
    assert not any(task.done() for task in waiting)
    latch.set()
    await asyncio.gather(*waiting)
    assert latch.is_set()
    await latch.wait()


async def test_one_who_gives_up_keeps_nobody_waiting() -> None:
    latch = Latch()
    gone, waiting = (asyncio.create_task(latch.wait()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    latch.set()
    await waiting
    assert gone.cancelled()
    latch.set()


def test_one_who_waits_for_so_long_only_is_told_whether_it_is_set() -> None:
    """An open stream that is quiet waits anew for each of its comments."""

    async def main() -> None:
        loop, latch = asyncio.get_running_loop(), Latch()
        assert not await latch.wait(5)
        assert not await latch.wait(5)
        assert loop.time() == 10
        assert not latch._waiters
        loop.call_later(3, latch.set)
        assert await latch.wait(5)
        assert await latch.wait(5)
        assert loop.time() == 13

    run_virtual(main())
