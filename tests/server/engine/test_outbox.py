"""The hand-over between an agent and a wire."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import run_virtual
from voicelive_agent.server.engine.outbox import Outbox


def test_the_first_item_leaves_at_once_and_close_followers_leave_together() -> None:
    async def main() -> None:
        outbox: Outbox[int] = Outbox(gap_seconds=0.01)
        reader = outbox.read()
        loop = asyncio.get_running_loop()

        async def produce() -> None:
            for i in range(5):
                outbox.put_nowait(i)
                await asyncio.sleep(0.002)
            await asyncio.sleep(1)
            outbox.put_nowait(6)
            outbox.close()

        producer = asyncio.create_task(produce())
        taken = []
        while (batch := await reader.take()) is not None:
            taken.append((round(loop.time(), 3), batch))
        assert taken == [(0.0, [0]), (0.01, [1, 2, 3, 4]), (1.01, [6])]
        await producer

    run_virtual(main())


def test_closing_does_not_wait_for_the_gap() -> None:
    async def main() -> None:
        outbox: Outbox[int] = Outbox(gap_seconds=10)
        reader = outbox.read()
        outbox.put_nowait(1)
        assert await reader.take() == [1]
        outbox.put_nowait(2)
        taking = asyncio.create_task(reader.take())
        await asyncio.sleep(0.1)
        assert not taking.done()
        outbox.close()
        assert await taking == [2]
        assert await reader.take() is None

    run_virtual(main())


def test_discarding_while_items_are_gathered_ends_the_taking() -> None:
    async def main() -> None:
        outbox: Outbox[int] = Outbox(gap_seconds=10)
        reader = outbox.read()
        outbox.put_nowait(1)
        await reader.take()
        outbox.put_nowait(2)
        taking = asyncio.create_task(reader.take())
        await asyncio.sleep(0.1)
        outbox.close(discard=True)
        assert await taking is None

    run_virtual(main())


def test_a_timeout_gives_an_empty_batch() -> None:
    async def main() -> None:
        outbox: Outbox[int] = Outbox()
        reader = outbox.read()
        assert await reader.take(5) == []
        assert asyncio.get_running_loop().time() == 5

    run_virtual(main())


@given(
    st.lists(st.sampled_from([0.0, 0.001, 0.02]), max_size=40),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.01]),
)
def test_nothing_is_lost_reordered_or_piled_up(
    pauses: list[float], limit: int, gap_seconds: float
) -> None:
    async def main() -> None:
        outbox: Outbox[int] = Outbox(limit, gap_seconds)
        reader = outbox.read()

        async def produce() -> None:
            for i, pause in enumerate(pauses):
                await outbox.wait_for_room()
                outbox.put_nowait(i)
                await asyncio.sleep(pause)
            outbox.close()

        producer = asyncio.create_task(produce())
        taken: list[int] = []
        while (batch := await reader.take()) is not None:
            assert len(batch) <= limit
            taken += batch
        assert taken == list(range(len(pauses)))
        await producer

    run_virtual(main())
