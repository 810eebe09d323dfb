import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicelive_agent.wire.voice_live.events import (
    AppendAudio,
    TruncateItem,
    client_event_id,
    is_plain_append,
    parse_client_event,
)
from voicelive_agent.wire.voice_live.frames import decode_frame, encode_event, new_id
from voicelive_agent.wire.voice_live.shapes import ProtocolError, check_shape


def error_from(event: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        parse_client_event(event)
    return caught.value


class TestFrames:
    def test_text_and_binary_frames_are_json(self) -> None:
        assert decode_frame('{"type":"x"}') == {"type": "x"}
        assert decode_frame(b'{"type":"x"}') == {"type": "x"}

    def test_an_object_encoded_twice_is_decoded_twice(self) -> None:
        """The SDK's ``send("<json>")`` encodes text again, and a published sample does that."""
        assert decode_frame(json.dumps(json.dumps({"type": "x"}))) == {"type": "x"}

    @pytest.mark.parametrize("frame", ["", "{", '"{"', "NaN", '{"a":NaN}', "\x00", b"\xff\xfe"])
    def test_what_is_no_json_is_an_error_that_says_so(self, frame: str | bytes) -> None:
        with pytest.raises(ProtocolError, match="one JSON object") as caught:
            decode_frame(frame)
        assert caught.value.code == "invalid_json"

    @pytest.mark.parametrize("value", [2**80, "\ud800", -(2**70)])
    def test_what_orjson_refuses_is_sent_all_the_same(self, value: Any) -> None:
        frame = encode_event({"type": "x", "value": value})
        assert json.loads(frame)["value"] == value
        frame.encode()

    def test_a_frame_is_compact(self) -> None:
        assert encode_event({"type": "x", "n": 1}) == '{"type":"x","n":1}'


class TestIds:
    def test_ids_are_unique_and_of_the_services_form(self) -> None:
        ids = {new_id("event") for _ in range(1000)}
        assert len(ids) == 1000
        assert all(id.startswith("event_") and len(id) == 28 for id in ids)


class TestErrors:
    def test_an_error_has_every_field_of_the_wire(self) -> None:
        error = ProtocolError("Say it.", code="c", param="p")
        assert error.describe("event_1") == {
            "type": "invalid_request_error",
            "code": "c",
            "message": "Say it.",
            "param": "p",
            "event_id": "event_1",
        }

    @pytest.mark.parametrize("event", [None, [], "x", {}, {"event_id": 7}, {"event_id": None}])
    def test_an_event_without_an_id_has_none(self, event: Any) -> None:
        assert client_event_id(event) is None


class TestClientEvents:
    @pytest.mark.parametrize("event", [None, 1, "text", [], [{"type": "response.create"}], True])
    def test_an_event_is_an_object(self, event: Any) -> None:
        assert "JSON object" in error_from(event).message

    @pytest.mark.parametrize("event", [{}, {"type": None}, {"type": 3}, {"type": ["a"]}])
    def test_an_event_has_a_type(self, event: Any) -> None:
        assert error_from(event).param == "type"

    def test_an_unknown_type_is_named(self) -> None:
        error = error_from({"type": "no.such"})
        assert error.type == "invalid_request_error"
        assert "no.such" in error.message
        assert "session.update" in error.message

    @pytest.mark.parametrize(
        ("type", "code"),
        [
            ("session.avatar.connect", "avatar_not_supported"),
            ("mcp_approval_response", "mcp_not_supported"),
            ("rtc.call.sdp.create", "webrtc_not_supported"),
        ],
    )
    def test_what_the_emulator_does_not_do_is_said(self, type: str, code: str) -> None:
        error = error_from({"type": type})
        assert error.code == code
        assert "emulator" in error.message

    @pytest.mark.parametrize(
        ("event", "param", "code"),
        [
            ({"type": "session.update"}, "session", "missing_required_parameter"),
            ({"type": "session.update", "session": []}, "session", "invalid_type"),
            ({"type": "input_audio_buffer.append"}, "audio", "missing_required_parameter"),
            ({"type": "input_audio_buffer.append", "audio": 3}, "audio", "invalid_type"),
            ({"type": "input_audio.turn.start", "turn_id": ""}, "turn_id", "invalid_value"),
            ({"type": "conversation.item.create"}, "item", "missing_required_parameter"),
            ({"type": "conversation.item.delete", "item_id": None}, "item_id", "invalid_type"),
            (
                {
                    "type": "conversation.item.truncate",
                    "item_id": "a",
                    "content_index": 0,
                    "audio_end_ms": 1.5,
                },
                "audio_end_ms",
                "invalid_value",
            ),
            (
                {
                    "type": "conversation.item.truncate",
                    "item_id": "a",
                    "content_index": -1,
                    "audio_end_ms": 1,
                },
                "content_index",
                "invalid_value",
            ),
            ({"type": "response.create", "response": "x"}, "response", "invalid_type"),
            ({"type": "response.cancel", "response_id": 1}, "response_id", "invalid_type"),
            ({"type": "input_text.delta", "id": "a"}, "delta", "missing_required_parameter"),
        ],
    )
    def test_what_is_wrong_is_named_by_its_path(
        self, event: dict[str, Any], param: str, code: str
    ) -> None:
        error = error_from(event)
        assert (error.param, error.code) == (param, code)
        assert f"'{param}'" in error.message

    @pytest.mark.parametrize("number", [500, 500.0])
    def test_json_has_one_kind_of_number(self, number: float) -> None:
        event = parse_client_event(
            {
                "type": "conversation.item.truncate",
                "item_id": "a",
                "content_index": 0,
                "audio_end_ms": number,
            }
        )
        assert isinstance(event, TruncateItem)
        assert event.audio_end_ms == 500

    @pytest.mark.parametrize("number", [True, "500", math.nan, math.inf, 10**400, 2**60])
    def test_what_is_no_number_of_ms_is_refused(self, number: Any) -> None:
        event = {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0}
        assert error_from({**event, "audio_end_ms": number}).param == "audio_end_ms"

    def test_an_event_nested_without_end_is_refused(self) -> None:
        nested: dict[str, Any] = {}
        for _ in range(5000):
            nested = {"a": nested}
        assert "levels" in error_from({"type": "session.update", "session": nested}).message

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
        st.sampled_from(["session.update", "response.create", "conversation.item.truncate", "x"]),
    )
    def test_nothing_but_protocol_errors_comes_of_garbage(self, garbage: Any, type: str) -> None:
        for event in (garbage, {"type": type, "session": garbage, "response": garbage}):
            try:
                parse_client_event(event)
            except ProtocolError as error:
                assert error.message


@given(
    rest=st.dictionaries(
        st.sampled_from(["event_id", "audio", "turn_id", "x"]),
        st.one_of(st.text(max_size=3), st.none(), st.integers(), st.lists(st.integers())),
    )
)
def test_appended_audio_is_held_to_the_shape_of_all_events(rest: dict[str, Any]) -> None:
    """What a microphone sends goes a shorter way, as it comes fifty times a second."""
    event = {"type": "input_audio_buffer.append", "audio": "AAAA", **rest}
    try:
        expected = check_shape(AppendAudio, event)
    except ProtocolError as error:
        assert not is_plain_append(event)
        with pytest.raises(ProtocolError, match=re.escape(error.message)):
            parse_client_event(event)
    else:
        assert parse_client_event(event) == expected
        if is_plain_append(event):
            assert isinstance(expected, AppendAudio)
            assert expected.audio == event["audio"]
            assert event.keys() <= {"type", "audio", "event_id"}
