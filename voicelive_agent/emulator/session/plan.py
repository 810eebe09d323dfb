"""Collects the effects of one fact, in order; all parts of the session write to it."""

import base64
from collections.abc import Callable, Iterable
from typing import Any

from voicelive_agent.emulator.session.effects import Effect, Send
from voicelive_agent.emulator.session.facts import Warned
from voicelive_agent.wire.voice_live.shapes import ProtocolError

MOST_WARNINGS = 200
"""So many are remembered; others are told each time."""


class Plan:
    """The effects of one fact, in their order."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self.now_ms = 0.0
        self.new_id = new_id
        """A fresh id with a prefix: ``new_id("item")`` is ``item_…``."""
        self._effects: list[Effect] = []
        self._warned: set[tuple[str, str | None, str | None]] = set()

    def send(self, type: str, *, audio: bytes = b"", **fields: Any) -> None:
        """A server event. What it holds must not change afterwards: hand over copies.

        ``audio`` goes out as its ``delta``, in base64.
        """
        if audio:
            fields["delta"] = base64.b64encode(audio).decode()
        event = {"type": type, "event_id": self.new_id("event"), **fields}
        self._effects.append(Send(event, audio))

    def do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def fail(self, error: ProtocolError, client_event_id: str | None = None) -> None:
        self.send("error", error=error.describe(client_event_id))

    def warn(self, message: str, code: str | None = None, param: str | None = None) -> None:
        """A ``warning`` event; once in a session, for what each turn would repeat."""
        told = (message, code, param)
        if told in self._warned:
            return
        if len(self._warned) < MOST_WARNINGS:
            self._warned.add(told)
        self.send("warning", warning={"message": message, "code": code, "param": param})

    def warn_all(self, found: Iterable[Warned]) -> None:
        for warned in found:
            self.warn(warned.message, warned.code, warned.param)

    def take(self) -> list[Effect]:
        """The effects so far; the plan is empty then."""
        effects, self._effects = self._effects, []
        return effects
