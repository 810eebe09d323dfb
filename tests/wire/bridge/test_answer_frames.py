"""Frames of an answer: as their messages write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.wire.bridge.answer_frames import (
    write_created,
    write_delta,
    write_done,
    write_text_done,
)
from voicelive_agent.wire.bridge.frames import MAX_FRAME_BYTES, FrameError
from voicelive_agent.wire.bridge.messages import (
    OutputTextDelta,
    OutputTextDone,
    ResponseCreated,
    ResponseDone,
    encode,
    read_for_bridge,
)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@given(TEXTS, st.lists(TEXTS.map("in_a{}".format), min_size=1, unique=True))
def test_what_is_written_without_a_message_is_written_as_it(text: str, inputs: list[str]) -> None:
    """Four frames of each answer came from models, which cost more than all the rest of them."""
    for written, kind, fields in (
        (write_created("r_7", inputs), ResponseCreated, {"in_reply_to": inputs}),
        (write_delta("r_7", "it_7", text or "a"), OutputTextDelta, {"delta": text or "a"}),
        (write_text_done("r_7", "it_7", text), OutputTextDone, {"text": text}),
        (write_done("r_7"), ResponseDone, {}),
    ):
        head = json.loads(written)
        item: dict[str, Any] = {"item_id": "it_7"} if "item_id" in head else {}
        message: Any = kind(id=head["id"], ts=head["ts"], response_id="r_7", **item, **fields)
        assert json.loads(encode(message)) == head
        assert list(json.loads(encode(message))) == list(head)
        assert read_for_bridge(written) == message


def test_a_text_that_is_too_long_for_a_frame_is_not_written() -> None:
    with pytest.raises(FrameError, match="bytes"):
        write_text_done("r_7", "it_7", "é" * (MAX_FRAME_BYTES // 2))
