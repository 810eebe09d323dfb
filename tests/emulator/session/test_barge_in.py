"""Barge-in: the order of its events, and what of an answer was heard."""

from typing import Any

import pytest

from tests.emulator.session.driver import Driver, error_of, types_of
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.session.heard import Clause, PlaybackEstimate, SpokenText
from voicelive_agent.emulator.stt import Transcript
from voicelive_agent.emulator.tts import SpokenWord

STARTED = "input_audio_buffer.speech_started"
TRUNCATED = "conversation.item.truncated"
CLOSING = [
    "response.audio.done",
    "response.audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
]
TEXT = "Good morning, we have rooms with a view. And some without one."
VAD = {"type": "azure_semantic_vad"}
TRUNCATING = {**VAD, "auto_truncate": True}


def playing(detection: dict[str, Any] | None = None, *, finish: bool = False) -> Driver:
    """A response of twelve words of 250 ms, all sent at once, of which nothing is played yet."""
    driver = Driver(session={"turn_detection": detection or VAD})
    driver.hear("hello")
    driver.stream(TEXT, finish=False)
    driver.speak()
    if finish:
        driver.stream()
        driver.speak()
    return driver


def answer_id(driver: Driver) -> str:
    return str(driver.find("response.output_item.added")["item"]["id"])


class TestOrder:
    def test_the_cut_response_is_closed_in_the_documented_order(self) -> None:
        driver = playing(TRUNCATING)
        driver.now_ms = 1100
        events = driver.tell(told.SpeechStarted(7000))
        assert types_of(events) == [STARTED, *CLOSING, TRUNCATED, "response.done"]
        joined = "".join(
            event["delta"]
            for event in driver.all_events()
            if event["type"] == "response.audio_transcript.delta"
        )
        assert events[2]["transcript"] == events[3]["part"]["transcript"] == joined == TEXT
        assert events[4]["item"]["status"] == "incomplete"
        assert events[5] == {
            "type": TRUNCATED,
            "event_id": events[5]["event_id"],
            "item_id": answer_id(driver),
            "content_index": 0,
            "audio_end_ms": 1100,
        }
        response = events[6]["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert response["output"] == [driver.item(answer_id(driver))]

    def test_the_engines_are_stopped(self) -> None:
        driver = playing()
        driver.stream(" Breakfast is at seven.", finish=False)
        driver.tell(told.SpeechStarted(7000))
        assert driver.did(do.StopAgent) == [do.StopAgent(driver.response_id)]
        assert driver.did(do.StopSpeaking) == [do.StopSpeaking(driver.response_id)]

    def test_speech_stopped_and_the_next_answer_follow(self) -> None:
        driver = playing()
        events = driver.hear("wait", start_ms=7000, end_ms=8000)
        types = types_of(events)
        assert types.index("response.done") < types.index("input_audio_buffer.speech_stopped")
        assert types[-1] == "response.created"
        assert driver.one(do.AskAgent).request.text == "wait"

    def test_nothing_of_the_old_response_comes_afterwards(self) -> None:
        driver = playing()
        old = driver.response_id
        driver.tell(told.SpeechStarted(7000))
        for fact in (
            told.ClauseAudio(old, 1, b"\1\0" * 100, 4),
            told.ClauseSpoken(old, 1),
            told.AgentSent(old, agents.TextDelta("late")),
            told.AgentSent(old, agents.ScreenEvent({"type": "x"})),
            told.AgentSent(old, agents.AnswerFinished()),
            told.AnswerFailed(old, "agent_disconnected", "Closed."),
        ):
            assert driver.tell(fact) == []

    def test_before_the_first_word_there_is_nothing_to_close(self) -> None:
        driver = Driver(session={"turn_detection": TRUNCATING})
        driver.hear("hello")
        assert types_of(driver.tell(told.SpeechStarted(7000))) == [STARTED, "response.done"]

    def test_without_interruption_the_answer_goes_on_and_the_next_one_waits(self) -> None:
        driver = playing({**VAD, "interrupt_response": False})
        first = driver.response_id
        assert types_of(driver.tell(told.SpeechStarted(7000))) == [STARTED]
        driver.tell(told.SpeechStopped(7900))
        item_id = driver.one(do.FinishUtterance).item_id
        types = types_of(driver.tell(told.FinalTranscript(item_id, Transcript("and breakfast?"))))
        assert "response.created" not in types
        assert driver.response_id == first
        driver.stream()
        events = driver.speak()
        assert types_of(events)[-2:] == ["response.done", "response.created"]
        assert driver.one(do.AskAgent).request.text == "and breakfast?"

    def test_an_item_holds_what_was_played_also_when_its_response_had_ended(self) -> None:
        """Audio is produced faster than it plays, so most interruptions come after the end."""
        driver = playing(TRUNCATING, finish=True)
        assert driver.find("response.done")["response"]["status"] == "completed"
        driver.now_ms = 600
        events = driver.tell(told.SpeechStarted(7000))
        assert types_of(events) == [STARTED, TRUNCATED]
        assert events[1]["audio_end_ms"] == 600
        assert driver.transcript(answer_id(driver)) == "Good morning,"

    def test_an_answer_that_was_played_to_its_end_is_whole(self) -> None:
        driver = playing(TRUNCATING, finish=True)
        driver.now_ms = 60_000
        assert types_of(driver.tell(told.SpeechStarted(7000))) == [STARTED]
        assert driver.transcript(answer_id(driver)) == TEXT


class TestHeard:
    @pytest.mark.parametrize(
        ("played_ms", "heard"),
        [
            (0, ""),
            (240, ""),
            (250, "Good"),
            (600, "Good morning,"),
            (1990, "Good morning, we have rooms with a"),
            (2000, "Good morning, we have rooms with a view."),
            (9000, "Good morning, we have rooms with a view."),
        ],
    )
    def test_the_item_holds_the_words_that_were_played(self, played_ms: int, heard: str) -> None:
        driver = playing()
        driver.now_ms = played_ms
        driver.tell(told.SpeechStarted(7000))
        assert driver.transcript(answer_id(driver)) == heard

    def test_auto_truncate_is_only_about_telling(self) -> None:
        driver = playing()
        driver.now_ms = 600
        assert TRUNCATED not in types_of(driver.tell(told.SpeechStarted(7000)))
        assert driver.transcript(answer_id(driver)) == "Good morning,"

    @pytest.mark.parametrize(
        ("kind", "heard"),
        [
            ("azure_semantic_vad", "Good morning, [The user interrupted me.]"),
            ("azure_semantic_vad_multilingual", "Good morning, [The user interrupted me.]"),
            ("server_vad", "Good morning,"),
        ],
    )
    def test_a_text_can_be_appended_where_it_was_cut(self, kind: str, heard: str) -> None:
        driver = playing(
            {
                "type": kind,
                "auto_truncate": True,
                "appended_text_after_truncation": "[The user interrupted me.]",
            }
        )
        driver.now_ms = 600
        driver.tell(told.SpeechStarted(7000))
        assert driver.transcript(answer_id(driver)) == heard

    def test_a_model_is_told_what_was_heard(self) -> None:
        driver = Driver(model="m")
        driver.hear("hello")
        driver.stream(TEXT, finish=False)
        driver.speak()
        driver.now_ms = 600
        driver.hear("what?", start_ms=7000, end_ms=8000)
        items = driver.one(do.AskAgent).request.items
        assert items[1]["content"] == [{"type": "audio", "transcript": "Good morning,"}]

    def test_the_client_s_own_cancel_counts_as_the_end_of_playing(self) -> None:
        driver = playing(TRUNCATING)
        driver.now_ms = 600
        events = driver.send("response.cancel")
        assert TRUNCATED not in types_of(events)
        assert driver.transcript(answer_id(driver)) == "Good morning,"
        assert not driver.session.is_playing(driver.now_ms)

    def test_words_without_timings_are_estimated(self) -> None:
        driver = Driver(session={"turn_detection": VAD})
        driver.send("response.create")
        driver.stream("One two six ten. ", finish=False)
        response_id = driver.response_id
        driver.tell(told.ClauseAudio(response_id, 0, b"\1\0" * 24_000, 1000))
        driver.tell(told.ClauseSpoken(response_id, 0))
        driver.now_ms = 500
        driver.tell(told.SpeechStarted(7000))
        assert driver.transcript(answer_id(driver)) == "One two"


class TestClientTruncates:
    def test_the_client_knows_what_it_played(self) -> None:
        driver = playing(finish=True)
        item_id = answer_id(driver)
        driver.now_ms = 2000
        fields = {"item_id": item_id, "content_index": 0}
        events = driver.send("conversation.item.truncate", **fields, audio_end_ms=500)
        assert types_of(events) == [TRUNCATED]
        assert events[0]["audio_end_ms"] == 500
        assert driver.transcript(item_id) == "Good morning,"
        assert not driver.session.is_playing(driver.now_ms)
        driver.send("conversation.item.truncate", **fields, audio_end_ms=750)
        assert driver.transcript(item_id) == "Good morning, we", "later words are not lost"

    def test_it_corrects_what_the_session_took_to_be_heard(self) -> None:
        driver = playing(TRUNCATING)
        driver.now_ms = 2000
        driver.tell(told.SpeechStarted(7000))
        item_id = answer_id(driver)
        driver.send(
            "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=250
        )
        assert driver.transcript(item_id) == "Good"

    def test_more_than_there_is_is_refused(self) -> None:
        driver = playing(finish=True)
        item_id = answer_id(driver)
        error = error_of(
            driver.send(
                "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=99_999
            )
        )
        assert "Audio content of 3000ms is already shorter than 99999ms" in error["message"]
        assert error["param"] == "audio_end_ms"
        assert driver.transcript(item_id) == TEXT

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({"item_id": "item_none", "content_index": 0}, "item_id"),
            ({"content_index": 1}, "content_index"),
        ],
    )
    def test_what_is_not_there_is_refused(self, fields: dict[str, Any], param: str) -> None:
        driver = playing(finish=True)
        wrong = {"item_id": answer_id(driver), "audio_end_ms": 10, **fields}
        assert error_of(driver.send("conversation.item.truncate", **wrong))["param"] == param

    def test_what_was_not_spoken_cannot_be_truncated(self) -> None:
        driver = Driver()
        driver.hear("hello")
        error = error_of(
            driver.send(
                "conversation.item.truncate",
                item_id=driver.one(do.FinishUtterance).item_id,
                content_index=0,
                audio_end_ms=0,
            )
        )
        assert error["code"] == "item_truncate_invalid_item_id"


class TestPlayback:
    def test_the_client_plays_in_real_time_and_waits_where_nothing_has_come(self) -> None:
        playback, item = PlaybackEstimate(), SpokenText()
        clause = Clause("a b", 0)
        playback.add(item, 100, now_ms=1000)
        item.add_audio(clause, 100, ())
        assert playback.is_playing(1099)
        assert not playback.is_playing(1100)
        playback.add(item, 100, now_ms=5000)
        item.add_audio(clause, 100, ())
        assert playback.stop(5030) == [(item, 130)]
        assert not playback.is_playing(5030)
        assert playback.stop(5040) == []

    def test_items_play_one_after_another(self) -> None:
        playback, first, second = PlaybackEstimate(), SpokenText(), SpokenText()
        for item in (first, second):
            playback.add(item, 1000, now_ms=0)
            item.add_audio(Clause("a", 0), 1000, ())
        assert playback.stop(1400) == [(second, 400)]

    def test_an_item_that_waits_behind_another_was_not_heard_at_all(self) -> None:
        playback, first, second = PlaybackEstimate(), SpokenText(), SpokenText()
        for item in (first, second):
            playback.add(item, 1000, now_ms=0)
            item.add_audio(Clause("a", 0), 1000, ())
        assert playback.stop(300) == [(first, 300), (second, 0)]

    def test_the_words_of_later_clauses_lie_behind_the_earlier_audio(self) -> None:
        item = SpokenText()
        item.text = "One. Two three."
        one, two = Clause("One. ", 0), Clause("Two three.", 5)
        item.add_audio(one, 400, (SpokenWord("One.", 4, 0, 300),))
        item.end_clause(one)
        item.add_audio(two, 200, (SpokenWord("Two", 3, 0, 150),))
        item.add_audio(two, 200, (SpokenWord("three.", 10, 160, 240),))
        item.cut(560)
        assert item.kept_text() == "One. Two"
        item.cut(800)
        assert item.kept_text() == "One. Two three."


def heard(driver: Driver) -> list[tuple[str, str]]:
    return [(one.response_id, one.text) for one in driver.effects if isinstance(one, do.TellHeard)]


def test_the_agent_is_told_what_was_heard_of_an_answer_that_is_being_made() -> None:
    driver = Driver()
    driver.hear("hello")
    response_id = driver.response_id
    driver.stream("One two three four. Five", finish=False)
    driver.speak(ms_per_word=250)
    driver.now_ms += 600
    driver.tell(told.SpeechStarted(5000))
    assert heard(driver) == [(response_id, "One two")]
    kinds = [type(one) for one in driver.effects]
    assert kinds.index(do.StopAgent) < kinds.index(do.TellHeard)


def test_the_agent_is_told_what_was_heard_of_an_answer_that_is_done() -> None:
    """Text runs far ahead of its sound, so a response is mostly done when it is interrupted."""
    driver = Driver()
    driver.hear("hello")
    response_id = driver.response_id
    driver.stream("One two three four.")
    driver.speak(ms_per_word=250)
    driver.now_ms += 600
    driver.tell(told.SpeechStarted(5000))
    assert heard(driver) == [(response_id, "One two")]


def test_the_agent_is_told_of_each_answer_that_still_plays() -> None:
    """Only the last was told, so an agent of the Bridge took the one before it for heard."""
    driver = Driver()
    driver.hear("hello")
    first = driver.response_id
    driver.stream("One two three four.")
    driver.speak(ms_per_word=250)
    part = {"type": "input_text", "text": "and?"}
    item = {"type": "message", "role": "user", "content": [part]}
    driver.send("conversation.item.create", item=item)
    driver.send("response.create")
    second = driver.response_id
    driver.stream("Five six seven.", finish=False)
    driver.now_ms += 600
    driver.tell(told.SpeechStarted(5000))
    assert heard(driver) == [(first, "One two"), (second, "")]


def test_an_answer_that_was_heard_to_its_end_is_not_interrupted() -> None:
    driver = Driver()
    driver.hear("hello")
    driver.answer("One two three four.")
    driver.now_ms += 5000
    driver.tell(told.SpeechStarted(9000))
    assert heard(driver) == []


def test_an_agents_change_of_voice_holds_from_there_on() -> None:
    driver = Driver()
    driver.hear("hello")
    driver.stream("This is me. ", finish=False)
    driver.stream(agents.VoicePatch({"rate": "+10%", "temperature": None}), "And this too.")
    rates = [one.voice.get("rate") for one in driver.effects if isinstance(one, do.Speak)]
    assert rates == [None, "+10%"]
    driver.speak()
    voice = driver.configure(metadata={})["voice"]
    assert voice["rate"] == "+10%"
    assert "temperature" not in voice
