"""The session's state machine: pure, without sockets, and with clock and ids from outside."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from voicelive_agent.emulator.session import facts
from voicelive_agent.emulator.session.agent_call import AgentCall, CallOptions
from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.emulator.session.conversation import (
    ConversationItems,
    ConversationLimits,
)
from voicelive_agent.emulator.session.effects import CheckVoice, Close, Effect, ExpireAfter
from voicelive_agent.emulator.session.facts import Fact
from voicelive_agent.emulator.session.heard import PlaybackEstimate
from voicelive_agent.emulator.session.input.transcripts import Transcripts
from voicelive_agent.emulator.session.input.user_turns import UserTurns
from voicelive_agent.emulator.session.mcp_servers import McpServers
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.session.responses.responder import Responder
from voicelive_agent.wire.voice_live.events import (
    DEFAULT_MAX_MEMBERS,
    AppendAudio,
    AppendToTurn,
    CancelResponse,
    ClientEvent,
    CreateItem,
    CreateResponse,
    InputText,
    ItemReference,
    SessionUpdate,
    TruncateItem,
    TurnReference,
    client_event_id,
    is_plain_append,
    parse_client_event,
)
from voicelive_agent.wire.voice_live.shapes import ProtocolError

_GOING_AWAY = 1001


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """Who answers in agent mode, as the session's ``agent`` object tells it."""

    name: str
    agent_id: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What is known of a session when the WebSocket opens.

    Exactly one of ``agent`` and ``model`` is set: agent mode or model mode.
    """

    opened_at_s: int
    """Unix time; ``expires_at`` counts from it."""
    agent: AgentIdentity | None = None
    model: str | None = None
    conversation_id: str | None = None
    """The client's ``conversation-id``; where it is missing, the session begins one."""
    features: frozenset[str] = field(default_factory=frozenset)
    """Names of the query's ``features`` that are on, such as ``client_ec_reference``."""
    call: CallOptions | None = None
    """Where the agent is called, and so may speak by itself."""
    writes_interims: bool = False
    """Whether a model can be asked for interim responses."""
    max_session_s: int = 3600
    max_event_members: int = DEFAULT_MAX_MEMBERS
    """Members and elements of one client event, of all levels."""
    conversation_limits: ConversationLimits = field(default_factory=ConversationLimits)


class Session:
    """One session, from ``session.created`` to its close.

    The shell calls ``open`` once and then ``handle`` for each fact, and does the effects that
    they return in their order before it tells the next fact.

    ``now_ms`` is the session's clock, given from outside. It never goes back, and one second of
    it is one second of audio that the client plays: the shell lets it run with the wall clock,
    or, for a client that sends faster than real time, with the timeline of the audio received.
    What was heard of an answer is counted on it.
    """

    def __init__(self, options: SessionOptions, new_id: Callable[[str], str]) -> None:
        """``new_id`` makes a fresh id with a prefix: ``new_id("item")`` is ``item_…``.

        With the same ids and the same facts at the same times, a session has the same effects.
        Raises ValueError where there is not exactly one of agent and model.
        """
        if (options.agent is None) == (options.model is None):
            raise ValueError("a session has either an agent or a model")
        self.options = options
        self.id = new_id("sess")
        """``sess_…``, as in ``session.created``."""
        self.conversation_id = options.conversation_id or self.id.replace("sess", "conv", 1)
        """The ``thread_id``, by which a later session goes on with the conversation."""
        self._is_over = False
        self._plan = plan = Plan(new_id)
        self._playback = PlaybackEstimate()
        self._configuration = Configuration(
            model=options.model,
            echo_reference="client_ec_reference" in options.features,
            writes_interims=options.writes_interims,
        )
        self._input = self._configuration.input()
        self._conversation = ConversationItems(plan, options.conversation_limits)
        self._mcp = McpServers(plan, self._conversation)
        self._responder = Responder(
            plan,
            self._configuration,
            self._conversation,
            self._playback,
            self._mcp,
            conversation_id=self.conversation_id,
            model=options.model or "",
        )
        self._transcripts = Transcripts(plan, self._configuration, self._conversation)
        self._call = AgentCall(plan, self._responder, options.call)
        self._turns = UserTurns(
            plan,
            self._configuration,
            self._conversation,
            self._responder,
            self._transcripts,
            self._call,
        )

    def open(self, now_ms: float) -> list[Effect]:
        """The session begins: ``session.created``, how to hear, and when it ends."""
        self._plan.now_ms = now_ms
        self._plan.send("session.created", session=self._describe())
        self._plan.do(self._input)
        self._plan.do(ExpireAfter(self.options.max_session_s))
        self._call.open()
        return self._plan.take()

    def handle(self, fact: Fact, now_ms: float) -> list[Effect]:
        """Take in a fact. Never raises, whatever the client sent."""
        if self._is_over:
            return []
        self._plan.now_ms = max(self._plan.now_ms, now_ms)
        match fact:
            case facts.ClientSent(event):
                self._obey(event)
            case facts.SpeechStarted():
                self._turns.start_speech(fact)
            case facts.SpeechStopped():
                self._turns.stop_speech(fact)
            case facts.PartialTranscript():
                self._turns.take_partial(fact)
            case facts.FinalTranscript() | facts.TranscriptionFailed():
                if self._turns.take_transcript(fact):
                    self._responder.want_answer()
            case facts.ClauseAudio():
                self._responder.add_audio(fact)
            case facts.ClauseSpoken():
                self._responder.end_clause(fact)
            case facts.SynthesisFailed(response_id, message):
                self._responder.fail_speaking(response_id, message)
            case facts.Warned(message, code, param):
                self._plan.warn(message, code, param)
            case facts.TimerExpired(name):
                self._turns.expire(name)
                self._responder.expire(name)
                self._call.expire(name)
            case facts.SessionExpired():
                self._expire()
            case _:
                self._hear_agent(fact)
        if not self._is_over:
            is_hearing = self._turns.is_hearing()
            # A model that is asked before it has its tools answers without them.
            self._responder.start_due(is_hearing=is_hearing or self._mcp.is_listing())
            if (close := self._call.settle(is_hearing=is_hearing)) is not None:
                self._close(close)
        return self._plan.take()

    def _hear_agent(self, fact: Fact) -> None:
        """Who answers tells something, or what it called."""
        match fact:
            case facts.AgentSent():
                self._responder.take_agent_event(fact)
            case facts.AnswerFailed():
                self._responder.fail_agent(fact)
            case facts.AgentCalled(call_event):
                self._call.take(call_event)
            case facts.InterimWritten():
                self._responder.take_interim(fact)
            case facts.McpListed():
                self._mcp.take_listing(fact)
            case facts.McpCalled():
                self._responder.take_mcp_result(fact)

    def close(self, now_ms: float) -> list[Effect]:
        """The socket has gone: what must be stopped. No effect here is a ``Send``."""
        if self._is_over:
            return []
        self._is_over = True
        self._plan.now_ms = max(self._plan.now_ms, now_ms)
        self._responder.stop()
        self._turns.stop()
        self._transcripts.stop()
        return self._plan.take()

    def is_playing(self, now_ms: float) -> bool:
        """Whether the client still plays an answer, as far as the service can tell."""
        return self._playback.is_playing(now_ms)

    def _describe(self) -> dict[str, Any]:
        """The session object of ``session.created`` and ``session.updated``."""
        described = self._configuration.describe()
        described["id"] = self.id
        described["object"] = "realtime.session"
        described["expires_at"] = self.options.opened_at_s + self.options.max_session_s
        agent = self.options.agent
        if agent is None:
            described["model"] = self.options.model
        else:
            described["agent"] = {
                "type": "agent",
                "name": agent.name,
                "description": agent.description,
                "agent_id": agent.agent_id,
                "thread_id": self.conversation_id,
            }
        return described

    def _expire(self) -> None:
        minutes = self.options.max_session_s / 60
        error = ProtocolError(
            f"The session has reached its limit of {minutes:g} minutes: open a new one.",
            code="session_expired",
        )
        self._plan.fail(error)
        self._responder.end_all("session_expired")
        self._close(Close(_GOING_AWAY, "session expired"))

    def _close(self, close: Close) -> None:
        """No response is active any more, and nothing more is heard."""
        self._turns.stop()
        self._transcripts.stop()
        self._plan.do(close)
        self._is_over = True

    # The client's events.

    def _obey(self, sent: Any) -> None:
        """Do what the client asks, or tell it why that can't be."""
        try:
            if is_plain_append(sent):
                self._turns.append(sent["audio"])
            else:
                self._dispatch(parse_client_event(sent, self.options.max_event_members))
        except ProtocolError as error:
            self._plan.fail(error, client_event_id(sent))

    def _dispatch(self, event: ClientEvent) -> None:
        match event.type, event:
            case "session.update", SessionUpdate():
                self._update(event.session)
            case "transcription_session.update", SessionUpdate():
                self._update(event.session, transcription_only=True)
            case "input_audio_buffer.append", AppendAudio():
                self._turns.append(event.audio)
            case "input_audio_buffer.commit", _:
                self._turns.commit()
            case "input_audio_buffer.clear" | "input_audio.clear", _:
                self._turns.clear()
            case "input_audio.turn.start", TurnReference():
                self._turns.start_turn(event.turn_id)
            case "input_audio.turn.append", AppendToTurn():
                self._turns.append_to_turn(event)
            case "input_audio.turn.end", TurnReference():
                self._turns.end_turn(event.turn_id)
            case "input_audio.turn.cancel", TurnReference():
                self._turns.cancel_turn(event.turn_id)
            case "conversation.item.create", CreateItem():
                self._create_item(event)
            case "conversation.item.retrieve", ItemReference():
                self._conversation.retrieve(event)
            case "conversation.item.truncate", TruncateItem():
                self._playback.forget(self._conversation.truncate(event), self._plan.now_ms)
            case "conversation.item.delete", ItemReference():
                if self._transcripts.forget(self._conversation.delete(event)):
                    self._responder.want_answer()
            case "response.create", CreateResponse():
                greeting = self._responder.create(
                    event,
                    is_transcribing=self._transcripts.is_waiting() or self._mcp.is_listing(),
                )
                self._call.note_request(greeting)
            case "response.cancel", CancelResponse():
                self._responder.cancel(event)
            case "output_audio_buffer.clear", _:
                # It empties an avatar's buffer; without one, the client has all audio itself.
                self._plan.send("output_audio_buffer.cleared")
            case "input_text.delta" | "input_text.done", InputText():
                self._conversation.stream_text(event)

    def _create_item(self, event: CreateItem) -> None:
        asked = event.item if isinstance(event.item, dict) else {}
        if asked.get("type") == "mcp_approval_response":
            self._responder.require_approval(str(asked.get("approval_request_id")))
        item = self._conversation.create(event)
        if item.fields["type"] == "mcp_approval_response":
            self._responder.approve(item)
        else:
            self._transcripts.recognise(item)

    def _update(self, update: dict[str, Any], *, transcription_only: bool = False) -> None:
        voice = self._configuration.now.voice
        warnings = self._configuration.merge(
            update,
            voice_is_fixed=self._responder.has_spoken,
            input_is_fixed=self._turns.has_heard,
            transcription_only=transcription_only,
        )
        before, self._input = self._input, self._configuration.input()
        if (before.turn_detection is None) != (self._input.turn_detection is None):
            self._turns.change_detection()
        if before != self._input:
            self._plan.do(self._input)
        self._plan.send("session.updated", session=self._describe())
        self._call.configure()
        self._plan.warn_all(warnings)
        self._mcp.update(self._configuration.now.tools)
        if self._configuration.now.voice != voice:
            self._plan.do(CheckVoice(self._configuration.now.voice))
