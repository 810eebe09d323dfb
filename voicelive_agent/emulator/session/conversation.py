"""The conversation: its items in order, and the client's events that edit them."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NoReturn

from voicelive_agent.emulator.session.heard import SpokenText
from voicelive_agent.emulator.session.items import ConversationItem, read_item
from voicelive_agent.emulator.session.plan import Plan
from voicelive_agent.wire.voice_live.events import (
    CreateItem,
    InputText,
    InputTextDelta,
    ItemReference,
    TruncateItem,
)
from voicelive_agent.wire.voice_live.shapes import ProtocolError

ROOT = "root"
"""As ``previous_item_id``: before the first item."""


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """How much a client may put into one conversation."""

    items: int = 10_000
    """``--max-items``."""
    characters: int = 32 * 1024 * 1024
    """``--max-item-characters``, of all items together: text, and images in base64."""


class ConversationItems:
    """The items that the session remembers, those not yet announced included."""

    def __init__(self, plan: Plan, limits: ConversationLimits) -> None:
        self._plan = plan
        self._limits = limits
        self.items: list[ConversationItem] = []
        self._by_id: dict[str, ConversationItem] = {}
        self._calls: set[str] = set()
        self._characters: dict[str, int] = {}
        self._total_characters = 0
        self._deleted_ids: OrderedDict[str, None] = OrderedDict()

    def find(self, item_id: str) -> ConversationItem | None:
        return self._by_id.get(item_id)

    def require_new_id(self, item: ConversationItem, param: str) -> None:
        """Raises ProtocolError where an item has this id, or had it not long ago."""
        # Those of deleted items too: what comes late for an old one would hit the new.
        if item.id in self._by_id or item.id in self._deleted_ids:
            raise ProtocolError(
                f"There is or was an item '{item.id}' already: choose another id, or none.",
                code="item_create_duplicate_item_id",
                param=f"{param}.id",
            )

    def last_id(self) -> str | None:
        return self.items[-1].id if self.items else None

    def append(self, item: ConversationItem) -> None:
        self._insert(len(self.items), item)

    def _insert(self, position: int, item: ConversationItem) -> None:
        self.items.insert(position, item)
        self._by_id[item.id] = item
        self._count(item, item.count_characters())
        if item.fields["type"] == "function_call":
            self._calls.add(item.fields["call_id"])

    def _count(self, item: ConversationItem, characters: int) -> None:
        self._characters[item.id] = self._characters.get(item.id, 0) + characters
        self._total_characters += characters

    def announce(self, item: ConversationItem) -> None:
        """Tell the client of an item that is in the conversation."""
        is_last = self.items[-1] is item
        self._announce(item, len(self.items) - 1 if is_last else self.items.index(item))

    def _announce(self, item: ConversationItem, position: int) -> None:
        item.is_announced = True
        self._plan.send(
            "conversation.item.created",
            previous_item_id=self.items[position - 1].id if position else None,
            item=item.describe(),
        )

    def unanswered(self) -> list[ConversationItem]:
        """The user's messages that no response has taken up."""
        return [item for item in self.items if item.awaits_answer]

    def add_from_client(
        self, items: list[ConversationItem], previous_item_id: str | None, param: str
    ) -> None:
        """Insert a client's items one after another and tell of them. Raises ProtocolError."""
        position = self._position_after(previous_item_id)
        self._check_room(items)
        ids: set[str] = set()
        calls: set[str] = set()
        for item in items:
            self.require_new_id(item, param)
            if item.id in ids:
                raise ProtocolError(
                    f"Two items have the id '{item.id}': choose another id, or none.",
                    code="item_create_duplicate_item_id",
                    param=f"{param}.id",
                )
            ids.add(item.id)
            call_id = item.fields.get("call_id", "")
            if item.fields["type"] == "function_call":
                calls.add(call_id)
            elif call_id and call_id not in calls and call_id not in self._calls:
                raise ProtocolError(
                    f"No function call '{call_id}' is in the conversation: send the call_id of "
                    "the call that this is the output of.",
                    code="invalid_tool_call_id",
                    param=f"{param}.call_id",
                )
        for item in items:
            self._insert(position, item)
            self._announce(item, position)
            position += 1

    def _check_room(self, items: list[ConversationItem]) -> None:
        """Raises ProtocolError where a conversation would become endless."""
        if len(self.items) + len(items) > self._limits.items:
            self._refuse(f"more than {self._limits.items} items", "--max-items")
        self._check_characters(sum(item.count_characters() for item in items))

    def _check_characters(self, more: int) -> None:
        if self._total_characters + more > self._limits.characters:
            self._refuse(f"more than {self._limits.characters} characters", "--max-item-characters")

    def _refuse(self, what: str, option: str) -> NoReturn:
        raise ProtocolError(
            f"The conversation would hold {what}: delete some with conversation.item.delete, open "
            f"a new session, or start the emulator with a higher {option}.",
            code="conversation_too_long",
        )

    def create(self, event: CreateItem) -> ConversationItem:
        """``conversation.item.create``. Raises ProtocolError."""
        item = read_item(event.item, "item", self._plan.new_id)
        self.add_from_client([item], event.previous_item_id, "item")
        return item

    def retrieve(self, event: ItemReference) -> None:
        """``conversation.item.retrieve``. Raises ProtocolError."""
        item = self._require(event.item_id, "item_retrieve_invalid_item_id")
        self._plan.send("conversation.item.retrieved", item=item.describe())

    def delete(self, event: ItemReference) -> ConversationItem:
        """``conversation.item.delete``. Raises ProtocolError."""
        item = self._require(event.item_id, "item_delete_invalid_item_id")
        if item.is_open:
            raise ProtocolError(
                f"Item '{item.id}' is still being answered: send response.cancel first.",
                code="item_delete_invalid_item_id",
                param="item_id",
            )
        self.items.remove(item)
        del self._by_id[item.id]
        self._total_characters -= self._characters.pop(item.id)
        if item.fields["type"] == "function_call":
            self._calls.discard(item.fields["call_id"])
        self._deleted_ids[item.id] = None
        if len(self._deleted_ids) > self._limits.items:
            self._deleted_ids.popitem(last=False)
        self._plan.send("conversation.item.deleted", item_id=item.id)
        return item

    def truncate(self, event: TruncateItem) -> SpokenText:
        """``conversation.item.truncate``: the client knows what it played.

        The item holds the words before ``audio_end_ms``, also where the session itself had
        taken fewer to be heard. Raises ProtocolError.
        """
        item = self._require(event.item_id, "item_truncate_invalid_item_id")
        spoken = item.spoken
        if spoken is None:
            raise ProtocolError(
                f"Item '{item.id}' holds no spoken answer: only those can be truncated.",
                code="item_truncate_invalid_item_id",
                param="item_id",
            )
        if event.content_index != 0:
            raise ProtocolError(
                "A spoken answer has one content part: send content_index 0.",
                code="invalid_value",
                param="content_index",
            )
        if event.audio_end_ms > spoken.audio_ms + 1:
            raise ProtocolError(
                f"Audio content of {int(spoken.audio_ms)}ms is already shorter than "
                f"{event.audio_end_ms}ms: send the ms that were played.",
                code="invalid_value",
                param="audio_end_ms",
            )
        spoken.cut(event.audio_end_ms)
        self.tell_truncated(item, event.audio_end_ms)
        return spoken

    def tell_truncated(self, item: ConversationItem, audio_end_ms: float) -> None:
        self._plan.send(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=0,
            audio_end_ms=int(audio_end_ms),
        )

    def stream_text(self, event: InputText) -> None:
        """``input_text.delta`` and ``.done``: text typed into a user's item.

        A delta to the content index after the last one begins a new part. Raises ProtocolError.
        """
        item = self.find(event.id)
        if item is None or item.role != "user":
            raise ProtocolError(
                f"There is no user's message '{event.id[:100]}': create it first.",
                code="invalid_value",
                param="id",
            )
        content = item.fields["content"]
        index = event.content_index or 0
        is_delta = isinstance(event, InputTextDelta)
        if is_delta and index == len(content):
            content.append({"type": "input_text", "text": ""})
        if index >= len(content) or content[index]["type"] != "input_text":
            raise ProtocolError(
                f"Item '{item.id}' has no text at this content index.",
                code="invalid_value",
                param="content_index",
            )
        if isinstance(event, InputTextDelta):
            self._check_characters(len(event.delta))
            self._count(item, len(event.delta))
            item.fields["status"] = "in_progress"
            content[index]["text"] += event.delta
        else:
            item.fields["status"] = "completed"

    def _require(self, item_id: str, code: str) -> ConversationItem:
        item = self.find(item_id)
        if item is None:
            raise ProtocolError(
                f"There is no item '{item_id[:100]}' in the conversation.",
                code=code,
                param="item_id",
            )
        return item

    def _position_after(self, previous_item_id: str | None) -> int:
        if previous_item_id is None or (self.items and self.items[-1].id == previous_item_id):
            return len(self.items)
        if previous_item_id == ROOT:
            return 0
        if (before := self.find(previous_item_id)) is not None:
            return self.items.index(before) + 1
        raise ProtocolError(
            f"There is no item '{previous_item_id[:100]}' to insert after: send the id of one "
            "that exists, 'root' for the start, or null for the end.",
            code="item_create_invalid_previous_item_id",
            param="previous_item_id",
        )
