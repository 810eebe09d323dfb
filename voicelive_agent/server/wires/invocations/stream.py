"""Answers of the Invocations protocol: the events of a turn as Voice Live reads them."""

from collections.abc import Iterable, Sequence

from voicelive_agent.server.engine.events import (
    CallEnded,
    Delta,
    EngineEvent,
    Failed,
    Shown,
    SpeechDone,
    VoiceChanged,
)
from voicelive_agent.server.wires.turn_stream import TurnStream
from voicelive_agent.wire.invocations import (
    AGENT_ERROR,
    END_CALL,
    LAST_EVENT,
    write_delta,
    write_encoded_event,
    write_event,
    write_speech_done,
)


def encode_events(events: Iterable[EngineEvent]) -> bytes:
    """Events as Voice Live reads them."""
    text = "".join(
        [
            # Most are deltas by far, so these are asked for first.
            write_delta(event) if type(event) is Delta else _encode_event(event)
            for event in events
        ]
    )
    # A lone surrogate is no character; it must not cost the rest of the answer.
    return text.encode("utf-8", "replace")


def _encode_event(event: EngineEvent) -> str:
    if isinstance(event, Shown):
        return write_encoded_event(event.text)
    if isinstance(event, SpeechDone):
        return write_speech_done(event.text)
    if isinstance(event, CallEnded):
        return write_event({"type": END_CALL, "reason": event.reason})
    if isinstance(event, Failed):
        return write_event(
            {"type": AGENT_ERROR, "error": describe_failure(event.ending.value, event.why)}
        )
    if isinstance(event, VoiceChanged):
        # This protocol has no way to tell it.
        return ""
    return LAST_EVENT


def describe_failure(code: str, why: str = "") -> dict[str, str]:
    """A code and a sentence: to others than the developer, nothing of what is inside."""
    return {"code": code, "message": why or f"This turn failed: {code}."}


class InvocationsStream(TurnStream):
    """A turn as Invocations tells it."""

    def encode(self, batch: Sequence[EngineEvent]) -> bytes:
        return encode_events(batch)
