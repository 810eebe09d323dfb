"""A deadline that moves with every sign of life."""

import asyncio

from tests.virtual_time import run_virtual
from voicelive_agent.server.engine.deadline import Watchdog


def test_it_expires_once_after_the_latest_deadline() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        expired: list[tuple[str, float]] = []
        watchdog: Watchdog[str] = Watchdog(lambda reason: expired.append((reason, loop.time())))
        watchdog.expect("first", 10)
        await asyncio.sleep(9)
        watchdog.expect("idle", 5)
        await asyncio.sleep(4)
        watchdog.expect("idle", 5)
        await asyncio.sleep(100)
        assert expired == [("idle", 18)]

    run_virtual(main())


def test_a_nearer_deadline_takes_effect() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        expired: list[float] = []
        watchdog: Watchdog[str] = Watchdog(lambda reason: expired.append(loop.time()))
        watchdog.expect("first", 100)
        watchdog.expect("idle", 1)
        await asyncio.sleep(200)
        assert expired == [1]

    run_virtual(main())


def test_cleared_and_closed_it_is_silent() -> None:
    async def main() -> None:
        expired: list[str] = []
        watchdog = Watchdog(expired.append)
        watchdog.expect("idle", 1)
        watchdog.clear()
        await asyncio.sleep(2)
        watchdog.expect("idle", 1)
        watchdog.close()
        await asyncio.sleep(2)
        assert expired == []

    run_virtual(main())


def test_the_last_deadline_comes_however_the_other_is_moved_and_ends_it() -> None:
    """An agent that says something now and then is never quiet for long, and still has an end."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        expired: list[tuple[str, float]] = []
        watchdog: Watchdog[str] = Watchdog(lambda reason: expired.append((reason, loop.time())))
        watchdog.expect("first", 10)
        watchdog.limit("turn", 20)
        for _ in range(4):
            await asyncio.sleep(4)
            watchdog.expect("idle", 10)
        await asyncio.sleep(100)
        assert expired == [("turn", 20)]

    run_virtual(main())


def test_while_nothing_is_expected_the_last_deadline_still_counts() -> None:
    """A caller who reads slowly is not the agent's fault, but no turn lasts for ever."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        expired: list[tuple[str, float]] = []
        watchdog: Watchdog[str] = Watchdog(lambda reason: expired.append((reason, loop.time())))
        watchdog.limit("turn", 20)
        watchdog.expect("first", 10)
        watchdog.clear()
        await asyncio.sleep(100)
        assert expired == [("turn", 20)]
        watchdog.limit("turn", 5)
        watchdog.close()
        await asyncio.sleep(100)
        assert expired == [("turn", 20)]

    run_virtual(main())


def test_a_sign_of_life_is_a_time_that_is_set() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        expired: list[float] = []
        watchdog: Watchdog[str] = Watchdog(lambda reason: expired.append(loop.time()))
        watchdog.expect("idle", 5)
        for _ in range(4):
            await asyncio.sleep(4)
            watchdog.seen_at = loop.time()
        await asyncio.sleep(100)
        assert expired == [21]

    run_virtual(main())
