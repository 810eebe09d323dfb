"""Interim responses: what is said while an answer is on its way.

They are set phrases, or written by a model where the session asks for that and one can be asked.
"""

from collections.abc import Sequence
from itertools import count

from voicelive_agent.emulator.session.configuration import Configuration
from voicelive_agent.emulator.session.effects import ClearTimer, SetTimer, StopInterim, WriteInterim
from voicelive_agent.emulator.session.facts import InterimWritten
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.emulator.session.responses.agent_requests import build_interim_request
from voicelive_agent.emulator.session.responses.response import Response
from voicelive_agent.wire.voice_live.session import StaticInterim

_PHRASES = ("One moment, please.", "Let me see.", "Just a second.", "I'm working on it.")


class Interims:
    """The interim responses of one session."""

    def __init__(self, plan: Plan, configuration: Configuration) -> None:
        self._plan = plan
        self._configuration = configuration
        self._number = count()

    def wait(self, response: Response) -> None:
        """The answer was asked for."""
        interim = response.settings.interim
        if interim is not None and "latency" in interim.triggers:
            self._plan.do(SetTimer(_timer(response), interim.latency_threshold_ms))

    def expire(self, response: Response, timer: str) -> None:
        """A timer ran out; others are no business of this."""
        if timer == _timer(response) and not response.has_answered:
            self.speak(response, "latency")

    def speak(self, response: Response, trigger: str) -> None:
        """Say something, if the session wants that for this trigger."""
        interim = response.settings.interim
        if interim is None or trigger not in interim.triggers or response.is_speech_due:
            return
        if isinstance(interim, StaticInterim) or not self._configuration.writes_interims:
            texts = interim.texts if isinstance(interim, StaticInterim) else ()
            response.add_interim(self._pick([one for one in texts if one.strip()] or _PHRASES))
        elif not response.awaits_interim:
            response.awaits_interim = True
            language = self._configuration.language
            asked = build_interim_request(interim, response.asked_text, language)
            self._plan.do(WriteInterim(response.id, asked))

    def take(self, response: Response, fact: InterimWritten) -> None:
        """A model has written what to say."""
        if response.id == fact.response_id and response.awaits_interim:
            response.awaits_interim = False
            if not response.is_speech_due:
                response.add_interim(fact.text.strip() or self._pick(_PHRASES))

    def stop(self, response: Response) -> None:
        """The answer comes, or none will."""
        self._plan.do(ClearTimer(_timer(response)))
        if response.awaits_interim:
            response.awaits_interim = False
            self._plan.do(StopInterim(response.id))

    def _pick(self, texts: Sequence[str]) -> str:
        return texts[next(self._number) % len(texts)]


def _timer(response: Response) -> str:
    return f"interim:{response.id}"
