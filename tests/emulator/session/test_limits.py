"""Clients that send more than any conversation holds (D6)."""

import time
from typing import Any

import pytest

from tests.emulator.session.driver import Driver
from voicelive_agent.emulator.session import ConversationLimits
from voicelive_agent.wire.json_values import MAX_DEPTH

MOST_S = 3.0
"""Of this thread's own time: what took linear time takes a fraction, what was quadratic 12 s."""


def message(text: str = "hi", **fields: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content, **fields}


def create(driver: Driver, **fields: Any) -> dict[str, Any]:
    return driver.send("conversation.item.create", **fields)[0]


@pytest.mark.parametrize("after", [None, "last", "first", "root"])
def test_eight_thousand_items_are_created_quickly(after: str | None) -> None:
    """Each item was searched among all before it: 8,000 took 12.5 s, in which no session moved."""
    driver = Driver()
    began_s = time.thread_time()
    for number in range(8000):
        previous = {"last": f"item-{number - 1}", "first": "item-0", "root": "root"}.get(
            after or ""
        )
        created = create(
            driver,
            item=message(id=f"item-{number}"),
            previous_item_id=previous if number else None,
        )
        assert created["type"] == "conversation.item.created"
    assert time.thread_time() - began_s < MOST_S
    driver.send("conversation.item.delete", item_id="item-4000")
    assert create(driver, item=message(id="item-4000"))["type"] == "error"
    retrieved = driver.send("conversation.item.retrieve", item_id="item-7999")[0]
    assert retrieved["item"]["id"] == "item-7999"


def test_a_conversation_is_full_at_some_time() -> None:
    driver = Driver(conversation_limits=ConversationLimits(items=3))
    for number in range(3):
        create(driver, item=message(id=f"item-{number}"))
    refused = create(driver, item=message())
    assert refused["error"]["code"] == "conversation_too_long"
    assert "more than 3 items" in refused["error"]["message"]
    assert "--max-items" in refused["error"]["message"]
    driver.send("conversation.item.delete", item_id="item-0")
    assert create(driver, item=message())["type"] == "conversation.item.created"
    refused = driver.send("response.create", response={"append_input_items": [message()] * 9})[0]
    assert refused["error"]["code"] == "conversation_too_long"


def test_its_text_is_bounded_whether_it_comes_at_once_or_in_pieces() -> None:
    driver = Driver(conversation_limits=ConversationLimits(characters=1000))
    assert create(driver, item=message("x" * 2000))["error"]["code"] == "conversation_too_long"
    create(driver, item=message(id="typed"))
    told: dict[str, Any] = {}
    for _ in range(20):
        events = driver.send("input_text.delta", id="typed", delta="x" * 100)
        told = events[0] if events else told
    assert "--max-item-characters" in told["error"]["message"]
    driver.send("conversation.item.delete", item_id="typed")
    assert create(driver, item=message("x" * 800))["type"] == "conversation.item.created"


def test_an_output_finds_its_call_among_those_that_are_left() -> None:
    driver = Driver(model="m")
    call = {"type": "function_call", "name": "f", "call_id": "c1", "arguments": "{}", "id": "call"}
    output = {"type": "function_call_output", "call_id": "c1", "output": "1"}
    assert create(driver, item=output)["error"]["code"] == "invalid_tool_call_id"
    create(driver, item=call)
    assert create(driver, item=output)["type"] == "conversation.item.created"
    driver.send("conversation.item.delete", item_id="call")
    assert create(driver, item=output)["error"]["code"] == "invalid_tool_call_id"


@pytest.mark.parametrize(
    "session",
    [
        {f"unknown-{number}": 1 for number in range(300_000)},
        {"turn_detection": {"type": "server_vad", **dict.fromkeys(map(str, range(300_000)), 1)}},
        {"input_audio_transcription": {"model": "m", "phrase_list": ["a"] * 300_000}},
        {"tools": [{"type": "function", "name": "f"}] * 100_000},
        {"metadata": [[[]] * 1000] * 1000},
    ],
)
def test_a_session_with_hundreds_of_thousands_of_members_is_refused(session: Any) -> None:
    """Each unknown key had a warning of its own: for 8 s nobody was answered."""
    driver = Driver()
    began_s = time.thread_time()
    (refused,) = driver.send("session.update", session=session)
    assert time.thread_time() - began_s < MOST_S
    assert refused["error"]["code"] == "invalid_value"
    assert "--max-event-members" in refused["error"]["message"]


def test_what_is_just_allowed_is_answered_quickly_with_few_warnings() -> None:
    driver = Driver()
    began_s = time.thread_time()
    events = driver.send("session.update", session={f"k{number}": 1 for number in range(99_000)})
    assert time.thread_time() - began_s < MOST_S
    assert [event["type"] for event in events] == ["session.updated"] + ["warning"] * 21
    assert "98980 more" in events[-1]["warning"]["message"]


def test_an_event_is_so_deep_and_no_deeper() -> None:
    nested: Any = 1
    for _ in range(MAX_DEPTH + 1):
        nested = [nested]
    (refused,) = Driver().send("response.create", response={"invoke_input": {"a": nested}})
    assert "nested more than 64 levels" in refused["error"]["message"]
