"""The call to a session's agent: what it says unasked, silences that it is told of, its hanging up.

::

    Offer ─▶ waits until nobody speaks, one at a time ─▶ a response without a turn | OfferDropped
    silence for no_input_ms ─▶ SilenceLasts ─▶ perhaps an Offer that answers it
    HangUp ─▶ when what was said has been played ─▶ the session closes

Agents of other protocols are asked and never begin: for them nothing of this happens.
"""

from dataclasses import dataclass

from voicelive_agent.emulator.agents import (
    CallBegan,
    CallEvent,
    HangUp,
    Offer,
    OfferDropped,
    OfferWithdrawn,
    SilenceLasts,
    SpeechBegan,
)
from voicelive_agent.emulator.session.effects import ClearTimer, Close, SetTimer, TellAgent
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.session.responses.responder import Responder
from voicelive_agent.wire.invocations import END_CALL

BEGIN_MS = 1000
"""After the session is open, unless it is set up before."""
GREETING_MS = 300
"""After it is set up: a greeting that the client has spoken until then is told to the agent."""
WAIT_MS = 10_000
"""How long an offer waits whose agent does not say."""
_NORMAL = 1000
_BEGIN, _ADMISSION, _SILENCE, _PLAYED = (
    "call:begin",
    "call:admission",
    "call:silence",
    "call:played",
)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What is known of calls to the agent."""

    no_input_ms: int | None = None
    """After so long a silence the agent is told of it; None is never."""
    greeting: str = ""
    """What it is greeted with, unless the client says something before; empty for nothing."""


class AgentCall:
    """The call to one session's agent; nothing of it without ``options``."""

    def __init__(self, plan: Plan, responder: Responder, options: CallOptions | None) -> None:
        self._plan = plan
        self._responder = responder
        self._options = options
        self._has_begun = False
        self._waiting: Offer | None = None
        self._reply: Offer | None = None
        self._hang_up: HangUp | None = None
        self._silences = 0
        self._counts_silence = False
        self._played_at_ms: float | None = None

    def open(self) -> None:
        """The session is open."""
        if self._options is not None:
            self._plan.do(SetTimer(_BEGIN, BEGIN_MS))

    def configure(self) -> None:
        """The session has been set up."""
        if self._options is not None and not self._has_begun:
            self._plan.do(SetTimer(_BEGIN, GREETING_MS))

    def note_request(self, greeting: str | None) -> None:
        """The client asked for a response, or had a prepared one spoken."""
        self._silences = 0
        self._begin(greeting or "")

    def note_speech(self) -> None:
        """The person begins to speak."""
        self._silences = 0
        if self._options is not None and not self._responder.is_answering():
            self._plan.do(TellAgent(SpeechBegan()))

    def take(self, event: CallEvent) -> None:
        match event:
            case Offer():
                self._offer(event)
            case OfferWithdrawn(offer_id):
                if self._waiting is not None and self._waiting.id == offer_id:
                    self._stop_waiting()
            case HangUp():
                self._hang_up = event

    def expire(self, timer: str) -> None:
        match timer:
            case "call:begin":
                self._greet()
            case "call:admission" if self._waiting is not None:
                self._drop(self._stop_waiting(), "admission_timeout")
            case "call:silence" if self._counts_silence:
                self._counts_silence = False
                self._silences += 1
                self._plan.do(TellAgent(SilenceLasts(self._silences)))
            case "call:played":
                self._played_at_ms = None

    def settle(self, *, is_hearing: bool) -> Close | None:
        """Do what is due now that nothing else is; the close, if the call is over."""
        if self._options is None:
            return None
        if self._hang_up is not None and self._is_over(self._hang_up):
            return self._end(self._hang_up)
        is_quiet = not (
            is_hearing or self._responder.is_answering() or self._responder.has_something_due
        )
        reply, self._reply = self._reply, None
        if reply is not None and not is_quiet:
            self._drop(reply, "barge_in")
        elif is_quiet and (offer := reply or self._waiting) is not None:
            if offer is self._waiting:
                self._stop_waiting()
            self._responder.start_offer(offer.id)
            is_quiet = False
        self._watch_silence(is_quiet=is_quiet)
        self._wait_for_playback()
        return None

    def _greet(self) -> None:
        """The session speaks first, as a voice agent of Foundry does that has a `greeting`."""
        if self._options is None or self._has_begun:
            return
        greeting = self._options.greeting
        self._begin(greeting if greeting and self._responder.greet(greeting) else "")

    def _begin(self, greeting: str) -> None:
        if self._options is not None and not self._has_begun:
            self._has_begun = True
            self._plan.do(ClearTimer(_BEGIN))
            self._plan.do(TellAgent(CallBegan(greeting)))

    def _offer(self, offer: Offer) -> None:
        waiting = self._waiting
        if offer.is_reply:
            self._reply = offer
            return
        if waiting is not None:
            if offer.supersede_key is None or offer.supersede_key != waiting.supersede_key:
                self._drop(offer, "queue_full")
                return
            self._drop(self._stop_waiting(), "superseded")
        self._waiting = offer
        self._plan.do(SetTimer(_ADMISSION, offer.wait_ms or WAIT_MS))

    def _stop_waiting(self) -> Offer:
        assert self._waiting is not None  # noqa: S101 - callers have looked
        offer, self._waiting = self._waiting, None
        self._plan.do(ClearTimer(_ADMISSION))
        return offer

    def _drop(self, offer: Offer, reason: str) -> None:
        self._plan.do(TellAgent(OfferDropped(offer.id, reason)))

    def _watch_silence(self, *, is_quiet: bool) -> None:
        no_input_ms = self._options.no_input_ms if self._options is not None else None
        if no_input_ms is None or not self._has_begun or is_quiet is self._counts_silence:
            return
        self._counts_silence = is_quiet
        self._plan.do(SetTimer(_SILENCE, no_input_ms) if is_quiet else ClearTimer(_SILENCE))

    def _wait_for_playback(self) -> None:
        """Look again when the client has played what it has, if something waits for that."""
        ends_ms = self._responder.plays_until_ms
        waits = self._waiting or self._hang_up or (self._options and self._options.no_input_ms)
        if not waits or ends_ms <= self._plan.now_ms or ends_ms == self._played_at_ms:
            return
        self._played_at_ms = ends_ms
        self._plan.do(SetTimer(_PLAYED, max(1, round(ends_ms - self._plan.now_ms))))

    def _is_over(self, hang_up: HangUp) -> bool:
        return hang_up.is_immediate or not self._responder.is_answering()

    def _end(self, hang_up: HangUp) -> Close:
        self._responder.end_all("agent_hung_up")
        self._plan.send(
            "response.invocation.delta", delta={"type": END_CALL, "reason": hang_up.reason}
        )
        return Close(_NORMAL, "the agent ended the call")
