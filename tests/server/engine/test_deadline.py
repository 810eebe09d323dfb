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
