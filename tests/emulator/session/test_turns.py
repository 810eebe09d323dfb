"""The person's turns: by voice activity, by hand, by name."""

import base64
from typing import Any

import pytest

from tests.emulator.session.driver import Driver, error_of, types_of
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.stt import Transcript

AUDIO = base64.b64encode(b"\1\0" * 2400).decode()
STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"
CREATED = "conversation.item.created"
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


class TestVoiceActivity:
    def test_a_turn_of_a_cascade_comes_in_the_documented_order(self) -> None:
        driver = Driver()
        events = driver.hear("hello there", start_ms=1456, end_ms=4512)
        assert types_of(events) == [
            STARTED,
            STOPPED,
            COMMITTED,
            TRANSCRIBED,
            CREATED,
            "response.created",
        ]
        started, stopped, committed, transcribed, created, _ = events
        item_id = started["item_id"]
        assert started["audio_start_ms"] == 1456
        assert stopped["audio_end_ms"] == 4512
        assert committed["previous_item_id"] is None
        assert {stopped["item_id"], committed["item_id"], transcribed["item_id"]} == {item_id}
        assert transcribed["content_index"] == 0
        assert created["item"] == {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": "hello there"}],
        }

    def test_the_agent_gets_what_was_heard(self) -> None:
        driver = Driver()
        driver.hear("hello there")
        asked = driver.one(do.AskAgent)
        assert asked.response_id == driver.response_id
        assert asked.request == agents.AgentRequest(kind="speech", text="hello there")

    def test_the_recogniser_is_told_where_the_turn_is(self) -> None:
        driver = Driver()
        driver.hear("hello", start_ms=700, end_ms=1900)
        begun, finished = driver.one(do.BeginUtterance), driver.one(do.FinishUtterance)
        assert begun.item_id == finished.item_id
        assert (begun.start_ms, finished.end_ms) == (700, 1900)

    def test_items_are_chained(self) -> None:
        driver = Driver()
        driver.hear("one")
        driver.answer("First answer.")
        events = driver.hear("two", start_ms=5000, end_ms=6000)
        answer_id = driver.find(CREATED, lambda event: event["item"]["role"] == "assistant")
        committed = next(event for event in events if event["type"] == COMMITTED)
        assert committed["previous_item_id"] == answer_id["item"]["id"]
        assert driver.find(CREATED)["previous_item_id"] == answer_id["item"]["id"]

    @pytest.mark.parametrize("text", ["", "   "])
    def test_nothing_recognised_is_not_answered(self, text: str) -> None:
        driver = Driver()
        events = driver.hear(text)
        assert types_of(events) == [STARTED, STOPPED, COMMITTED, TRANSCRIBED, CREATED]
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.kind == "greeting"

    def test_without_create_response_the_client_asks(self) -> None:
        driver = Driver(
            session={"turn_detection": {"type": "server_vad", "create_response": False}}
        )
        assert types_of(driver.hear("hello"))[-1] == CREATED
        assert driver.done(do.AskAgent) == []
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.text == "hello"

    def test_a_second_start_and_a_stop_without_start_are_nothing(self) -> None:
        driver = Driver()
        assert driver.tell(told.SpeechStopped(100)) == []
        driver.tell(told.SpeechStarted(100))
        assert driver.tell(told.SpeechStarted(200)) == []

    def test_commit_ends_speech_at_once_and_is_not_answered_unasked(self) -> None:
        driver = Driver()
        driver.send("input_audio_buffer.append", audio=AUDIO)
        driver.tell(told.SpeechStarted(10))
        events = driver.send("input_audio_buffer.commit")
        assert types_of(events) == [COMMITTED]
        assert driver.one(do.FinishUtterance).end_ms is None
        assert driver.tell(told.SpeechStopped(100)) == []
        item_id = driver.one(do.FinishUtterance).item_id
        events = driver.tell(told.FinalTranscript(item_id, Transcript("hello")))
        assert types_of(events) == [TRANSCRIBED, CREATED]

    def test_clear_forgets_the_speech(self) -> None:
        driver = Driver()
        driver.tell(told.SpeechStarted(10))
        events = driver.send("input_audio_buffer.clear")
        assert types_of(events) == ["input_audio_buffer.cleared"]
        assert driver.did(do.DiscardUtterance)[0].item_id == driver.one(do.BeginUtterance).item_id
        assert driver.did(do.ClearInput)
        assert driver.tell(told.SpeechStopped(100)) == []

    def test_who_goes_on_talking_is_answered_once_about_all_of_it(self) -> None:
        """The first transcript came while the person spoke again, and was answered over them."""
        driver = Driver()
        driver.tell(told.SpeechStarted(100))
        driver.tell(told.SpeechStopped(900))
        first = driver.one(do.FinishUtterance).item_id
        driver.tell(told.SpeechStarted(1200))
        assert types_of(driver.tell(told.FinalTranscript(first, Transcript("I want")))) == [
            TRANSCRIBED,
            CREATED,
        ]
        driver.tell(told.SpeechStopped(2000))
        second = driver.one(do.FinishUtterance).item_id
        driver.tell(told.FinalTranscript(second, Transcript("a room")))
        assert [ask.request.text for ask in driver.done(do.AskAgent)] == ["I want\na room"]

    def test_a_cough_does_not_swallow_the_answer_that_waits(self) -> None:
        driver = Driver()
        driver.tell(told.SpeechStarted(100))
        driver.tell(told.SpeechStopped(900))
        first = driver.one(do.FinishUtterance).item_id
        driver.tell(told.SpeechStarted(1200))
        driver.tell(told.FinalTranscript(first, Transcript("a room please")))
        driver.tell(told.SpeechStopped(1400))
        driver.tell(told.FinalTranscript(driver.one(do.FinishUtterance).item_id, Transcript("")))
        assert driver.one(do.AskAgent).request.text == "a room please"

    def test_transcripts_are_told_in_the_order_of_the_turns(self) -> None:
        driver = Driver()
        for start_ms in (100, 2000):
            driver.tell(told.SpeechStarted(start_ms))
            driver.tell(told.SpeechStopped(start_ms + 500))
        first, second = (finish.item_id for finish in driver.done(do.FinishUtterance))
        assert driver.tell(told.FinalTranscript(second, Transcript("two"))) == []
        events = driver.tell(told.FinalTranscript(first, Transcript("one")))
        assert [event.get("transcript") for event in events if event["type"] == TRANSCRIBED] == [
            "one",
            "two",
        ]
        created = [event for event in events if event["type"] == CREATED]
        assert [event["previous_item_id"] for event in created] == [None, first]


class TestManualTurns:
    def test_nothing_is_answered_until_the_client_asks(self) -> None:
        driver = Driver(session={"turn_detection": None})
        assert driver.send("input_audio_buffer.append", audio=AUDIO) == []
        assert [type(effect) for effect in driver.last] == [do.BeginUtterance, do.ProcessInput]
        assert driver.send("input_audio_buffer.append", audio=AUDIO) == []
        assert [type(effect) for effect in driver.last] == [do.ProcessInput]
        item_id = driver.one(do.BeginUtterance).item_id
        assert driver.tell(told.PartialTranscript(item_id, "hello")) == []
        assert driver.tell(told.SpeechStarted(10)) == []
        assert types_of(driver.send("input_audio_buffer.commit")) == [COMMITTED]
        assert driver.did(do.FinishUtterance) == [do.FinishUtterance(item_id, None)]
        events = driver.tell(told.FinalTranscript(item_id, Transcript("hello")))
        assert types_of(events) == [TRANSCRIBED, CREATED]
        assert driver.done(do.AskAgent) == []
        assert types_of(driver.send("response.create")) == ["response.created"]
        assert driver.one(do.AskAgent).request.text == "hello"

    def test_a_response_asked_for_at_once_waits_for_the_transcript(self) -> None:
        driver = Driver(session={"turn_detection": None})
        driver.send("input_audio_buffer.append", audio=AUDIO)
        driver.send("input_audio_buffer.commit")
        assert driver.send("response.create") == []
        item_id = driver.one(do.BeginUtterance).item_id
        events = driver.tell(told.FinalTranscript(item_id, Transcript("hello")))
        assert types_of(events) == [TRANSCRIBED, CREATED, "response.created"]
        assert driver.one(do.AskAgent).request.text == "hello"

    def test_cancelling_a_response_that_waits_gives_it_cancelled(self) -> None:
        driver = Driver(session={"turn_detection": None})
        driver.send("input_audio_buffer.append", audio=AUDIO)
        driver.send("input_audio_buffer.commit")
        driver.send("response.create")
        events = driver.send("response.cancel")
        assert types_of(events) == ["response.created", "response.done"]
        assert events[1]["response"]["status"] == "cancelled"
        item_id = driver.one(do.BeginUtterance).item_id
        driver.tell(told.FinalTranscript(item_id, Transcript("hello")))
        assert driver.done(do.AskAgent) == []

    def test_audio_without_a_word_fails_the_response_and_says_why(self) -> None:
        driver = Driver(session={"turn_detection": None})
        driver.send("input_audio_buffer.append", audio=AUDIO)
        driver.send("input_audio_buffer.commit")
        driver.tell(told.FinalTranscript(driver.one(do.BeginUtterance).item_id, Transcript("")))
        events = driver.send("response.create")
        assert types_of(events) == ["response.created", "error", "response.done"]
        assert events[1]["error"]["code"] == "no_input"
        assert events[2]["response"]["status"] == "failed"
        driver.send("response.create")
        assert driver.one(do.AskAgent).request.kind == "greeting"

    def test_an_empty_buffer_cannot_be_committed(self) -> None:
        driver = Driver(session={"turn_detection": None})
        error = error_of(driver.send("input_audio_buffer.commit", event_id="e7"))
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert error["event_id"] == "e7"
        driver.send("input_audio_buffer.append", audio=AUDIO)
        driver.send("input_audio_buffer.commit")
        assert error_of(driver.send("input_audio_buffer.commit"))["code"] == error["code"]

    @pytest.mark.parametrize("clear", ["input_audio_buffer.clear", "input_audio.clear"])
    def test_clear_empties_the_buffer(self, clear: str) -> None:
        driver = Driver(session={"turn_detection": None})
        driver.send("input_audio_buffer.append", audio=AUDIO)
        assert types_of(driver.send(clear)) == ["input_audio_buffer.cleared"]
        assert driver.did(do.DiscardUtterance)
        assert error_of(driver.send("input_audio_buffer.commit"))["code"] == (
            "input_audio_buffer_commit_empty"
        )

    @pytest.mark.parametrize("audio", ["A", "é", "AAA", "****"])
    def test_audio_is_base64(self, audio: str) -> None:
        assert error_of(Driver().send("input_audio_buffer.append", audio=audio))["param"] == "audio"

    def test_one_append_has_a_limit(self) -> None:
        audio = base64.b64encode(bytes(16 * 1024 * 1024 + 1)).decode()
        assert (
            "in pieces"
            in error_of(Driver().send("input_audio_buffer.append", audio=audio))["message"]
        )

    @pytest.mark.parametrize("detection", [None, {"type": "server_vad"}])
    def test_switching_detection_drops_what_is_being_recorded(self, detection: Any) -> None:
        driver = Driver(session={"turn_detection": None if detection else {"type": "server_vad"}})
        driver.send("input_audio_buffer.append", audio=AUDIO)
        driver.tell(told.SpeechStarted(10))
        driver.configure(turn_detection=detection)
        assert driver.did(do.DiscardUtterance)[0].item_id == driver.one(do.BeginUtterance).item_id


class TestTurnsOfTheClient:
    def test_a_turn_is_committed_by_its_end(self) -> None:
        driver = Driver()
        assert driver.send("input_audio.turn.start", turn_id="t1") == []
        assert driver.send("input_audio.turn.append", turn_id="t1", audio=AUDIO) == []
        assert driver.tell(told.SpeechStarted(10)) == []
        assert types_of(driver.send("input_audio.turn.end", turn_id="t1")) == [COMMITTED]
        item_id = driver.one(do.FinishUtterance).item_id
        events = driver.tell(told.FinalTranscript(item_id, Transcript("hello")))
        assert types_of(events) == [TRANSCRIBED, CREATED]
        assert types_of(driver.tell(told.SpeechStarted(500))) == [STARTED]

    def test_a_turn_can_be_cancelled(self) -> None:
        driver = Driver()
        driver.send("input_audio.turn.start", turn_id="t1")
        driver.send("input_audio.turn.append", turn_id="t1", audio=AUDIO)
        events = driver.send("input_audio.turn.cancel", turn_id="t1")
        assert types_of(events) == ["input_audio_buffer.cleared"]
        assert driver.did(do.DiscardUtterance)
        driver.send("input_audio.turn.start", turn_id="t1")
        assert driver.types() == []

    def test_what_waits_for_the_end_of_speech_is_answered_when_a_turn_takes_its_place(
        self,
    ) -> None:
        driver = Driver()
        driver.tell(told.SpeechStarted(100))
        driver.tell(told.SpeechStopped(900))
        first = driver.one(do.FinishUtterance).item_id
        driver.tell(told.SpeechStarted(1200))
        driver.tell(told.FinalTranscript(first, Transcript("a room")))
        events = driver.send("input_audio.turn.start", turn_id="t1")
        assert types_of(events) == ["response.created"]

    @pytest.mark.parametrize("verb", ["append", "end", "cancel"])
    def test_another_turn_is_refused(self, verb: str) -> None:
        driver = Driver()
        driver.send("input_audio.turn.start", turn_id="t1")
        error = error_of(driver.send(f"input_audio.turn.{verb}", turn_id="t2", audio=AUDIO))
        assert error["param"] == "turn_id"

    def test_one_turn_at_a_time(self) -> None:
        driver = Driver()
        driver.send("input_audio.turn.start", turn_id="t1")
        assert error_of(driver.send("input_audio.turn.start", turn_id="t2"))["param"] == "turn_id"

    def test_an_empty_turn_cannot_be_ended(self) -> None:
        driver = Driver()
        driver.send("input_audio.turn.start", turn_id="t1")
        error = error_of(driver.send("input_audio.turn.end", turn_id="t1"))
        assert error["code"] == "input_audio_buffer_commit_empty"
