"""The screen of a check: remembers what happened, and shows it on another one if asked to."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from voicelive_agent.client.core.cards import Cards, unwrap
from voicelive_agent.client.ui.screen import Screen, Summary, TurnTimes, Who

INVOCATION_DELTA = "response.invocation.delta"


class Observer:
    """What happened since the last ``look_away``."""

    def __init__(self, shown_on: Screen | None = None) -> None:
        self.changed = asyncio.Event()
        self.events: list[Mapping[str, Any]] = []
        self.turns: list[TurnTimes] = []
        self.errors: list[str] = []
        self.was_cut = False
        self._spoken: dict[Who, dict[str, str]] = {"you": {}, "agent": {}}
        self._old: set[str] = set()
        self._cards = Cards()
        self._labels: dict[str, int] = {}
        self._screen = shown_on

    def look_away(self) -> None:
        """Forget what happened; nothing more of the items known by now is told."""
        for items in self._spoken.values():
            self._old.update(items)
            items.clear()
        self.events.clear()
        self.turns.clear()
        self.errors.clear()
        self.was_cut = False

    def said(self, who: Who) -> str:
        return " ".join(text for text in self._spoken[who].values() if text)

    def find_button(self, wanted: str | int) -> dict[str, Any] | None:
        """By number, or by label or a part of it."""
        if isinstance(wanted, int):
            return self._cards.choose(wanted)
        sought = wanted.casefold()
        matching = [number for label, number in self._labels.items() if sought in label]
        return self._cards.choose(self._labels.get(sought, matching[0] if matching else 0))

    def status(self, text: str) -> None:
        if self._screen:
            self._screen.status(text)

    def notice(self, text: str) -> None:
        if self._screen:
            self._screen.notice(text)

    def tell(self, text: str) -> None:
        if self._screen:
            self._screen.tell(text)

    def error(self, text: str) -> None:
        self.errors.append(text)
        self.changed.set()
        if self._screen:
            self._screen.error(text)

    def transcript(self, who: Who, item_id: str, text: str, *, final: bool) -> None:
        if item_id not in self._old:
            self._spoken[who][item_id] = text
            self.changed.set()
        if self._screen:
            self._screen.transcript(who, item_id, text, final=final)

    def speaking(self, heard: str, rest: str) -> None:
        if self._screen:
            self._screen.speaking(heard, rest)

    def cut(self, item_id: str, heard: str) -> None:
        self.was_cut = True
        self.changed.set()
        if self._screen:
            self._screen.cut(item_id, heard)

    def card(self, event: Mapping[str, Any]) -> None:
        card = self._cards.read(event)
        if any(number == 1 for number, _ in card.buttons):
            self._labels.clear()
        self._labels.update((label.casefold(), number) for number, label in card.buttons)
        self.events.append(unwrap(event))
        self.changed.set()
        if self._screen:
            self._screen.card(event)

    def choose(self, number: int) -> dict[str, Any] | None:
        return self._cards.choose(number)

    def level(self, dbfs: float, *, muted: bool) -> None: ...

    def turn(self, times: TurnTimes) -> None:
        self._cards.end_turn()
        self.turns.append(times)
        self.changed.set()
        if self._screen:
            self._screen.turn(times)

    def event(self, direction: Literal["sent", "received"], event: Mapping[str, Any]) -> None:
        # Audio comes in hundreds of events, of which one tells as much as all.
        if direction == "received" and not str(event.get("type")).endswith("audio.delta"):
            self.events.append(event)
            self.changed.set()
        if self._screen:
            self._screen.event(direction, event)

    def summary(self, summary: Summary) -> None:
        if self._screen:
            self._screen.summary(summary)

    def close(self) -> None:
        if self._screen:
            self._screen.close()
