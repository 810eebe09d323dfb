"""One turn at the desk, and what it needs to be answered."""

import datetime as dt
from dataclasses import dataclass

from examples.front_desk.booking import Call
from voicelive_agent.agent import Turn


@dataclass(frozen=True, slots=True)
class Visit:
    turn: Turn
    call: Call
    now: dt.datetime

    @property
    def today(self) -> dt.date:
        return self.now.date()

    def must_hear(self, *words: str) -> None:
        """Note what this answer is worth nothing without, in case the caller interrupts it."""
        self.turn.notes["must_hear"] = list(words)

    def missed_words(self) -> bool:
        """Whether the caller interrupted the last answer before what they must hear.

        An answer that was itself a repetition counts as heard: who interrupts it twice knows.
        """
        if not self.turn.history or not self.turn.history[-1].interrupted:
            return False
        last = self.turn.history[-1]
        words = last.notes.get("must_hear")
        if not isinstance(words, list) or last.notes.get("repeats"):
            return False
        heard = last.reply if last.heard is None else last.heard
        return any(str(word) not in heard for word in words)
