"""The event loop's core: what is said, by whom, what is playing, what was cut.

Every event of the service and everything that the person does is handled at once and without
waiting, so what happens follows from the order of events alone::

    service ──handle(event)──▶ Conversation ──▶ Hearing    what the person says ──▶ screen
                                   ▲   │   ├──▶ Answering  what the agent says  ──▶ loudspeaker
    person ──say, click, …─────────┘   │   └──▶ Calls      functions and MCP servers
                                       └──▶ Outbox ──▶ connection

Rules that clients often get wrong (voice-live barge-in):

- The service itself cancels the running response when the person speaks; the client silences its
  loudspeaker and says how much was heard. It sends ``response.cancel`` only when asked to.
- A cut response is known by its id, and nothing of it is played later. A response that begins
  after the cut is another one.
- Without ``interrupt_response`` speech interrupts nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from voicelive_agent.client.core.answering import Answering
from voicelive_agent.client.core.cards import Cards, unwrap
from voicelive_agent.client.core.hearing import Hearing
from voicelive_agent.client.core.latency import Turns, TurnTimes
from voicelive_agent.client.core.protocol import (
    Event,
    Handler,
    create_item,
    has_output,
    read_mapping,
    read_text,
    said_as_is,
    user_message,
    without_secrets,
)
from voicelive_agent.client.core.requests import ASK_PREFIX, Link, Outbox, Requests, Responses
from voicelive_agent.client.core.screen import (
    Failure,
    Notice,
    ProtocolEvent,
    Screen,
    Status,
    Transcript,
)
from voicelive_agent.client.core.session import Agreement, History, describe_session
from voicelive_agent.client.core.tool_calls.calls import Calls
from voicelive_agent.client.core.tool_calls.functions import Functions
from voicelive_agent.client.core.unicode_text import clean_text
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound.devices import Loudspeaker
from voicelive_agent.client.troubles import ConversationError, explain_event, hide_secrets
from voicelive_agent.wire.invocations import AGENT_ERROR

REMEMBERED_EVENTS = 4096
SESSION_EVENT_ID = "session"
_QUIET_PREFIXES = ("cut_", "cancel_")
"""Errors about these events only say that the service was quicker."""


class Conversation:
    """A conversation, over any number of connections; ``start`` runs a coroutine to its end."""

    def __init__(
        self,
        settings: Settings,
        screen: Screen,
        loudspeaker: Loudspeaker,
        *,
        start: Callable[[Coroutine[Any, Any, None]], None],
        functions: Functions | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._loudspeaker = loudspeaker
        self._start = start
        self._now = now or asyncio.get_running_loop().time
        self._cards = Cards()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._typed = 0
        self._greeted = False
        self._hanging_up = False

        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self.stirred = asyncio.Event()
        """Set whenever something happens; who waits for quiet clears it."""
        self.idle_status = "listening"
        """What the screen says while the agent waits for the person."""
        self.answers = 0
        """Responses that came to their end, cut ones too, and those that will never come."""
        self.has_failed = False
        """Whether the latest of them failed."""
        self.failures = 0
        """What has failed so far: answers, what was said, and requests."""
        self._agent_has_failed = False
        self.turns: list[TurnTimes] = []
        """The latency of the turns that are over."""
        self.history = History()
        self.agreement = Agreement(settings.conversation_id)
        self._turns = Turns(self._now, self._on_turn_over)
        self._outbox = Outbox()
        self._responses = Responses()
        self._requests = Requests(self._responses, self._outbox.send)
        self._hearing = Hearing(
            settings,
            screen,
            loudspeaker,
            self.history,
            self._turns,
            on_speech=self._on_speech,
            fail=self._fail,
        )
        self._answering = Answering(
            settings, screen, loudspeaker, self._responses, self.history, self._turns
        )
        self._calls = Calls(
            settings,
            screen,
            functions,
            send=self._outbox.send_kept,
            ask=self._ask_after_calls,
            start=start,
            is_answering=lambda: bool(self._responses.active),
        )
        self._handlers: dict[str, Handler] = {
            **self._hearing.handlers,
            **self._answering.handlers,
            "conversation.item.created": self._on_item_created,
            "input_audio_buffer.committed": self._on_committed,
            "session.created": self._on_session_created,
            "session.updated": self._on_session_updated,
            "response.created": self._on_response_created,
            "response.done": self._on_response_done,
            "response.invocation.delta": self._on_client_event,
            "error": self._on_error,
            "warning": self._on_warning,
        }

    # Connections.

    def connect(self, link: Link) -> None:
        """Configure the session of a new connection; ``ready`` is set when it answers."""
        self._outbox.attach(link)
        self._hearing.restart()
        self.agreement.expires_at_s = None
        session = describe_session(self._settings, self._calls.describe_tools())
        self._outbox.send(
            {"type": "session.update", "event_id": SESSION_EVENT_ID, "session": session}
        )

    def disconnect(self) -> None:
        """The connection is gone, and with it the responses that ran."""
        self._outbox.detach()
        self.ready.clear()
        if not self.over.is_set():
            self._tell_loss()
        self._hearing.restart()
        self._responses.forget()
        self._requests.forget()
        self._calls.forget()
        self._turns.close()
        self._seen.clear()

    def _tell_loss(self) -> None:
        """What ended with the connection; whoever waits for its answer waits no longer."""
        if self._responses.active:
            self._fail("The rest of the answer was lost with the connection: ask again.")
            self.answers += 1
            self.has_failed = True
        elif self._requests.pending:
            return  # It is asked again on the next connection.
        elif self._hearing.is_speaking or self._turns.is_unanswered:
            self._fail("What you said last was lost with the connection: say it again.")
            self.answers += 1
            self.has_failed = True

    @property
    def busy(self) -> bool:
        """Whether somebody speaks, or an answer is on its way."""
        return bool(
            self._hearing.is_speaking
            or (self._turns.is_unanswered and self.agreement.answers_speech)
            or self._responses.active
            or self._requests.pending
            or self._calls.running
            or self._loudspeaker.queued_ms
        )

    @property
    def open_turn(self) -> TurnTimes | None:
        """The latency so far of the turn that is not over yet, if any."""
        return self._turns.open.times() if self._turns.open else None

    # What is played.

    def on_first_sound(self, item_id: str) -> None:
        """The first sample of an item of the agent is played."""
        self._answering.on_first_sound(item_id)

    def show_speech(self) -> None:
        """Show how far the answer that is played right now has come."""
        self._answering.show_speech()

    # What the person does.

    def say(self, text: str) -> None:
        """The person types a text instead of speaking it."""
        self._typed += 1
        text = clean_text(text)
        item_id = f"typed_{self._typed}"
        self._screen.show(Transcript("you", item_id, text, final=True))
        self.history.put("you", item_id, text)
        self._outbox.send_kept(user_message(text))
        self._ask_for_turn()

    def choose(self, number: int) -> bool:
        """Click the button with this number; False where there is none."""
        action = self._cards.choose(number)
        if action is not None:
            self.click(action)
        return action is not None

    @property
    def approval(self) -> str | None:
        """What the person is asked to approve, if anything."""
        return self._calls.approval

    def decide(self, approve: bool) -> None:
        """Approve or deny it."""
        self._calls.decide(approve)

    def click(self, action: Mapping[str, Any]) -> None:
        """The person chooses something on the screen: the agent gets ``action`` as it is."""
        self._ask_for_turn({"invoke_input": dict(action)})

    def let_say(self, text: str) -> None:
        """Let the agent say this text."""
        self._requests.ask(said_as_is(clean_text(text)))

    def answer(self) -> None:
        """Ask for an answer to what was said so far."""
        self._ask_for_turn()

    def commit(self) -> None:
        """The person has finished a turn that the service does not detect."""
        # Named, so that its refusal is not taken for that of an answer.
        self._outbox.send({"type": "input_audio_buffer.commit", "event_id": "commit"})
        self._ask_for_turn()

    def interrupt(self) -> None:
        """Silence the agent without speaking."""
        for response in self._responses.uncut:
            self._outbox.send(
                {
                    "type": "response.cancel",
                    "event_id": f"cancel_{response.id}",
                    "response_id": response.id,
                }
            )
        self._cut()
        self._screen.show(Status(self.idle_status))

    def note_sent(self, pcm: bytes) -> None:
        """This much of the person's audio has left."""
        self._hearing.note_sent(pcm, self._now())

    def _ask_for_turn(self, response: dict[str, Any] | None = None) -> None:
        self.stirred.set()
        # The answer before may still be played; then its turn goes on until that ends.
        self._turns.begin()
        self._requests.ask(response)

    def _ask_after_calls(self) -> None:
        # Who speaks now will be answered anyway, with the results.
        if not (self._hearing.is_speaking and self.agreement.answers_speech):
            self._requests.ask()

    # What the service sends.

    def handle(self, event: Event) -> None:
        """Do what follows from one event; an unknown one or one seen before changes nothing.

        Raises ConversationError where the service refuses the session.
        """
        self._screen.show(ProtocolEvent("received", without_secrets(event)))
        if self._is_repeated(event):
            return
        self.stirred.set()
        handler = self._handlers.get(str(event["type"]))
        if handler is not None:
            handler(event)
        self._calls.handle(event)

    def _is_repeated(self, event: Event) -> bool:
        event_id = read_text(event, "event_id")
        if not event_id:
            return False
        if event_id in self._seen:
            return True
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED_EVENTS:
            self._seen.popitem(last=False)
        return False

    def _on_session_created(self, event: Event) -> None:
        self.agreement.read(read_mapping(event, "session"), is_updated=False)

    def _on_session_updated(self, event: Event) -> None:
        self.agreement.read(read_mapping(event, "session"), is_updated=True)
        if self.ready.is_set():
            return
        self.ready.set()
        if self._greeted:
            self._resume()
        else:
            self._greet()
        self._outbox.open()
        self._requests.open()

    def _greet(self) -> None:
        self._greeted = True
        if self._settings.greeting:
            self._requests.ask(said_as_is(self._settings.greeting))
        elif self._settings.greet:
            self._requests.ask()

    def _resume(self) -> None:
        # An agent's thread is known to the service; a model knows only what it is told.
        if self._settings.model:
            for item in self.history.as_items():
                self._outbox.send(create_item(item))

    def _on_item_created(self, event: Event) -> None:
        item = read_mapping(event, "item")
        if item.get("type") == "message" and item.get("role") == "user":
            self.history.keep_place(read_text(item, "id"), read_text(event, "previous_item_id"))

    def _on_committed(self, event: Event) -> None:
        self.history.keep_place(read_text(event, "item_id"), read_text(event, "previous_item_id"))

    def _on_response_created(self, event: Event) -> None:
        response_id = read_text(read_mapping(event, "response"), "id")
        self._responses.meet(response_id)
        self._requests.on_created()
        self._agent_has_failed = False
        self._turns.answered(response_id)

    def _on_response_done(self, event: Event) -> None:
        body = read_mapping(event, "response")
        response = self._responses.meet(read_text(body, "id"))
        if response.done:
            return
        response.done = True
        self.answers += 1
        self.has_failed = body.get("status") == "failed" or self._agent_has_failed
        details = read_mapping(body, "status_details")
        match body.get("status"):
            case "failed":
                error = {"error": read_mapping(details, "error")}
                self._fail(f"The answer failed. {explain_event(error, self._settings)}")
            case "incomplete":
                reason = read_text(details, "reason") or "no reason given"
                self._screen.show(Notice(f"The answer is not complete ({reason})."))
            case "completed" if not (response.has_output or has_output(body)):
                self._note_empty_answer()
            case "cancelled" if not response.cut:
                # Someone else cancelled it: what is queued was never said in full.
                response.cut = True
        self._calls.on_response_done(response.id, body, cut=response.cut)
        self._requests.on_done()
        if not (self._calls.running or self._requests.pending or self._responses.active):
            self._start(self._finish_answer(response.id))

    def _note_empty_answer(self) -> None:
        # A model may go on with a tool that nobody has heard of yet.
        if self.has_failed or self._settings.model:
            return
        if self._settings.greet and self.answers == 1:
            self._screen.show(Notice("The agent greets nobody: it is for you to begin."))
            return
        self.has_failed = True
        self._fail("The answer is empty: nothing was said, and nothing shown.")

    def _fail(self, text: str, code: str = "") -> None:
        self.failures += 1
        self._screen.show(Failure(text, code))

    async def _finish_answer(self, response_id: str) -> None:
        """What comes after the last sound of an answer."""
        await self._loudspeaker.drained()
        self.stirred.set()
        if self._turns.open and response_id in self._turns.open.responses and not self.busy:
            self._turns.close()
        if self._hanging_up and not self._responses.active:
            self.over.set()
        elif self.ready.is_set() and not self.busy:
            self._screen.show(Status(self.idle_status))

    def _on_client_event(self, event: Event) -> None:
        payload = unwrap(event)
        for response in self._responses.active:
            response.has_output = True
        if payload.get("type") == AGENT_ERROR:
            self._on_agent_error(payload)
            return
        if payload.get("type") != "agent.end_call":
            self._screen.show(self._cards.read(payload))
            return
        self._hanging_up = True
        self._screen.show(Notice("The agent ends the call."))
        if not self._responses.active:
            self._start(self._finish_answer(""))

    def _on_agent_error(self, payload: Mapping[str, Any]) -> None:
        """The agent says itself that this turn failed; what it says aloud is an apology."""
        error = read_mapping(payload, "error") or payload
        code = read_text(error, "code") or "agent_failed"
        self._agent_has_failed = self.has_failed = True
        message = hide_secrets(read_text(error, "message"), self._settings)
        self._fail(f"The agent failed: {message or code}", code)

    def _on_error(self, event: Event) -> None:
        error = read_mapping(event, "error")
        code, event_id = read_text(error, "code"), read_text(error, "event_id") or None
        is_asked = self._requests.pending
        if self._requests.on_error(code, event_id):
            return
        if (event_id or "").startswith(_QUIET_PREFIXES) or code == "response_cancel_not_active":
            return
        text = explain_event(event, self._settings)
        if not self.ready.is_set() and event_id in (None, SESSION_EVENT_ID):
            raise ConversationError(text)
        self._fail(text)
        if (is_asked or self._turns.is_unanswered) and (
            event_id is None or event_id.startswith(ASK_PREFIX)
        ):
            self._give_up_answer()

    def _give_up_answer(self) -> None:
        """What was asked for is refused, or the service never came to an answer."""
        if self._requests.pending or self._responses.active or self._calls.running:
            return
        self.answers += 1
        self.has_failed = True
        self._turns.close()
        self._start(self._finish_answer(""))

    def _on_warning(self, event: Event) -> None:
        message = read_text(read_mapping(event, "warning"), "message")
        self._screen.show(Notice(hide_secrets(message, self._settings) or "The service warns."))

    # Interruptions.

    def _on_speech(self) -> str | None:
        """The person begins to speak; the text of the answer that this cuts short."""
        return self._cut() if self.agreement.interrupts else None

    def _cut(self) -> str | None:
        """Silence the agent, and tell the service how much was heard."""
        was_answering = bool(self._responses.uncut)
        cut = self._answering.cut()
        for one in cut:
            if one.is_remembered and not self.agreement.truncates:
                self._outbox.send(
                    {
                        "type": "conversation.item.truncate",
                        "event_id": f"cut_{one.item.id}",
                        "item_id": one.item.id,
                        "content_index": one.item.content_index,
                        "audio_end_ms": one.played_ms,
                    }
                )
        if cut or was_answering:
            self._turns.close(interrupted=True)
        return cut[0].item.text if cut else None

    def _on_turn_over(self, times: TurnTimes) -> None:
        self._cards.end_turn()
        self.turns.append(times)
        self._screen.show(times)
