"""Events in any order, and with any members."""

import base64
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.stage import Stage, pcm
from tests.virtual_time import run_virtual

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


@settings(max_examples=40)
@given(st.lists(EVENTS, max_size=40))
def test_no_order_of_events_breaks_it(events: list[dict[str, Any]]) -> None:
    """And after a barge-in nothing that was known then is played."""

    async def play() -> None:
        stage = Stage()
        handled: set[object] = set()
        for event in events:
            is_new = not event.get("event_id") or event["event_id"] not in handled
            handled.add(event.get("event_id"))
            known = {response.id for response in stage.talk._responses._known.values()}
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
