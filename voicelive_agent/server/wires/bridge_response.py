"""A response over the Bridge: the events of its turn as messages."""

from collections.abc import Iterator
from typing import Any

from voicelive_agent.server.engine.events import (
    CallEnded,
    Delta,
    EngineEvent,
    Failed,
    Finished,
    SpeechDone,
    VoiceChanged,
)
from voicelive_agent.server.engine.turn import RunningTurn
from voicelive_agent.server.wires.invocations_stream import describe_failure
from voicelive_agent.wire.bridge import messages as bridge

_LONGEST_DELTA = 60_000
"""Characters: with the longest escapes it fits in a frame."""


class Response:
    """What is being answered, or announced: one item of text."""

    def __init__(self, turn: RunningTurn, inputs: list[str], admitted: str | None = None) -> None:
        """``inputs`` are what it replies to; ``admitted`` is the id of one that replies to none."""
        self.turn = turn
        self.listener = turn.listen()
        self.inputs = inputs
        self.id = admitted or bridge.new_id("r_")
        self.created = admitted is not None
        self.over = False
        """Whether nothing more of it may be sent."""
        self._item_id = bridge.new_id("it_")
        self._has_item = False
        self._voice: dict[str, Any] | None = None
        self._end_call: bridge.EndCall | None = None

    def write(self, event: EngineEvent) -> Iterator[str]:
        """The frames of an event of the engine."""
        if isinstance(event, Delta):
            yield from self._write_text(_clean(event.text))
            return
        for message in self._tell(event):
            yield bridge.encode(message)

    def _tell(self, event: EngineEvent) -> Iterator[bridge.ForBridge]:
        if isinstance(event, VoiceChanged):
            self._voice = {**(self._voice or {}), **event.patch}
        elif isinstance(event, Failed):
            told = describe_failure(event.ending.value, event.why)
            response_id = self.id if self.created else None
            yield bridge.AgentError(
                code=told["code"], message=told["message"], response_id=response_id
            )
        elif isinstance(event, SpeechDone) and self._has_item:
            yield bridge.OutputTextDone(
                response_id=self.id, item_id=self._item_id, text=_clean(event.text)
            )
        elif isinstance(event, CallEnded):
            self._end_call = bridge.EndCall(reason=event.reason or "agent_ended")
        elif isinstance(event, Finished):
            yield self._finish()
            if self._end_call is not None:
                yield self._end_call
        # What is for a screen has no place in this protocol.

    def give_up(self, reason: str) -> bridge.ForBridge:
        """What tells the Bridge that no more comes; nothing more of it may be sent."""
        self.over = True
        if self.created:
            return bridge.ResponseCancel(response_id=self.id, reason=reason)
        return bridge.ResponseNone(in_reply_to=self.inputs, reason=reason)

    def _finish(self) -> bridge.ForBridge:
        if self.created:
            return bridge.ResponseDone(response_id=self.id)
        return bridge.ResponseNone(in_reply_to=self.inputs, reason="no_reply_needed")

    def _write_text(self, text: str) -> Iterator[str]:
        if not self.created:
            self.created = True
            created = bridge.ResponseCreated(response_id=self.id, in_reply_to=self.inputs)
            yield bridge.encode(created)
        for start in range(0, len(text), _LONGEST_DELTA):
            self._has_item = True
            yield self._write_delta(text[start : start + _LONGEST_DELTA])

    def _write_delta(self, text: str) -> str:
        voice, self._voice = self._voice, None
        if voice is None:
            return bridge.write_delta(self.id, self._item_id, text)
        return bridge.encode(
            bridge.OutputTextDelta(
                response_id=self.id, item_id=self._item_id, delta=text, voice=voice
            )
        )


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which no frame may hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
