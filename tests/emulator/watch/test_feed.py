import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.watch.feed import Feed, FeedEvent


async def read(feed: Feed, last_id: str = "") -> list[FeedEvent]:
    """All that an ended feed tells."""
    feed.end()
    return [event async for event in feed.follow(last_id) if event is not None]


def numbers(events: list[FeedEvent]) -> list[int]:
    return [json.loads(event.data)["n"] for event in events if event.kind != "gap"]


def filled(count: int, **options: int) -> Feed:
    feed = Feed(**options)
    for number in range(count):
        feed.add("number", {"n": number})
    return feed


async def test_a_reader_gets_what_was_and_what_comes() -> None:
    feed = filled(2)
    seen: list[int] = []

    async def follow() -> None:
        async for event in feed.follow():
            assert event is not None
            seen.append(json.loads(event.data)["n"])

    reading = asyncio.create_task(follow())
    await asyncio.sleep(0)
    feed.add("number", {"n": 2})
    feed.end()
    await asyncio.wait_for(reading, 10)
    assert seen == [0, 1, 2]


@given(
    count=st.integers(0, 12),
    kept=st.integers(1, 6),
    known=st.integers(0, 12),
    later=st.integers(0, 8),
)
async def test_whoever_goes_on_after_an_event_misses_nothing_unknowingly(
    count: int, kept: int, known: int, later: int
) -> None:
    feed = filled(count, kept_events=kept)
    last_id, known = await last_of(feed, min(known, count))
    for number in range(count, count + later):
        feed.add("number", {"n": number})
    events = await read(feed, last_id)
    lost = sum(json.loads(event.data)["lost"] for event in events if event.kind == "gap")
    assert [event.kind for event in events[1:]].count("gap") == 0
    assert numbers(events) == list(range(known + lost, count + later))


async def last_of(feed: Feed, known: int) -> tuple[str, int]:
    """The id of the event number ``known`` of those that are kept, and how many a reader knows."""
    last_id, count = "", 0
    follow: AsyncIterator[FeedEvent | None] = feed.follow(quiet_s=0)
    async for event in follow:
        if event is None or count >= known:
            break
        gap = json.loads(event.data)["lost"] if event.kind == "gap" else 1
        last_id, count = event.id, count + gap
    return last_id, count


async def test_what_is_kept_is_bounded_in_bytes() -> None:
    feed = Feed(kept_bytes=1000)
    for number in range(100):
        feed.add("number", {"n": number, "text": "x" * 90})
    events = await read(feed)
    assert events[0].kind == "gap"
    assert sum(len(event.data) for event in events[1:]) <= 1000
    assert numbers(events)[-1] == 99


@pytest.mark.parametrize("last_id", ["", "other-2", "-1", "x", "9" * 400, "\ud800-1"])
async def test_an_id_of_another_feed_begins_at_the_start(last_id: str) -> None:
    assert numbers(await read(filled(3), last_id)) == [0, 1, 2]


async def test_quiet_is_told() -> None:
    feed = filled(1)
    follow = feed.follow(quiet_s=0.001)
    first, quiet = await anext(follow), await anext(follow)
    assert first is not None
    assert quiet is None
    await follow.aclose()


async def test_an_ended_feed_takes_nothing_and_is_known_to_have_ended() -> None:
    feed = filled(2)
    events = await read(feed)
    feed.add("number", {"n": 2})
    assert feed.has_ended_with(events[-1].id)
    assert not feed.has_ended_with(events[0].id)
    assert numbers(await read(feed)) == [0, 1]


async def test_what_is_nested_too_deeply_is_said_to_be() -> None:
    """A client may send such an event: it must not cost the session."""
    deep: object = "x"
    for _ in range(2000):
        deep = [deep]
    feed = Feed()
    feed.add("client", {"event": deep})
    (event,) = await read(feed)
    assert "nested too deeply" in event.data
