"""What the agent says: the text and the audio of each item, and how much of it was heard."""

from collections import OrderedDict
from dataclasses import dataclass, field

from voicelive_agent.client.sound.devices import Loudspeaker

REMEMBERED = 256
INTERIM_PREFIX = "interim_"
"""Items that bridge a wait have such ids and are not in the service's history."""


@dataclass(slots=True)
class Item:
    """One item of the agent. ``words``: where each begins in the audio, where the service says."""

    id: str
    response_id: str
    content_index: int = 0
    text: str = ""
    is_final: bool = False
    received_ms: float = 0.0
    words: list[tuple[int, str]] = field(default_factory=list)

    def heard(self, played_ms: float) -> str:
        """The part of the text that was heard when ``played_ms`` of the audio was played."""
        if self.words:
            return " ".join(word for start_ms, word in self.words if start_ms < played_ms)
        if played_ms >= self.received_ms:
            return self.text
        share = self.text[: round(len(self.text) * played_ms / self.received_ms)]
        # A word that was begun counts as not heard.
        return share.rpartition(" ")[0] if share != self.text else share

    def split(self, played_ms: float) -> tuple[str, str]:
        """The text up to the word that is spoken at ``played_ms``, and the text behind it."""
        words = self.text.split(" ")
        if self.words:
            begun = sum(start_ms <= played_ms for start_ms, _ in self.words)
        else:
            begun = round(len(words) * min(1.0, played_ms / max(self.received_ms, 1.0)))
        return " ".join(words[:begun]), " ".join(words[begun:])


@dataclass(frozen=True, slots=True)
class Cut:
    """An item that was interrupted after ``played_ms``."""

    item: Item
    played_ms: int

    @property
    def heard(self) -> str:
        """The part of its text that was heard."""
        return self.item.heard(self.played_ms)

    @property
    def is_remembered(self) -> bool:
        """Whether the service has it in its history."""
        return not self.item.id.startswith(INTERIM_PREFIX)


class Spoken:
    """The agent's items, and those whose audio is in the loudspeaker."""

    def __init__(self, loudspeaker: Loudspeaker) -> None:
        self._loudspeaker = loudspeaker
        self._items: OrderedDict[str, Item] = OrderedDict()
        self._queued: list[Item] = []

    def meet(self, item_id: str, response_id: str) -> Item:
        """The item with this id; new if no event of it came before."""
        if item_id not in self._items:
            self._items[item_id] = Item(item_id, response_id)
            if len(self._items) > REMEMBERED:
                self._items.popitem(last=False)
        return self._items[item_id]

    def find(self, item_id: str) -> Item | None:
        return self._items.get(item_id)

    def play(self, item: Item, content_index: int, pcm: bytes, rate_hz: int) -> None:
        if not self._loudspeaker.queued_ms:
            self._queued = [
                queued for queued in self._queued if queued.response_id == item.response_id
            ]
        if item not in self._queued:
            self._queued.append(item)
        item.content_index = content_index
        item.received_ms += len(pcm) / 2 / rate_hz * 1000
        self._loudspeaker.write(item.id, content_index, pcm)

    def playing(self) -> tuple[Item, int] | None:
        """The item that is heard right now, and how many ms of it were."""
        if not self._loudspeaker.queued_ms:
            return None
        for item in self._queued:
            played_ms = self._loudspeaker.played(item.id, item.content_index).played_ms
            if played_ms < int(item.received_ms):
                return item, played_ms
        return None

    def cut(self, active: set[str]) -> list[Cut]:
        """Silence the loudspeaker; the items that were not heard to their end.

        ``active`` are responses that still run: their items go on beyond what was received.
        """
        self._loudspeaker.cut()
        cut = []
        for item in self._queued:
            played_ms = self._loudspeaker.played(item.id, item.content_index).played_ms
            # A service refuses a position behind what it has sent.
            played_ms = min(played_ms, int(item.received_ms))
            if played_ms < int(item.received_ms) or item.response_id in active:
                cut.append(Cut(item, played_ms))
        self._queued = []
        return cut
