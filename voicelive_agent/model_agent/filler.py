"""Fillers: a short sentence that is spoken while a tool keeps the caller waiting."""

import asyncio
import random
from collections.abc import Sequence

from voicelive_agent.frameworks.history import FILLERS
from voicelive_agent.frameworks.outlet import Outlet

_BY_LANGUAGE = {
    "de": ("Einen Moment bitte.", "Ich sehe kurz nach.", "Das dauert nur einen Augenblick."),
    "en": ("One moment, please.", "Let me check that for you.", "Just a second."),
    "es": ("Un momento, por favor.", "Déjeme comprobarlo.", "Solo un segundo."),
    "fr": ("Un instant, s'il vous plaît.", "Je vérifie cela.", "Une petite seconde."),
    "it": ("Un momento, per favore.", "Controllo subito.", "Solo un secondo."),
    "ja": ("少々お待ちください。", "確認いたします。"),
    "nl": ("Een ogenblik, alstublieft.", "Ik kijk het even na.", "Eén momentje."),
    "pt": ("Um momento, por favor.", "Vou verificar.", "Só um segundo."),
    "zh": ("请稍等。", "我查一下。"),
}


class Filler:
    """Speaks at most one filler in each wait of one turn.

    A wait begins with a tool and ends with the model's next words; it may last over several
    tools. Where the model stopped in the middle of a sentence, nothing is put into it.
    """

    def __init__(self, outlet: Outlet, after_ms: int, texts: Sequence[str]) -> None:
        self._outlet = outlet
        self._after_seconds = after_ms / 1000
        self._texts = texts or _find_texts(outlet.turn.language)
        self._timer: asyncio.TimerHandle | None = None
        self._running = 0
        self._said = False

    def begin_tool(self) -> None:
        self._running += 1
        if self._after_seconds and self._timer is None and not self._said:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._after_seconds, self._say)

    def end_tool(self) -> None:
        self._running -= 1
        if not self._running:
            self._stop()

    def end_wait(self) -> None:
        """The model speaks."""
        self._said = False
        self._stop()

    def close(self) -> None:
        self._stop()

    def _say(self) -> None:
        self._timer = None
        if self._outlet.mid_sentence:
            return
        fillers = self._outlet.turn.notes.setdefault(FILLERS, [])
        fresh = [text for text in self._texts if text not in fillers] or list(self._texts)
        text = random.choice(fresh)
        fillers.append(text)
        self._said = True
        self._outlet.begin()
        self._outlet.say(text)
        self._outlet.begin()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _find_texts(language: str) -> tuple[str, ...]:
    return _BY_LANGUAGE.get(language.lower().split("-")[0], _BY_LANGUAGE["en"])
