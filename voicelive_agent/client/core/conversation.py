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

from voicelive_agent.client.core.agreement import Agreement
from voicelive_agent.client.core.answering import Answering
from voicelive_agent.client.core.calls import Calls
from voicelive_agent.client.core.cards import unwrap
from voicelive_agent.client.core.events import (
    Event,
    Handler,
    create_item,
    read_mapping,
    read_text,
    said_as_is,
    showable,
    user_message,
)
from voicelive_agent.client.core.hearing import Hearing
from voicelive_agent.client.core.history import History
from voicelive_agent.client.core.outbox import Link, Outbox
from voicelive_agent.client.core.responses import ASK_PREFIX, Requests, Responses
from voicelive_agent.client.core.turns import Turns
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound.devices import Loudspeaker
from voicelive_agent.client.troubles import ConversationError, explain_event, hide_secrets
from voicelive_agent.client.ui.screen import Screen, Summary, TurnTimes

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
        calls: Calls | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._loudspeaker = loudspeaker
        self._start = start
        self._now = now or asyncio.get_running_loop().time
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
        self.summary = Summary()
        self.history = History()
        self.agreement = Agreement(settings.conversation_id)
        self.turns = Turns(self._now, self._on_turn_over)
        self.outbox = Outbox()
        self.responses = Responses()
        self.requests = Requests(self.responses, self.outbox.send)
        self.hearing = Hearing(
            settings, screen, loudspeaker, self.history, self.turns, on_speech=self._on_speech
        )
        self.answering = Answering(
            settings, screen, loudspeaker, self.responses, self.history, self.turns
        )
        self.calls = calls or Calls(settings, screen)
        self.calls.attach(
            send=self.outbox.send_kept,
            ask=self._ask_after_calls,
            start=start,
            is_answering=lambda: bool(self.responses.active),
        )
        self._handlers: dict[str, Handler] = {
            **self.hearing.handlers,
            **self.answering.handlers,
            "session.created": self._on_session_created,
            "session.updated": self._on_session_updated,
            "response.created": self._on_response_created,
            "response.done": self._on_response_done,
            "response.invocation.delta": self._on_client_event,
            "error": self._on_error,
            "warning": self._on_warning,
        }

    # Connections.

    def connect(self, link: Link, session: Mapping[str, Any]) -> None:
        """Configure the session of a new connection; ``ready`` is set when it answers."""
        self.outbox.attach(link)
        self.hearing.restart()
        self.agreement.expires_at_s = None
        self.outbox.send(
            {"type": "session.update", "event_id": SESSION_EVENT_ID, "session": dict(session)}
        )

    def disconnect(self) -> None:
        """The connection is gone, and with it the responses that ran."""
        self.outbox.detach()
        self.ready.clear()
        if not self.over.is_set():
            self._tell_loss()
        self.hearing.restart()
        self.responses.forget()
        self.requests.forget()
        self.calls.forget()
        self.turns.close()
        self._seen.clear()

    def _tell_loss(self) -> None:
        """What ended with the connection; whoever waits for its answer waits no longer."""
        turn = self.turns.open
        if self.responses.active:
            self._screen.error("The rest of the answer was lost with the connection: ask again.")
            self.answers += 1
        elif self.requests.pending:
            return  # It is asked again on the next connection.
        elif self.hearing.is_speaking or (turn and not turn.responses):
            self._screen.error("What you said last was lost with the connection: say it again.")
            self.answers += 1
            self.has_failed = True

    @property
    def busy(self) -> bool:
        """Whether somebody speaks, or an answer is on its way."""
        turn = self.turns.open
        return bool(
            self.hearing.is_speaking
            or (turn and not turn.responses and self.agreement.answers_speech)
            or self.responses.active
            or self.requests.pending
            or self.calls.running
            or self._loudspeaker.queued_ms
        )

    # What the person does.

    def say(self, text: str) -> None:
        """The person types a text instead of speaking it."""
        self._typed += 1
        item_id = f"typed_{self._typed}"
        self._screen.transcript("you", item_id, text, final=True)
        self.history.put("you", item_id, text)
        self.outbox.send_kept(user_message(text))
        self._ask_for_turn()

    def click(self, action: Mapping[str, Any]) -> None:
        """The person chooses something on the screen: the agent gets ``action`` as it is."""
        self._ask_for_turn({"invoke_input": dict(action)})

    def let_say(self, text: str) -> None:
        """Let the agent say this text."""
        self.requests.ask(said_as_is(text))

    def answer(self) -> None:
        """Ask for an answer to what was said so far."""
        self._ask_for_turn()

    def commit(self) -> None:
        """The person has finished a turn that the service does not detect."""
        # Named, so that its refusal is not taken for that of an answer.
        self.outbox.send({"type": "input_audio_buffer.commit", "event_id": "commit"})
        self._ask_for_turn()

    def interrupt(self) -> None:
        """Silence the agent without speaking."""
        for response in self.responses.uncut:
            self.outbox.send(
                {
                    "type": "response.cancel",
                    "event_id": f"cancel_{response.id}",
                    "response_id": response.id,
                }
            )
        self._cut()
        self._screen.status(self.idle_status)

    def note_sent(self, pcm: bytes) -> None:
        """This much of the person's audio has left."""
        self.hearing.note_sent(pcm, self._now())

    def _ask_for_turn(self, response: dict[str, Any] | None = None) -> None:
        self.stirred.set()
        # The answer before may still be played; then its turn goes on until that ends.
        self.turns.begin()
        self.requests.ask(response)

    def _ask_after_calls(self) -> None:
        # Who speaks now will be answered anyway, with the results.
        if not (self.hearing.is_speaking and self.agreement.answers_speech):
            self.requests.ask()

    # What the service sends.

    def handle(self, event: Event) -> None:
        """Do what follows from one event; an unknown one or one seen before changes nothing.

        Raises ConversationError where the service refuses the session.
        """
        self._screen.event("received", showable(event))
        if self._is_repeated(event):
            return
        self.stirred.set()
        handler = self._handlers.get(str(event["type"]))
        if handler is not None:
            handler(event)
        self.calls.handle(event)

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
        self.outbox.open()
        self.requests.open()

    def _greet(self) -> None:
        self._greeted = True
        if self._settings.greeting:
            self.requests.ask(said_as_is(self._settings.greeting))
        elif self._settings.greet:
            self.requests.ask()

    def _resume(self) -> None:
        # An agent's thread is known to the service; a model knows only what it is told.
        if self._settings.model:
            for item in self.history.as_items():
                self.outbox.send(create_item(item))

    def _on_response_created(self, event: Event) -> None:
        response_id = read_text(read_mapping(event, "response"), "id")
        self.responses.meet(response_id)
        self.requests.on_created()
        self.turns.answered(response_id)

    def _on_response_done(self, event: Event) -> None:
        body = read_mapping(event, "response")
        response = self.responses.meet(read_text(body, "id"))
        if response.done:
            return
        response.done = True
        self.answers += 1
        self.has_failed = body.get("status") == "failed"
        details = read_mapping(body, "status_details")
        match body.get("status"):
            case "failed":
                error = {"error": read_mapping(details, "error")}
                self._screen.error(f"The answer failed. {explain_event(error, self._settings)}")
            case "incomplete":
                reason = read_text(details, "reason") or "no reason given"
                self._screen.notice(f"The answer is not complete ({reason}).")
            case "cancelled" if not response.cut:
                # Someone else cancelled it: what is queued was never said in full.
                response.cut = True
        self.calls.on_response_done(response.id, body, cut=response.cut)
        self.requests.on_done()
        if not (self.calls.running or self.requests.pending or self.responses.active):
            self._start(self._finish_answer(response.id))

    async def _finish_answer(self, response_id: str) -> None:
        """What comes after the last sound of an answer."""
        await self._loudspeaker.drained()
        self.stirred.set()
        if self.turns.open and response_id in self.turns.open.responses and not self.busy:
            self.turns.close()
        if self._hanging_up and not self.responses.active:
            self.over.set()
        elif self.ready.is_set() and not self.busy:
            self._screen.status(self.idle_status)

    def _on_client_event(self, event: Event) -> None:
        payload = unwrap(event)
        if payload.get("type") != "agent.end_call":
            self._screen.card(payload)
            return
        self._hanging_up = True
        self._screen.notice("The agent ends the call.")
        if not self.responses.active:
            self._start(self._finish_answer(""))

    def _on_error(self, event: Event) -> None:
        error = read_mapping(event, "error")
        code, event_id = read_text(error, "code"), read_text(error, "event_id") or None
        is_asked = self.requests.pending
        if self.requests.on_error(code, event_id):
            return
        if (event_id or "").startswith(_QUIET_PREFIXES) or code == "response_cancel_not_active":
            return
        text = explain_event(event, self._settings)
        if not self.ready.is_set() and event_id in (None, SESSION_EVENT_ID):
            raise ConversationError(text)
        self._screen.error(text)
        turn = self.turns.open
        is_waiting = is_asked or (turn is not None and not turn.responses)
        if is_waiting and (event_id is None or event_id.startswith(ASK_PREFIX)):
            self._give_up_answer()

    def _give_up_answer(self) -> None:
        """What was asked for is refused, or the service never came to an answer."""
        if self.requests.pending or self.responses.active or self.calls.running:
            return
        self.answers += 1
        self.has_failed = True
        self.turns.close()
        self._start(self._finish_answer(""))

    def _on_warning(self, event: Event) -> None:
        message = read_text(read_mapping(event, "warning"), "message")
        self._screen.notice(hide_secrets(message, self._settings) or "The service warns.")

    # Interruptions.

    def _on_speech(self) -> str | None:
        """The person begins to speak; the text of the answer that this cuts short."""
        return self._cut() if self.agreement.interrupts else None

    def _cut(self) -> str | None:
        """Silence the agent, and tell the service how much was heard."""
        was_answering = bool(self.responses.uncut)
        cut = self.answering.cut()
        for one in cut:
            if one.is_remembered and not self.agreement.truncates:
                self.outbox.send(
                    {
                        "type": "conversation.item.truncate",
                        "event_id": f"cut_{one.item.id}",
                        "item_id": one.item.id,
                        "content_index": one.item.content_index,
                        "audio_end_ms": one.played_ms,
                    }
                )
        if cut or was_answering:
            self.turns.close(interrupted=True)
        return cut[0].item.text if cut else None

    def _on_turn_over(self, times: TurnTimes) -> None:
        self.summary.turns.append(times)
        self._screen.turn(times)
