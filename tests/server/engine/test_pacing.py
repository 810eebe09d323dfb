"""Pacing: turns that begin together begin a few at a time, and say their first words first."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.types import Message

from benchmarks.peers import REQUEST_BODY
from benchmarks.turn_calls import make_scope
from tests.virtual_time import run_virtual
from voicelive_agent.agent import Output, Turn
from voicelive_agent.server.app import create_app
from voicelive_agent.server.engine.pacing import Pacing
from voicelive_agent.server.settings import Settings

CALLERS = 40


async def test_few_begin_in_each_step_and_in_the_order_in_which_they_came() -> None:
    pacing, began = Pacing(at_once=3), list[int]()

    async def begin(number: int) -> None:
        await pacing.begin()
        began.append(number)

    tasks = [asyncio.create_task(begin(number)) for number in range(8)]
    counts = []
    while len(began) < 8:
        await asyncio.sleep(0)
        counts.append(len(began))
    await asyncio.gather(*tasks)
    assert began == list(range(8))
    steps = [after - before for before, after in zip([0, *counts], counts, strict=False)]
    assert max(steps) == 3


async def test_one_alone_begins_without_a_step_of_the_event_loop() -> None:
    pacing = Pacing()
    for _ in range(100):
        beginning = pacing.begin()
        try:
            beginning.send(None)
        except StopIteration:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        else:
            raise AssertionError("it waited for something")


async def test_one_who_has_gone_while_waiting_takes_nobodys_place() -> None:
    pacing = Pacing(at_once=1)
    tasks = [asyncio.create_task(pacing.begin()) for _ in range(50)]
    await asyncio.sleep(0)
    for task in tasks[1:-1]:
        task.cancel()
    for _ in range(4):
        await asyncio.sleep(0)
    assert tasks[-1].done()
    assert not tasks[-1].cancelled()


class SteppingLoop(asyncio.SelectorEventLoop):
    """Each step takes a millisecond, whatever is done in it."""

    steps = 0

    def time(self) -> float:
        return self.steps / 1000

    def _run_once(self) -> None:
        self.steps += 1
        super()._run_once()  # type: ignore[misc]


def test_who_gives_way_goes_on_in_time_however_many_still_come() -> None:
    """An answer must go on, also where callers come without end."""

    async def measure() -> float:
        pacing = Pacing(at_once=1, patience_seconds=0.25)

        async def come() -> None:
            while True:
                await pacing.begin()

        crowd = [asyncio.create_task(come()) for _ in range(20)]
        await asyncio.sleep(0.1)
        started = asyncio.get_running_loop().time()
        await pacing.give_way()
        waited = asyncio.get_running_loop().time() - started
        for task in crowd:
            task.cancel()
        await asyncio.wait(crowd)
        return waited

    with asyncio.Runner(loop_factory=SteppingLoop) as runner:
        assert 0.2 < runner.run(measure()) < 0.3


class Words:
    """Says three words, each in a step of its own, or all at once; notes when it was asked."""

    def __init__(self, log: list[str], *, stepwise: bool) -> None:
        self._log = log
        self._stepwise = stepwise

    async def reply(self, turn: Turn) -> AsyncIterator[Output]:
        self._log.append("asked")
        for word in ("alpha ", "beta ", "gamma "):
            if self._stepwise:
                await asyncio.sleep(0)
            yield word


async def take_together(stepwise: bool) -> list[str]:
    """What happened, in order, while ``CALLERS`` turns began in the same step."""
    log = list[str]()
    agent = Words(log, stepwise=stepwise)
    app = create_app(agent, Settings(conversations="memory:", log_level="WARNING"))

    async def take(number: int) -> None:
        received = asyncio.Queue[Message]()
        received.put_nowait({"type": "http.request", "body": REQUEST_BODY, "more_body": False})
        body = b""

        async def send(message: Message) -> None:
            nonlocal body
            added: bytes = message.get("body", b"")
            for word in ("alpha", "beta"):
                if f'"{word} "'.encode() in added:
                    log.append(word)
            body += added

        scope: dict[str, Any] = make_scope("http", "/invocations", f"caller-{number}")
        await app(scope, received.get, send)
        assert b'"text":"alpha beta gamma "' in body

    async with app.router.lifespan_context(app):
        await asyncio.gather(*(take(number) for number in range(CALLERS)))
    return log


def check_order(log: list[str]) -> None:
    assert log.count("asked") == log.count("alpha") == log.count("beta") == CALLERS
    # Not all work of all turns comes before the first words of the first.
    assert log[: log.index("alpha")].count("asked") <= CALLERS // 4
    # And what follows first words comes after those of the others, but for the last few.
    assert log[: log.index("beta")].count("alpha") >= CALLERS // 2


def test_first_words_of_many_come_one_after_the_other_and_before_their_second() -> None:
    """200 callers who spoke in the same moment all had their first words at the end of the work of
    all 200: each turn took its first step before any took its second.
    """
    check_order(run_virtual(take_together(stepwise=False)))
    check_order(run_virtual(take_together(stepwise=True)))
