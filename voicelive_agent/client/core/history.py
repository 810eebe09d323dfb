"""What was said in the conversation, by both sides."""

from dataclasses import dataclass
from typing import Any

from voicelive_agent.client.ui.screen import Who


@dataclass(slots=True)
class Line:
    who: Who
    item_id: str
    text: str


class History:
    """The lines of a conversation, in the order in which they began."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._by_item: dict[str, Line] = {}

    def put(self, who: Who, item_id: str, text: str) -> None:
        """Note or replace the text of an item."""
        line = self._by_item.get(item_id)
        if line is None:
            line = self._by_item[item_id] = Line(who, item_id, text)
            self.lines.append(line)
        line.text = text

    def as_items(self) -> list[dict[str, Any]]:
        """Items for ``conversation.item.create``, for a service that remembers nothing."""
        parts = {"you": ("user", "input_text"), "agent": ("assistant", "text")}
        return [
            {
                "type": "message",
                "role": parts[line.who][0],
                "content": [{"type": parts[line.who][1], "text": line.text}],
            }
            for line in self.lines
            if line.text
        ]
