"""Calls to an agent: what it says unasked, silences that it is told of, and its hanging up."""

from typing import Any

import pytest

from tests.emulator.session.driver import Driver
from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import CallOptions
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.session.agent_call import WAIT_MS
from voicelive_agent.emulator.stt import Transcript

SILENCE_MS = 8000


class Call(Driver):
    """A session whose agent is called, with a clock that expires timers."""

    def __init__(self, no_input_ms: int | None = None, greeting: str = "", **options: Any) -> None:
        super().__init__(call=CallOptions(no_input_ms, greeting), **options)
        self._read = 0
        self._timers: dict[str, float] = {}

    def advance(self, ms: float) -> None:
        """Let so much time pass; timers run out in their order."""
        end_ms = self.now_ms + ms
        while True:
            self._follow_timers()
            due = min(self._timers.items(), key=lambda one: one[1], default=None)
            if due is None or due[1] > end_ms:
                break
            self.now_ms = max(self.now_ms, due[1])
            del self._timers[due[0]]
            self.tell(told.TimerExpired(due[0]))
        self.now_ms = end_ms

    def _follow_timers(self) -> None:
        for effect in self.effects[self._read :]:
            if isinstance(effect, do.SetTimer):
                self._timers[effect.name] = self.now_ms + effect.ms
            elif isinstance(effect, do.ClearTimer):
                self._timers.pop(effect.name, None)
        self._read = len(self.effects)

    def tell(self, fact: told.Fact) -> list[dict[str, Any]]:
        events = super().tell(fact)
        self._follow_timers()
        return events

    def want(self, event: agents.CallEvent) -> list[dict[str, Any]]:
        return self.tell(told.AgentCalled(event))

    def notes(self) -> list[Any]:
        return [effect.note for effect in self.done(do.TellAgent)]

    def asked(self) -> list[agents.AgentRequest]:
        return [effect.request for effect in self.done(do.AskAgent)]


def begun(no_input_ms: int | None = None) -> Call:
    call = Call(no_input_ms)
    call.advance(2000)
    return call


def test_the_call_begins_when_the_session_is_set_up() -> None:
    call = Call()
    call.configure(voice={"type": "azure-standard", "name": "en-US-AvaNeural"})
    assert call.notes() == []
    call.advance(400)
    assert call.notes() == [agents.CallBegan("")]
    call.advance(5000)
    assert call.notes() == [agents.CallBegan("")]


def test_a_session_that_is_never_set_up_is_called_too() -> None:
    assert begun().notes() == [agents.CallBegan("")]


def test_what_the_client_greets_with_is_told() -> None:
    call = Call()
    call.configure(voice={"type": "azure-standard", "name": "en-US-AvaNeural"})
    prepared = {"content": [{"type": "text", "text": "Welcome aboard."}]}
    call.send("response.create", response={"pre_generated_assistant_message": prepared})
    assert call.notes() == [agents.CallBegan("Welcome aboard.")]


def test_nobody_is_called_where_agents_are_only_asked() -> None:
    driver = Driver()
    driver.hear("hello")
    driver.answer("Hi.")
    driver.tell(told.AgentCalled(agents.Offer("r_1")))
    assert driver.done(do.TellAgent) == []


def test_an_offer_is_taken_at_once_where_it_is_quiet() -> None:
    call = begun()
    events = call.want(agents.Offer("r_1"))
    assert [event["type"] for event in events] == ["response.created"]
    assert [(one.kind, one.offer_id) for one in call.asked()] == [("offer", "r_1")]
    types = [event["type"] for event in call.answer("Your taxi is here.")]
    assert types[-1] == "response.done"
    assert call.all_events()[-1]["response"]["status"] == "completed"


@pytest.mark.parametrize("meanwhile", ["speaking", "transcribing", "answering", "playing"])
def test_an_offer_waits_until_nobody_speaks(meanwhile: str) -> None:
    call = begun()
    call.tell(told.SpeechStarted(1000))
    if meanwhile != "speaking":
        call.tell(told.SpeechStopped(2000))
    if meanwhile in ("answering", "playing"):
        finish = told.FinalTranscript(call.one(do.FinishUtterance).item_id, Transcript("hello"))
        call.tell(finish)
    if meanwhile == "playing":
        call.answer("One two three four.")
    call.want(agents.Offer("r_1"))
    assert "offer" not in [one.kind for one in call.asked()]
    if meanwhile == "playing":
        call.advance(900)
        assert "offer" not in [one.kind for one in call.asked()]
        call.advance(200)
        assert call.asked()[-1].offer_id == "r_1"


def test_an_offer_that_waits_too_long_is_dropped() -> None:
    call = begun()
    call.tell(told.SpeechStarted(1000))
    call.want(agents.Offer("r_1", wait_ms=3000))
    call.advance(2900)
    assert agents.OfferDropped("r_1", "admission_timeout") not in call.notes()
    call.advance(200)
    assert call.notes()[-1] == agents.OfferDropped("r_1", "admission_timeout")
    call.want(agents.Offer("r_2"))
    call.advance(WAIT_MS + 1)
    assert call.notes()[-1] == agents.OfferDropped("r_2", "admission_timeout")


@pytest.mark.parametrize(
    ("first", "second", "dropped"),
    [
        (None, None, agents.OfferDropped("r_2", "queue_full")),
        ("eta", None, agents.OfferDropped("r_2", "queue_full")),
        ("eta", "weather", agents.OfferDropped("r_2", "queue_full")),
        ("eta", "eta", agents.OfferDropped("r_1", "superseded")),
    ],
)
def test_one_offer_waits_and_its_key_replaces_it(
    first: str | None, second: str | None, dropped: agents.OfferDropped
) -> None:
    call = begun()
    call.tell(told.SpeechStarted(1000))
    call.want(agents.Offer("r_1", first))
    call.want(agents.Offer("r_2", second))
    assert call.notes()[-1] == dropped
    call.tell(told.SpeechStopped(1300))
    call.tell(told.TranscriptionFailed(call.one(do.FinishUtterance).item_id, "no words"))
    left = {"r_1", "r_2"} - {dropped.offer_id}
    assert {one.offer_id for one in call.asked() if one.kind == "offer"} == left


def test_an_offer_that_is_withdrawn_is_not_taken() -> None:
    call = begun()
    call.tell(told.SpeechStarted(1000))
    call.want(agents.Offer("r_1"))
    call.want(agents.OfferWithdrawn("r_1"))
    call.tell(told.SpeechStopped(1300))
    call.tell(told.TranscriptionFailed(call.one(do.FinishUtterance).item_id, "no words"))
    assert call.asked() == []


def test_what_an_agent_says_unasked_is_interrupted_like_an_answer() -> None:
    call = begun()
    call.want(agents.Offer("r_1"))
    response_id = call.response_id
    call.stream("One two three four.")
    call.speak(ms_per_word=250)
    call.now_ms += 600
    call.tell(told.SpeechStarted(9000))
    assert call.one(do.TellHeard) == do.TellHeard(response_id, "One two")


def test_silence_is_told_again_and_again_until_somebody_speaks() -> None:
    call = begun(SILENCE_MS)
    call.advance(3 * SILENCE_MS)
    counts = [note.count for note in call.notes() if isinstance(note, agents.SilenceLasts)]
    assert counts == [1, 2, 3]
    call.hear("I am here")
    call.answer("Good.")
    call.advance(250 + SILENCE_MS)
    assert call.notes()[-1] == agents.SilenceLasts(1)


def test_silence_begins_when_the_answer_has_been_played() -> None:
    call = begun(SILENCE_MS)
    call.hear("hello")
    call.answer("One two three four five six.")
    call.advance(SILENCE_MS)
    assert not any(isinstance(note, agents.SilenceLasts) for note in call.notes())
    call.advance(1600)
    assert call.notes()[-1] == agents.SilenceLasts(1)


def test_the_answer_to_a_silence_is_said_now_or_never() -> None:
    call = begun(SILENCE_MS)
    call.advance(SILENCE_MS)
    call.want(agents.Offer("r_1", is_reply=True))
    assert call.asked()[-1].offer_id == "r_1"
    call.answer("Still there?")
    call.advance(SILENCE_MS * 2)
    call.tell(told.SpeechStarted(40_000))
    call.want(agents.Offer("r_2", is_reply=True))
    assert call.notes()[-1] == agents.OfferDropped("r_2", "barge_in")


def test_speech_is_told_while_nothing_is_said() -> None:
    call = begun()
    call.hear("hello")
    assert call.notes()[-1] == agents.SpeechBegan()
    before = len(call.notes())
    call.answer("One two three four.")
    call.tell(told.SpeechStarted(9000))
    assert len(call.notes()) == before


def test_an_agent_hangs_up_when_its_words_have_been_played() -> None:
    call = begun()
    call.hear("bye")
    call.stream("Goodbye then.")
    call.want(agents.HangUp("all said", is_immediate=False))
    assert call.done(do.Close) == []
    call.speak()
    call.advance(400)
    assert call.done(do.Close) == []
    call.advance(200)
    assert call.one(do.Close).code == 1000
    told_client = call.all_events()[-1]
    assert told_client["delta"] == {"type": "agent.end_call", "reason": "all said"}


def test_an_agent_hangs_up_at_once() -> None:
    call = begun()
    call.hear("bye")
    call.stream("Goodbye then.", finish=False)
    types = [event["type"] for event in call.want(agents.HangUp("now", is_immediate=True))]
    assert "response.done" in types
    assert call.one(do.Close).code == 1000


def test_a_call_begins_with_its_own_greeting() -> None:
    """A voice agent of Foundry may have a greeting: it is spoken first, and told to the agent."""
    call = Call(greeting="Welcome to the boat club.")
    call.configure(voice={"type": "azure-standard", "name": "en-US-AvaNeural"})
    call.advance(400)
    assert call.notes() == [agents.CallBegan("Welcome to the boat club.")]
    assert call.asked() == []
    (spoken,) = call.done(do.Speak)
    assert spoken.text == "Welcome to the boat club."


@pytest.mark.parametrize("before", ["a greeting", "a question", "speech"])
def test_who_comes_first_is_not_greeted_over(before: str) -> None:
    call = Call(greeting="Welcome.")
    match before:
        case "a greeting":
            prepared = {"content": [{"type": "text", "text": "Hello from the client."}]}
            call.send("response.create", response={"pre_generated_assistant_message": prepared})
        case "a question":
            call.send("response.create")
        case "speech":
            call.hear("hello")
    call.advance(2000)
    told_greeting = "Hello from the client." if before == "a greeting" else ""
    assert [each for each in call.notes() if isinstance(each, agents.CallBegan)] == [
        agents.CallBegan(told_greeting)
    ]
    assert "Welcome." not in [each.text for each in call.done(do.Speak)]
