"""What computes on a session's input audio: its format, voice activity, and turn taking.

``judge`` and ``weigh`` are called from a worker thread, one at a time; what they find is told as
facts on the event loop. Offsets are ms from the first byte of audio received.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.session import effects, facts
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.vad.echo import CleaningSettings, InputCleaner, is_installed
from voicelive_agent.emulator.vad.loudness import Loudness
from voicelive_agent.emulator.vad.turn_detection import (
    PauseReached,
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
    TurnEvent,
    TurnRules,
)
from voicelive_agent.emulator.vad.voice_activity import DcRemover
from voicelive_agent.wire.audio.formats import parse_input_format
from voicelive_agent.wire.audio.streams import Decoder

PIECE_MS = 100
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000

TurnFact = facts.SpeechStarted | facts.SpeechStopped


@dataclass(frozen=True, slots=True)
class Judged:
    """A piece of input audio as it is recognised, and the turns that begin or end in it."""

    pcm: bytes
    facts: list[TurnFact]
    notice: str | None = None
    """What the client should be warned of."""
    is_asking: bool = False
    """A pause was found, and judging goes on when ``weigh`` is told what was said so far."""


class InputProcessor:
    """One session's stream of input audio. ``configure`` it before the first ``judge``."""

    def __init__(self, engines: Engines) -> None:
        self.is_answering = False
        """Whether a response is being played."""
        self._may_shorten = engines.end_of_turn is not None
        self._voice_activity = engines.open_voice_activity()
        self._loudness = Loudness()
        self._dc_remover = DcRemover()
        self._turn_taking: TurnDetector | None = None
        self._turns_from_ms = 0
        self._heard_frames = 0
        self._frames = b""
        self._received_bytes = 0
        self.cleaning = CleaningSettings()
        """What the session asks for, whether it can be met or not."""
        self._cleaner: InputCleaner | None = None
        self._uncleaned = b""
        self._read_format("pcm16", 24_000, 1)

    def configure(self, effect: effects.ConfigureInput) -> None:
        wanted = (effect.input_format, effect.sampling_rate_hz, effect.channels)
        if wanted != self._wanted:
            self._read_format(*wanted)
        request = CleaningSettings.parse(effect.echo_cancellation, effect.noise_reduction)
        if request != self.cleaning:
            self._change_cleaning(request)
        if effect.turn_detection is None:
            self._turn_taking = None
            return
        rules = TurnRules.parse(effect.turn_detection)
        if self._turn_taking is not None:
            self._turn_taking.configure(rules)
            return
        self._turn_taking = TurnDetector(rules, self._voice_activity, may_shorten=self._may_shorten)
        self._turns_from_ms = self._heard_frames * self._voice_activity.frame_ms
        self._voice_activity.reset()

    @property
    def received_ms(self) -> float:
        """How much audio was taken in; what was cleaned of it may be a little less."""
        return self._received_bytes / _BYTES_PER_MS

    def measure_bytes(self, wire: bytes) -> int:
        """About how much a piece is when it is decoded."""
        return round(self._format.duration_ms(len(wire) // self._channels)) * _BYTES_PER_MS

    def reset(self) -> None:
        """Let voice activity begin anew; time goes on."""
        self._voice_activity.reset()
        if self._turn_taking is not None:
            self._turn_taking.reset()

    def cut(self, wire: bytes) -> Iterator[bytes]:
        """Pieces of at most ``PIECE_MS``."""
        size = self._format.size_bytes(PIECE_MS) * self._channels
        for start in range(0, len(wire), size):
            yield wire[start : start + size]

    def judge(self, wire: bytes, played: bytes = b"") -> Judged:
        """Take in the next piece, to its end or to a pause in it.

        ``played`` is what the loudspeaker played in that time, where the cleaning needs it.
        """
        pcm = self._dc_remover.remove(self._decoder.decode(wire))
        self._received_bytes += len(pcm)
        if self._cleaner is not None:
            is_clients = self.cleaning.reference_is_clients
            pcm = self._cleaner.clean(pcm, self._decoder.reference if is_clients else played)
        if self._uncleaned:
            pcm, self._uncleaned = self._uncleaned + pcm, b""
        notice, self._decoder.notice = self._decoder.notice, None
        self._frames += pcm
        found: list[TurnFact] = []
        is_asking = self._judge_frames(found)
        return Judged(pcm, found, notice, is_asking)

    def weigh(self, completeness: float | None) -> Judged:
        """Go on after a pause; ``completeness`` is as in ``TurnDetector.weigh``."""
        found: list[TurnFact] = []
        if self._turn_taking is not None:
            found.extend(self._place(self._turn_taking.weigh(completeness)))
        is_asking = self._judge_frames(found)
        return Judged(b"", found, is_asking=is_asking)

    def decode_apart(self, audio: bytes) -> bytes:
        """A recording in the session's format, as it is recognised."""
        decoder = Decoder(self._format, SAMPLE_RATE_HZ, channels=self._channels)
        return decoder.decode(audio) + decoder.finish()

    def _change_cleaning(self, request: CleaningSettings) -> None:
        if self._cleaner is not None:
            self._uncleaned += self._cleaner.finish()
        self.cleaning = request
        self._cleaner = InputCleaner(request) if request and is_installed() else None

    def _judge_frames(self, found: list[TurnFact]) -> bool:
        """Judge whole frames; whether a pause was found before their end."""
        size = self._voice_activity.frame_bytes
        while len(self._frames) >= size:
            frame, self._frames = self._frames[:size], self._frames[size:]
            self._heard_frames += 1
            if self._turn_taking is None:
                continue
            self._turn_taking.is_answering = self.is_answering
            sound_ms = self._loudness.take(frame)
            # The detector is most of what a session costs that nobody speaks in.
            probability = (
                0.0 if self._loudness.is_still else self._voice_activity.probability(frame)
            )
            event = self._turn_taking.judge(probability, sound_ms)
            if isinstance(event, PauseReached):
                return True
            found.extend(self._place(event))
        return False

    def _place(self, event: TurnEvent | None) -> Iterator[TurnFact]:
        match event:
            case SpeechStarted(audio_start_ms):
                yield facts.SpeechStarted(self._turns_from_ms + audio_start_ms)
            case SpeechStopped(audio_end_ms):
                yield facts.SpeechStopped(self._turns_from_ms + audio_end_ms)

    def _read_format(self, name: str, sampling_rate_hz: int, channels: int) -> None:
        self._wanted = (name, sampling_rate_hz, channels)
        self._format = parse_input_format(name, sampling_rate_hz)
        self._channels = channels
        self._decoder = Decoder(self._format, SAMPLE_RATE_HZ, channels=channels)
