import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.functions import Functions
from client.troubles import ConversationError
from tests.client.stage import RATE_HZ, Stage, pcm
from tests.virtual_time import run_virtual


async def test_a_turn_is_heard_answered_and_measured() -> None:
    stage = Stage()
    for _ in range(100):
        stage.now_s += 0.02
        stage.talk.note_sent(pcm(20))
    stage.speak()
    stage.hush(end_ms=1500)
    stage.now_s = 2.5
    stage.heard("are you open")
    stage.begin("r1")
    stage.now_s = 2.6
    stage.text("r1", "Yes, ")
    stage.text("r1", "we are.")
    stage.now_s = 2.7
    stage.audio("r1", 400)
    stage.now_s = 2.72
    stage.loudspeaker.play(20)
    stage.done("r1")
    assert stage.screen.turns == []
    await stage.finish()
    [turn] = stage.screen.turns
    # Speech ended at 1.5 s of the audio, which was sent at 1.5 s.
    assert turn.transcript_ms == 1000
    assert turn.first_text_ms == 1100
    assert turn.first_audio_ms == 1200
    assert turn.first_sound_ms == 1220
    assert not turn.interrupted
    assert [(line.who, line.text) for line in stage.talk.history.lines] == [
        ("you", "are you open"),
        ("agent", "Yes, we are."),
    ]


async def test_barge_in_silences_and_says_what_was_heard() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.text("r1", "One two three four five six seven eight nine ten")
    stage.audio("r1", 1000)
    stage.loudspeaker.play(300)
    stage.speak("u2")
    assert stage.loudspeaker.queued_ms == 0
    [truncate] = stage.link.of("conversation.item.truncate")
    assert truncate["item_id"] == "item_r1"
    assert truncate["content_index"] == 0
    assert truncate["audio_end_ms"] == 300
    # The service cancels by itself; a client that does too is refused.
    assert stage.link.of("response.cancel") == []
    stage.audio("r1", 500)
    stage.text("r1", " eleven")
    stage.get("response.audio_transcript.done", response_id="r1", item_id="item_r1", transcript="x")
    assert stage.loudspeaker.queued_ms == 0
    assert stage.screen.cuts == [("item_r1", "One two three")]
    assert stage.talk.history.lines[-1].text == "One two three"


async def test_an_interruption_leaves_the_next_answer_alone() -> None:
    """A flag "interrupted" that the first delta of the next answer meets still set silences it."""
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 1000)
    stage.speak()
    stage.begin("r2")
    stage.audio("r2", 40)
    stage.audio("r1", 500)
    stage.get("conversation.item.truncated", item_id="item_r1", audio_end_ms=0)
    stage.done("r1", "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    stage.audio("r2", 40)
    assert stage.loudspeaker.queued_ms == 80
    assert stage.talk.responses.active[0].id == "r2"


async def test_what_was_heard_to_its_end_is_not_truncated() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 200)
    stage.done("r1")
    stage.loudspeaker.play(200)
    stage.speak()
    assert stage.link.of("conversation.item.truncate") == []
    assert stage.screen.cuts == []


async def test_an_answer_that_goes_on_is_truncated_where_its_sound_was() -> None:
    """Between two deltas nothing is queued, and yet the answer isn't over."""
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 200)
    stage.loudspeaker.play(500)
    stage.speak()
    [truncate] = stage.link.of("conversation.item.truncate")
    assert truncate["audio_end_ms"] == 200


async def test_items_behind_the_one_that_played_were_not_heard_at_all() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 200, "a")
    stage.audio("r1", 200, "b")
    stage.audio("r1", 200, "interim_c")
    stage.done("r1")
    stage.loudspeaker.play(150)
    stage.speak()
    truncated = {
        event["item_id"]: event["audio_end_ms"]
        for event in stage.link.of("conversation.item.truncate")
    }
    assert truncated == {"a": 150, "b": 0}


async def test_the_service_truncates_where_it_was_asked_to() -> None:
    stage = Stage(turn_detection={"type": "azure_semantic_vad", "auto_truncate": True})
    stage.begin("r1")
    stage.audio("r1", 1000)
    stage.speak()
    assert stage.loudspeaker.queued_ms == 0
    assert stage.link.of("conversation.item.truncate") == []


async def test_speech_that_may_not_interrupt_silences_nothing() -> None:
    stage = Stage(turn_detection={"type": "server_vad", "interrupt_response": False})
    stage.begin("r1")
    stage.audio("r1", 1000)
    stage.speak()
    assert stage.loudspeaker.queued_ms == 1000
    stage.audio("r1", 100)
    assert stage.loudspeaker.queued_ms == 1100


async def test_interrupting_by_hand_cancels_by_id() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 100)
    stage.talk.interrupt()
    stage.talk.interrupt()
    assert [event["response_id"] for event in stage.link.of("response.cancel")] == ["r1"]
    stage.get("error", error={"code": "response_cancel_not_active", "message": "no"})
    assert stage.screen.errors == []


async def test_a_request_waits_for_the_end_of_the_active_response() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.talk.say("hello")
    assert len(stage.link.of("conversation.item.create")) == 1
    assert stage.link.of("response.create") == []
    stage.done("r1")
    assert len(stage.link.of("response.create")) == 1


async def test_a_cut_response_without_its_end_keeps_nobody_waiting() -> None:
    """After quick interruptions a service may never tell that the answer before is over."""
    stage = Stage()
    stage.begin("r1")
    stage.audio("r1", 500)
    stage.speak()
    stage.hush()
    stage.talk.say("hello")
    assert len(stage.link.of("response.create")) == 1


async def test_an_error_that_names_no_event_blocks_nothing() -> None:
    """Every request behind the one that had failed used to wait for it."""
    stage = Stage()
    stage.talk.say("hello")
    stage.get("error", error={"code": "server_error", "message": "broken"})
    assert stage.screen.errors == ["broken (server_error)"]
    stage.talk.say("hello again")
    assert len(stage.link.of("response.create")) == 2


async def test_a_refused_request_is_sent_again_after_the_response_that_was_quicker() -> None:
    stage = Stage()
    stage.talk.say("hello")
    [ask] = stage.link.of("response.create")
    stage.get(
        "error",
        error={
            "code": "conversation_already_has_active_response",
            "message": "busy",
            "event_id": ask["event_id"],
        },
    )
    assert stage.screen.errors == []
    stage.begin("r1")
    stage.done("r1")
    assert len(stage.link.of("response.create")) == 2


async def test_a_click_reaches_the_agent_as_it_is() -> None:
    stage = Stage()
    stage.talk.click({"type": "ui.click", "id": 3})
    [ask] = stage.link.of("response.create")
    assert ask["response"] == {"invoke_input": {"type": "ui.click", "id": 3}}


@pytest.mark.parametrize(
    "delta", [{"type": "ui.card", "title": "T"}, 'data: {"type": "ui.card", "title": "T"}']
)
async def test_client_events_become_cards(delta: object) -> None:
    stage = Stage()
    stage.get("response.invocation.delta", delta=delta)
    assert stage.screen.cards == [{"type": "ui.card", "title": "T"}]


async def test_the_agent_hangs_up_after_its_last_word() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.get("response.invocation.delta", delta={"type": "agent.end_call"})
    stage.audio("r1", 500)
    stage.done("r1")
    await stage.settle()
    assert not stage.talk.over.is_set()
    await stage.finish()
    assert stage.talk.over.is_set()


async def test_greetings() -> None:
    own = Stage(greet=True)
    [ask] = own.link.of("response.create")
    assert "response" not in ask
    given_text = Stage(greeting="Welcome!")
    [ask] = given_text.link.of("response.create")
    message = ask["response"]["pre_generated_assistant_message"]
    assert message["content"] == [{"type": "text", "text": "Welcome!"}]
    given_text.talk.disconnect()
    given_text.connect()
    assert len(given_text.link.of("response.create")) == 2, "asked, but never begun"
    given_text.begin("r1")
    given_text.done("r1")
    given_text.talk.disconnect()
    given_text.connect()
    assert len(given_text.link.of("response.create")) == 2


async def test_a_model_is_told_what_was_said_after_a_lost_connection() -> None:
    stage = Stage(model="gpt-realtime", endpoint="http://127.0.0.1:1")
    stage.heard("hello")
    stage.begin("r1")
    stage.text("r1", "Hi there.")
    stage.done("r1")
    stage.talk.disconnect()
    stage.link.sent.clear()
    stage.connect()
    items = [event["item"] for event in stage.link.of("conversation.item.create")]
    assert [(item["role"], item["content"][0]["text"]) for item in items] == [
        ("user", "hello"),
        ("assistant", "Hi there."),
    ]


async def test_what_is_typed_without_a_connection_is_said_later() -> None:
    stage = Stage()
    stage.talk.disconnect()
    stage.talk.say("are you there")
    assert stage.link.of("conversation.item.create") == []
    stage.connect()
    assert len(stage.link.of("conversation.item.create")) == 1
    assert len(stage.link.of("response.create")) == 1


async def test_a_refused_session_ends_the_talk() -> None:
    stage = Stage(ready=False)
    stage.talk.connect(stage.link, {})
    with pytest.raises(ConversationError, match="voiceLiveCompatible"):
        stage.get("error", error={"code": "agent_not_voice_compatible", "message": "x"})


async def test_errors_in_a_session_are_shown_without_the_key() -> None:
    stage = Stage(api_key="s3cret-key")
    stage.get("error", error={"code": "c", "message": "bad s3cret-key"})
    stage.get("warning", warning={"message": "old s3cret-key"})
    assert stage.screen.errors == ["bad *** (c)"]
    assert "s3cret-key" not in stage.screen.shown


async def test_the_agents_own_voice_is_told_from_a_person() -> None:
    stage = Stage()
    stage.begin("r1")
    stage.text("r1", "We are open for dinner from Tuesday to Sunday.")
    stage.audio("r1", 2000)
    stage.speak("u5")
    stage.hush("u5")
    stage.heard("we are open for dinner", "u5")
    assert "own voice" in stage.screen.notices[-1]
    stage.begin("r2")
    stage.text("r2", "We are open for dinner from Tuesday to Sunday.")
    stage.audio("r2", 2000)
    stage.speak("u6")
    stage.hush("u6")
    stage.heard("do you have a table for two", "u6")
    assert len(stage.screen.notices) == 1


async def test_the_agents_own_voice_is_known_by_its_sound() -> None:
    """Nothing of it needs to be transcribed: often there is no transcript of an echo."""
    stage = Stage()
    random = np.random.default_rng(1)
    said = (3000 * random.standard_normal(3 * RATE_HZ)).astype("<i2").tobytes()
    stage.begin("r1")
    stage.loudspeaker.write("before", 0, said[: 2 * RATE_HZ])
    stage.loudspeaker.play(1000)
    stage.text("r1", "We are open.")
    delta = base64.b64encode(said).decode()
    stage.get("response.audio.delta", response_id="r1", item_id="i", content_index=0, delta=delta)
    stage.loudspeaker.play(2000)
    # It reaches the microphone 100 ms later.
    stage.talk.note_sent(stage.loudspeaker.heard[: -2 * RATE_HZ // 10])
    stage.speak()
    assert ["own voice" in notice for notice in stage.screen.notices] == [True]
    stage.begin("r2")
    stage.text("r2", "Yes.")
    stage.audio("r2", 3000)
    stage.loudspeaker.play(2500)
    stage.talk.note_sent((3000 * random.standard_normal(RATE_HZ)).astype("<i2").tobytes())
    stage.speak()
    assert len(stage.screen.notices) == 1


async def test_noise_is_no_turn() -> None:
    stage = Stage()
    stage.speak()
    stage.hush()
    assert stage.talk.busy
    stage.heard("")
    assert not stage.talk.busy
    assert stage.screen.turns == []


async def test_repeated_frames_change_nothing() -> None:
    stage = Stage()
    stage.begin("r1")
    event = {
        "type": "response.audio.delta",
        "event_id": "e1",
        "response_id": "r1",
        "item_id": "i1",
        "delta": base64.b64encode(pcm(20)).decode(),
    }
    stage.talk.handle(event)
    stage.talk.handle(event)
    assert stage.loudspeaker.queued_ms == 20


async def test_functions_run_together_and_the_model_goes_on_once() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    async def fail() -> None:
        raise RuntimeError("no luck")

    stage = Stage(Functions([add, fail]), model="m", endpoint="http://127.0.0.1:1")
    stage.begin("r1")
    for call_id, name, arguments in (("c1", "add", '{"a": 1, "b": 2}'), ("c2", "fail", "{}")):
        item = {"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}
        stage.get("response.output_item.added", response_id="r1", item={**item, "arguments": ""})
        stage.get(
            "response.function_call_arguments.done",
            response_id="r1",
            call_id=call_id,
            arguments=arguments,
        )
        stage.get("response.output_item.done", response_id="r1", item=item)
    await stage.tasks[0]
    await stage.tasks[1]
    assert stage.link.of("response.create") == []
    stage.done("r1")
    outputs = {
        event["item"]["call_id"]: json.loads(event["item"]["output"])
        for event in stage.link.of("conversation.item.create")
    }
    assert outputs == {"c1": 3, "c2": {"error": "RuntimeError: no luck"}}
    assert len(stage.link.of("response.create")) == 1


async def test_an_mcp_call_asks_the_person() -> None:
    stage = Stage(
        model="m", endpoint="http://127.0.0.1:1", mcp_servers=["docs=https://example.com"]
    )
    stage.begin("r1")
    stage.get(
        "conversation.item.created",
        item={
            "type": "mcp_approval_request",
            "id": "ap1",
            "name": "find",
            "server_label": "docs",
            "arguments": "{}",
        },
    )
    stage.done("r1")
    assert "docs: find" in stage.screen.notices[-1]
    stage.talk.calls.mcp.decide(True)
    [event] = stage.link.of("conversation.item.create")
    assert event["item"] == {
        "type": "mcp_approval_response",
        "approval_request_id": "ap1",
        "approve": True,
    }
    assert stage.talk.calls.mcp.approval is None
    stage.get("response.mcp_call.completed", item_id="m1", output_index=0)
    assert len(stage.link.of("response.create")) == 1


TYPES = [
    "session.updated",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.created",
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.audio_transcript.delta",
    "response.audio_transcript.done",
    "response.text.delta",
    "response.audio.delta",
    "response.audio.done",
    "response.audio_timestamp.delta",
    "response.function_call_arguments.done",
    "response.mcp_call.completed",
    "response.invocation.delta",
    "response.done",
    "warning",
    "error",
    "something.new",
]
IDS = st.sampled_from(["a", "b", "c"])
ODD = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.none(), max_size=2))
OBJECTS = st.one_of(
    ODD,
    st.fixed_dictionaries(
        {},
        optional={
            "id": IDS,
            "status": st.sampled_from(["completed", "cancelled", "failed", "incomplete"]),
            "status_details": ODD,
            "output": ODD,
            "type": st.sampled_from(["message", "function_call", "mcp_call"]),
            "role": st.sampled_from(["user", "assistant"]),
            "call_id": IDS,
            "code": ODD,
            "message": ODD,
            "event_id": ODD,
            "turn_detection": ODD,
            "expires_at": ODD,
        },
    ),
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        "event_id": st.one_of(IDS, st.none()),
        "response_id": st.one_of(IDS, ODD),
        "item_id": st.one_of(IDS, ODD),
        "call_id": st.one_of(IDS, ODD),
        "delta": st.one_of(ODD, st.just(base64.b64encode(pcm(20)).decode())),
        "transcript": ODD,
        "content_index": st.one_of(st.just(0), ODD),
        "audio_end_ms": ODD,
        "audio_offset_ms": ODD,
        "response": OBJECTS,
        "item": OBJECTS,
        "error": OBJECTS,
        "session": OBJECTS,
        "warning": OBJECTS,
    },
)


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_no_order_of_events_breaks_it(events: list[dict[str, Any]]) -> None:
    """And after a barge-in nothing that was known then is played."""

    async def play() -> None:
        stage = Stage()
        handled: set[object] = set()
        for event in events:
            is_new = not event.get("event_id") or event["event_id"] not in handled
            handled.add(event.get("event_id"))
            known = {response.id for response in stage.talk.responses._known.values()}
            stage.talk.handle(event)
            if (
                is_new
                and event["type"] == "input_audio_buffer.speech_started"
                and stage.talk.agreement.interrupts
            ):
                assert stage.loudspeaker.queued_ms == 0
                written = len(stage.loudspeaker.written)
                for response_id in known:
                    stage.audio(response_id, 20)
                assert len(stage.loudspeaker.written) == written
            stage.loudspeaker.play(10)
        stage.loudspeaker.play(1e9)
        for task in stage.tasks:
            task.cancel()

    run_virtual(play())
