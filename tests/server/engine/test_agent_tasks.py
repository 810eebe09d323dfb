"""Tasks of an agent's own: what exits in one fails its turn, and never ends the server."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.server.engine.engine_room import EngineRoom, Heard
from tests.virtual_time import run_virtual
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.engine.agent_tasks import guard_tasks


async def leave() -> None:
    await asyncio.sleep(0.1)
    sys.exit(3)


async def interrupt() -> None:
    raise KeyboardInterrupt


async def gather() -> None:
    await asyncio.gather(asyncio.sleep(1), leave())


async def group() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.sleep(1))
        tasks.create_task(leave())


async def nest() -> None:
    await asyncio.create_task(gather())


async def in_a_thread() -> None:
    await asyncio.create_task(asyncio.to_thread(sys.exit, 3))


async def at_once() -> None:
    await asyncio.create_task(interrupt())


async def in_time() -> None:
    await asyncio.wait_for(leave(), 1)


@pytest.mark.parametrize("work", [gather, group, nest, in_time, at_once, in_a_thread])
def test_an_exit_in_a_task_fails_the_turn_only(work: Callable[[], Awaitable[None]]) -> None:
    """asyncio let it out of the event loop, and all calls with it."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        if turn.text == "exit":
            await work()
        yield "Still here."

    async def main() -> tuple[Heard, Heard]:
        async with EngineRoom(reply) as room:
            return await room.say("exit"), await room.say()

    failed, said = asyncio.run(main()) if work is in_a_thread else run_virtual(main())
    assert failed.error_code == "agent_failed"
    assert said.text == "Still here."


async def test_tasks_of_others_are_as_they_were() -> None:
    loop = asyncio.get_running_loop()
    guard_tasks(loop)
    guard_tasks(loop)
    task = asyncio.create_task(leave(), name="mine")
    coroutine = task.get_coro()
    assert asyncio.iscoroutine(coroutine)
    assert (task.get_name(), coroutine.__class__.__name__) == ("mine", "coroutine")
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


def test_an_agents_tasks_can_be_named_and_cancelled(recwarn: pytest.WarningsRecorder) -> None:
    """One that is cancelled before it begins was never awaited, which Python complains of."""
    seen: list[object] = []

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        early = asyncio.create_task(leave(), name="early")
        early.cancel()
        late = asyncio.create_task(asyncio.sleep(5, "never"))
        await asyncio.sleep(0.01)
        late.cancel()
        await asyncio.wait({early, late})
        seen.extend([early.get_name(), early.cancelled(), late.cancelled()])
        yield "Done."

    async def main() -> Heard:
        async with EngineRoom(reply) as room:
            return await room.say()

    assert run_virtual(main()).text == "Done."
    assert seen == ["early", True, True]
    assert not recwarn.list
