"""Answers of the Responses protocol: a turn as server-sent events, or as one JSON object."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from voicelive_agent.server.conversations import TurnRecord
from voicelive_agent.server.engine.ending import Ending, find_ending
from voicelive_agent.server.engine.events import (
    Delta,
    EngineEvent,
    Failed,
    Finished,
    Shown,
    SpeechDone,
)
from voicelive_agent.server.engine.listener import Listener
from voicelive_agent.server.wires.invocations.stream import describe_failure
from voicelive_agent.server.wires.turn_stream import TurnStream, Write
from voicelive_agent.wire.responses import Status, TextResponseWriter, describe_response

logger = logging.getLogger(__name__)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_INCOMPLETE = {
    Ending.CONTENT_FILTERED: "content_filter",
    Ending.ANSWER_TOO_LONG: "max_output_tokens",
}
_told_of_events = False


def describe_turn(record: TurnRecord, why: str = "") -> dict[str, Any]:
    """A turn as the ``response`` object; ``why`` tells a developer how it failed."""
    request = record.request or {}
    status, incomplete = find_status(record)
    failure = {**describe_failure(record.reason, why), "code": "server_error"}
    return describe_response(
        record.invocation_id,
        request.get("echo", {}),
        status,
        record.started_at,
        text="" if status in ("in_progress", "cancelled") else record.reply,
        completed_at=record.ended_at if status == "completed" else None,
        error=failure if status == "failed" else None,
        incomplete=incomplete,
    )


def find_status(record: TurnRecord) -> tuple[Status, str]:
    """A turn's status in this protocol's words, and why it is incomplete where it is."""
    if record.status == "running":
        return "in_progress", ""
    ending = find_ending(record.reason)
    if ending in _INCOMPLETE:
        return "incomplete", _INCOMPLETE[ending]
    if record.status != "cancelled":
        return record.status, ""
    return ("cancelled", "") if ending is Ending.CANCELLED else ("incomplete", ending.value)


class ResponseStream(TurnStream):
    """The events of a response; those up to number ``after`` were sent before."""

    def __init__(
        self, listener: Listener, keepalive_seconds: float, send_timeout: float, after: int = -1
    ) -> None:
        super().__init__(listener, keepalive_seconds, send_timeout)
        self.raw_headers.append((b"connection", b"keep-alive"))
        record = listener.record
        echo = (record.request or {}).get("echo", {})
        self._writer = TextResponseWriter(record.invocation_id, echo, record.started_at, after)
        self._why = ""

    def opening(self) -> bytes:
        return self._writer.write_start().encode("utf-8", "replace")

    def encode(self, batch: Sequence[EngineEvent]) -> bytes:
        # A lone surrogate is no character; it must not cost the rest of the answer.
        return "".join(map(self._write, batch)).encode("utf-8", "replace")

    def _write(self, event: EngineEvent) -> str:
        if type(event) is Delta:
            return self._writer.write_delta(event)
        if isinstance(event, SpeechDone):
            return self._writer.write_text_end(event.text)
        if isinstance(event, Finished):
            return self._writer.write_end(describe_turn(event.record, self._why))
        if isinstance(event, Failed):
            self._why = event.why
        if isinstance(event, Shown):
            _tell_of_events()
        return ""


class WholeResponse(TurnStream):
    """A response as one JSON object, once it has ended."""

    async def write_all(self, write: Write) -> None:
        why, record = "", self.listener.record
        async with aclosing(self.listener.events()) as events:
            async for batch in events:
                for event in batch:
                    if isinstance(event, Failed):
                        why = event.why
                    elif isinstance(event, Finished):
                        record = event.record
        body = encode_object(describe_turn(record, why))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await write({"type": "http.response.start", "status": 200, "headers": headers})
        await write({"type": "http.response.body", "body": body})


def encode_object(value: Mapping[str, Any]) -> bytes:
    """JSON as it is sent; a lone surrogate is no character."""
    return _encode(value).encode("utf-8", "replace")


def _tell_of_events() -> None:
    global _told_of_events
    if not _told_of_events:
        _told_of_events = True
        logger.warning(
            "the agent yields client events, for which the Responses protocol has no place: they"
            " reach a screen over the Invocations protocol only"
        )
