"""Responses: the documented order of their events, and how they end."""

import base64
from typing import Any

import pytest

from tests.emulator.session.driver import Driver, types_of, user_says
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.tts import SpokenWord, Viseme

ADDED = "response.output_item.added"
CREATED = "conversation.item.created"
PART_ADDED = "response.content_part.added"
CLOSING = [
    "response.audio.done",
    "response.audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]


class TestSpoken:
    def test_a_cascade_comes_in_the_documented_order(self) -> None:
        driver = Driver()
        created = driver.hear("hello")[-1]["response"]
        events = driver.answer("It is noon.")
        assert types_of(events) == [
            ADDED,
            CREATED,
            PART_ADDED,
            "response.audio_transcript.delta",
            "response.audio.delta",
            *CLOSING,
        ]
        item = events[0]["item"]
        assert item == {
            "id": item["id"],
            "object": "realtime.item",
            "type": "message",
            "role": "assistant",
            "status": "incomplete",
            "content": [],
        }
        assert events[1]["item"] == item
        assert events[2]["part"] == {"type": "audio", "transcript": ""}
        for event in events[2:-2]:
            assert event["response_id"] == created["id"]
            assert event["item_id"] == item["id"]
            assert event["output_index"] == event["content_index"] == 0
        assert base64.b64decode(events[4]["delta"]) == b"\1\0" * (750 * 24)
        assert events[6]["transcript"] == "It is noon."
        assert events[7]["part"] == {"type": "audio", "transcript": "It is noon."}
        finished = {
            **item,
            "status": "completed",
            "content": [{"type": "audio", "transcript": "It is noon."}],
        }
        assert events[8]["item"] == finished
        done = events[9]["response"]
        assert done["id"] == created["id"]
        assert done["output"] == [finished]
        assert (done["status"], done["status_details"]) == ("completed", None)

    def test_a_response_has_every_member_of_the_wire(self) -> None:
        driver = Driver()
        created = driver.send("response.create")[0]["response"]
        assert created == {
            "object": "realtime.response",
            "id": created["id"],
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "usage": None,
            "conversation_id": driver.session.conversation_id,
            "modalities": ["text", "audio"],
            "voice": created["voice"],
            "output_audio_format": "pcm16",
            "temperature": None,
            "max_output_tokens": "inf",
            "metadata": None,
        }
        assert created["voice"]["name"] == "en-US-Ava:DragonHDLatestNeural"

    def test_speech_starts_from_the_first_clause(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Good morning, ", "what can I ", finish=False)
        assert [speak.text for speak in driver.done(do.Speak)] == ["Good morning, "]
        assert types_of(driver.speak()) == ["response.audio.delta"]
        driver.stream("do for you?")
        assert [speak.text for speak in driver.done(do.Speak)][1:] == ["what can I do for you?"]
        assert types_of(driver.speak())[-1] == "response.done"

    def test_the_clauses_are_the_text(self) -> None:
        driver = Driver()
        driver.send("response.create")
        deltas = ["One. ", "Two, th", "ree. And ", "", "3.5 more; then", " all the rest.\n"]
        driver.stream(*deltas)
        assert "".join(speak.text for speak in driver.done(do.Speak)) == "".join(deltas)
        assert [speak.clause for speak in driver.done(do.Speak)] == list(
            range(len(driver.done(do.Speak)))
        )
        driver.speak()
        told_deltas = [
            event["delta"]
            for event in driver.all_events()
            if event["type"] == "response.audio_transcript.delta"
        ]
        assert "" not in told_deltas
        assert "".join(told_deltas) == driver.find("response.audio_transcript.done")["transcript"]

    def test_text_that_stands_still_is_spoken(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("One moment.", finish=False)
        assert driver.done(do.Speak) == []
        driver.tell(told.TimerExpired(driver.one(do.SetTimer).name))
        assert driver.one(do.Speak).text == "One moment."
        driver.tell(told.TimerExpired(driver.one(do.SetTimer).name))
        assert len(driver.done(do.Speak)) == 1

    def test_a_tool_that_runs_lets_the_text_before_it_be_spoken(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Let me look.", agents.ToolWaiting("search"), finish=False)
        assert driver.one(do.Speak).text == "Let me look."

    def test_a_text_that_is_complete_is_spoken_while_the_agent_goes_on(self) -> None:
        """An agent may show cards for seconds after its last word, which has no full stop."""
        driver = Driver()
        driver.hear("hello")
        driver.stream("Good morning", agents.TextDone(), finish=False)
        assert driver.one(do.Speak).text == "Good morning"
        assert types_of(driver.speak())[-1] == "response.output_item.done"
        driver.stream(agents.ScreenEvent({"type": "card"}), finish=False)
        assert driver.types() == ["response.invocation.delta"]
        assert types_of(driver.stream()) == ["response.done"]

    def test_audio_is_cut_into_frames_that_a_client_takes(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Long. ", finish=False)
        audio = bytes(range(256)) * 4 * 5000
        speak = driver.one(do.Speak)
        events = driver.tell(told.ClauseAudio(speak.response_id, speak.clause, audio, 100_000))
        assert b"".join(base64.b64decode(event["delta"]) for event in events) == audio
        assert max(len(event["delta"]) for event in events) < 4 * 1024 * 1024 - 1000
        assert all(len(base64.b64decode(event["delta"])) % 4 == 0 for event in events)

    def test_no_empty_audio_is_sent(self) -> None:
        """A published client takes an empty delta for the end of all audio."""
        driver = Driver()
        driver.send("response.create")
        driver.stream("Hm. ", finish=False)
        response_id = driver.response_id
        assert driver.tell(told.ClauseAudio(response_id, 0, b"", 0)) == []

    def test_an_answer_without_text_completes(self) -> None:
        driver = Driver()
        driver.send("response.create")
        events = driver.stream()
        assert types_of(events) == ["response.done"]
        assert events[0]["response"]["status"] == "completed"
        assert events[0]["response"]["output"] == []

    def test_usage_adds_up(self) -> None:
        driver = Driver()
        driver.hear("hello there", start_ms=0, end_ms=1000)
        driver.answer("It is noon now.")
        usage = driver.find("response.done")["response"]["usage"]
        spoken_ms = 4 * 250
        assert usage["input_token_details"]["audio_tokens"] == 1000 / 100
        assert usage["output_token_details"]["audio_tokens"] == spoken_ms / 50
        assert usage["input_tokens"] == (
            usage["input_token_details"]["text_tokens"]
            + usage["input_token_details"]["audio_tokens"]
        )
        assert usage["output_tokens"] == (
            usage["output_token_details"]["text_tokens"]
            + usage["output_token_details"]["audio_tokens"]
        )
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["output_token_details"]["text_tokens"] > 0

    def test_a_models_own_count_is_used(self) -> None:
        driver = Driver(model="m", session={"modalities": ["text"]})
        driver.send("response.create")
        driver.stream("Noon.", agents.AnswerFinished(agents.Usage(100, 7, 30, 2)))
        usage = driver.find("response.done")["response"]["usage"]
        assert (usage["total_tokens"], usage["input_tokens"], usage["output_tokens"]) == (
            107,
            100,
            7,
        )
        assert usage["input_token_details"]["cached_tokens"] == 30
        assert usage["output_token_details"]["reasoning_tokens"] == 2

    @pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
    def test_an_answer_cut_by_the_model_is_incomplete(self, reason: Any) -> None:
        driver = Driver(model="m")
        driver.send("response.create")
        driver.stream("It is", agents.AnswerFinished(incomplete_reason=reason))
        driver.speak()
        response = driver.find("response.done")["response"]
        assert response["status"] == "incomplete"
        assert response["status_details"] == {"type": "incomplete", "reason": reason}

    def test_tolerated_faults_of_an_agent_are_warnings(self) -> None:
        driver = Driver()
        driver.send("response.create")
        events = driver.stream(agents.AnswerFinished(warnings=("done.text differs",)))
        assert types_of(events) == ["warning", "response.done"]
        assert events[0]["warning"]["message"] == "done.text differs"

    def test_a_broken_clause_fails_the_response_once_all_of_it_was_spoken(self) -> None:
        driver = Driver()
        driver.hear("hello")
        driver.stream("Good morning.", finish=False)
        finished = agents.AnswerFinished(breaches=("no end", "two ends"))
        events = driver.stream(finished, finish=False)
        assert [event["error"]["message"] for event in events] == ["no end", "two ends"]
        assert {event["error"]["code"] for event in events} == {"agent_contract_violation"}
        *_, item, done = driver.speak()
        assert item["item"]["status"] == "completed"
        assert done["response"]["status"] == "failed"
        assert done["response"]["status_details"]["error"]["message"] == "no end"
        assert driver.transcript(item["item"]["id"]) == "Good morning."
        assert driver.hear("and now?", start_ms=9000, end_ms=9900)[-1]["type"] == "response.created"

    def test_an_item_that_the_model_cut_is_incomplete(self) -> None:
        driver = Driver(model="m", session={"modalities": ["text"]})
        driver.send("response.create")
        finished = agents.AnswerFinished(incomplete_reason="max_output_tokens")
        *_, done = driver.stream("Good mor", finished, finish=False)
        assert done["response"]["status"] == "incomplete"
        assert done["response"]["output"][0]["status"] == "incomplete"

    def test_engine_facts_of_other_responses_are_nothing(self) -> None:
        driver = Driver()
        driver.send("response.create")
        first = driver.response_id
        driver.answer("Hello there.")
        driver.send("response.create")
        driver.stream("Hello again. ", finish=False)
        for fact in (
            told.AgentSent(first, agents.TextDelta("late")),
            told.AgentSent(first, agents.AnswerFinished()),
            told.AnswerFailed(first, "agent_error", "late"),
            told.ClauseAudio(first, 0, b"\1\0", 1),
            told.ClauseSpoken(first, 0),
            told.SynthesisFailed(first, "late"),
            told.ClauseAudio(driver.response_id, 7, b"\1\0", 1),
            told.ClauseSpoken(driver.response_id, -1),
            told.TimerExpired(f"pause:{first}"),
        ):
            assert driver.tell(fact) == []

    def test_events_after_the_end_are_nothing(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Hello there.")
        assert driver.stream("more") == []
        assert types_of(driver.speak())[-1] == "response.done"


class TestTimings:
    def test_word_timestamps_count_from_the_start_of_the_item(self) -> None:
        driver = Driver(session={"output_audio_timestamp_types": ["word"]})
        driver.send("response.create")
        driver.stream("Good morning, Sir.")
        driver.speak(ms_per_word=200)
        words = [
            (event["text"], event["audio_offset_ms"], event["audio_duration_ms"])
            for event in driver.all_events()
            if event["type"] == "response.audio_timestamp.delta"
        ]
        assert words == [("Good", 0, 200), ("morning,", 200, 200), ("Sir.", 400, 200)]
        assert driver.find("response.audio_timestamp.delta")["timestamp_type"] == "word"
        types = types_of(driver.all_events())
        assert types.index("response.audio_timestamp.done") < types.index("response.audio.done")

    def test_visemes(self) -> None:
        driver = Driver(session={"animation": {"outputs": ["viseme_id"]}})
        driver.send("response.create")
        driver.stream("Hello. Bye. ", finish=False)
        driver.speak(ms_per_word=300, visemes=(Viseme(4, 20),))
        assert [
            (event["viseme_id"], event["audio_offset_ms"])
            for event in driver.all_events()
            if event["type"] == "response.animation_viseme.delta"
        ] == [(4, 20), (4, 320)]
        driver.stream()
        assert types_of(driver.all_events()).count("response.animation_viseme.done") == 1

    def test_neither_is_sent_unasked(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Hello there.")
        driver.speak(visemes=(Viseme(4, 20),))
        assert not [type for type in types_of(driver.all_events()) if "timestamp" in type]
        assert not [type for type in types_of(driver.all_events()) if "animation" in type]


class TestWritten:
    def test_a_text_only_response_comes_in_the_documented_order(self) -> None:
        driver = Driver(model="m", session={"modalities": ["text"]})
        events = driver.send("conversation.item.create", item=user_says("hi"))
        events += driver.send("response.create")
        events += driver.stream("Hello ", "there.")
        assert types_of(events) == [
            CREATED,
            "response.created",
            ADDED,
            CREATED,
            PART_ADDED,
            "response.text.delta",
            "response.text.delta",
            "response.text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
        assert events[4]["part"] == {"type": "text", "text": ""}
        assert events[7]["text"] == "Hello there."
        assert events[8]["part"] == {"type": "text", "text": ""}
        content = [{"type": "text", "text": "Hello there."}]
        assert events[9]["item"]["content"] == content
        assert events[10]["response"]["output"][0]["content"] == content
        assert driver.done(do.Speak) == []

    def test_one_response_can_be_text_only(self) -> None:
        driver = Driver()
        driver.send("response.create", response={"modalities": ["text"]})
        assert driver.find("response.created")["response"]["modalities"] == ["text"]
        assert types_of(driver.stream("Hi."))[-1] == "response.done"
        driver.send("response.create")
        driver.stream("Hi there. ", finish=False)
        assert driver.done(do.Speak)


class TestFailures:
    def test_an_agent_that_fails_fails_the_response_alone(self) -> None:
        driver = Driver()
        driver.hear("hello")
        message = "The agent answered 500 instead of 200: look at its log."
        events = driver.tell(told.AnswerFailed(driver.response_id, "agent_error", message))
        assert types_of(events) == ["error", "response.done"]
        assert events[0]["error"]["code"] == "agent_error"
        assert events[0]["error"]["message"] == message
        response = events[1]["response"]
        assert response["status"] == "failed"
        assert response["status_details"] == {
            "type": "failed",
            "error": {"type": "server_error", "code": "agent_error", "message": message},
        }
        assert types_of(driver.hear("hello?", start_ms=5000, end_ms=6000))[-1] == "response.created"

    def test_an_agent_that_dies_in_mid_answer_leaves_what_was_sent(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Good morning. I am", finish=False)
        driver.speak()
        events = driver.tell(told.AnswerFailed(driver.response_id, "agent_disconnected", "Gone."))
        assert types_of(events) == ["error", *CLOSING]
        item = events[-1]["response"]["output"][0]
        assert item["status"] == "incomplete"
        assert item["content"] == [{"type": "audio", "transcript": "Good morning."}]
        assert driver.did(do.StopAgent) == []
        assert driver.session.is_playing(driver.now_ms), "what was sent goes on playing"

    def test_a_voice_that_fails(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.stream("Good morning. I am", finish=False)
        events = driver.tell(told.SynthesisFailed(driver.response_id, "No such voice."))
        assert types_of(events) == ["error", *CLOSING]
        assert events[0]["error"]["code"] == "speech_synthesis_error"
        assert events[-1]["response"]["status"] == "failed"
        assert driver.did(do.StopAgent)

    def test_a_wish_that_cannot_be_met_is_a_warning(self) -> None:
        events = Driver().tell(told.Warned("No such voice.", "voice_not_found", "session.voice"))
        assert events[0]["warning"] == {
            "message": "No such voice.",
            "code": "voice_not_found",
            "param": "session.voice",
        }


class TestInvocations:
    def test_the_agent_s_events_arrive_at_their_place(self) -> None:
        driver = Driver()
        driver.send("response.create")
        card = {"type": "ui.card", "title": "Weather"}
        events = driver.stream("It ", agents.ScreenEvent(card), "is noon.", finish=False)
        assert types_of(events)[3:] == [
            "response.audio_transcript.delta",
            "response.invocation.delta",
            "response.audio_transcript.delta",
        ]
        event = events[4]
        assert event == {
            "type": "response.invocation.delta",
            "event_id": event["event_id"],
            "delta": card,
        }

    def test_none_arrives_after_the_response(self) -> None:
        driver = Driver()
        driver.send("response.create")
        driver.send("response.cancel")
        assert driver.stream(agents.ScreenEvent({"type": "x"})) == []


def test_words_told_with_their_audio_are_placed_behind_the_clause_before() -> None:
    driver = Driver(session={"output_audio_timestamp_types": ["word"]})
    driver.send("response.create")
    driver.stream("Yes. So. ", finish=False)
    response_id = driver.response_id
    driver.tell(told.ClauseAudio(response_id, 0, b"\1\0" * 24, 300.4))
    driver.tell(told.ClauseSpoken(response_id, 0))
    events = driver.tell(
        told.ClauseAudio(response_id, 1, b"\1\0" * 24, 300, (SpokenWord("So.", 3, 10, 200),))
    )
    assert events[0]["audio_offset_ms"] == 310


def test_the_same_warning_of_an_agent_is_told_once_in_a_session() -> None:
    """A warning about the agent's stream came again with each turn, and hid the others."""
    driver = Driver()
    told_each_turn = []
    for _ in range(3):
        driver.send("response.create")
        driver.stream("Yes. ", finish=False)
        events = driver.stream(agents.AnswerFinished(warnings=("done.text differs",)))
        told_each_turn.append(sum(event["type"] == "warning" for event in events))
        driver.send("response.cancel")
    assert told_each_turn == [1, 0, 0]
