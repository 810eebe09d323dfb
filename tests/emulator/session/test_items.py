"""Conversation items as the client edits them."""

from typing import Any

import pytest

from tests.emulator.session.driver import Driver, counted_ids, error_of, types_of, user_says
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.stt import Transcript

CREATED = "conversation.item.created"
CALL = {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"}
RECORDING = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_audio", "audio": "AAAA"}],
}


def order(driver: Driver) -> list[str]:
    """The ids of the conversation, as ``previous_item_id`` tells them."""
    ids: list[str] = []
    for event in driver.all_events():
        if event["type"] == CREATED:
            before = event["previous_item_id"]
            ids.insert(0 if before is None else ids.index(before) + 1, event["item"]["id"])
    return ids


class TestCreate:
    def test_an_item_is_echoed_as_the_session_keeps_it(self) -> None:
        events = Driver().send("conversation.item.create", item=user_says("hi"))
        assert types_of(events) == [CREATED]
        item = events[0]["item"]
        assert item["id"].startswith("item_")
        assert item == {
            "id": item["id"],
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": "hi"}],
        }

    def test_items_go_to_the_end_the_start_or_behind_another(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("1", id="a"))
        driver.send("conversation.item.create", item=user_says("2", id="b"), previous_item_id=None)
        driver.send(
            "conversation.item.create", item=user_says("0", id="c"), previous_item_id="root"
        )
        events = driver.send(
            "conversation.item.create", item=user_says("1b", id="d"), previous_item_id="a"
        )
        assert events[0]["previous_item_id"] == "a"
        assert order(driver) == ["c", "a", "d", "b"]

    def test_an_unknown_predecessor_is_refused(self) -> None:
        driver = Driver()
        error = error_of(
            driver.send("conversation.item.create", item=user_says("x"), previous_item_id="no")
        )
        assert error["param"] == "previous_item_id"
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.kind == "greeting", "nothing was added"

    def test_an_id_is_taken_once(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("x", id="a"))
        error = error_of(driver.send("conversation.item.create", item=user_says("y", id="a")))
        assert error["param"] == "item.id"

    def test_the_id_of_a_deleted_item_is_not_taken_again(self) -> None:
        """The transcript of the deleted recording would have been taken for the new one's."""
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("x", id="a"))
        driver.send("conversation.item.delete", item_id="a")
        error = error_of(driver.send("conversation.item.create", item=user_says("y", id="a")))
        assert error["param"] == "item.id"

    @pytest.mark.parametrize("kind", ["text", "output_text"])
    def test_history_can_be_seeded(self, kind: str) -> None:
        driver = Driver(model="m")
        content = [{"type": kind, "text": "Hello."}]
        item = {"type": "message", "role": "assistant", "content": content}
        event = driver.send("conversation.item.create", item=item)[0]
        assert event["item"]["content"] == [{"type": "text", "text": "Hello."}]
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.items[0]["role"] == "assistant"

    def test_the_output_of_an_unknown_call_is_refused(self) -> None:
        driver = Driver(model="m")
        output = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
        error = error_of(driver.send("conversation.item.create", item=output))
        assert error["code"] == "invalid_tool_call_id"
        driver.send("conversation.item.create", item=CALL)
        assert types_of(driver.send("conversation.item.create", item=output)) == [CREATED]

    def test_images_are_kept_for_the_model(self) -> None:
        driver = Driver(model="m")
        image = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}
        item = {"type": "message", "role": "user", "content": [image]}
        driver.send("conversation.item.create", item=item)
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.items[0]["content"] == [image]

    @pytest.mark.parametrize(
        ("item", "param"),
        [
            (None, "item"),
            ([], "item"),
            ({}, "item.type"),
            ({"type": "poem"}, "item.type"),
            ({"type": "message"}, "item.role"),
            ({"type": "message", "role": "tool"}, "item.role"),
            ({"type": "message", "role": "user"}, "item.content"),
            ({"type": "message", "role": "user", "content": []}, "item.content"),
            ({"type": "message", "role": "user", "content": ["hi"]}, "item.content[0]"),
            (
                {"type": "message", "role": "user", "content": [{"type": "text", "text": "x"}]},
                "item.content[0].type",
            ),
            (
                {
                    "type": "message",
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "x"},
                        {"type": "input_text", "text": 1},
                    ],
                },
                "item.content[1].text",
            ),
            (
                {"type": "message", "role": "assistant", "content": [{"type": "text"}]},
                "item.content[0].text",
            ),
            (
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_audio", "audio": "?"}],
                },
                "item.content[0].audio",
            ),
            ({**user_says("x"), "id": 5}, "item.id"),
            ({**user_says("x"), "id": ""}, "item.id"),
            ({**user_says("x"), "status": "done"}, "item.status"),
            ({"type": "function_call", "name": "f", "call_id": "c"}, "item.arguments"),
            ({"type": "function_call_output", "call_id": "c", "output": {}}, "item.output"),
            ({"type": "mcp_approval_response", "approve": True}, "item.approval_request_id"),
        ],
    )
    def test_the_path_names_what_is_wrong(self, item: Any, param: str) -> None:
        driver = Driver()
        error = error_of(driver.send("conversation.item.create", item=item, event_id="e1"))
        assert error["param"] == param
        assert error["event_id"] == "e1"
        assert order(driver) == []


class TestRecordings:
    def test_a_recording_is_recognised(self) -> None:
        driver = Driver()
        events = driver.send("conversation.item.create", item=RECORDING)
        assert events[0]["item"]["content"] == [{"type": "input_audio", "transcript": None}]
        transcribe = driver.did(do.TranscribeAudio)[0]
        assert transcribe.audio == b"\0\0\0"
        assert driver.send("response.create") == []
        events = driver.tell(told.FinalTranscript(transcribe.item_id, Transcript("a room")))
        assert types_of(events) == [
            "conversation.item.input_audio_transcription.completed",
            "response.created",
        ]
        assert driver.one(do.AskAgent).request.text == "a room"
        assert driver.transcript(transcribe.item_id) == "a room"

    def test_one_with_a_transcript_is_not(self) -> None:
        driver = Driver()
        part = {"type": "input_audio", "audio": "AAAA", "transcript": "a room"}
        driver.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": [part]}
        )
        assert driver.did(do.TranscribeAudio) == []
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.text == "a room"

    def test_a_recording_that_is_deleted_is_waited_for_no_more(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=RECORDING)
        item_id = driver.one(do.TranscribeAudio).item_id
        driver.send("response.create")
        events = driver.send("conversation.item.delete", item_id=item_id)
        assert types_of(events) == ["conversation.item.deleted", "response.created"]
        assert driver.did(do.DiscardUtterance) == [do.DiscardUtterance(item_id)]
        assert driver.tell(told.FinalTranscript(item_id, Transcript("late"))) == []


class TestRetrieveAndDelete:
    def test_retrieve(self) -> None:
        driver = Driver()
        driver.hear("hello")
        item_id = driver.one(do.FinishUtterance).item_id
        events = driver.send("conversation.item.retrieve", item_id=item_id)
        assert types_of(events) == ["conversation.item.retrieved"]
        assert events[0]["item"]["content"][0]["transcript"] == "hello"

    def test_delete(self) -> None:
        driver = Driver(model="m")
        driver.send("conversation.item.create", item=user_says("x", id="a"))
        events = driver.send("conversation.item.delete", item_id="a")
        assert types_of(events) == ["conversation.item.deleted"]
        assert events[0]["item_id"] == "a"
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.items == ()

    @pytest.mark.parametrize("verb", ["retrieve", "delete"])
    def test_unknown_items(self, verb: str) -> None:
        error = error_of(
            Driver().send(f"conversation.item.{verb}", item_id="item_none", event_id="e1")
        )
        assert error["code"] == f"item_{verb}_invalid_item_id"
        assert error["event_id"] == "e1"

    def test_what_is_being_said_cannot_be_deleted(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Hello. ", finish=False)
        item_id = driver.find("response.output_item.added")["item"]["id"]
        error = error_of(driver.send("conversation.item.delete", item_id=item_id))
        assert "response.cancel" in error["message"]
        driver.answer("Bye.")
        assert types_of(driver.send("conversation.item.delete", item_id=item_id)) == [
            "conversation.item.deleted"
        ]

    def test_an_utterance_that_is_deleted_is_not_answered(self) -> None:
        driver = Driver()
        driver.tell(told.SpeechStarted(10))
        driver.tell(told.SpeechStopped(500))
        item_id = driver.one(do.FinishUtterance).item_id
        driver.send("conversation.item.delete", item_id=item_id)
        assert driver.tell(told.FinalTranscript(item_id, Transcript("hello"))) == []
        assert driver.done(do.AskAgent) == []


class TestStreamedText:
    def test_text_streams_into_an_item(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("", id="a"))
        assert driver.send("input_text.delta", id="a", delta="a room ") == []
        assert driver.item("a")["status"] == "in_progress"
        driver.send("input_text.delta", id="a", delta="for two", content_index=0)
        assert driver.send("input_text.done", id="a") == []
        assert driver.item("a")["status"] == "completed"
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.text == "a room for two"

    def test_a_delta_behind_the_last_part_begins_one(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("one", id="a"))
        driver.send("input_text.delta", id="a", delta="two", content_index=1)
        assert [part["text"] for part in driver.item("a")["content"]] == ["one", "two"]

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({"id": "none"}, "id"),
            ({"id": "call"}, "id"),
            ({"id": "a", "content_index": 2}, "content_index"),
            ({"id": "r"}, "content_index"),
        ],
    )
    def test_text_has_a_place_to_go_to(self, fields: dict[str, Any], param: str) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("x", id="a"))
        driver.send("conversation.item.create", item={**CALL, "id": "call"})
        driver.send("conversation.item.create", item={**RECORDING, "id": "r"})
        assert error_of(driver.send("input_text.delta", delta="y", **fields))["param"] == param

    def test_done_needs_a_part_that_is_there(self) -> None:
        driver = Driver()
        driver.send("conversation.item.create", item=user_says("x", id="a"))
        error = error_of(driver.send("input_text.done", id="a", content_index=1))
        assert error["param"] == "content_index"


class TestEverythingElse:
    def test_the_output_buffer_is_cleared(self) -> None:
        events = Driver().send("output_audio_buffer.clear")
        assert types_of(events) == ["output_audio_buffer.cleared"]

    @pytest.mark.parametrize("event", [None, 5, [], {}, {"type": 5}, {"type": "no.such.event"}])
    def test_what_is_no_event_is_answered_by_an_error(self, event: Any) -> None:
        driver = Driver()
        error = error_of(driver.tell(told.ClientSent(event)))
        assert error["type"] == "invalid_request_error"
        assert types_of(driver.send("response.create")) == ["response.created"]

    def test_errors_repeat_the_client_s_event_id(self) -> None:
        error = error_of(Driver().send("session.avatar.connect", client_sdp="x", event_id="e1"))
        assert (error["event_id"], error["code"]) == ("e1", "avatar_not_supported")

    def test_every_event_has_an_id_of_its_own(self) -> None:
        driver = Driver()
        driver.hear("hello")
        driver.answer("Good morning. How are you?")
        ids = [event["event_id"] for event in driver.all_events()]
        assert len(set(ids)) == len(ids)

    def test_a_closed_session_stops_its_engines_and_says_nothing(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Hello. And", finish=False)
        effects = driver.session.close(driver.now_ms)
        assert driver.events(effects) == []
        kinds = {type(effect) for effect in effects}
        assert {do.StopAgent, do.StopSpeaking} <= kinds
        assert driver.send("response.create") == []
        assert driver.session.close(driver.now_ms) == []

    def test_a_session_has_an_agent_or_a_model(self) -> None:
        from voicelive_agent.emulator.session import Session, SessionOptions

        with pytest.raises(ValueError, match="either an agent or a model"):
            Session(SessionOptions(opened_at_s=0), counted_ids())
