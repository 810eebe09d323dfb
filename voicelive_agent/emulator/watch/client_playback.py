"""Playback of the client: what it plays, on the session's clock.

The client is taken to play at once what it is sent, one piece after another, as the service
assumes too. Who wants to know it connects: a recording, and the echo canceller.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from voicelive_agent.wire.audio.formats import parse_output_format
from voicelive_agent.wire.audio.streams import Decoder


@dataclass(frozen=True, slots=True)
class PlaybackListener:
    """Who is told what is played, as PCM16 mono at ``rate_hz``."""

    rate_hz: int
    play: Callable[[float, bytes], None]
    """From this ms of the clock on."""
    stop: Callable[[float], None]
    """What was to be played from this ms on is not."""


@dataclass(slots=True)
class _PlayedItem:
    """Where the audio of one item stands on the clock, in runs without a gap."""

    response_id: str
    runs: list[tuple[float, float]] = field(default_factory=list)
    """Start and duration of each, in ms."""

    def add(self, start_ms: float, duration_ms: float) -> None:
        if self.runs and sum(self.runs[-1]) == start_ms:
            start_ms, before_ms = self.runs.pop()
            duration_ms += before_ms
        self.runs.append((start_ms, duration_ms))

    def find(self, played_ms: float) -> float:
        """The moment at which so much of the item was played."""
        for start_ms, duration_ms in self.runs:
            if played_ms <= duration_ms:
                return start_ms + played_ms
            played_ms -= duration_ms
        return self.ends_ms

    @property
    def ends_ms(self) -> float:
        return sum(self.runs[-1])


class ClientPlayback:
    """Told the audio as it is sent; decodes it only while somebody listens."""

    def __init__(self, now_ms: Callable[[], float]) -> None:
        """``now_ms`` is the session's clock."""
        self._now_ms = now_ms
        self._listenings: list[PlaybackListener] = []
        self._decoders: list[Decoder] = []
        self._ends_ms: list[float] = []
        self._answer: tuple[str, str] | None = None
        self._played_to_ms = 0.0
        self._items: dict[str, _PlayedItem] = {}
        """The last one, and those before it that are not played to their end."""
        self._cut_item_id: str | None = None

    def connect(self, listening: PlaybackListener) -> None:
        self.finish()
        self._listenings.append(listening)

    def disconnect(self, listening: PlaybackListener) -> None:
        self.finish()
        self._listenings.remove(listening)

    def play(self, response_id: str, item_id: str, output_format: str, audio: bytes) -> None:
        """The next audio of a response, as it stands on the wire."""
        if item_id == self._cut_item_id:
            return
        wire = parse_output_format(output_format)
        now_ms = self._now_ms()
        start_ms = max(self._played_to_ms, now_ms)
        if self._answer != (response_id, output_format) or start_ms == now_ms:
            self.finish()
            self._answer = (response_id, output_format)
            self._decoders = [Decoder(wire, one.rate_hz) for one in self._listenings]
            self._ends_ms = [start_ms] * len(self._listenings)
        self._pass_on([decoder.decode(audio) for decoder in self._decoders])
        duration_ms = wire.duration_ms(len(audio))
        if item_id not in self._items:
            self._items = {one: item for one, item in self._items.items() if item.ends_ms > now_ms}
        self._items.setdefault(item_id, _PlayedItem(response_id)).add(start_ms, duration_ms)
        self._played_to_ms = start_ms + duration_ms

    def finish(self) -> None:
        """An answer is over, or pauses: what the resamplers still hold of it is played, too."""
        self._pass_on([decoder.finish() for decoder in self._decoders])
        self._forget()

    def stop(self) -> None:
        """The client plays no more of what it has."""
        self._stop_at(self._now_ms())

    def stop_item(self, item_id: str, played_ms: float) -> str | None:
        """The client has played so much of an item, and plays no more of what it has.

        The response of that item; None where this says nothing new: an answer that came after it
        goes on, and one that ended there is not cut.
        """
        item = self._items.get(item_id)
        if item is None or (item.ends_ms <= self._now_ms() and item_id != [*self._items][-1]):
            return None
        at_ms = item.find(played_ms)
        if at_ms >= self._played_to_ms:
            return None
        self._cut_item_id = item_id
        self._stop_at(at_ms)
        return item.response_id

    def _stop_at(self, at_ms: float) -> None:
        self._played_to_ms = min(self._played_to_ms, at_ms)
        self._forget()
        for listening in self._listenings:
            listening.stop(at_ms)

    def _pass_on(self, decoded: list[bytes]) -> None:
        # A resampler keeps some audio back, so a piece begins where the one before it ended.
        for index, pcm in enumerate(decoded):
            listening = self._listenings[index]
            if pcm:
                listening.play(self._ends_ms[index], pcm)
                self._ends_ms[index] += len(pcm) / 2 * 1000 / listening.rate_hz

    def _forget(self) -> None:
        self._answer = None
        self._decoders = []
