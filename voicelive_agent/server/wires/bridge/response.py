"""A response over the Bridge: the events of its turn as frames."""

from collections.abc import Iterator, Sequence
from typing import Any

from voicelive_agent.server.conversations import TurnRecord
from voicelive_agent.server.engine.ending import find_ending
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
from voicelive_agent.server.wires.invocations.stream import describe_failure
from voicelive_agent.wire.bridge import messages as bridge
from voicelive_agent.wire.bridge.answer_frames import (
    write_created,
    write_delta,
    write_done,
    write_text_done,
)

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
        self.ended = False
        """Whether its last frame was written."""
        self.said = False
        """Whether that says that all of it was."""
        self._item_id = bridge.new_id("it_")
        self._has_item = False
        self._voice: dict[str, Any] | None = None
        self._end_call: bridge.EndCall | None = None

    def write(self, batch: Sequence[EngineEvent]) -> list[str]:
        """The frames of some events of the engine."""
        frames: list[str] = []
        for event in batch:
            if type(event) is Delta:
                self._add_text(_clean(event), frames)
            elif isinstance(event, SpeechDone):
                if self._has_item:
                    text = _clean(event.text)
                    frames.append(write_text_done(self.id, self._item_id, text))
            elif isinstance(event, Finished):
                frames += self._end(event.record)
            else:
                frames += map(bridge.encode, self._tell(event))
        return frames

    def _tell(self, event: EngineEvent) -> Iterator[bridge.ForBridge]:
        if isinstance(event, VoiceChanged):
            self._voice = {**(self._voice or {}), **event.patch}
        elif isinstance(event, Failed):
            told = describe_failure(event.ending.value, event.why)
            response_id = self.id if self.created else None
            yield bridge.AgentError(
                code=told["code"], message=told["message"], response_id=response_id
            )
        elif isinstance(event, CallEnded):
            self._end_call = bridge.EndCall(reason=event.reason or "agent_ended")
        # What is for a screen has no place in this protocol.

    def give_up(self, reason: str) -> bridge.ForBridge:
        """What tells the Bridge that no more comes; nothing more of it may be sent."""
        self.over = True
        return self._take_back(reason)

    def _take_back(self, reason: str) -> bridge.ForBridge:
        if self.created:
            return bridge.ResponseCancel(response_id=self.id, reason=reason)
        return bridge.ResponseNone(in_reply_to=self.inputs, reason=reason)

    def _end(self, record: TurnRecord) -> Iterator[str]:
        self.ended = True
        if find_ending(record.reason).is_abrupt:
            # By somebody else: a second call of the conversation, or another replica's.
            yield bridge.encode(self._take_back(record.reason))
            return
        self.said = True
        if self.created:
            yield write_done(self.id)
        else:
            none = bridge.ResponseNone(in_reply_to=self.inputs, reason="no_reply_needed")
            yield bridge.encode(none)
        if self._end_call is not None:
            yield bridge.encode(self._end_call)

    def _add_text(self, text: str, frames: list[str]) -> None:
        if not self.created:
            self.created = True
            frames.append(write_created(self.id, self.inputs))
        for start in range(0, len(text), _LONGEST_DELTA):
            self._has_item = True
            frames.append(self._write_delta(text[start : start + _LONGEST_DELTA]))

    def _write_delta(self, text: str) -> str:
        voice, self._voice = self._voice, None
        if voice is None:
            return write_delta(self.id, self._item_id, text)
        return bridge.encode(
            bridge.OutputTextDelta(
                response_id=self.id, item_id=self._item_id, delta=text, voice=voice
            )
        )


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which no frame may hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
