"""Items of a GA conversation."""

from typing import Any

import pytest
from hypothesis import given

from tests.emulator.session.driver import counted_ids
from tests.emulator.session.strategies import GARBAGE, ITEMS
from voicelive_agent.emulator.session.items import read_item as take_item
from voicelive_agent.wire.realtime.items import is_open, read_item, write_item


@given(ITEMS)
def test_every_item_comes_back(item: dict[str, Any]) -> None:
    kept = take_item(item, "item", counted_ids()).describe()
    written = write_item(kept)
    assert read_item(written) == kept
    assert not is_open(written)


@given(GARBAGE)
def test_what_is_no_item_is_left_to_be_refused(value: Any) -> None:
    for item in (value, {"content": value}, {"role": "assistant", "content": value}):
        read_item(item)


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ({"type": "output_text", "text": "Hi."}, {"type": "text", "text": "Hi."}),
        ({"type": "output_audio", "transcript": "Hi."}, {"type": "text", "text": "Hi."}),
        ({"type": "text", "text": "Hi."}, {"type": "text", "text": "Hi."}),
    ],
)
def test_what_an_assistant_said_before(part: dict[str, str], kept: dict[str, str]) -> None:
    """openai-agents and others tell a new session of an old one's history."""
    item = read_item({"role": "assistant", "content": [part]})
    assert item == {"type": "message", "role": "assistant", "content": [kept]}


def test_a_message_that_has_begun_is_in_progress() -> None:
    begun = {"type": "message", "role": "assistant", "status": "incomplete", "content": []}
    assert write_item(begun)["status"] == "in_progress"
    cut = {**begun, "content": [{"type": "audio", "transcript": "We op"}]}
    assert write_item(cut)["status"] == "incomplete"
    assert write_item(cut)["content"] == [{"type": "output_audio", "transcript": "We op"}]
