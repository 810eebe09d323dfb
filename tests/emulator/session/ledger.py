"""What a careful client notes of a session's events."""

import json
from collections import defaultdict
from typing import Any

from voicelive_agent.wire.voice_live.frames import encode_event


class Ledger:
    """What a careful client notes of the events, and the promises that it holds them to."""

    def __init__(self) -> None:
        self.event_ids: set[str] = set()
        self.active: str | None = None
        self.over: set[str] = set()
        self.open_items: dict[str, str] = {}
        self.closed_items: set[str] = set()
        self.open_parts: set[str] = set()
        self.deltas: dict[tuple[str, str], str] = defaultdict(str)
        self.known_items: set[str] = set()
        self.answered_errors = 0
        self.count = 0

    def take(self, event: dict[str, Any]) -> None:
        self.count += 1
        json.loads(encode_event(event))
        assert event["event_id"] not in self.event_ids
        self.event_ids.add(event["event_id"])
        type_ = event["type"]
        if self.count == 1:
            assert type_ == "session.created"
        response_id = event.get("response_id")
        if response_id is not None:
            assert response_id == self.active, "an event of a response that is not active"
        if type_ == "response.invocation.delta":
            assert self.active is not None
        if type_ == "response.created":
            self._begin(event["response"])
        elif type_ == "response.done":
            self._end(event["response"])
        elif type_ == "response.output_item.added":
            item_id = event["item"]["id"]
            assert item_id not in self.open_items
            assert item_id not in self.closed_items
            self.open_items[item_id] = event["item"]["type"]
        elif type_ == "response.output_item.done":
            item_id = event["item"]["id"]
            del self.open_items[item_id]
            self.closed_items.add(item_id)
            assert item_id not in self.open_parts
            assert event["item"]["status"] in ("completed", "incomplete")
        elif type_ == "response.content_part.added":
            self.open_parts.add(event["item_id"])
        elif type_ == "response.content_part.done":
            self.open_parts.remove(event["item_id"])
        elif type_.startswith("response."):
            self._take_piece(type_, event)
        elif type_ == "conversation.item.created":
            self._take_item(event)
        elif type_ == "conversation.item.deleted":
            self.known_items.discard(event["item_id"])

    def _begin(self, response: dict[str, Any]) -> None:
        assert self.active is None, "two responses are active"
        assert response["id"] not in self.over
        assert response["status"] == "in_progress"
        self.active = response["id"]

    def _end(self, response: dict[str, Any]) -> None:
        assert response["id"] == self.active
        assert not self.open_items, "added, and never done"
        assert not self.open_parts
        assert response["status"] in ("completed", "cancelled", "failed", "incomplete")
        assert (response["status_details"] is None) == (response["status"] == "completed")
        usage = response["usage"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        if response["status"] == "completed":
            assert all(item["status"] == "completed" for item in response["output"])
        self.over.add(response["id"])
        self.active = None

    def _take_piece(self, type_: str, event: dict[str, Any]) -> None:
        if "item_id" not in event:
            return
        item_id = event["item_id"]
        assert item_id in self.open_items
        name, _, stage = type_.rpartition(".")
        if "content_index" in event:
            assert item_id in self.open_parts
        if stage == "delta":
            assert event.get("delta") != ""
            self.deltas[item_id, name] += str(event.get("delta", ""))
        elif stage == "done":
            done = {
                "response.audio_transcript": "transcript",
                "response.text": "text",
                "response.function_call_arguments": "arguments",
            }.get(name)
            if done is not None:
                assert event[done] == self.deltas[item_id, name]

    def _take_item(self, event: dict[str, Any]) -> None:
        assert event["item"]["id"] not in self.known_items
        self.known_items.add(event["item"]["id"])
