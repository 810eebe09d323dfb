"""Text as it enters the client: whole characters, whoever cut it where.

Agents on JavaScript, C# and Java cut between the two halves of a character outside the Basic
Multilingual Plane, and JSON carries each half by itself. No UTF-8 has such halves, so writing one
raises. Those of one item's deltas are joined, and what is left alone becomes U+FFFD.
"""

from collections import OrderedDict
from typing import Any

from voicelive_agent.client.core.protocol import Event

_REMEMBERED = 64
_FIRST_HALVES = ("\ud800", "\udbff")
_AUDIO = "response.audio.delta"


def clean_text(text: str) -> str:
    """``text`` with halves that belong together joined, and others as U+FFFD."""
    # ASCII has none, and most text by far is that.
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class WholeCharacters:
    """Cleans the events of one connection; a first half at a delta's end waits for the next."""

    def __init__(self) -> None:
        self._halves: OrderedDict[tuple[str, str], str] = OrderedDict()

    def clean(self, event: Event) -> Event:
        kind, delta = event["type"], event.get("delta")
        if kind == _AUDIO:
            return event
        if isinstance(delta, str):
            event = {**event, "delta": self._join((kind, str(event.get("item_id"))), delta)}
        return {clean_text(name): _clean(value) for name, value in event.items()}

    def _join(self, of: tuple[str, str], delta: str) -> str:
        text = self._halves.pop(of, "") + delta
        if text and _FIRST_HALVES[0] <= text[-1] <= _FIRST_HALVES[1]:
            self._halves[of] = text[-1]
            if len(self._halves) > _REMEMBERED:
                self._halves.popitem(last=False)
            return text[:-1]
        return text


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {clean_text(name): _clean(member) for name, member in value.items()}
    return value
