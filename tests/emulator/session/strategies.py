"""What clients may send to a session: hypothesis strategies."""

import base64

from hypothesis import strategies as st

AUDIO = base64.b64encode(b"\1\0" * 480).decode()

WORDS = st.sampled_from(
    ["Hello. ", "one, ", "two ", "three! ", "", "\n", "Dr. ", "é", "你好。", "  "]
)
GARBAGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
IDS = st.sampled_from(["a", "b", "call_1", "item_none", "root"])

DETECTIONS = st.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "server_vad", "interrupt_response": False},
        {"type": "server_vad", "create_response": False, "auto_truncate": True},
        {"type": "azure_semantic_vad", "remove_filler_words": True, "auto_truncate": True},
        {
            "type": "azure_semantic_vad_multilingual",
            "auto_truncate": True,
            "appended_text_after_truncation": "[cut]",
        },
    ]
)
SESSIONS = st.fixed_dictionaries(
    {},
    optional={
        "turn_detection": DETECTIONS,
        "modalities": st.sampled_from([["text"], ["text", "audio"], None]),
        "voice": st.sampled_from(["alloy", "en-US-AvaNeural", None]),
        "output_audio_timestamp_types": st.sampled_from([["word"], None]),
        "animation": st.sampled_from([{"outputs": ["viseme_id"]}, None]),
        "interim_response": st.sampled_from(
            [
                None,
                {"type": "static_interim_response", "triggers": ["latency", "tool"]},
                {"type": "llm_interim_response", "triggers": ["latency", "tool"]},
            ]
        ),
        "input_audio_transcription": st.sampled_from([None, {"model": "azure-speech"}]),
        "include": st.just(["item.input_audio_transcription.phrases"]),
    },
)
MESSAGE = {"type": "message", "role": "user"}
ITEMS = st.sampled_from(
    [
        {**MESSAGE, "content": [{"type": "input_text", "text": "hi"}]},
        {**MESSAGE, "id": "a", "content": [{"type": "input_text", "text": "hi"}]},
        {**MESSAGE, "id": "b", "content": [{"type": "input_audio", "audio": AUDIO}]},
        {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hello."}]},
    ]
)
RESPONSES = st.fixed_dictionaries(
    {},
    optional={
        "commit": st.booleans(),
        "cancel_previous": st.booleans(),
        "modalities": st.sampled_from([["text"], ["text", "audio"]]),
        "append_input_items": st.lists(ITEMS, max_size=2),
        "input_items": st.lists(ITEMS, max_size=2),
        "invoke_input": st.just({"type": "click"}),
        "pre_generated_assistant_message": st.just(
            {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi. "}]}
        ),
    },
)
EVENT_TYPES = [
    "session.update",
    "input_audio_buffer.append",
    "input_audio.turn.start",
    "input_audio.turn.append",
    "conversation.item.create",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "conversation.item.delete",
    "response.create",
    "response.cancel",
    "transcription_session.update",
    "input_text.delta",
    "input_text.done",
    "session.avatar.connect",
    "no.such.event",
]
FIELDS = [
    "session",
    "audio",
    "turn_id",
    "item",
    "item_id",
    "previous_item_id",
    "content_index",
    "audio_end_ms",
    "response",
    "response_id",
    "additional_instructions",
    "id",
    "delta",
    "event_id",
]
