"""The screen of a check: remembers what happened since the step began."""

import asyncio
from collections.abc import Mapping
from typing import Any

from voicelive_agent.client.core.cards import Card
from voicelive_agent.client.core.latency import TurnTimes
from voicelive_agent.client.core.screen import (
    Failure,
    Interrupted,
    ProtocolEvent,
    ScreenEvent,
    Transcript,
    Who,
)


class Observer:
    """What happened since the last ``look_away``; ``changed`` is set by whatever comes anew.

    What failed stays until ``take_errors``: it may come after the step that it belongs to.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.events: list[Mapping[str, Any]] = []
        self.turns: list[TurnTimes] = []
        self.errors: list[Failure] = []
        self.was_cut = False
        self._spoken: dict[Who, dict[str, str]] = {"you": {}, "agent": {}}
        self._old: set[str] = set()
        self._labels: dict[str, int] = {}

    def look_away(self) -> None:
        """Forget what happened; nothing more of the items known by now is told."""
        for items in self._spoken.values():
            self._old.update(items)
            items.clear()
        self.events.clear()
        self.turns.clear()
        self.was_cut = False

    def take_errors(self) -> list[Failure]:
        """What has failed, and was not taken before."""
        taken, self.errors = self.errors, []
        return taken

    def said(self, who: Who) -> str:
        return " ".join(text for text in self._spoken[who].values() if text)

    def find_button(self, wanted: str | int) -> int:
        """Its number, by number, or by label or a part of it; 0 where there is none."""
        if isinstance(wanted, int):
            return wanted
        sought = wanted.casefold()
        matching = [number for label, number in self._labels.items() if sought in label]
        return self._labels.get(sought, matching[0] if matching else 0)

    def show(self, event: ScreenEvent) -> None:
        match event:
            case Failure():
                self.errors.append(event)
            case Transcript() if event.item_id not in self._old:
                self._spoken[event.who][event.item_id] = event.text
            case Interrupted():
                self.was_cut = True
            case Card():
                self._show_card(event)
            case TurnTimes():
                self.turns.append(event)
            # Audio comes in hundreds of events, of which one tells as much as all.
            case ProtocolEvent(direction="received") if not _is_audio(event):
                self.events.append(event.event)
            case _:
                return
        self.changed.set()

    def _show_card(self, card: Card) -> None:
        if any(number == 1 for number, _ in card.buttons):
            self._labels.clear()
        self._labels.update((label.casefold(), number) for number, label in card.buttons)
        self.events.append(card.event)


def _is_audio(event: ProtocolEvent) -> bool:
    return str(event.event.get("type")).endswith("audio.delta")
