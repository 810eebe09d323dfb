"""Interim responses: what is said while an answer is on its way."""

from typing import Any

from tests.emulator.session.driver import Driver, error_of, types_of
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told

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
STATIC = {"type": "static_interim_response", "texts": ["One moment.", "Still looking."]}


class TestInterim:
    def waiting(self, **interim: Any) -> Driver:
        driver = Driver(session={"interim_response": {**STATIC, **interim}})
        driver.hear("hello")
        return driver

    def test_it_is_said_when_the_answer_takes_long(self) -> None:
        driver = self.waiting(latency_threshold_ms=700)
        timer = driver.one(do.SetTimer)
        assert timer.ms == 700
        events = driver.tell(told.TimerExpired(timer.name))
        assert types_of(events) == [ADDED, PART_ADDED, "response.audio_transcript.delta"]
        assert events[0]["item"]["id"].startswith("interim_")
        assert driver.one(do.Speak).text == "One moment."
        assert types_of(driver.speak()) == ["response.audio.delta", *CLOSING[:-1]]
        events = driver.answer("It is noon.")
        response = events[-1]["response"]
        assert [item["content"][0]["transcript"] for item in response["output"]] == ["It is noon."]
        assert response["status"] == "completed"

    def test_it_is_not_in_the_conversation(self) -> None:
        driver = self.waiting()
        driver.tell(told.TimerExpired(driver.one(do.SetTimer).name))
        interim_id = driver.find(ADDED)["item"]["id"]
        driver.speak()
        driver.answer("It is noon.")
        assert error_of(driver.send("conversation.item.retrieve", item_id=interim_id))["code"] == (
            "item_retrieve_invalid_item_id"
        )
        answer = driver.find(CREATED)
        assert (
            answer["previous_item_id"]
            == driver.find(CREATED, lambda event: event["item"]["role"] == "user")["item"]["id"]
        )

    def test_the_answer_does_not_wait_for_it(self) -> None:
        driver = self.waiting()
        driver.tell(told.TimerExpired(driver.one(do.SetTimer).name))
        driver.stream("It is noon.")
        assert [speak.text for speak in driver.done(do.Speak)] == ["One moment.", "It is noon."]
        driver.speak()
        assert types_of(driver.all_events()).count("response.output_item.done") == 2
        assert driver.find("response.done")["response"]["status"] == "completed"

    def test_a_quick_answer_needs_none(self) -> None:
        driver = self.waiting()
        timer = driver.one(do.SetTimer)
        driver.stream("It is", finish=False)
        assert do.ClearTimer(timer.name) in driver.last
        assert driver.tell(told.TimerExpired(timer.name)) == []

    def test_a_tool_is_a_trigger_of_its_own(self) -> None:
        driver = self.waiting(triggers=["tool"])
        assert [timer for timer in driver.did(do.SetTimer) if "interim" in timer.name] == []
        driver.stream(agents.ToolWaiting("search"), finish=False)
        assert driver.one(do.Speak).text == "One moment."
        driver.stream(agents.ToolWaiting("search"), finish=False)
        assert len(driver.done(do.Speak)) == 1, "not over itself"
        driver.speak()
        driver.stream(agents.ToolWaiting("book"), finish=False)
        assert driver.one(do.Speak).text == "Still looking."

    def test_a_tool_is_no_trigger_unless_named(self) -> None:
        driver = self.waiting()
        driver.stream(agents.ToolWaiting("search"), finish=False)
        assert driver.done(do.Speak) == []

    def test_without_texts_there_are_some(self) -> None:
        driver = self.waiting(texts=[])
        driver.tell(told.TimerExpired(driver.one(do.SetTimer).name))
        assert driver.one(do.Speak).text

    def test_it_can_be_asked_for_one_response(self) -> None:
        driver = Driver()
        driver.send(
            "response.create",
            response={"interim_response": {**STATIC, "latency_threshold_ms": 5}},
        )
        assert driver.one(do.SetTimer).ms == 5

    def test_barge_in_cuts_it(self) -> None:
        driver = self.waiting()
        driver.tell(told.TimerExpired(driver.one(do.SetTimer).name))
        events = driver.tell(told.SpeechStarted(9000))
        assert types_of(events) == ["input_audio_buffer.speech_started", *CLOSING]
        assert events[-1]["response"]["output"] == []


WRITTEN = {
    "type": "llm_interim_response",
    "instructions": "Be warm.",
    "model": "small",
    "max_completion_tokens": 20,
}


class TestWritten:
    """Interim responses of a model, where one can be asked."""

    def waiting(self, **interim: Any) -> Driver:
        driver = Driver(session={"interim_response": {**WRITTEN, **interim}}, writes_interims=True)
        driver.hear("what is on today?")
        driver.tell(told.TimerExpired(driver.one(do.SetTimer).name))
        return driver

    def test_a_model_writes_it(self) -> None:
        driver = self.waiting()
        asked = driver.one(do.WriteInterim)
        assert driver.events() == []
        assert asked.response_id == driver.response_id
        assert (asked.request.model, asked.request.max_output_tokens) == ("small", 20)
        assert asked.request.text == "what is on today?"
        assert asked.request.instructions.endswith("Be warm.")
        driver.tell(told.InterimWritten(driver.response_id, " I am looking it up. "))
        assert driver.one(do.Speak).text == "I am looking it up."
        driver.speak()
        assert driver.answer("A concert.")[-1]["response"]["status"] == "completed"

    def test_there_is_no_warning_then(self) -> None:
        driver = Driver(writes_interims=True)
        events = driver.send("session.update", session={"interim_response": WRITTEN})
        assert types_of(events) == ["session.updated"]

    def test_an_answer_that_comes_first_is_not_held_up(self) -> None:
        driver = self.waiting()
        driver.stream("A concert.", finish=False)
        assert driver.done(do.StopInterim) == [do.StopInterim(driver.response_id)]
        assert driver.tell(told.InterimWritten(driver.response_id, "Too late.")) == []
        assert [speak.text for speak in driver.done(do.Speak)] == []

    def test_a_model_that_gives_nothing_is_stood_in_for(self) -> None:
        driver = self.waiting()
        driver.tell(told.InterimWritten(driver.response_id, " "))
        assert driver.one(do.Speak).text

    def test_it_is_asked_once_at_a_time(self) -> None:
        driver = self.waiting(triggers=["latency", "tool"])
        driver.stream(agents.ToolWaiting("search"), finish=False)
        assert len(driver.done(do.WriteInterim)) == 1

    def test_barge_in_stops_it(self) -> None:
        driver = self.waiting()
        driver.tell(told.SpeechStarted(9000))
        assert driver.did(do.StopInterim) == [do.StopInterim(driver.response_id)]
        assert driver.tell(told.InterimWritten(driver.response_id, "Too late.")) == []
