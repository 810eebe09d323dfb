"""The Invocations protocol, as it is written, read and judged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from voicelive_agent.wire.invocations import (
    AGENT_ERROR,
    DELTA,
    DONE,
    END_CALL,
    KEEP_ALIVE,
    LAST_EVENT,
    SPEECH_DONE,
    AnswerReader,
    UnreadableError,
    check_answer,
    write_delta,
    write_event,
)
from voicelive_agent.wire.invocations_schema import (
    AgentErrorEvent,
    DeltaEvent,
    DoneEvent,
    EndCallEvent,
    SpeechDoneEvent,
)

HELLO = (
    write_delta("Hel")
    + write_delta("lo.")
    + write_event({"type": SPEECH_DONE, "text": "Hello."})
    + LAST_EVENT
)
ERROR = {"code": "agent_failed", "message": "This turn failed."}
EVENTS = [event + "\n\n" for event in HELLO.split("\n\n")[:-1]]


def test_a_proper_answer_has_no_findings() -> None:
    card = write_event({"type": "ui.card", "title": "Ü\u2028"})
    answer = KEEP_ALIVE + (card + HELLO).encode() + KEEP_ALIVE
    assert check_answer(answer) == {}


@pytest.mark.parametrize(
    ("answer", "clause"),
    [
        (HELLO.replace("Hel", "Grüß").encode("latin-1"), "SSE-2"),
        (HELLO.replace("\n\n", "\n"), "SSE-3"),
        (HELLO.replace("\n", "\r\n"), "SSE-3"),
        (HELLO.replace("data: ", "data:"), "SSE-3"),
        ("id: 1\n" + HELLO, "SSE-3"),
        ("event: message\n" + HELLO, "SSE-4"),
        ("data: {'type': 'x'}\n\n" + HELLO, "SSE-5"),
        ('data: {"type":"x","n":NaN}\n\n' + HELLO, "SSE-5"),
        ("data: [1]\n\n" + HELLO, "SSE-5"),
        ('data: {"title":"?"}\n\n' + HELLO, "SSE-5"),
        ("data: [DONE]\n\n" + HELLO, "SSE-5"),
        ("data: " + "[" * 100_000 + "\n\n" + HELLO, "SSE-5"),
        ("".join(EVENTS[:2] + EVENTS[3:]), "SSE-6"),
        ("".join(EVENTS[:3] + EVENTS[2:]), "SSE-6"),
        ("".join(EVENTS[:3]), "SSE-7"),
        ("".join(EVENTS[:2]), "SSE-7"),
        ("", "SSE-7"),
        (HELLO + LAST_EVENT, "SSE-7"),
        (LAST_EVENT + "".join(EVENTS[:3]), "SSE-7"),
        ("".join([EVENTS[0], EVENTS[1], EVENTS[2], EVENTS[0], EVENTS[3]]), "SSE-8"),
        (HELLO.replace('"Hello."', '"Hello, you."'), "SSE-9"),
        (HELLO.replace('"Hello."', '"Hello. "'), "SSE-9"),
        (write_event({"type": DELTA, "delta": 3}) + HELLO, "SSE-10"),
    ],
)
def test_each_fault_is_found_by_its_clause_alone(answer: str | bytes, clause: str) -> None:
    body = answer.encode() if isinstance(answer, str) else answer
    found = check_answer(body)
    # An answer that is written in another form is judged by its content all the same.
    assert clause in found
    assert set(found) - {"SSE-3"} <= {clause}


@pytest.mark.parametrize(
    ("event", "shape"),
    [
        (write_delta('"\n'), DeltaEvent),
        (write_event({"type": SPEECH_DONE, "text": ""}), SpeechDoneEvent),
        (LAST_EVENT, DoneEvent),
        (
            write_event({"type": AGENT_ERROR, "error": {"code": "a", "message": "b"}}),
            AgentErrorEvent,
        ),
        (write_event({"type": END_CALL, "reason": "completed"}), EndCallEvent),
    ],
)
def test_what_is_written_has_the_shape_that_is_described(
    event: str, shape: type[BaseModel]
) -> None:
    reader = AnswerReader()
    read = reader.read_line(event.removesuffix("\n\n"))
    assert read is not None
    assert shape.model_validate(read).model_dump() == read
    assert reader.done == (read["type"] == DONE)


def test_reading_stops_where_the_answer_is_unclear_and_says_why() -> None:
    """JSON nested too deeply was an error of the reader, not one of the answer."""
    reader = AnswerReader()
    with pytest.raises(UnreadableError, match="line 1 is not JSON"):
        reader.read_line("data: " + "[" * 100_000)
    assert [finding.weight for finding in reader.findings] == ["unreadable"]


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from(EVENTS)).map(lambda e: "".join(e).encode())
)
def test_any_bytes_can_be_judged(body: bytes) -> None:
    check_answer(body)


@given(st.text())
def test_any_text_is_one_line_that_says_it(text: str) -> None:
    line, *rest = write_delta(text).split("\n")
    assert rest == ["", ""]
    said: dict[str, Any] = json.loads(line.removeprefix("data: "))
    assert said == {"type": DELTA, "delta": text}
