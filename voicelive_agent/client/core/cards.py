"""Client events of the agent as cards, and their buttons by number.

An agent's events look as its author likes. ``{"type": "ui.card", "title": …, "lines": […]}`` and
``{"type": "ui.buttons", "buttons": [{"label": …, "action": {…}}]}`` are shown as what they say;
of any other event the fields are listed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NESTED_LIMIT = 200
"""Characters of a field that is no text."""


@dataclass(frozen=True, slots=True)
class Card:
    """A client event as the person sees it; ``event`` is the agent's own."""

    event: Mapping[str, Any]
    title: str
    lines: tuple[str, ...] = ()
    buttons: tuple[tuple[int, str], ...] = ()
    """The number by which each is chosen, and its label."""


class Cards:
    """Reads client events and remembers what their buttons do.

    The buttons of one turn are numbered from 1 on; those of the turn before are then gone.
    """

    def __init__(self) -> None:
        self._actions: list[dict[str, Any]] = []
        self._turn_is_over = False

    def read(self, event: Mapping[str, Any]) -> Card:
        """The event as a card whose buttons have their numbers."""
        payload = unwrap(event)
        buttons = [
            button
            for button in _list(payload, "buttons") + _list(payload, "actions")
            if isinstance(button, Mapping)
        ]
        numbered = []
        if buttons and self._turn_is_over:
            self._actions = []
        for button in buttons:
            action = button.get("action", button)
            self._actions.append(
                dict(action) if isinstance(action, Mapping) else {"type": "click", "action": action}
            )
            label = button.get("label") or button.get("title") or button.get("text") or action
            numbered.append((len(self._actions), str(label)))
        if buttons:
            self._turn_is_over = False
        title = str(payload.get("title") or payload.get("type") or "Card")
        if numbered and "title" not in payload:
            title = ""
        return Card(payload, title, tuple(_lines(payload)), tuple(numbered))

    def choose(self, number: int) -> dict[str, Any] | None:
        """What is to be sent as ``invoke_input`` for this button."""
        if not 1 <= number <= len(self._actions):
            return None
        return self._actions[number - 1]

    def end_turn(self) -> None:
        """The turn is over: the buttons of the next one are numbered anew."""
        self._turn_is_over = True


def unwrap(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The agent's own event in a ``response.invocation.delta``, where it is still in one.

    Some hosts send it as the text of a server-sent event, ``data: {…}``.
    """
    payload: Any = event.get("delta") if event.get("type") == "response.invocation.delta" else event
    if isinstance(payload, str):
        text = payload.strip().removeprefix("data:").strip()
        try:
            payload = json.loads(text)
        except ValueError:
            return {"text": text}
    return payload if isinstance(payload, Mapping) else {"text": str(payload)}


def _list(payload: Mapping[str, Any], name: str) -> list[Any]:
    value = payload.get(name)
    return value if isinstance(value, list) else []


def _lines(payload: Mapping[str, Any]) -> list[str]:
    lines = [str(line) for line in _list(payload, "lines")]
    for name, value in payload.items():
        if name in ("type", "title", "lines", "buttons", "actions"):
            continue
        if isinstance(value, str | int | float):
            lines.append(str(value) if name == "text" else f"{name}: {value}")
        elif value is not None:
            text = json.dumps(value, ensure_ascii=False, default=str)
            lines.append(
                f"{name}: {text if len(text) <= NESTED_LIMIT else text[:NESTED_LIMIT] + '…'}"
            )
    return lines
