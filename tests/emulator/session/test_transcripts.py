"""What the person said: transcripts, their details, and filler words."""

import math

import pytest

from tests.emulator.session.driver import Driver, types_of
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.stt import Transcript, TranscriptWord

STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"
CREATED = "conversation.item.created"
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
PARTLY = "conversation.item.input_audio_transcription.delta"
FILLERS = {"type": "azure_semantic_vad", "remove_filler_words": True}


class TestTranscription:
    def test_partial_results_are_told_once_they_stand(self) -> None:
        driver = Driver()
        driver.tell(told.SpeechStarted(10))
        item_id = driver.one(do.BeginUtterance).item_id
        deltas = []
        for text in ("what", "what is", "what is the", "what was the", "what is the weather"):
            deltas += [
                event["delta"] for event in driver.tell(told.PartialTranscript(item_id, text))
            ]
        assert deltas == ["what", " is"]
        assert types_of(driver.events(driver.effects)).count(PARTLY) == 2

    def test_without_transcription_there_are_no_such_events(self) -> None:
        driver = Driver(session={"input_audio_transcription": None})
        events = driver.hear("hello")
        assert types_of(events) == [STARTED, STOPPED, COMMITTED, CREATED, "response.created"]
        assert driver.one(do.AskAgent).request.text == "hello"

    def test_a_recogniser_that_fails_is_told_and_the_session_lives_on(self) -> None:
        driver = Driver()
        driver.tell(told.SpeechStarted(10))
        driver.tell(told.SpeechStopped(500))
        item_id = driver.one(do.FinishUtterance).item_id
        events = driver.tell(told.TranscriptionFailed(item_id, "The worker died."))
        assert types_of(events) == [
            "conversation.item.input_audio_transcription.failed",
            CREATED,
        ]
        assert events[0]["error"]["message"] == "The worker died."
        assert events[0]["content_index"] == 0
        assert events[1]["item"]["content"] == [{"type": "input_audio", "transcript": None}]
        assert types_of(driver.hear("hello", start_ms=5000, end_ms=6000))[-1] == "response.created"

    def test_results_of_what_is_no_more_are_nothing(self) -> None:
        driver = Driver()
        driver.hear("hello")
        item_id = driver.one(do.FinishUtterance).item_id
        for fact in (
            told.FinalTranscript(item_id, Transcript("again")),
            told.TranscriptionFailed(item_id, "late"),
            told.PartialTranscript(item_id, "late late"),
            told.FinalTranscript("item_unknown", Transcript("x")),
        ):
            assert driver.tell(fact) == []

    def test_details_are_told_where_included(self) -> None:
        driver = Driver(
            session={
                "include": [
                    "item.input_audio_transcription.logprobs",
                    "item.input_audio_transcription.phrases",
                ]
            }
        )
        words = (TranscriptWord("hé", 40, 200, 0.5), TranscriptWord("there", 300, 250, 0.0))
        driver.hear("hé there", words=words, confidence=0.8)
        event = driver.find(TRANSCRIBED)
        assert event["logprobs"][0] == {
            "token": "hé",
            "logprob": math.log(0.5),
            "bytes": [104, 195, 169],
        }
        assert event["logprobs"][1]["logprob"] < -10
        assert event["phrases"] == [
            {
                "offset_milliseconds": 40,
                "duration_milliseconds": 510,
                "text": "hé there",
                "words": [
                    {"text": "hé", "offset_milliseconds": 40, "duration_milliseconds": 200},
                    {"text": "there", "offset_milliseconds": 300, "duration_milliseconds": 250},
                ],
                "locale": "en-US",
                "confidence": 0.8,
            }
        ]

    def test_details_are_left_out_otherwise(self) -> None:
        driver = Driver()
        driver.hear("hello")
        assert not {"logprobs", "phrases"} & driver.find(TRANSCRIBED).keys()


class TestFillerWords:
    """``remove_filler_words``: they don't interrupt an answer that is being played."""

    def answering(self) -> Driver:
        driver = Driver(session={"turn_detection": FILLERS})
        driver.send("response.create")
        driver.stream("Hello there, how are you today?", finish=False)
        driver.speak()
        return driver

    @pytest.mark.parametrize("text", ["Uh, yeah.", "Uh-huh.", "Mm-hmm!", "Um.", ""])
    def test_a_filler_word_is_passed_over(self, text: str) -> None:
        """ "Uh-huh" in one word, as Moonshine writes it, cut the answer."""
        driver = self.answering()
        assert driver.tell(told.SpeechStarted(100)) == []
        item_id = driver.one(do.BeginUtterance).item_id
        assert driver.tell(told.PartialTranscript(item_id, "uh huh")) == []
        assert driver.tell(told.SpeechStopped(500)) == []
        assert driver.did(do.FinishUtterance)
        assert driver.tell(told.FinalTranscript(item_id, Transcript(text))) == []
        assert driver.done(do.StopAgent) == []

    def test_other_words_interrupt_as_soon_as_they_are_heard(self) -> None:
        driver = self.answering()
        driver.tell(told.SpeechStarted(100))
        item_id = driver.one(do.BeginUtterance).item_id
        events = driver.tell(told.PartialTranscript(item_id, "oh wait"))
        assert types_of(events)[0] == STARTED
        assert events[0]["audio_start_ms"] == 100
        assert types_of(events)[-1] == "response.done"
        driver.tell(told.SpeechStopped(800))
        assert driver.types() == [STOPPED, COMMITTED]

    def test_long_speech_is_no_filler(self) -> None:
        driver = self.answering()
        driver.tell(told.SpeechStarted(100))
        timer = driver.did(do.SetTimer)[0]
        assert types_of(driver.tell(told.TimerExpired(timer.name)))[0] == STARTED
        assert driver.tell(told.TimerExpired(timer.name)) == []

    def test_words_known_only_at_the_end_are_a_turn(self) -> None:
        driver = self.answering()
        driver.tell(told.SpeechStarted(100))
        item_id = driver.one(do.BeginUtterance).item_id
        driver.tell(told.SpeechStopped(700))
        events = driver.tell(told.FinalTranscript(item_id, Transcript("stop")))
        types = types_of(events)
        assert types[0] == STARTED
        assert types.index("response.done") < types.index(STOPPED) < types.index(COMMITTED)
        assert types[-3:] == [TRANSCRIBED, CREATED, "response.created"]
        assert len(driver.done(do.FinishUtterance)) == 1

    def test_while_nothing_is_played_a_filler_is_a_turn(self) -> None:
        driver = Driver(session={"turn_detection": FILLERS})
        assert types_of(driver.hear("hmm"))[0] == STARTED
