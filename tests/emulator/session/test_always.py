"""What is always true of a session, whatever clients and engines do and in whatever order.

The lines of the design are held to here as far as they are the state machine's own:

1. one response at a time, exactly one ``response.done`` each, nothing after it: the ledger
2. every ``added`` has its ``done``: the ledger
3. barge-in in its documented order: ``start_speech``
4. time is what the shell says it is: the package imports no clock
5. no event is dropped: each event of the client is answered as the protocol says
6. what the session began is stopped when it is gone: ``teardown``
7. engines never hold the event loop: the package knows no engine, and effects only name them
8. speech starts from the first clause: ``think``
"""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.emulator.session.driver import Driver, counted_ids, user_says
from tests.emulator.session.ledger import Ledger
from tests.emulator.session.strategies import (
    AUDIO,
    EVENT_TYPES,
    FIELDS,
    GARBAGE,
    IDS,
    ITEMS,
    RESPONSES,
    SESSIONS,
    WORDS,
)
from voicelive_agent import emulator
from voicelive_agent.emulator import agents, session
from voicelive_agent.emulator.session import AgentIdentity, Effect, Fact, Session, SessionOptions
from voicelive_agent.emulator.session import effects as do
from voicelive_agent.emulator.session import facts as told
from voicelive_agent.emulator.stt import Transcript, TranscriptWord
from voicelive_agent.emulator.tts import SpokenWord, Viseme
from voicelive_agent.emulator.tts.text.clauses import CLAUSE_CHARS

STARTED = "input_audio_buffer.speech_started"
TRUNCATED = "conversation.item.truncated"
ANSWERS = {
    "session.update": "session.updated",
    "transcription_session.update": "session.updated",
    "input_audio_buffer.commit": "input_audio_buffer.committed",
    "input_audio_buffer.clear": "input_audio_buffer.cleared",
    "input_audio.clear": "input_audio_buffer.cleared",
    "input_audio.turn.end": "input_audio_buffer.committed",
    "input_audio.turn.cancel": "input_audio_buffer.cleared",
    "conversation.item.create": "conversation.item.created",
    "conversation.item.retrieve": "conversation.item.retrieved",
    "conversation.item.truncate": "conversation.item.truncated",
    "conversation.item.delete": "conversation.item.deleted",
    "response.cancel": "response.done",
}
"""What the client is told of an event that is not refused."""


class AnySession(RuleBasedStateMachine):
    """Clients that send anything, and engines that tell anything, of the living and the dead."""

    @initialize(
        model=st.sampled_from([None, "gpt-4.1", "gpt-realtime"]),
        writes_interims=st.booleans(),
        session=SESSIONS,
    )
    def open(self, model: str | None, writes_interims: bool, session: dict[str, Any]) -> None:
        agent = None if model else AgentIdentity("agent", "agent_1")
        self.session = Session(
            SessionOptions(
                opened_at_s=0, agent=agent, model=model, writes_interims=writes_interims
            ),
            counted_ids(),
        )
        self.ledger = Ledger()
        self.now_ms = 0.0
        self.responses: list[str] = ["resp_none"]
        self.utterances: list[str] = ["item_none"]
        self.clauses: list[tuple[str, int]] = [("resp_none", 0)]
        self.timers: list[str] = ["none"]
        self.items: list[str] = ["item_none"]
        self.asked: set[str] = set()
        self.speaking: set[tuple[str, int]] = set()
        self.spoken_texts: dict[str, str] = defaultdict(str)
        self.writing: set[str] = set()
        self.waiting: set[str] = set()
        self.recording: set[str] = set()
        self.is_closed = False
        self._note(self.session.open(0))
        self._send({"type": "session.update", "session": session})

    def _send(self, event: Any) -> list[Effect]:
        before = self.session._describe()
        was_closed = self.is_closed
        effects = self._tell(told.ClientSent(event))
        types = _types(effects)
        if "error" in types:
            assert self.session._describe() == before, "what is refused changes nothing"
        elif isinstance(event, dict) and not was_closed:
            answer = ANSWERS.get(str(event.get("type")))
            assert answer is None or answer in types, "an event without its answer"
        return effects

    def _tell(self, fact: Fact) -> list[Effect]:
        active = self.ledger.active
        spoken = {
            item.id
            for item in self.session._conversation.items
            if item.is_open and item.spoken is not None
        }
        effects = self.session.handle(fact, self.now_ms)
        self._note(effects)
        if STARTED in _types(effects):
            self._check_barge_in(effects, active, spoken)
        return effects

    def _check_barge_in(self, effects: list[Effect], active: str | None, spoken: set[str]) -> None:
        """``active`` ran when the person began to speak, and ``spoken`` was being said."""
        detection = self.session._describe()["turn_detection"]
        if active is None or not detection["interrupt_response"]:
            return
        events = [effect.event for effect in effects if isinstance(effect, do.Send)]
        events = events[[event["type"] for event in events].index(STARTED) + 1 :]
        end = next(i for i, event in enumerate(events) if event["type"] == "response.done")
        assert events[end]["response"]["id"] == active
        assert events[end]["response"]["status"] == "cancelled"
        assert events[end]["response"]["status_details"]["reason"] == "turn_detected"
        truncated = [event["item_id"] for event in events[:end] if event["type"] == TRUNCATED]
        closing = events[: end - len(truncated)]
        assert all(event["type"].endswith(".done") for event in closing), "done, then truncated"
        assert spoken <= set(truncated) if detection["auto_truncate"] else not truncated
        assert active not in self.asked, "the agent's stream is closed"

    def _note(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert not self.is_closed
            match effect:
                case do.Send(event):
                    self.ledger.take(event)
                    self._check_end(event)
                    for holder in (event.get("item"), event):
                        item_id = (holder or {}).get("id") or (holder or {}).get("item_id")
                        if isinstance(item_id, str) and item_id not in self.items:
                            self.items.append(item_id)
                case do.AskAgent(response_id):
                    assert response_id not in self.asked
                    self.asked.add(response_id)
                    self.responses.append(response_id)
                case do.StopAgent(response_id):
                    assert response_id in self.asked
                    self.asked.remove(response_id)
                case do.Speak():
                    self.clauses.append((effect.response_id, effect.clause))
                    self.responses.append(effect.response_id)
                    self.speaking.add((effect.response_id, effect.clause))
                    self.spoken_texts[effect.item_id] += effect.text
                case do.StopSpeaking(response_id):
                    self.speaking = {one for one in self.speaking if one[0] != response_id}
                case do.WriteInterim(response_id):
                    assert response_id not in self.writing
                    self.writing.add(response_id)
                case do.StopInterim(response_id):
                    self.writing.remove(response_id)
                case do.BeginUtterance(item_id) | do.TranscribeAudio(item_id):
                    assert item_id not in self.utterances
                    if isinstance(effect, do.BeginUtterance):
                        self.recording.add(item_id)
                    self.utterances.append(item_id)
                    self.waiting.add(item_id)
                case do.FinishUtterance(item_id):
                    self.recording.remove(item_id)
                case do.DiscardUtterance(item_id):
                    assert item_id in self.waiting
                    self.waiting.remove(item_id)
                    self.recording.discard(item_id)
                case do.SetTimer(name):
                    self.timers.append(name)
                case do.Close():
                    self.is_closed = True

    def _check_end(self, event: dict[str, Any]) -> None:
        """What ends has nothing left to be done for it."""
        if event["type"] == "response.done":
            response_id = event["response"]["id"]
            assert response_id not in self.asked | self.writing
            assert response_id not in {response for response, _ in self.speaking}
        elif event["type"] == "response.output_item.done":
            item = event["item"]
            part = (item.get("content") or [{}])[0]
            if item["status"] == "completed" and part.get("type") == "audio":
                text = self.ledger.deltas[item["id"], "response.audio_transcript"]
                assert self.spoken_texts[item["id"]] == text

    @rule(ms=st.integers(0, 3000))
    def wait(self, ms: int) -> None:
        self.now_ms += ms

    # The client.

    @rule(session=SESSIONS)
    def update(self, session: dict[str, Any]) -> None:
        self._send({"type": "session.update", "session": session})

    @rule(item=ITEMS, after=st.none() | IDS)
    def create_item(self, item: dict[str, Any], after: str | None) -> None:
        self._send({"type": "conversation.item.create", "item": item, "previous_item_id": after})

    @rule(response=st.none() | RESPONSES)
    def create_response(self, response: dict[str, Any] | None) -> None:
        self._send({"type": "response.create", "response": response})

    @rule()
    def cancel_response(self) -> None:
        effects = self._send({"type": "response.cancel"})
        assert any(isinstance(effect, do.Send) for effect in effects) or self.is_closed

    @rule(
        verb=st.sampled_from(["append", "commit", "clear"]),
    )
    def use_input_buffer(self, verb: str) -> None:
        self._send({"type": f"input_audio_buffer.{verb}", "audio": AUDIO})

    @rule(
        verb=st.sampled_from(["start", "append", "end", "cancel"]),
        turn_id=st.sampled_from(["t1", "t2"]),
    )
    def use_turn(self, verb: str, turn_id: str) -> None:
        self._send({"type": f"input_audio.turn.{verb}", "turn_id": turn_id, "audio": AUDIO})

    @rule(
        verb=st.sampled_from(["retrieve", "delete", "truncate"]),
        data=st.data(),
        audio_end_ms=st.integers(0, 2000),
    )
    def edit_item(self, verb: str, data: st.DataObject, audio_end_ms: int) -> None:
        effects = self._send(
            {
                "type": f"conversation.item.{verb}",
                "item_id": data.draw(st.sampled_from(self.items)),
                "content_index": 0,
                "audio_end_ms": audio_end_ms,
            }
        )
        assert any(isinstance(effect, do.Send) for effect in effects) or self.is_closed

    @rule(data=st.data(), delta=WORDS, index=st.none() | st.integers(0, 2))
    def stream_text(self, data: st.DataObject, delta: str, index: int | None) -> None:
        item_id = data.draw(st.sampled_from(self.items))
        event = {"type": "input_text.delta", "id": item_id, "delta": delta, "content_index": index}
        self._send(event)
        self._send({"type": "input_text.done", "id": item_id})

    @rule(type=st.sampled_from(EVENT_TYPES), field=st.sampled_from(FIELDS), value=GARBAGE)
    def send_garbage(self, type: str, field: str, value: Any) -> None:
        self._send({"type": type, field: value})

    @rule(
        field=st.sampled_from(sorted({"voice", "turn_detection", "tools", "modalities", "avatar"})),
        value=GARBAGE,
    )
    def update_with_garbage(self, field: str, value: Any) -> None:
        effects = self._send({"type": "session.update", "session": {field: value}})
        sent = [effect for effect in effects if isinstance(effect, do.Send)]
        assert sent or self.is_closed

    @rule(value=GARBAGE)
    def send_anything(self, value: Any) -> None:
        effects = self._send(value)
        assert len(effects) == 1 or self.is_closed

    # The engines.

    @rule(ms=st.integers(-5, 100_000))
    def start_speech(self, ms: int) -> None:
        self._tell(told.SpeechStarted(ms))

    @rule(ms=st.integers(-5, 100_000))
    def stop_speech(self, ms: int) -> None:
        self._tell(told.SpeechStopped(ms))

    @rule(data=st.data(), text=st.sampled_from(["", "uh", "hello", "hello you", "hello you two"]))
    def hear_partly(self, data: st.DataObject, text: str) -> None:
        self._tell(told.PartialTranscript(data.draw(st.sampled_from(self.utterances)), text))

    @rule(data=st.data(), text=st.sampled_from(["", "uh", "hello you"]))
    def hear(self, data: st.DataObject, text: str) -> None:
        item_id = data.draw(st.sampled_from(self.utterances))
        words = tuple(TranscriptWord(word, 0, 10, 0.5) for word in text.split())
        self._tell(told.FinalTranscript(item_id, Transcript(text, words)))

    @rule(data=st.data())
    def fail_to_hear(self, data: st.DataObject) -> None:
        self._tell(told.TranscriptionFailed(data.draw(st.sampled_from(self.utterances)), "broken"))

    @rule(
        data=st.data(),
        agent_event=st.one_of(
            WORDS.map(agents.TextDelta),
            st.just(agents.ScreenEvent({"type": "card"})),
            st.just(agents.ToolWaiting("search")),
            st.just(agents.TextDone()),
            st.builds(agents.FunctionCallBegan, IDS, st.just("f")),
            st.builds(agents.ArgumentsDelta, IDS, st.sampled_from(["", "{", "}"])),
            st.builds(agents.FunctionCall, IDS, st.just("f"), st.sampled_from(["", "{}", "{"])),
            st.just(agents.AnswerFinished()),
            st.just(agents.AnswerFinished(incomplete_reason="content_filter", warnings=("odd",))),
            st.just(agents.AnswerFinished(breaches=("broken", "twice"))),
        ),
    )
    def stream(self, data: st.DataObject, agent_event: agents.AgentEvent) -> None:
        response_id = data.draw(st.sampled_from(self.responses[-3:]))
        if isinstance(agent_event, agents.AnswerFinished):
            self.asked.discard(response_id)
        self._tell(told.AgentSent(response_id, agent_event))
        for item_id in self.ledger.open_items:
            text = self.ledger.deltas[item_id, "response.audio_transcript"]
            spoken = self.spoken_texts[item_id]
            assert text.startswith(spoken)
            waiting = text[len(spoken) :]
            assert not re.search(r"(Hello\.|three!) \w", waiting), "a clause that is not spoken"
            assert len(waiting) <= 2 * CLAUSE_CHARS

    @rule(data=st.data(), text=st.sampled_from(["", "One moment.", " "]))
    def write_interim(self, data: st.DataObject, text: str) -> None:
        response_id = data.draw(st.sampled_from(self.responses))
        self.writing.discard(response_id)
        self._tell(told.InterimWritten(response_id, text))

    @rule(data=st.data())
    def fail_to_think(self, data: st.DataObject) -> None:
        response_id = data.draw(st.sampled_from(self.responses))
        self.asked.discard(response_id)
        self._tell(told.AnswerFailed(response_id, "agent_error", "broken"))

    @rule(
        data=st.data(),
        ms=st.sampled_from([0, 40, 1500]),
        word=st.booleans(),
        is_last=st.booleans(),
    )
    def speak(self, data: st.DataObject, ms: int, word: bool, is_last: bool) -> None:
        response_id, clause = data.draw(st.sampled_from(self.clauses[-4:]))
        words = (SpokenWord("word", 4, 0, ms),) if word else ()
        audio = b"\1\0" * (ms * 24)
        self._tell(told.ClauseAudio(response_id, clause, audio, ms, words, (Viseme(1, 0),)))
        if is_last:
            self.speaking.discard((response_id, clause))
            self._tell(told.ClauseSpoken(response_id, clause))

    @rule(data=st.data())
    def fail_to_speak(self, data: st.DataObject) -> None:
        response_id = data.draw(st.sampled_from(self.responses))
        self._tell(told.SynthesisFailed(response_id, "broken"))

    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.timers))
        self._tell(told.TimerExpired(name))

    @precondition(lambda self: self.ledger.count > 60)
    @rule()
    def expire_session(self) -> None:
        self._tell(told.SessionExpired())

    # What holds after each of them.

    @invariant()
    def nothing_is_open_without_a_response(self) -> None:
        if self.ledger.active is None:
            assert not self.ledger.open_items
            assert not self.ledger.open_parts
            assert not self.asked

    @invariant()
    def one_utterance_is_recorded_at_a_time(self) -> None:
        assert len(self.recording) <= 1

    @invariant()
    def the_conversation_is_as_the_client_knows_it(self) -> None:
        announced = {item.id for item in self.session._conversation.items if item.is_announced}
        assert announced == self.ledger.known_items

    def teardown(self) -> None:
        """Everything that began can end: engines finish their work, and nothing is left over."""
        if not hasattr(self, "session") or self.is_closed:
            return
        self._send({"type": "session.update", "session": {"turn_detection": None}})
        self._send({"type": "response.cancel"})
        for item_id in sorted(self.waiting):
            self._tell(told.FinalTranscript(item_id, Transcript("")))
        self._send({"type": "response.cancel"})
        self._send({"type": "response.cancel"})
        assert self.ledger.active is None
        self._send({"type": "response.create", "response": {"modalities": ["text"]}})
        assert self.ledger.active is not None or not self.asked
        effects = self.session.close(self.now_ms)
        assert not [effect for effect in effects if isinstance(effect, do.Send)]
        self._note(effects)
        assert not self.recording
        assert not self.asked
        assert not self.speaking
        assert not self.writing
        assert self.session.handle(told.SessionExpired(), self.now_ms) == []


def _types(effects: list[Effect]) -> list[str]:
    return [effect.event["type"] for effect in effects if isinstance(effect, do.Send)]


def test_the_state_machine_knows_no_clock_no_socket_no_engine_and_no_chance() -> None:
    """Time and ids come from outside; an import of one would make a session unrepeatable."""
    outside = {"asyncio", "concurrent", "datetime", "httpx", "multiprocessing", "random", "socket"}
    outside |= {"starlette", "subprocess", "threading", "time", "uvicorn", "websockets"}
    outside |= {"secrets", "uuid"}
    inside = {
        "voicelive_agent.emulator",
        "voicelive_agent.emulator.stt",
        "voicelive_agent.emulator.session",
    }
    inside |= {
        "voicelive_agent.emulator.tts",
        "voicelive_agent.emulator.tts.text.clauses",
        "voicelive_agent.emulator.agents",
        "voicelive_agent.emulator.mcp",
        "voicelive_agent.emulator.vad",
    }
    files = list(Path(session.__file__).parent.rglob("*.py"))
    assert {file.parent.name for file in files} == {"session", "input", "responses"}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.partition(".")[0] not in outside, file
                assert not name.startswith("voicelive_agent.wire.voice_live.frames"), file
                is_own = name.startswith(
                    ("voicelive_agent.emulator.session.", "voicelive_agent.wire.")
                )
                assert is_own or not name.startswith("voicelive_agent") or name in inside, file


def test_the_same_facts_and_ids_have_the_same_effects() -> None:
    """Ids were drawn with uuid4 inside the session once, so no session could be replayed."""
    once, again = _hold_conversation(), _hold_conversation()
    assert once == again
    assert len(once) > 40


def _hold_conversation() -> list[Effect]:
    driver = Driver(session={"turn_detection": {"type": "server_vad", "auto_truncate": True}})
    driver.hear("hello")
    driver.answer("Good morning. How are you?")
    driver.send("conversation.item.create", item=user_says("what is the weather"))
    driver.send("response.create")
    driver.stream("It is sunny. And", agents.FunctionCall("call_1", "f", "{}"), finish=False)
    driver.speak()
    driver.now_ms += 500
    driver.hear("stop", start_ms=5000, end_ms=5600)
    driver.send("no.such.event")
    return driver.effects


def test_no_callback_is_set_from_outside_after_construction() -> None:
    """Such attributes closed circles that no import shows: turns, answers, transcripts, turns."""
    late = [
        f"{file.name}: {ast.unparse(node.target)}"
        for file in Path(emulator.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Attribute)
        and "Callable" in ast.unparse(node.annotation)
        and isinstance(node.value, ast.Lambda | ast.Constant)
    ]
    assert late == []


TestAnySession = AnySession.TestCase
TestAnySession.settings = settings(
    max_examples=40,
    stateful_step_count=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
