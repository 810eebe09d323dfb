"""Turns of a recorded session: what was said, done and answered in each, out of its events."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from voicelive_agent.emulator.watch.replay import Events
from voicelive_agent.wire.audio.formats import AudioFormatError, parse_output_format

TurnKind = Literal["greeting", "speech", "text", "action"]

LATENCIES = {
    "conversation.item.input_audio_transcription.completed": "transcript",
    "response.created": "response_created",
    "response.audio_transcript.delta": "first_text",
    "response.text.delta": "first_text",
    "response.audio.delta": "first_audio",
}


@dataclass(slots=True)
class RecordedTurn:
    """One thing that the person said or did, and the answer."""

    kind: TurnKind
    user_text: str | None = None
    action: Any = None
    """What a click sent."""
    agent_texts: list[str] = field(default_factory=list)
    client_events: list[Mapping[str, Any]] = field(default_factory=list)
    """What the agent had shown."""
    error_codes: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    """Types of the server's events, deltas left out."""
    latency_ms: dict[str, float] = field(default_factory=dict)
    """From the end of what the person did to the first of each of ``LATENCIES``."""
    cut_after_ms: int | None = None
    """So much of the answer was heard when the person interrupted it."""
    first_sound_ms: float | None = None
    heard_until_ms: float = 0.0
    """When a client that plays in real time has played the answer."""
    item_ids: set[str] = field(default_factory=set)
    response_ids: set[str] = field(default_factory=set)
    ended_ms: float | None = None

    @property
    def agent_text(self) -> str:
        return " ".join(self.agent_texts)

    def describe(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "user_text": self.user_text,
            "agent_text": self.agent_text,
            "events": self.events,
            "latency_ms": {
                name: self.latency_ms.get(name) for name in dict.fromkeys(LATENCIES.values())
            },
        }


def read_turns(events: Events) -> list[RecordedTurn]:
    """The turns in their order; what comes before the first belongs to none."""
    reader = _TurnReader()
    for line in events.lines:
        if not isinstance(line.event, Mapping):
            continue
        if line.side == "client":
            reader.take_client(line.at_ms, line.event)
        else:
            reader.take_server(line.at_ms, line.event)
    return reader.turns


class _TurnReader:
    def __init__(self) -> None:
        self.turns: list[RecordedTurn] = []
        self._session: Mapping[str, Any] = {}

    def take_client(self, at_ms: float, event: Mapping[str, Any]) -> None:
        if event.get("type") == "conversation.item.create":
            text = _typed_text(event.get("item"))
            if text is not None:
                self._begin(RecordedTurn("text", user_text=text, ended_ms=at_ms))
        elif event.get("type") == "response.create":
            response = event.get("response")
            action = response.get("invoke_input") if isinstance(response, Mapping) else None
            if action is not None:
                self._begin(RecordedTurn("action", action=action, ended_ms=at_ms))

    def take_server(self, at_ms: float, event: Mapping[str, Any]) -> None:
        kind = str(event.get("type"))
        if kind in ("session.created", "session.updated"):
            self._session = _mapping(event.get("session"))
        elif kind == "input_audio_buffer.speech_started":
            self._note_barge_in(at_ms)
        turn = self._find(kind, event, at_ms)
        if turn is None:
            return
        self._note_item(turn, kind, event, at_ms)
        self._note_answer(turn, kind, event, at_ms)
        if (name := LATENCIES.get(kind)) and turn.ended_ms is not None:
            turn.latency_ms.setdefault(name, round(at_ms - turn.ended_ms, 1))
        if not kind.endswith(".delta"):
            turn.events.append(_outline(kind, event))

    def _find(self, kind: str, event: Mapping[str, Any], at_ms: float) -> RecordedTurn | None:
        """The turn that an event belongs to, which may begin with it."""
        response_id = _id(event.get("response_id")) or _id(_member(event, "response", "id"))
        item_id = _id(event.get("item_id")) or _id(_member(event, "item", "id"))
        for turn in reversed(self.turns):
            if response_id in turn.response_ids or item_id in turn.item_ids:
                # Of what belongs to an answer, some events name the item alone.
                turn.item_ids |= {item_id} if item_id else set()
                return turn
        if kind in ("input_audio_buffer.speech_started", "input_audio_buffer.committed"):
            return self._begin(RecordedTurn("speech", item_ids={item_id}))
        if kind == "response.created":
            answered = self._find_unanswered() or self._begin(
                RecordedTurn("greeting", ended_ms=at_ms)
            )
            answered.response_ids.add(response_id)
            return answered
        return self.turns[-1] if self.turns else None

    def _find_unanswered(self) -> RecordedTurn | None:
        """The last turn that has ended and has no answer yet, as the session takes it too."""
        return next(
            (
                turn
                for turn in reversed(self.turns)
                if not turn.response_ids and turn.ended_ms is not None
            ),
            None,
        )

    def _note_barge_in(self, at_ms: float) -> None:
        """An answer that was sent long ago may be heard still."""
        detection = _mapping(self._session.get("turn_detection"))
        if detection.get("interrupt_response") is False or not self.turns:
            return
        turn = self.turns[-1]
        if turn.first_sound_ms is not None and at_ms < turn.heard_until_ms:
            turn.cut_after_ms = round(at_ms - turn.first_sound_ms)

    def _note_sound(self, turn: RecordedTurn, event: Mapping[str, Any], at_ms: float) -> None:
        if turn.first_sound_ms is None:
            turn.first_sound_ms = turn.heard_until_ms = at_ms
        size_bytes = len(str(event.get("delta") or "")) * 3 // 4
        name = self._session.get("output_audio_format") or "pcm16"
        with contextlib.suppress(AudioFormatError):
            turn.heard_until_ms += parse_output_format(str(name)).duration_ms(size_bytes)

    def _begin(self, turn: RecordedTurn) -> RecordedTurn:
        self.turns.append(turn)
        return turn

    def _note_item(
        self, turn: RecordedTurn, kind: str, event: Mapping[str, Any], at_ms: float
    ) -> None:
        if kind == "conversation.item.created" and turn.kind == "text" and not turn.item_ids:
            turn.item_ids.add(_id(_member(event, "item", "id")))
        elif kind in ("input_audio_buffer.speech_stopped", "input_audio_buffer.committed"):
            turn.ended_ms = at_ms if turn.ended_ms is None else turn.ended_ms
        elif kind == "conversation.item.input_audio_transcription.completed":
            turn.user_text = str(event.get("transcript") or "")

    def _note_answer(
        self, turn: RecordedTurn, kind: str, event: Mapping[str, Any], at_ms: float
    ) -> None:
        if kind == "response.audio.delta":
            self._note_sound(turn, event, at_ms)
        elif kind in ("response.audio_transcript.done", "response.text.done"):
            text = event.get("transcript", event.get("text"))
            turn.agent_texts += [str(text)] if text else []
        elif kind == "response.invocation.delta":
            shown = event.get("delta")
            turn.client_events += [shown] if isinstance(shown, Mapping) else []
        elif kind == "error":
            turn.error_codes.append(str(_member(event, "error", "code")))
        elif kind == "conversation.item.truncated":
            heard_ms = event.get("audio_end_ms")
            turn.cut_after_ms = heard_ms if isinstance(heard_ms, int) else None
        elif kind == "response.done" and _is_interrupted(event) and turn.first_sound_ms is not None:
            turn.cut_after_ms = turn.cut_after_ms or round(at_ms - turn.first_sound_ms)


def _is_interrupted(event: Mapping[str, Any]) -> bool:
    details = _member(event, "response", "status_details")
    return isinstance(details, Mapping) and details.get("reason") == "turn_detected"


def _typed_text(item: Any) -> str | None:
    if not isinstance(item, Mapping) or item.get("role") != "user":
        return None
    parts = item.get("content")
    texts = [
        str(part.get("text") or "")
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, Mapping) and part.get("type") == "input_text"
    ]
    return " ".join(texts) if texts else None


def _outline(kind: str, event: Mapping[str, Any]) -> str:
    if kind == "response.done":
        return f"{kind} ({_member(event, 'response', 'status')})"
    return f"{kind} ({_member(event, 'error', 'code')})" if kind == "error" else kind


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _id(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _member(event: Mapping[str, Any], name: str, member: str) -> Any:
    value = event.get(name)
    return value.get(member) if isinstance(value, Mapping) else None
