"""Feed of one session: its events of both directions without their audio, and its turns."""

from collections.abc import Mapping
from typing import Any

from voicelive_agent.emulator.watch.feed import Feed
from voicelive_agent.emulator.watch.marks import MarkedTurn

_APPENDED_WITHIN_MS = 250.0
"""So long a stretch of appended audio is one event: there may be 100 in a second."""
_APPEND = "input_audio_buffer.append"
_APPENDS = frozenset((_APPEND, "input_audio.turn.append"))
_HOLD_ITEMS = frozenset(
    (
        "conversation.item.create",
        "conversation.item.created",
        "conversation.item.retrieved",
        "response.create",
    )
)
_SOUND_PARTS = frozenset(("input_audio", "audio", "output_audio"))


class SessionFeed:
    """Told by the session's journal; ``feed`` is what readers follow."""

    def __init__(self) -> None:
        self.feed = Feed()
        self._appended: dict[str, Any] | None = None
        self._appended_at_ms = 0.0

    def open(self, summary: Mapping[str, Any]) -> None:
        self.feed.add("opened", summary)

    def close(self, summary: Mapping[str, Any]) -> None:
        self._add("closed", summary)
        self.feed.end()

    def add_client(self, at_ms: float, event: Any) -> None:
        """A frame of the client: an event, or the text of what is no JSON."""
        if isinstance(event, dict) and _kind_of(event) in _APPENDS:
            self._append(at_ms, event)
        else:
            self._add("client", {"at_ms": round(at_ms, 1), "event": without_audio(event)})

    def add_server(self, at_ms: float, event: Mapping[str, Any], audio: bytes) -> None:
        shown = {**event, "delta": "", "audio_bytes": len(audio)} if audio else without_audio(event)
        self._add("server", {"at_ms": round(at_ms, 1), "event": shown})

    def add_turn(self, at_ms: float, turn: MarkedTurn) -> None:
        self._add("turn", {"at_ms": round(at_ms, 1), "turn": turn.as_json()})

    def _append(self, at_ms: float, event: Mapping[str, Any]) -> None:
        audio = event.get("audio")
        size = _decoded_size(audio) if isinstance(audio, str) else 0
        if self._appended is None:
            # What else stands in it, say its turn, is that of the first.
            shown = {**event, "audio": "", "audio_bytes": 0, "frames": 0}
            self._appended, self._appended_at_ms = shown, at_ms
        self._appended["audio_bytes"] += size
        self._appended["frames"] += 1
        if at_ms - self._appended_at_ms >= _APPENDED_WITHIN_MS:
            self._tell_appended()

    def _add(self, kind: str, data: Mapping[str, Any]) -> None:
        self._tell_appended()
        self.feed.add(kind, data)

    def _tell_appended(self) -> None:
        appended, self._appended = self._appended, None
        if appended is not None:
            data = {"at_ms": round(self._appended_at_ms, 1), "event": appended}
            self.feed.add("client", data)


def without_audio(event: Any) -> Any:
    """An event of either side with ``""`` for its audio, beside how many bytes there were."""
    if not isinstance(event, Mapping):
        return event
    kind = _kind_of(event)
    if kind in _APPENDS:
        return _strip(event, "audio")
    if kind == "response.audio.delta":
        return _strip(event, "delta")
    return _strip_parts(event) if kind in _HOLD_ITEMS else event


def _kind_of(value: Mapping[str, Any]) -> str:
    """A client may send anything as its type."""
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""


def _strip(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    audio = value.get(name)
    if not isinstance(audio, str):
        return dict(value)
    return {**value, name: "", "audio_bytes": _decoded_size(audio)}


def _strip_parts(value: Any) -> Any:
    if isinstance(value, Mapping):
        stripped = {name: _strip_parts(one) for name, one in value.items()}
        is_sound = _kind_of(value) in _SOUND_PARTS
        return _strip(stripped, "audio") if is_sound and value.get("audio") else stripped
    return [_strip_parts(one) for one in value] if isinstance(value, list) else value


def _decoded_size(base64_text: str) -> int:
    return len(base64_text) * 3 // 4 - base64_text[-2:].count("=")
