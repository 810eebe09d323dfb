"""The conversation: its items in order, and the client's events that edit them."""

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


class ConversationItems:
    """The items that the session remembers, those not yet announced included."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.items: list[ConversationItem] = []
        self._deleted_ids: set[str] = set()

    def find(self, item_id: str) -> ConversationItem | None:
        return next((item for item in self.items if item.id == item_id), None)

    def require_new_id(self, item: ConversationItem, param: str) -> None:
        """Raises ProtocolError where an item has or had this id."""
        if item.id in self._used_ids():
            raise _duplicate_id(item, param)

    def last_id(self) -> str | None:
        return self.items[-1].id if self.items else None

    def append(self, item: ConversationItem) -> None:
        self.items.append(item)

    def announce(self, item: ConversationItem) -> None:
        """Tell the client of an item that is in the conversation."""
        item.is_announced = True
        position = self.items.index(item)
        self._plan.send(
            "conversation.item.created",
            previous_item_id=self.items[position - 1].id if position else None,
            item=item.describe(),
        )

    def fail_listing(self, server_label: str) -> None:
        """No MCP server is asked for its tools here: told as of one that can't be reached.

        The events and their order are those of Voice Live's reference, 4.9.
        """
        fields = {"type": "mcp_list_tools", "server_label": server_label, "tools": []}
        item = ConversationItem(fields, self._plan.new_id("item"))
        self.append(item)
        self.announce(item)
        self._plan.send("mcp_list_tools.in_progress", item_id=item.id)
        self._plan.send("mcp_list_tools.failed", item_id=item.id)

    def unanswered(self) -> list[ConversationItem]:
        """The user's messages that no response has taken up."""
        return [item for item in self.items if item.awaits_answer]

    def add_from_client(
        self, items: list[ConversationItem], previous_item_id: str | None, param: str
    ) -> None:
        """Insert a client's items one after another and tell of them. Raises ProtocolError."""
        position = self._position_after(previous_item_id)
        ids = self._used_ids()
        calls = {call_id for item in self.items if (call_id := _call_id(item))}
        for item in items:
            if item.id in ids:
                raise _duplicate_id(item, param)
            ids.add(item.id)
            if item.fields["type"] == "function_call":
                calls.add(item.fields["call_id"])
            elif (
                item.fields["type"] == "function_call_output"
                and item.fields["call_id"] not in calls
            ):
                raise ProtocolError(
                    f"No function call '{item.fields['call_id']}' is in the conversation: send "
                    "the call_id of the call that this is the output of.",
                    code="invalid_tool_call_id",
                    param=f"{param}.call_id",
                )
        for item in items:
            self.items.insert(position, item)
            position += 1
            self.announce(item)

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
        self._deleted_ids.add(item.id)
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
            item.fields["status"] = "in_progress"
            content[index]["text"] += event.delta
        else:
            item.fields["status"] = "completed"

    def _used_ids(self) -> set[str]:
        """Those of deleted items too: what comes late for an old one would hit the new."""
        return {item.id for item in self.items} | self._deleted_ids

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
        if previous_item_id is None:
            return len(self.items)
        if previous_item_id == ROOT:
            return 0
        for position, item in enumerate(self.items):
            if item.id == previous_item_id:
                return position + 1
        raise ProtocolError(
            f"There is no item '{previous_item_id[:100]}' to insert after: send the id of one "
            "that exists, 'root' for the start, or null for the end.",
            code="item_create_invalid_previous_item_id",
            param="previous_item_id",
        )


def _duplicate_id(item: ConversationItem, param: str) -> ProtocolError:
    return ProtocolError(
        f"There is or was an item '{item.id}' already: choose another id, or none.",
        code="item_create_duplicate_item_id",
        param=f"{param}.id",
    )


def _call_id(item: ConversationItem) -> str | None:
    is_call = item.fields["type"] == "function_call"
    return str(item.fields["call_id"]) if is_call else None
