"""Translation of one session's events: Voice Live's names towards OpenAI Realtime GA, and back.

The session speaks Voice Live; a client at another address reads and writes GA. Both directions
are pure, but for what one event needs of those before it: the settings that an update changes,
which items are open, and how long an utterance was. Sources: openai 3.52 ``types.realtime``,
azure-ai-projects 2.10 ``VoiceAgentServerEvent…``.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from voicelive_agent.wire.realtime.items import is_open, read_item, write_item
from voicelive_agent.wire.realtime.settings import (
    PARAMS,
    read_response,
    read_session,
    write_response,
    write_session,
)

Event = dict[str, Any]

_NAMES = {
    "conversation.item.created": "conversation.item.added",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
}
"""Server events that have another name in GA."""
_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_KNOWN_UTTERANCES = 64
_RESPONSE_ITEMS = ("input_items", "append_input_items")


class RealtimeTranslation:
    """Between one session and its client."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        """``new_id`` makes the ids of events that Voice Live doesn't have."""
        self._new_id = new_id
        self._settings: Mapping[str, Any] = {}
        self._open_items: dict[str, Any] = {}
        self._started_ms: OrderedDict[str, int] = OrderedDict()
        self._duration_ms: OrderedDict[str, int] = OrderedDict()

    # From the client.

    def read(self, event: Any) -> tuple[Any, list[str]]:
        """A client's event in Voice Live's names, and the paths of its members without effect.

        What is no event is given back, for the session to refuse. Raises ProtocolError.
        """
        ignored: list[str] = []
        if not isinstance(event, dict):
            return event, ignored
        session, response = event.get("session"), event.get("response")
        match event.get("type"):
            case "session.update" if isinstance(session, Mapping):
                event = self._read_update(event, session, ignored)
            case "response.create" if isinstance(response, Mapping):
                read = read_response(response, self._settings, ignored.append)
                event = {**event, "response": _read_response_items(read)}
            case "conversation.item.create":
                event = {**event, "item": read_item(event.get("item"))}
        return event, ignored

    def _read_update(self, event: Event, session: Mapping[str, Any], ignored: list[str]) -> Event:
        read = {**event, "session": read_session(session, self._settings, ignored.append)}
        if session.get("type") == "transcription":
            read["type"] = "transcription_session.update"
        return read

    # To the client.

    def write(self, event: Mapping[str, Any]) -> list[Event]:
        """A session's event in GA's names; an item that is complete is told twice, as there."""
        written = dict(event)
        written["type"] = type_ = _NAMES.get(event["type"], event["type"])
        match type_:
            case "session.created" | "session.updated":
                self._settings = event["session"]
                written["session"] = write_session(event["session"])
            case "response.created" | "response.done":
                written["response"] = _write_response_items(event["response"])
            case "error" | "warning":
                written[type_] = _rename_param(event[type_])
            case "conversation.item.added":
                return self._write_added(written)
            case "conversation.item.retrieved" | "response.output_item.added":
                written["item"] = write_item(event["item"])
            case "response.output_item.done":
                return self._write_done(written)
            case _:
                self._write_utterance(written)
        return [written]

    def _write_added(self, event: Event) -> list[Event]:
        event["item"] = item = write_item(event["item"])
        if is_open(item):
            self._open_items[item["id"]] = event["previous_item_id"]
            return [event]
        return [event, self._item_done(item, event["previous_item_id"])]

    def _write_done(self, event: Event) -> list[Event]:
        event["item"] = item = write_item(event["item"])
        if item["id"] not in self._open_items:
            # It belongs to no conversation.
            return [event]
        return [event, self._item_done(item, self._open_items.pop(item["id"]))]

    def _item_done(self, item: Event, previous_item_id: str | None) -> Event:
        return {
            "type": "conversation.item.done",
            "event_id": self._new_id("event"),
            "previous_item_id": previous_item_id,
            "item": item,
        }

    def _write_utterance(self, event: Event) -> None:
        """GA tells with a transcript how much audio it was made of."""
        match event["type"]:
            case "input_audio_buffer.speech_started":
                _keep(self._started_ms, event["item_id"], event["audio_start_ms"])
            case "input_audio_buffer.speech_stopped":
                started_ms = self._started_ms.pop(event["item_id"], event["audio_end_ms"])
                _keep(self._duration_ms, event["item_id"], event["audio_end_ms"] - started_ms)
            case type_ if type_ == f"{_TRANSCRIPTION}.completed":
                seconds = self._duration_ms.pop(event["item_id"], 0) / 1000
                event["usage"] = {"type": "duration", "seconds": seconds}


def _keep(values: OrderedDict[str, int], item_id: str, value: int) -> None:
    values[item_id] = value
    while len(values) > _KNOWN_UTTERANCES:
        values.popitem(last=False)


def _read_response_items(response: dict[str, Any]) -> dict[str, Any]:
    for name in _RESPONSE_ITEMS:
        if isinstance(response.get(name), list):
            response[name] = [read_item(item) for item in response[name]]
    prepared = "pre_generated_assistant_message"
    if prepared in response:
        response[prepared] = read_item(response[prepared])
    return response


def _write_response_items(response: Mapping[str, Any]) -> Event:
    written = write_response(response)
    return {**written, "output": [write_item(item) for item in response["output"]]}


def _rename_param(told: Mapping[str, Any]) -> Event:
    """An error or warning about the member that the client knows by GA's path."""
    param = told["param"]
    if not isinstance(param, str):
        return dict(told)
    for ours, ga in PARAMS.items():
        if param == ours or param.startswith((f"{ours}.", f"{ours}[")):
            renamed = ga + param[len(ours) :]
            return {**told, "param": renamed, "message": told["message"].replace(param, renamed)}
    return dict(told)
