"""What a run gives to its outlet becomes the agent's stream."""

import asyncio

import pytest

from voicelive_agent.agent import ClientEvent, EndCall, Output, Turn
from voicelive_agent.frameworks.outlet import Outlet, current_turn, end_call, perform, show


async def collect(run: object) -> list[Output]:
    return [output async for output in perform(Turn("speech"), run)]  # type: ignore[arg-type]


async def test_outputs_come_as_they_are_given() -> None:
    gate = asyncio.Event()

    async def run(outlet: Outlet) -> None:
        outlet.say("one")
        await gate.wait()
        outlet.say("two")

    outputs = perform(Turn("speech"), run)
    assert await anext(outputs) == "one"
    gate.set()
    assert [output async for output in outputs] == ["two"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [("one.", "two", " two"), ("one. ", "two", "two"), ("one.", "\ntwo", "\ntwo"), ("", "a", "a")],
)
async def test_a_new_message_is_set_apart(before: str, after: str, said: str) -> None:
    async def run(outlet: Outlet) -> None:
        outlet.begin()
        outlet.say(before)
        outlet.begin()
        outlet.say("")
        outlet.say(after)
        outlet.say("!")

    assert (await collect(run))[-2:] == [said, "!"]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("", False),
        ("Hello.", False),
        ("Hello. ", False),
        ('He said "no."', False),
        ("Hello", True),
        ("Hello, ", True),
        ("はい。", False),
        ("はい", True),
        ("Here they are:", False),
        ("ٹھیک ہے۔", False),
        ("Он сказал «нет.»", False),
    ],
)
async def test_where_a_sentence_ends(text: str, inside: bool) -> None:
    async def run(outlet: Outlet) -> None:
        for character in text:
            outlet.say(character)
        assert outlet.mid_sentence is inside

    await collect(run)


async def test_what_the_run_raises_comes_after_what_it_said() -> None:
    async def run(outlet: Outlet) -> None:
        outlet.say("one")
        raise ValueError("broken")

    outputs = perform(Turn("speech"), run)
    assert await anext(outputs) == "one"
    with pytest.raises(ValueError, match="broken"):
        await anext(outputs)


async def test_the_call_ends_last_and_once() -> None:
    async def run(outlet: Outlet) -> None:
        end_call("first")
        end_call("second")
        outlet.say("bye")

    assert await collect(run) == ["bye", EndCall("second")]


async def test_threads_and_tasks_of_a_run_show_in_its_turn() -> None:
    async def run(outlet: Outlet) -> None:
        event = ClientEvent("ui.card", text=current_turn().text)
        await asyncio.to_thread(show, event)
        await asyncio.create_task(asyncio.to_thread(show, event))

    event = ClientEvent("ui.card", text="")
    assert await collect(run) == [event, event]


async def test_turns_side_by_side_are_apart() -> None:
    async def run(outlet: Outlet) -> None:
        await asyncio.sleep(0)
        show(ClientEvent("ui.card", text=current_turn().text))

    async def read(text: str) -> list[Output]:
        return [output async for output in perform(Turn("speech", text), run)]

    one, two = await asyncio.gather(read("one"), read("two"))
    assert one == [ClientEvent("ui.card", text="one")]
    assert two == [ClientEvent("ui.card", text="two")]


async def test_outside_of_a_turn_there_is_nothing_to_show_to() -> None:
    with pytest.raises(LookupError, match="no turn is being answered"):
        show(ClientEvent("ui.card"))
    with pytest.raises(LookupError):
        current_turn()


async def test_only_client_events_are_shown() -> None:
    async def run(outlet: Outlet) -> None:
        show({"type": "ui.card"})  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="takes a ClientEvent, not dict"):
        await collect(run)


async def test_closing_ends_the_run_before_it_returns() -> None:
    ended = []

    async def run(outlet: Outlet) -> None:
        try:
            outlet.say("one")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    outputs = perform(Turn("speech"), run)
    await anext(outputs)
    await outputs.aclose()
    assert ended == [True]


async def test_a_run_that_ignores_its_cancellation_is_left_behind_at_the_second() -> None:
    stubborn = asyncio.Event()

    async def run(outlet: Outlet) -> None:
        while not stubborn.is_set():
            try:
                outlet.say("still here")
                await stubborn.wait()
            except asyncio.CancelledError:
                continue

    async def read() -> None:
        async for _ in perform(Turn("speech"), run):
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    stubborn.set()
    await asyncio.sleep(0)


async def test_a_run_that_fails_while_it_is_cancelled_says_nothing_more() -> None:
    async def run(outlet: Outlet) -> None:
        outlet.say("one")
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("while cleaning up")

    outputs = perform(Turn("speech"), run)
    await anext(outputs)
    await outputs.aclose()
