"""What the agent says: shown and played as it comes, and cut short when it is interrupted."""

from voicelive_agent.client.core.events import (
    Event,
    Handler,
    read_audio,
    read_mapping,
    read_number,
    read_text,
)
from voicelive_agent.client.core.history import History
from voicelive_agent.client.core.responses import Responses
from voicelive_agent.client.core.spoken import Cut, Spoken
from voicelive_agent.client.core.turns import Turns
from voicelive_agent.client.settings import Settings
from voicelive_agent.client.sound import g711
from voicelive_agent.client.sound.devices import Loudspeaker
from voicelive_agent.client.ui.screen import Screen


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
        loudspeaker.on_first_sound = self._on_first_sound
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
            self._screen.cut(one.item.id, one.heard)
            self._history.put("agent", one.item.id, one.heard)
            one.item.is_final = True
        return cut

    def show_speech(self) -> None:
        """Show how far the answer that is played right now has come."""
        playing = self._spoken.playing()
        if playing is None:
            self._screen.speaking("", "")
        else:
            item, played_ms = playing
            self._screen.speaking(*item.split(played_ms))

    def _on_item(self, event: Event) -> None:
        item = read_mapping(event, "item")
        if item.get("type") == "message" and item.get("role") == "assistant":
            self._spoken.meet(read_text(item, "id"), read_text(event, "response_id"))

    def _on_text(self, event: Event) -> None:
        response = self._responses.meet(read_text(event, "response_id"))
        item = self._spoken.meet(read_text(event, "item_id"), response.id)
        if response.cut or item.is_final:
            return
        item.text += read_text(event, "delta")
        self._turns.reached("first_text_ms", response.id)
        self._history.put("agent", item.id, item.text)
        self._screen.transcript("agent", item.id, item.text, final=False)

    def _on_whole_text(self, event: Event) -> None:
        response = self._responses.meet(read_text(event, "response_id"))
        item = self._spoken.meet(read_text(event, "item_id"), response.id)
        if response.cut or item.is_final:
            return
        item.text = read_text(event, "transcript") or read_text(event, "text") or item.text
        item.is_final = True
        if item.text:
            self._turns.reached("first_text_ms", response.id)
            self._history.put("agent", item.id, item.text)
            self._screen.transcript("agent", item.id, item.text, final=True)

    def _on_audio(self, event: Event) -> None:
        response = self._responses.meet(read_text(event, "response_id"))
        audio = read_audio(event)
        if response.cut or not audio:
            return
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

    def _on_first_sound(self, item_id: str) -> None:
        item = self._spoken.find(item_id)
        if item is not None:
            self._turns.reached("first_sound_ms", item.response_id)
            self._screen.status("speaking")
