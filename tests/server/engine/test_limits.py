"""Limits of a turn: what one caller, or one answer, can cost the others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.server.engine.engine_room import EngineRoom, Heard
from tests.virtual_time import run_virtual
from voicelive_agent.agent import ClientEvent, Output, Turn
from voicelive_agent.server.conversations import ConversationKey, StoreError
from voicelive_agent.server.conversations.memory import MemoryStore
from voicelive_agent.server.engine.events import SpeakingRate
from voicelive_agent.server.engine.past import heard
from voicelive_agent.server.engine.past.heard import estimate_heard
from voicelive_agent.server.engine.store_health import StoreHealth


def listen_to(reply: Callable[[Turn], AsyncIterator[Output]], **limits: Any) -> Heard:
    async def main() -> Heard:
        async with EngineRoom(reply, **limits) as room:
            return await room.say()

    return run_virtual(main())


def test_a_growing_list_is_shown_as_it_was_at_each_yield() -> None:
    """Five cards of one list all showed its last state: they were encoded when they were sent."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        items: list[int] = []
        for number in range(5):
            items.append(number)
            yield ClientEvent("ui.list", items=items)
        yield "Five."

    shown = listen_to(reply).shown
    assert [event["items"] for event in shown] == [[*range(n)] for n in range(1, 6)]


@pytest.mark.parametrize("change", [{"type": "done"}, {"when": object()}, {"type": 5}])
def test_an_event_that_is_changed_after_its_yield_stays_what_it_was(change: dict[str, Any]) -> None:
    """Made something else later, it ended the stream without `done`, or with two."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        event = ClientEvent("ui.card", title="Oslo")
        yield event
        event.payload.update(change)
        yield "Oslo."

    answer = listen_to(reply)
    assert answer.shown == [{"type": "ui.card", "title": "Oslo"}]
    assert (answer.text, answer.error_code) == ("Oslo.", "")


@pytest.mark.parametrize("piece", ["word ", "x" * 10_000, ClientEvent("ui.card", text="x" * 5_000)])
def test_an_answer_that_is_too_large_ends_and_tells_its_author(
    piece: Output, caplog: pytest.LogCaptureFixture
) -> None:
    """One answer of an agent that never stops took 639 MB."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        while True:
            yield piece

    answer = listen_to(reply, answer_bytes=20_000)
    assert answer.error_code == "answer_too_large"
    assert len(answer.text) < 20_200
    told = [str(r.exc_info[1]) for r in caplog.records if r.exc_info]
    assert any("at most 20000 bytes" in t and "VOICELIVE_MAX_ANSWER_BYTES" in t for t in told)


@pytest.mark.parametrize("size", [1_000_000, 5_000_000])
@pytest.mark.parametrize("speakable", [True, False])
async def test_a_large_delta_lets_others_run_between_its_slices(size: int, speakable: bool) -> None:
    """A delta of 1 MB was made speakable in one go, and all others waited for it."""
    if speakable:
        size //= 10
    steps = 0

    async def tick() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "word " * (size // 5)

    async with EngineRoom(reply, answer_bytes=size + 1, speakable=speakable) as room:
        ticking = asyncio.create_task(tick())
        answer = await room.say()
        ticking.cancel()
    assert len(answer.text) == size - (answer.text[-1] != " ")
    assert steps >= size // 4_096


def test_a_long_reply_is_not_weighed_whole_when_the_next_turn_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each character of 512 KiB was weighed in one step of the event loop."""
    weighed: list[int] = []
    weigh = heard._weigh

    def count(text: str) -> list[float]:
        weighed.append(len(text))
        return weigh(text)

    monkeypatch.setattr(heard, "_weigh", count)
    reply = "word " * 100_000
    marks = [(0, 1_000), (5_000, len(reply))]
    early = estimate_heard(SpeakingRate(), reply, marks, 60_000)
    assert early is not None and 500 < len(early) < 3_000
    assert estimate_heard(SpeakingRate(), reply, marks, 1e9) is None
    assert max(weighed) <= 16_384


def test_turns_at_once_are_limited_for_each_session_and_user() -> None:
    """200 turns at once in one session filled the server for everybody else."""
    session, user = "max_active_turns_per_session", "max_active_turns_per_user"

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        await asyncio.sleep(5)
        yield "Here."

    async def main() -> list[str]:
        limits: dict[str, Any] = dict.fromkeys([session], 3) | dict.fromkeys([user], 4)
        async with EngineRoom(reply, **limits) as room:
            mine, second = ConversationKey("me", "one"), ConversationKey("me", "two")
            third, other = ConversationKey("me", "three"), ConversationKey("you", "one")
            for _ in range(3):
                room.begin(key=mine)
            found = [room.engine.find_surplus(key) for key in (mine, second, other)]
            room.begin(key=second)
            return [*found, *map(room.engine.find_surplus, (third, second, other))]

    assert run_virtual(main()) == [session, "", "", user, "", ""]


class DamagedStore(MemoryStore):
    """Answers whoever asks how it is, and fails where turns need it."""

    async def begin(self, record: Any, *, is_new: bool = False) -> Any:
        raise StoreError("a page is damaged")


def test_turns_that_a_store_fails_make_it_unhealthy() -> None:
    """0 of 10 turns were answered, and readiness said 200."""

    async def reply(turn: Turn) -> AsyncIterator[Output]:
        yield "Never."

    async def main() -> list[bool]:
        async with EngineRoom(reply, DamagedStore()) as room:
            seen = [room.engine.store_health.failing]
            for _ in range(2):
                await room.say()
                seen.append(room.engine.store_health.failing)
            assert await room.store.ready()
            return seen

    assert run_virtual(main()) == [False, False, True]


def test_a_store_that_works_again_is_healthy() -> None:
    health = StoreHealth()
    for began in (False, False, False):
        health.note(began)
    assert health.failing
    health.note(True)
    assert not health.failing
