"""Processing of input audio, which computes: format, echo and noise, voice activity, turns.

``judge`` and ``weigh`` are called from a worker thread, one at a time; what they find is told to
the session on the event loop. Offsets are ms from the first byte of audio received.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from voicelive_agent.emulator.session import effects
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ
from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped, VoiceActivity
from voicelive_agent.emulator.vad.echo_cancellation import (
    CleaningSettings,
    InputCleaner,
    is_installed,
)
from voicelive_agent.emulator.vad.loudness import Loudness
from voicelive_agent.emulator.vad.turn_detector import (
    PauseReached,
    TurnDetector,
    TurnEvent,
    TurnRules,
)
from voicelive_agent.emulator.vad.voice_activity import DcRemover
from voicelive_agent.wire.audio.formats import DEFAULT_RATE_HZ, AudioFormat
from voicelive_agent.wire.audio.streams import Decoder

PIECE_MS = 100
QUICK_MS = 64
"""What is judged on the event loop at most: two frames of voice activity."""
_LEAD_FRAMES = 8
"""A quarter of a second, from which voice activity knows the room."""
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000


@dataclass(frozen=True, slots=True)
class Judged:
    """A piece of input audio as it is recognised, and the turns that begin or end in it."""

    pcm: bytes
    events: list[SpeechStarted | SpeechStopped]
    notice: str | None = None
    """What the client should be warned of."""
    is_asking: bool = False
    """A pause was found, and judging goes on when ``weigh`` is told what was said so far."""
    is_speech: bool = False
    """Whether it ends within a turn."""
    quiet_since_ms: int | None = None
    """Where the pause began that it ends in, within a turn."""


class InputProcessor:
    """One session's stream of input audio. ``configure`` it before the first ``judge``."""

    def __init__(self, voice_activity: VoiceActivity, *, may_shorten: bool) -> None:
        """``may_shorten`` as in ``TurnDetector``."""
        self._may_shorten = may_shorten
        self._voice_activity = voice_activity
        self._loudness = Loudness()
        self._unheard: deque[bytes] = deque(maxlen=_LEAD_FRAMES)
        """Frames of a still room, for what voice activity compares the next sound with."""
        self._dc_remover = DcRemover()
        self._turn_detector: TurnDetector | None = None
        self._heard_frames = 0
        self._frames = b""
        self._received_bytes = 0
        self.cleaning = CleaningSettings()
        """What the session asks for, whether it can be met or not."""
        self._cleaner: InputCleaner | None = None
        self._uncleaned = b""
        self._read_format(AudioFormat("pcm16", DEFAULT_RATE_HZ), 1)

    def configure(self, effect: effects.ConfigureInput) -> None:
        if (effect.format, effect.channels) != (self._format, self._channels):
            self._read_format(effect.format, effect.channels)
        cleaning = CleaningSettings.of(effect.echo_cancellation, effect.noise_reduction)
        if cleaning != self.cleaning:
            self._change_cleaning(cleaning)
        if effect.turn_detection is None:
            self._turn_detector = None
            return
        rules = TurnRules.of(effect.turn_detection)
        if self._turn_detector is not None:
            self._turn_detector.configure(rules)
            return
        self._turn_detector = TurnDetector(
            rules,
            self._voice_activity,
            from_ms=self._heard_frames * self._voice_activity.frame_ms,
            may_shorten=self._may_shorten,
        )
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
        if self._turn_detector is not None:
            self._turn_detector.reset()

    def cut(self, wire: bytes) -> Iterator[bytes]:
        """Pieces of at most ``PIECE_MS``."""
        size = self._format.size_bytes(PIECE_MS) * self._channels
        for start in range(0, len(wire), size):
            yield wire[start : start + size]

    def is_quick(self, wire: bytes) -> bool:
        """Whether to judge a piece takes less than a change of threads and back."""
        return self._cleaner is None and self.measure_bytes(wire) <= QUICK_MS * _BYTES_PER_MS

    def can_wait(self, wire: bytes, newest: bytes) -> bool:
        """Whether nothing is missed where a piece, which ends with ``newest``, is decoded with the
        next one, which takes less.

        Whole frames are judged, but in a pause, which need not wait for one to end a turn; and in a
        still room, where nobody is listened for before something stirs, as many as are quick.
        """
        detector = self._turn_detector
        if detector is None or detector.is_pausing:
            return False
        if self._loudness.is_still:
            return self.is_quick(wire + newest)
        return len(self._frames) + self.measure_bytes(wire) < self._voice_activity.frame_bytes

    def judge(self, wire: bytes, played: bytes, is_playing: bool) -> Judged:
        """Take in the next piece, to its end or to a pause in it.

        ``played`` is what the client played in that time, where the cleaning needs it;
        ``is_playing``: it plays an answer.
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
        return self._judge_frames(pcm, None, is_playing, notice)

    def weigh(self, completeness: float | None, is_playing: bool) -> Judged:
        """Go on after a pause; ``completeness`` is as in ``TurnDetector.weigh``."""
        detector = self._turn_detector
        event = None if detector is None else detector.weigh(completeness)
        return self._judge_frames(b"", event, is_playing)

    def decode_apart(self, audio: bytes) -> bytes:
        """A recording in the session's format, as it is recognised."""
        decoder = Decoder(self._format, SAMPLE_RATE_HZ, channels=self._channels)
        return decoder.decode(audio) + decoder.finish()

    def _change_cleaning(self, cleaning: CleaningSettings) -> None:
        if self._cleaner is not None:
            self._uncleaned += self._cleaner.finish()
        self.cleaning = cleaning
        self._cleaner = InputCleaner(cleaning) if cleaning and is_installed() else None

    def _judge_frames(
        self, pcm: bytes, event: TurnEvent | None, is_playing: bool, notice: str | None = None
    ) -> Judged:
        """Judge whole frames, to their end or to a pause; ``event`` was found before them."""
        found: list[SpeechStarted | SpeechStopped] = []
        while True:
            if isinstance(event, PauseReached):
                return self._describe(pcm, found, notice, is_asking=True)
            if event is not None:
                found.append(event)
            if len(self._frames) >= self._voice_activity.frame_bytes:
                event = self._judge_frame(is_playing)
                continue
            event = self._judge_rest()
            if event is None:
                return self._describe(pcm, found, notice)

    def _describe(
        self,
        pcm: bytes,
        found: list[SpeechStarted | SpeechStopped],
        notice: str | None,
        *,
        is_asking: bool = False,
    ) -> Judged:
        detector = self._turn_detector
        if detector is None:
            return Judged(pcm, found, notice, is_asking)
        return Judged(pcm, found, notice, is_asking, detector.is_speaking, detector.quiet_since_ms)

    def _judge_frame(self, is_playing: bool) -> TurnEvent | None:
        size = self._voice_activity.frame_bytes
        frame, self._frames = self._frames[:size], self._frames[size:]
        self._heard_frames += 1
        if self._turn_detector is None:
            return None
        sound_ms = self._loudness.take(frame)
        return self._turn_detector.judge(
            self._listen(frame), sound_ms, self._loudness.faint_ms, is_playing=is_playing
        )

    def _judge_rest(self) -> TurnEvent | None:
        """A turn need not wait for the rest of a frame to end."""
        detector, rest = self._turn_detector, self._frames
        if detector is None or not detector.is_pausing or not self._loudness.is_faint(rest):
            return None
        return detector.judge_faint(len(rest) // _BYTES_PER_MS)

    def _listen(self, frame: bytes) -> float:
        """The probability of speech; 0 while nothing stirs, as most frames of a session then cost
        nothing."""
        if self._loudness.is_still:
            self._unheard.append(frame)
            return 0.0
        while self._unheard:
            self._voice_activity.probability(self._unheard.popleft())
        return self._voice_activity.probability(frame)

    def _read_format(self, format: AudioFormat, channels: int) -> None:
        self._format = format
        self._channels = channels
        self._decoder = Decoder(format, SAMPLE_RATE_HZ, channels=channels)
