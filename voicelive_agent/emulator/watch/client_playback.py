"""Playback of the client: what it plays, on the session's clock.

The client is taken to play at once what it is sent, one piece after another, as the service
assumes too. Who wants to know it connects: a recording, and the echo canceller.
"""

from collections.abc import Callable
from dataclasses import dataclass

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


class ClientPlayback:
    """Told the audio as it is sent; costs nothing while nobody listens."""

    def __init__(self, now_ms: Callable[[], float]) -> None:
        """``now_ms`` is the session's clock."""
        self._now_ms = now_ms
        self._listenings: list[PlaybackListener] = []
        self._decoders: list[Decoder] = []
        self._ends_ms: list[float] = []
        self._answer: tuple[str, str] | None = None
        self._played_to_ms = 0.0

    @property
    def is_heard(self) -> bool:
        """Whether anybody wants to know."""
        return bool(self._listenings)

    def connect(self, listening: PlaybackListener) -> None:
        self.finish()
        self._listenings.append(listening)

    def disconnect(self, listening: PlaybackListener) -> None:
        self.finish()
        self._listenings.remove(listening)

    def play(self, response_id: str, output_format: str, audio: bytes) -> None:
        """The next audio of a response, as it stands on the wire."""
        wire = parse_output_format(output_format)
        now_ms = self._now_ms()
        start_ms = max(self._played_to_ms, now_ms)
        if self._answer != (response_id, output_format) or start_ms == now_ms:
            self.finish()
            self._answer = (response_id, output_format)
            self._decoders = [Decoder(wire, one.rate_hz) for one in self._listenings]
            self._ends_ms = [start_ms] * len(self._listenings)
        self._pass_on([decoder.decode(audio) for decoder in self._decoders])
        self._played_to_ms = start_ms + wire.duration_ms(len(audio))

    def finish(self) -> None:
        """An answer is over, or pauses: what the resamplers still hold of it is played, too."""
        self._pass_on([decoder.finish() for decoder in self._decoders])
        self._forget()

    def stop(self) -> None:
        """The client plays no more of what it has."""
        now_ms = self._now_ms()
        self._played_to_ms = min(self._played_to_ms, now_ms)
        self._forget()
        for listening in self._listenings:
            listening.stop(now_ms)

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
