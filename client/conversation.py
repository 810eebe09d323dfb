"""The event loop's core: what is said, by whom, what is playing, what was cut.

Every event of the service and everything that the person does is handled at once and without
waiting, so what happens follows from the order of events alone::

    service ──handle(event)──▶ Conversation ──▶ loudspeaker, screen
    person  ──say, click, …──▶      │
                                    └──▶ link.send(event)

Rules that clients often get wrong (voice-live barge-in):

- The service itself cancels the running response when the person speaks; the client silences its
  loudspeaker and says how much was heard. It sends ``response.cancel`` only when asked to.
- A cut response is known by its id, and nothing of it is played later. A response that begins
  after the cut is another one.
- Without ``interrupt_response`` speech interrupts nothing.
"""

import asyncio
import base64
import binascii
import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from client import echo, g711
from client.calls import Calls
from client.connection import Event, Link
from client.devices import Loudspeaker
from client.history import History
from client.responses import Requests, Responses
from client.screen import Screen, Summary, TurnTimes
from client.settings import Settings
from client.spoken import INTERIM_PREFIX, Spoken
from client.troubles import ConversationError, explain_event, hide_secrets
from client.turns import Timeline, Turns

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
        self._link: Link | None = None
        self._unsent: list[Event] = []
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._speech_item_id: str | None = None
        self._partial: dict[str, str] = {}
        self._cut_text: dict[str, str] = {}
        self._typed = 0
        self._greeted = False
        self._hanging_up = False
        self._interrupts = True
        self._creates = True
        self._auto_truncates = False

        self.responses = Responses()
        self.requests = Requests(self.responses, self._send)
        self.spoken = Spoken(loudspeaker)
        self.history = History()
        self.summary = Summary()
        self.turns = Turns(self._now, self._on_turn_over)
        self.timeline = Timeline()
        self.calls = calls or Calls(settings, screen)
        self.calls.attach(
            send=self._send_kept,
            ask=self._ask_after_calls,
            start=start,
            is_answering=lambda: bool(self.responses.active),
        )

        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self.stirred = asyncio.Event()
        """Set whenever something happens; who waits for quiet clears it."""
        self.answers = 0
        """Responses that came to their end, cut ones too."""
        self.thread_id: str | None = settings.conversation_id
        self.expires_at_s: float | None = None
        loudspeaker.on_first_sound = self._on_first_sound

    # Connections.

    def connect(self, link: Link, session: Mapping[str, Any]) -> None:
        """Configure the session of a new connection; ``ready`` is set when it answers."""
        self._link = link
        self.timeline = Timeline()
        self.expires_at_s = None
        link.send(
            {"type": "session.update", "event_id": SESSION_EVENT_ID, "session": dict(session)}
        )

    def disconnect(self) -> None:
        """The connection is gone, and with it the responses that ran."""
        self._link = None
        self.ready.clear()
        unanswered = self.turns.open and not self.turns.open.responses
        if self.responses.active:
            self._screen.notice("The rest of the answer was lost with the connection: ask again.")
            self.answers += 1
        elif (self._speech_item_id or unanswered) and not self.requests.pending:
            self._screen.notice("What you said last was lost with the connection: say it again.")
            self.answers += 1
        self._speech_item_id = None
        self.responses.forget()
        self.requests.forget()
        self.calls.forget()
        self.turns.close()
        self._seen.clear()

    @property
    def busy(self) -> bool:
        """Whether somebody speaks, or an answer is on its way."""
        awaited = self.turns.open is not None and not self.turns.open.responses and self._creates
        return bool(
            self._speech_item_id
            or awaited
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
        self._send_kept(
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": text}],
                },
            }
        )
        self._ask_for_turn()

    def click(self, action: Mapping[str, Any]) -> None:
        """The person chooses something on the screen: the agent gets ``action`` as it is."""
        self._ask_for_turn({"invoke_input": dict(action)})

    def let_say(self, text: str) -> None:
        """Let the agent say this text."""
        self.requests.ask(_said_as_is(text))

    def answer(self) -> None:
        """Ask for an answer to what was said so far."""
        self._ask_for_turn()

    def commit(self) -> None:
        """The person has finished a turn that the service does not detect."""
        self._send({"type": "input_audio_buffer.commit"})
        self._ask_for_turn()

    def interrupt(self) -> None:
        """Silence the agent without speaking."""
        for response in self.responses.active:
            if not response.cut:
                self._send(
                    {
                        "type": "response.cancel",
                        "event_id": f"cancel_{response.id}",
                        "response_id": response.id,
                    }
                )
        self._cut()

    def note_sent(self, duration_ms: float) -> None:
        """So much of the person's audio has left."""
        self.timeline.add(duration_ms, self._now())

    def _ask_for_turn(self, response: dict[str, Any] | None = None) -> None:
        self.stirred.set()
        # The answer before may still be played; then its turn goes on until that ends.
        self.turns.begin()
        self.requests.ask(response)

    def _ask_after_calls(self) -> None:
        # Who speaks now will be answered anyway, with the results.
        if not (self._speech_item_id and self._creates):
            self.requests.ask()

    # What the service sends.

    def handle(self, event: Event) -> None:
        """Do what follows from one event; an unknown one or one seen before changes nothing.

        Raises ConversationError where the service refuses the session.
        """
        self._screen.event("received", _without_audio(event))
        if self._is_repeated(event):
            return
        self.stirred.set()
        handler = _HANDLERS.get(str(event["type"]))
        if handler is not None:
            handler(self, event)
        self.calls.handle(event)

    def _is_repeated(self, event: Event) -> bool:
        event_id = event.get("event_id")
        if not isinstance(event_id, str) or not event_id:
            return False
        if event_id in self._seen:
            return True
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED_EVENTS:
            self._seen.popitem(last=False)
        return False

    def _on_session_updated(self, event: Event) -> None:
        session = _mapping(event.get("session"))
        detection = _mapping(session.get("turn_detection"))
        self._interrupts = bool(detection) and detection.get("interrupt_response") is not False
        self._creates = bool(detection) and detection.get("create_response") is not False
        self._auto_truncates = detection.get("auto_truncate") is True
        thread_id = _mapping(session.get("agent")).get("thread_id")
        if isinstance(thread_id, str) and thread_id:
            self.thread_id = thread_id
        self._note_expiry(session)
        if self.ready.is_set():
            return
        self.ready.set()
        if self._greeted:
            self._resume()
        else:
            self._greet()
        for kept in self._unsent:
            self._send(kept)
        self._unsent.clear()
        self.requests.open()

    def _greet(self) -> None:
        self._greeted = True
        if self._settings.greeting:
            self.requests.ask(_said_as_is(self._settings.greeting))
        elif self._settings.greet:
            self.requests.ask()

    def _resume(self) -> None:
        # An agent's thread is known to the service; a model knows only what it is told.
        if self._settings.model:
            for item in self.history.as_items():
                self._send({"type": "conversation.item.create", "item": item})

    def _on_session_created(self, event: Event) -> None:
        self._note_expiry(_mapping(event.get("session")))

    def _note_expiry(self, session: Mapping[str, Any]) -> None:
        expires_at = session.get("expires_at")
        if isinstance(expires_at, int | float) and expires_at > 0:
            self.expires_at_s = float(expires_at)

    def _on_speech_started(self, event: Event) -> None:
        item_id = _text(event, "item_id")
        self._speech_item_id = item_id or "unknown"
        self._screen.status("listening")
        if self._interrupts:
            self._cut(by_item_id=item_id)

    def _on_speech_stopped(self, event: Event) -> None:
        self._speech_item_id = None
        end_ms = event.get("audio_end_ms")
        ended_s = self.timeline.when(end_ms) if isinstance(end_ms, int | float) else None
        self.turns.begin(ended_s=ended_s, item_id=_text(event, "item_id") or None)
        self._screen.status("thinking")

    def _on_heard_partly(self, event: Event) -> None:
        item_id = _text(event, "item_id")
        text = self._partial[item_id] = self._partial.get(item_id, "") + _text(event, "delta")
        self._screen.transcript("you", item_id, text, final=False)

    def _on_heard(self, event: Event) -> None:
        item_id, text = _text(event, "item_id"), _text(event, "transcript").strip()
        self._partial.pop(item_id, None)
        self.turns.transcribed(item_id)
        cut_text = self._cut_text.pop(item_id, "")
        if not text:
            # Nothing was said, so nothing will be answered.
            if self.turns.open and self.turns.open.item_id == item_id:
                self.turns.close()
            return
        self.history.put("you", item_id, text)
        self._screen.transcript("you", item_id, text, final=True)
        if cut_text and echo.sounds_like(text, cut_text):
            self._screen.notice(
                "The agent was interrupted by its own voice: use headphones, turn the "
                "loudspeaker down, or add --echo-cancellation."
            )

    def _on_not_heard(self, event: Event) -> None:
        self._partial.pop(_text(event, "item_id"), None)
        message = hide_secrets(_text(_mapping(event.get("error")), "message"), self._settings)
        self._screen.notice(f"What you said could not be transcribed: {message or 'no reason'}")

    def _on_response_created(self, event: Event) -> None:
        response_id = _text(_mapping(event.get("response")), "id")
        self.responses.meet(response_id)
        self.requests.on_created()
        self.turns.answered(response_id)

    def _on_item(self, event: Event) -> None:
        item = _mapping(event.get("item"))
        if item.get("role") == "user":
            return
        if item.get("type") == "message" and item.get("role") == "assistant":
            self.spoken.meet(_text(item, "id"), _text(event, "response_id"))

    def _on_text_delta(self, event: Event) -> None:
        response = self.responses.meet(_text(event, "response_id"))
        if response.cut:
            return
        item = self.spoken.meet(_text(event, "item_id"), response.id)
        if item.is_final:
            return
        item.text += _text(event, "delta")
        self.turns.reached("first_text_ms", response.id)
        self.history.put("agent", item.id, item.text)
        self._screen.transcript("agent", item.id, item.text, final=False)

    def _on_text_done(self, event: Event) -> None:
        response = self.responses.meet(_text(event, "response_id"))
        item = self.spoken.meet(_text(event, "item_id"), response.id)
        if response.cut or item.is_final:
            return
        item.text = _text(event, "transcript") or _text(event, "text") or item.text
        item.is_final = True
        if item.text:
            self.turns.reached("first_text_ms", response.id)
            self.history.put("agent", item.id, item.text)
            self._screen.transcript("agent", item.id, item.text, final=True)

    def _on_audio_delta(self, event: Event) -> None:
        response = self.responses.meet(_text(event, "response_id"))
        audio = _audio(event)
        if response.cut or not audio:
            return
        item = self.spoken.meet(_text(event, "item_id"), response.id)
        self.turns.reached("first_audio_ms", response.id)
        format = self._settings.output_format
        pcm = g711.decode(audio, format) if format in ("g711_ulaw", "g711_alaw") else audio
        index = event.get("content_index")
        rate_hz = self._settings.received_rate_hz
        self.spoken.play(item, index if isinstance(index, int) else 0, pcm, rate_hz)

    def _on_word(self, event: Event) -> None:
        response = self.responses.meet(_text(event, "response_id"))
        item = self.spoken.meet(_text(event, "item_id"), response.id)
        start_ms = event.get("audio_offset_ms")
        if isinstance(start_ms, int | float):
            item.words.append((int(start_ms), _text(event, "text")))

    def _on_response_done(self, event: Event) -> None:
        body = _mapping(event.get("response"))
        response = self.responses.meet(_text(body, "id"))
        if response.done:
            return
        response.done = True
        self.answers += 1
        details = _mapping(body.get("status_details"))
        match body.get("status"):
            case "failed":
                error = {"error": _mapping(details.get("error"))}
                self._screen.error(f"The answer failed. {explain_event(error, self._settings)}")
            case "incomplete":
                reason = _text(details, "reason") or "no reason given"
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
        elif not self.busy:
            self._screen.status("listening")

    def _on_client_event(self, event: Event) -> None:
        card = _client_event(event.get("delta"))
        if card is None:
            return
        if card.get("type") == "agent.end_call":
            self._hanging_up = True
            self._screen.notice("The agent ends the call.")
            if not self.responses.active:
                self._start(self._finish_answer(""))
            return
        self._screen.card(card)

    def _on_error(self, event: Event) -> None:
        error = _mapping(event.get("error"))
        code, event_id = _text(error, "code"), _text(error, "event_id") or None
        if self.requests.on_error(code, event_id):
            return
        if (event_id or "").startswith(_QUIET_PREFIXES) or code == "response_cancel_not_active":
            return
        text = explain_event(event, self._settings)
        if not self.ready.is_set() and event_id in (None, SESSION_EVENT_ID):
            raise ConversationError(text)
        self._screen.error(text)

    def _on_warning(self, event: Event) -> None:
        message = _text(_mapping(event.get("warning")), "message")
        self._screen.notice(hide_secrets(message, self._settings) or "The service warns.")

    # Playback.

    def _on_first_sound(self, item_id: str) -> None:
        item = self.spoken.find(item_id)
        if item is not None:
            self.turns.reached("first_sound_ms", item.response_id)

    def _cut(self, by_item_id: str = "") -> None:
        """Silence the agent, and tell the service how much was heard."""
        active = {response.id for response in self.responses.active if not response.cut}
        cut = self.spoken.cut(active)
        self.responses.cut()
        for one in cut:
            heard = one.item.heard(one.played_ms)
            if by_item_id:
                self._cut_text[by_item_id] = one.item.text
            self._screen.cut(one.item.id, heard)
            self.history.put("agent", one.item.id, heard)
            one.item.is_final = True
            if not self._auto_truncates and not one.item.id.startswith(INTERIM_PREFIX):
                self._send(
                    {
                        "type": "conversation.item.truncate",
                        "event_id": f"cut_{one.item.id}",
                        "item_id": one.item.id,
                        "content_index": one.item.content_index,
                        "audio_end_ms": one.played_ms,
                    }
                )
        if cut or active:
            self.turns.close(interrupted=True)

    def _on_turn_over(self, times: TurnTimes) -> None:
        self.summary.turns.append(times)
        self._screen.turn(times)

    # Sending.

    def _send(self, event: Event) -> None:
        if self._link is not None:
            self._link.send(event)

    def _send_kept(self, event: Event) -> None:
        """Send it now, or when there is a session again."""
        if self._link is not None and self.ready.is_set():
            self._link.send(event)
        else:
            self._unsent.append(event)


_HANDLERS: dict[str, Callable[[Conversation, Event], None]] = {
    "session.created": Conversation._on_session_created,
    "session.updated": Conversation._on_session_updated,
    "input_audio_buffer.speech_started": Conversation._on_speech_started,
    "input_audio_buffer.speech_stopped": Conversation._on_speech_stopped,
    "conversation.item.input_audio_transcription.delta": Conversation._on_heard_partly,
    "conversation.item.input_audio_transcription.completed": Conversation._on_heard,
    "conversation.item.input_audio_transcription.failed": Conversation._on_not_heard,
    "response.created": Conversation._on_response_created,
    "response.output_item.added": Conversation._on_item,
    "response.audio_transcript.delta": Conversation._on_text_delta,
    "response.audio_transcript.done": Conversation._on_text_done,
    "response.text.delta": Conversation._on_text_delta,
    "response.text.done": Conversation._on_text_done,
    "response.audio.delta": Conversation._on_audio_delta,
    "response.audio_timestamp.delta": Conversation._on_word,
    "response.done": Conversation._on_response_done,
    "response.invocation.delta": Conversation._on_client_event,
    "error": Conversation._on_error,
    "warning": Conversation._on_warning,
}


def _said_as_is(text: str) -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    message = {"type": "message", "role": "assistant", "content": content}
    return {"pre_generated_assistant_message": message}


def _client_event(delta: object) -> dict[str, Any] | None:
    """The agent's own event; the service is known to pass it as ``data: {…}`` too."""
    if isinstance(delta, str):
        try:
            delta = json.loads(delta.strip().removeprefix("data:"))
        except ValueError:
            return None
    return delta if isinstance(delta, dict) else None


def _without_audio(event: Event) -> Event:
    if event["type"] == "response.audio.delta":
        return {**event, "delta": f"<{len(str(event.get('delta', '')))} characters of base64>"}
    return event


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _audio(event: Event) -> bytes:
    try:
        return base64.b64decode(_text(event, "delta"))
    except (binascii.Error, ValueError):
        return b""
