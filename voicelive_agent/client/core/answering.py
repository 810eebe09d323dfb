"""The agent's side: its items shown and played as they come, and cut short by a barge-in."""

from collections import OrderedDict
from dataclasses import dataclass, field

from voicelive_agent.client.core.latency import Turns
from voicelive_agent.client.core.protocol import (
    Event,
    Handler,
    read_audio,
    read_mapping,
    read_number,
    read_text,
)
from voicelive_agent.client.core.requests import Responses
from voicelive_agent.client.core.screen import Interrupted, Screen, Speaking, Status, Transcript
from voicelive_agent.client.core.session import History
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound.devices import Loudspeaker
from voicelive_agent.wire.audio import g711

REMEMBERED = 256
TEXT_MAX = 50_000
"""Characters of one item: most of an hour of speech. What comes behind them is not shown."""
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


class Answering:
    """The agent's side of a conversation. Nothing of a response that was cut is shown or played."""

    def __init__(
        self,
        settings: Settings,
        screen: Screen,
        loudspeaker: Loudspeaker,
        responses: Responses,
        history: History,
        turns: Turns,
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._responses = responses
        self._history = history
        self._turns = turns
        self._spoken = Spoken(loudspeaker)
        self.handlers: dict[str, Handler] = {
            "response.output_item.added": self._on_item,
            "response.audio_transcript.delta": self._on_text,
            "response.audio_transcript.done": self._on_whole_text,
            "response.text.delta": self._on_text,
            "response.text.done": self._on_whole_text,
            "response.audio.delta": self._on_audio,
            "response.audio_timestamp.delta": self._on_word,
        }

    def cut(self) -> list[Cut]:
        """Silence the agent at once; the items that were not heard to their end."""
        cut = self._spoken.cut({response.id for response in self._responses.uncut})
        self._responses.cut()
        for one in cut:
            self._screen.show(Interrupted(one.item.id, one.heard))
            self._history.put("agent", one.item.id, one.heard)
            one.item.is_final = True
        return cut

    def show_speech(self) -> None:
        """Show how far the answer that is played right now has come."""
        playing = self._spoken.playing()
        if playing is None:
            self._screen.show(Speaking("", ""))
        else:
            item, played_ms = playing
            self._screen.show(Speaking(*item.split(played_ms)))

    def on_first_sound(self, item_id: str) -> None:
        """The first sample of an item is played."""
        item = self._spoken.find(item_id)
        if item is not None:
            self._turns.reached("first_sound_ms", item.response_id)
            self._screen.show(Status("speaking"))

    def _on_item(self, event: Event) -> None:
        item = read_mapping(event, "item")
        if item.get("type") == "message" and item.get("role") == "assistant":
            self._spoken.meet(read_text(item, "id"), read_text(event, "response_id"))

    def _on_text(self, event: Event) -> None:
        response = self._responses.meet(read_text(event, "response_id"))
        item = self._spoken.meet(read_text(event, "item_id"), response.id)
        if response.cut or item.is_final:
            return
        response.has_output = True
        if len(item.text) < TEXT_MAX:
            item.text += read_text(event, "delta")
        self._turns.reached("first_text_ms", response.id)
        self._history.put("agent", item.id, item.text)
        self._screen.show(Transcript("agent", item.id, item.text, final=False))

    def _on_whole_text(self, event: Event) -> None:
        response = self._responses.meet(read_text(event, "response_id"))
        item = self._spoken.meet(read_text(event, "item_id"), response.id)
        if response.cut or item.is_final:
            return
        item.text = read_text(event, "transcript") or read_text(event, "text") or item.text
        item.is_final = True
        item.text = item.text[:TEXT_MAX]
        if item.text:
            response.has_output = True
            self._turns.reached("first_text_ms", response.id)
            self._history.put("agent", item.id, item.text)
            self._screen.show(Transcript("agent", item.id, item.text, final=True))

    def _on_audio(self, event: Event) -> None:
        response = self._responses.meet(read_text(event, "response_id"))
        audio = read_audio(event)
        if response.cut or not audio:
            return
        response.has_output = True
        item = self._spoken.meet(read_text(event, "item_id"), response.id)
        self._turns.reached("first_audio_ms", response.id)
        format = self._settings.output_format
        pcm = g711.decode(audio, format) if format in ("g711_ulaw", "g711_alaw") else audio
        content_index = int(read_number(event, "content_index") or 0)
        self._spoken.play(item, content_index, pcm, self._settings.received_rate_hz)

    def _on_word(self, event: Event) -> None:
        response = self._responses.meet(read_text(event, "response_id"))
        item = self._spoken.meet(read_text(event, "item_id"), response.id)
        start_ms = read_number(event, "audio_offset_ms")
        if start_ms is not None:
            item.words.append((int(start_ms), read_text(event, "text")))
