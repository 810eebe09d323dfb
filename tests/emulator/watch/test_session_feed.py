import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.emulator.watch.session_feed import SessionFeed, without_audio


def encode(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


async def read(feed: SessionFeed) -> list[tuple[str, dict[str, Any]]]:
    feed.close({"id": "sess_1"})
    return [
        (event.kind, json.loads(event.data))
        async for event in feed.feed.follow()
        if event is not None
    ]


async def test_audio_is_left_out_and_counted() -> None:
    feed = SessionFeed()
    feed.open({"id": "sess_1"})
    delta = {"type": "response.audio.delta", "item_id": "item_1", "delta": encode(960)}
    feed.add_server(12.34, delta, bytes(960))
    assert delta["delta"]
    told = await read(feed)
    assert [kind for kind, _ in told] == ["opened", "server", "closed"]
    assert told[1][1] == {
        "at_ms": 12.3,
        "event": {**delta, "delta": "", "audio_bytes": 960},
    }


async def test_audio_that_is_appended_is_one_event_for_a_while() -> None:
    """A hundred events in a second would push all others out of what is kept."""
    feed = SessionFeed()
    for at_ms in range(0, 1000, 10):
        feed.add_client(at_ms, {"type": "input_audio_buffer.append", "audio": encode(480)})
    feed.add_client(1000, {"type": "response.create"})
    told = await read(feed)
    appended = [data["event"] for _, data in told if "frames" in data.get("event", {})]
    assert sum(event["frames"] for event in appended) == 100
    assert sum(event["audio_bytes"] for event in appended) == 48_000
    assert len(appended) == 4
    assert [kind for kind, _ in told][-2:] == ["client", "closed"]
    assert told[-2][1]["event"]["type"] == "response.create"


@pytest.mark.parametrize("frame", ["no JSON", 7, None, [], {"type": 7}, {"type": []}, {}])
async def test_whatever_a_client_sends_is_shown(frame: Any) -> None:
    feed = SessionFeed()
    feed.add_client(0, frame)
    assert (await read(feed))[0] == ("client", {"at_ms": 0, "event": frame})


@given(size=st.integers(0, 100))
def test_how_many_bytes_there_were_is_told(size: int) -> None:
    shown = without_audio({"type": "response.audio.delta", "delta": encode(size)})
    assert shown["audio_bytes"] == size


def test_a_recording_in_an_item_is_left_out_and_its_text_stays() -> None:
    part = {"type": "input_audio", "audio": encode(9), "transcript": "hello"}
    text = {"type": "input_text", "text": "hi", "audio": "not sound"}
    event = {"type": "conversation.item.create", "item": {"content": [part, text]}}
    shown = without_audio(event)["item"]["content"]
    assert shown == [{**part, "audio": "", "audio_bytes": 9}, text]
    assert part["audio"]


def test_other_events_are_as_they_are() -> None:
    event = {"type": "response.audio_transcript.delta", "delta": "Hello"}
    assert without_audio(event) is event
