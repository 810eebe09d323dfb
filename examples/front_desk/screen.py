"""What the caller sees: cards, and buttons whose action comes back as it was sent.

A client shows ``{"type": "ui.buttons", "buttons": [{"label": …, "action": {…}}]}`` and sends the
action of the button that was chosen as Voice Live's ``invoke_input``.
"""

from typing import Any

from voicelive_agent.agent import ClientEvent


def card(title: str, lines: list[str]) -> ClientEvent:
    return ClientEvent("ui.card", title=title, lines=lines)


def buttons(*labelled: tuple[str, dict[str, Any]]) -> ClientEvent:
    return ClientEvent(
        "ui.buttons", buttons=[{"label": label, "action": action} for label, action in labelled]
    )


def click(action: str, **details: Any) -> dict[str, Any]:
    """The action of a button."""
    return {"type": "click", "action": action, **details}
