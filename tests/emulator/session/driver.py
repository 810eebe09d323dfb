"""Drives a session through its facts, as a shell without sockets and engines would."""

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

from voicelive_agent.emulator import agents
from voicelive_agent.emulator.session import AgentIdentity, Effect, Fact, Session, SessionOptions
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.stt import Transcript, TranscriptWord
from voicelive_agent.emulator.tts import SpokenWord, Viseme

OPENED_AT_S = 1_800_000_000
BYTES_PER_MS = 48
"""PCM16 at 24 kHz."""

EffectT = TypeVar("EffectT")
Event = dict[str, Any]

AGENT = AgentIdentity("front-desk", "agent_1", "Answers at the front desk.")


def counted_ids() -> Callable[[str], str]:
    """Makes ``PREFIX_1``, ``PREFIX_2`` and so on: the same in each session."""
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}_{next(numbers)}"


class Driver:
    """A session, its clock, and everything that came out of it."""

    def __init__(
        self,
        *,
        model: str | None = None,
        session: Event | None = None,
        features: frozenset[str] = frozenset(),
        writes_interims: bool = False,
        max_session_s: int = 3600,
        **limits: Any,
    ) -> None:
        """``limits`` are those of ``SessionOptions``."""
        self.now_ms = 0.0
        self._spoken: set[tuple[str, int]] = set()
        self.session = Session(
            SessionOptions(
                opened_at_s=OPENED_AT_S,
                agent=None if model else AGENT,
                model=model,
                features=features,
                writes_interims=writes_interims,
                max_session_s=max_session_s,
                **limits,
            ),
            counted_ids(),
        )
        self.effects: list[Effect] = list(self.session.open(self.now_ms))
        self.last: list[Effect] = list(self.effects)
        """The effects of the last fact."""
        if session is not None:
            self.send("session.update", session=session)
            assert self.types()[0] == "session.updated", self.events()

    # In.

    def tell(self, fact: Fact) -> list[Event]:
        """Tell a fact; the events that it made the session send."""
        self.last = self.session.handle(fact, self.now_ms)
        self.effects += self.last
        return self.events()

    def send(self, type: str, **fields: Any) -> list[Event]:
        return self.tell(told.ClientSent({"type": type, **fields}))

    def configure(self, **session: Any) -> Event:
        events = self.send("session.update", session=session)
        assert events[0]["type"] == "session.updated", events
        return dict(events[0]["session"])

    def hear(
        self,
        text: str,
        *,
        start_ms: int = 1000,
        end_ms: int = 2000,
        words: tuple[TranscriptWord, ...] = (),
        confidence: float | None = None,
    ) -> list[Event]:
        """A whole turn by voice activity: its speech, and what was recognised."""
        events = self.tell(told.SpeechStarted(start_ms))
        events += self.tell(told.SpeechStopped(end_ms))
        item_id = self.one(do.FinishUtterance).item_id
        return events + self.tell(
            told.FinalTranscript(item_id, Transcript(text, words=words, confidence=confidence))
        )

    def stream(self, *agent_events: agents.AgentEvent | str, finish: bool = True) -> list[Event]:
        """Who answers the active response tells this; text alone is a delta."""
        events: list[Event] = []
        response_id = self.response_id
        for agent_event in agent_events:
            delta = agents.TextDelta(agent_event) if isinstance(agent_event, str) else agent_event
            events += self.tell(told.AgentSent(response_id, delta))
        if finish:
            events += self.tell(told.AgentSent(response_id, agents.AnswerFinished()))
        return events

    def speak(
        self,
        *,
        ms_per_word: int = 250,
        last: int | None = None,
        visemes: tuple[Viseme, ...] = (),
    ) -> list[Event]:
        """Speak all clauses that wait to be spoken, or the first ``last`` of them."""
        events: list[Event] = []
        for clause in self.unspoken()[:last]:
            words, at_ms, end = [], 0, 0
            for word in clause.text.split():
                end = clause.text.index(word, end) + len(word)
                words.append(SpokenWord(word, end, at_ms, ms_per_word))
                at_ms += ms_per_word
            events += self.tell(
                told.ClauseAudio(
                    clause.response_id,
                    clause.clause,
                    b"\1\0" * (at_ms * BYTES_PER_MS // 2),
                    at_ms,
                    tuple(words),
                    visemes,
                )
            )
            events += self.tell(told.ClauseSpoken(clause.response_id, clause.clause))
            self._spoken.add((clause.response_id, clause.clause))
        return events

    def answer(self, text: str) -> list[Event]:
        """The active response is answered and spoken to its end."""
        return self.stream(text) + self.speak()

    # Out.

    def events(self, effects: list[Effect] | None = None) -> list[Event]:
        """The events sent by the last fact."""
        return [
            effect.event
            for effect in (self.last if effects is None else effects)
            if isinstance(effect, do.Send)
        ]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]

    def all_events(self) -> list[Event]:
        return self.events(self.effects)

    def done(self, kind: type[EffectT]) -> list[EffectT]:
        """Effects of a kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def one(self, kind: type[EffectT]) -> EffectT:
        """The last effect of a kind."""
        return self.done(kind)[-1]

    def did(self, kind: type[EffectT]) -> list[EffectT]:
        """Effects of a kind by the last fact."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def unspoken(self) -> list[do.Speak]:
        """The clauses that the active response waits for."""
        over = {
            event["response"]["id"]
            for event in self.all_events()
            if event["type"] == "response.done"
        }
        return [
            speak
            for speak in self.done(do.Speak)
            if speak.response_id not in over
            and (speak.response_id, speak.clause) not in self._spoken
        ]

    @property
    def response_id(self) -> str:
        """Of the response created last."""
        return str(self.find("response.created")["response"]["id"])

    def find(self, type: str, where: Callable[[Event], bool] = lambda event: True) -> Event:
        """The last event of a type."""
        return [event for event in self.all_events() if event["type"] == type and where(event)][-1]

    def item(self, item_id: str) -> Event:
        """An item as the session holds it."""
        events = self.send("conversation.item.retrieve", item_id=item_id)
        assert events[0]["type"] == "conversation.item.retrieved", events
        return dict(events[0]["item"])

    def transcript(self, item_id: str) -> str:
        return str(self.item(item_id)["content"][0]["transcript"])


def user_says(text: str, **fields: Any) -> Event:
    """A user's text message."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content, **fields}


def types_of(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def error_of(events: list[Event]) -> Event:
    """The one error among events that has nothing but it."""
    assert types_of(events) == ["error"], events
    return dict(events[0]["error"])


def update_error(driver: Driver, session: Any, **fields: Any) -> Event:
    """An update that is refused, and changes nothing."""
    before = driver.session._describe()
    error = error_of(driver.send("session.update", session=session, **fields))
    assert driver.session._describe() == before
    assert driver.did(do.ConfigureInput) == []
    return error
