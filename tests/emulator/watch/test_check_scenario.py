from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.client.check.scenario import Scenario, parse_scenario
from voicelive_agent.emulator.watch.check_scenario import NothingToCheck, write_scenario
from voicelive_agent.emulator.watch.recorded_turns import read_turns
from voicelive_agent.emulator.watch.replay import Events, RecordedLine

Line = tuple[float, str, dict[str, Any]]


def recording(*lines: Line) -> Events:
    return Events({"query": {}}, [RecordedLine(at_ms, side, event) for at_ms, side, event in lines])


def check(*lines: Line) -> Scenario:
    return parse_scenario(write_scenario(recording(*lines), "sess_1"), directory=Path())


def said(number: int, text: str, at_ms: float) -> list[Line]:
    item = {"item_id": f"item_{number}"}
    audio = "input_audio_buffer"
    done = "conversation.item.input_audio_transcription.completed"
    return [
        (at_ms, "server", {"type": f"{audio}.speech_started", **item}),
        (at_ms + 900, "server", {"type": f"{audio}.speech_stopped", **item}),
        (at_ms + 950, "server", {"type": done, **item, "transcript": text}),
    ]


def answered(number: int, text: str, at_ms: float, **done: Any) -> list[Line]:
    response = {"response_id": f"resp_{number}", "item_id": f"answer_{number}"}
    status = {"id": f"resp_{number}", "status": "completed", **done}
    return [
        (at_ms, "server", {"type": "response.created", "response": {"id": f"resp_{number}"}}),
        (at_ms + 50, "server", {"type": "response.audio.delta", **response, "delta": ""}),
        (
            at_ms + 90,
            "server",
            {"type": "response.audio_transcript.done", **response} | {"transcript": text},
        ),
        (at_ms + 100, "server", {"type": "response.done", "response": status}),
    ]


def clicked(action: Any, at_ms: float) -> Line:
    return (at_ms, "client", {"type": "response.create", "response": {"invoke_input": action}})


def shown(number: int, event: dict[str, Any], at_ms: float) -> Line:
    kind = "response.invocation.delta"
    return (at_ms, "server", {"type": kind, "response_id": f"resp_{number}", "delta": event})


def test_an_answer_that_was_interrupted_is_interrupted_again() -> None:
    scenario = check(
        *said(1, "tell me a story", 0),
        *answered(1, "Once upon a time there was a king.", 1000),
        (2200, "client", {"type": "conversation.item.truncate"}),
        (
            2210,
            "server",
            {"type": "conversation.item.truncated", "item_id": "answer_1"} | {"audio_end_ms": 1150},
        ),
        *said(2, "stop", 2250),
        *answered(2, "All right.", 3300),
    )
    (step,) = scenario.steps
    assert step.interruption is not None
    assert step.interruption.after_ms == 1150
    assert str(step.interruption.action) == "say: stop"
    assert step.words == "All right."


def test_a_barge_in_without_truncation_is_one_too() -> None:
    cut = {"status": "cancelled", "status_details": {"reason": "turn_detected"}}
    scenario = check(
        *said(1, "tell me a story", 0),
        *answered(1, "Once", 1000)[:3],
        *said(2, "stop", 2000)[:1],
        (2050, "server", {"type": "response.done", "response": {"id": "resp_1", **cut}}),
        *said(2, "stop", 2000)[1:],
        *answered(2, "All right.", 3300),
    )
    assert [str(step.action) for step in scenario.steps] == ["say: tell me a story"]
    assert scenario.steps[0].interruption is not None
    assert scenario.steps[0].interruption.after_ms == 1000


@pytest.mark.parametrize(
    ("settings", "said_at_ms", "after_ms"),
    [
        ({}, 2000, 950),
        ({"output_audio_format": "g711_ulaw"}, 6000, 4950),
        ({"output_audio_format": "pcm16-8000hz"}, 3900, 2850),
        # Heard by then, or not to be interrupted.
        ({}, 3100, None),
        ({"turn_detection": {"interrupt_response": False}}, 2000, None),
    ],
)
def test_an_answer_that_is_still_heard_is_interrupted_though_it_is_done(
    settings: dict[str, Any], said_at_ms: float, after_ms: int | None
) -> None:
    """An answer is sent within half a second: a client that lets the service truncate nothing
    had its interruptions taken for turns after the answer.
    """
    sound = {"type": "response.audio.delta", "response_id": "resp_1", "item_id": "answer_1"}
    scenario = check(
        (0, "server", {"type": "session.created", "session": settings}),
        *said(1, "tell me a story", 0),
        *answered(1, "Once upon a time.", 1000),
        (1060, "server", {**sound, "delta": "A" * (48 * 2000 * 4 // 3)}),
        *said(2, "stop", said_at_ms),
        *answered(2, "All right.", said_at_ms + 1300),
    )
    found = scenario.steps[0].interruption
    assert (found.after_ms if found else None) == after_ms


def test_clicks_cards_and_failures_are_in_it() -> None:
    scenario = check(
        *answered(1, "Welcome.", 0),
        shown(1, {"type": "ui.card", "title": "Book"}, 95),
        clicked({"action": "book", "guests": 4}, 3000),
        *answered(2, "Booked.", 3010),
        clicked("break", 6000),
        *answered(3, "I am sorry.", 6010)[:3],
        shown(3, {"type": "agent.error", "code": "agent_failed"}, 6095),
        *answered(3, "", 6010)[3:],
    )
    greeting, book, fail = scenario.steps
    assert scenario.settings == {"greet": True}
    assert greeting.events == ({"type": "ui.card"},)
    assert book.action.what == {"action": "book", "guests": 4}
    assert fail.action.what == "break"
    assert fail.error is not None
    assert fail.error.pattern == "agent_failed"


def test_noise_in_which_no_word_was_is_left_out() -> None:
    scenario = check(*said(1, "", 0), *said(2, "hello", 3000), *answered(2, "Hi.", 4000))
    assert [str(step.action) for step in scenario.steps] == ["say: hello"]
    assert scenario.steps[0].words == "Hi."


def test_a_recording_without_a_turn_makes_none() -> None:
    with pytest.raises(NothingToCheck, match="sess_1"):
        check((0, "server", {"type": "session.created"}))


def test_latencies_count_from_the_end_of_speech() -> None:
    (turn,) = read_turns(recording(*said(1, "hello", 0), *answered(1, "Hi.", 1000)))
    assert turn.latency_ms == {"transcript": 50, "response_created": 100, "first_audio": 150}
    assert turn.describe()["latency_ms"]["first_text"] is None


@given(texts=st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_whatever_was_said_can_be_read_again(texts: list[str]) -> None:
    lines: list[Line] = []
    for number, text in enumerate(texts):
        lines += said(number, text, number * 5000) + answered(number, text, number * 5000 + 1000)
    scenario = check(*lines)
    words = [" ".join(text.split()) for text in texts]
    assert [step.action.what for step in scenario.steps] == words
    assert [step.words for step in scenario.steps] == words


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
kinds = st.sampled_from(
    [
        *("response.create", "conversation.item.create", "response.created", "response.done"),
        *("input_audio_buffer.committed", "response.invocation.delta", "error"),
        *("response.audio.delta", "response.text.done", "conversation.item.truncated"),
    ]
)
sides = st.sampled_from(["client", "server"])
members = st.sampled_from(["response", "item", "item_id", "response_id", "delta", "audio_end_ms"])


@given(
    st.lists(
        st.tuples(sides, kinds, st.dictionaries(members, values, max_size=3)),
        max_size=8,
    )
)
def test_whatever_stands_in_a_recording_is_read(
    lines: list[tuple[str, str, dict[str, Any]]],
) -> None:
    """A recording is a file that anybody may have written."""
    events = recording(*((0.0, side, {**rest, "type": kind}) for side, kind, rest in lines))
    for turn in read_turns(events):
        turn.describe()
