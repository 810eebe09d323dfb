"""Input audio of one session: decoded, judged for turns, and given to speech to text.

::

    append ──▶ queue ──▶ InputProcessor, in a thread ──▶ InputTimeline ──▶ Utterances
                              └──▶ SpeechStarted, SpeechStopped ──▶ session

Audio is taken in order, in short pieces. A worker thread does what computes; what follows from it
happens on the event loop. A frame of a client that speaks in real time computes less than a change
of threads, and where nothing has to be waited for it is taken at once: but in a pause, as soon as
there is as much as voice activity judges.
All offsets are ms from the first byte of audio received.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.session import Fact, effects, facts
from voicelive_agent.emulator.shell.clock import SessionClock
from voicelive_agent.emulator.shell.input_processing import InputProcessor, Judged
from voicelive_agent.emulator.shell.input_timeline import InputTimeline
from voicelive_agent.emulator.shell.tasks import SessionTasks
from voicelive_agent.emulator.shell.utterances import HEARING_LIMITED, Utterances
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, SttError
from voicelive_agent.emulator.vad.echo_cancellation import (
    CleaningSettings,
    EchoReference,
    find_warning,
)
from voicelive_agent.emulator.vad.end_of_turn_by_words import estimate_completeness
from voicelive_agent.emulator.vad.smart_turn import SILENCE_MS, WINDOW_MS, weigh_opinions
from voicelive_agent.emulator.watch.client_playback import ClientPlayback, PlaybackListener

_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1000
PENDING_LIMIT_BYTES = 1024 * 1024
"""Reading from the client waits while more audio than this is not judged yet."""
WEIGH_TIMEOUT_S = 1.0
"""How long the recogniser may take to say what was said before a pause."""
PRE_ROLL_MS = 300
"""Speech to text gets this much before the first sound, whatever the client wants to know of."""
PREFIX_MS = 10_000
"""How far an utterance may reach back behind the one before it."""
DETECTED_LIMIT_MS = 60_000
"""How much unused audio is kept where turns are detected."""
MANUAL_LIMIT_MS = 15 * 60_000
"""How much a client may append before it commits."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Arrived:
    """Audio as it stands on the wire, and when it came."""

    wire: bytes
    at_ms: float
    at_s: float
    """The same on the machine's clock, which doesn't jump ahead."""


_Work = (
    _Arrived
    | Judged
    | effects.ClearInput
    | effects.BeginUtterance
    | effects.FinishUtterance
    | effects.ConfigureInput
)


class InputAudio:
    """What a session hears, in the order in which it came."""

    def __init__(
        self,
        engines: Engines,
        clock: SessionClock,
        tasks: SessionTasks,
        tell: Callable[[Fact], None],
        on_heard: Callable[[float, bytes, float, float], None],
        is_playing: Callable[[float], bool],
        client_playback: ClientPlayback,
    ) -> None:
        """``on_heard`` gets where audio stands on the clock, the audio, its end offset, and how
        long it has waited, in ms.

        ``is_playing`` tells whether the client plays an answer at a time of the clock.
        """
        self._engines = engines
        self._clock = clock
        self._tell = tell
        self._on_heard = on_heard
        self._is_playing = is_playing
        self._client_playback = client_playback
        self._reference = EchoReference()
        self._following: PlaybackListener | None = None
        self._language = ""
        self._processor = InputProcessor(
            engines.open_voice_activity(), may_shorten=engines.end_of_turn is not None
        )
        self._timeline = InputTimeline(PREFIX_MS, DETECTED_LIMIT_MS)
        self._utterances = Utterances(engines.stt, tasks, tell)
        self._said_from_ms = 0.0
        """Where the utterance begun last begins."""
        self._heard_to_ms = 0.0
        """Where the turn before ended."""
        self._missing_pre_roll_ms = 0
        self._warned: set[str] = set()
        self._waiting: _Arrived | None = None
        """What is less than voice activity judges, before it is taken."""
        self._work: deque[_Work] = deque()
        self._is_busy = True
        """Whether work may be at hand that was taken out of the queue."""
        self._pending_bytes = 0
        self._filled = asyncio.Event()
        self._caught_up = asyncio.Event()

    # What the session wants done.

    def configure(self, effect: effects.ConfigureInput) -> None:
        # At once: what is played before the audio at hand is judged is in its echo already.
        cleaning = CleaningSettings.of(effect.echo_cancellation, effect.noise_reduction)
        self._follow_playback(cleaning.needs_played)
        self._add(effect)

    def append(self, audio: bytes) -> None:
        arrived = _Arrived(audio, self._clock.now_ms(), time.monotonic())
        if (before := self._waiting) is not None:
            self._waiting = None
            arrived = _Arrived(before.wire + audio, before.at_ms, arrived.at_s)
        is_idle = not (self._work or self._is_busy or self._utterances.is_any_full)
        if not is_idle or not self._processor.is_quick(arrived.wire):
            self._add(arrived)
        elif self._processor.can_wait(arrived.wire, audio):
            self._waiting = arrived
        else:
            self._take_at_once(arrived)

    def clear(self, effect: effects.ClearInput) -> None:
        self._add(effect)

    def begin(self, effect: effects.BeginUtterance) -> None:
        if effect.start_ms is None:
            self._add(effect)
        else:
            self._begin(effect)

    def finish(self, effect: effects.FinishUtterance) -> None:
        if effect.end_ms is None:
            self._add(effect)
        else:
            self._finish(effect)

    def discard(self, item_id: str) -> None:
        self._work = deque(
            work
            for work in self._work
            if not (
                isinstance(work, effects.BeginUtterance | effects.FinishUtterance)
                and work.item_id == item_id
            )
        )
        self._utterances.discard(item_id)

    def transcribe(self, effect: effects.TranscribeAudio) -> None:
        """Recognise a recording, apart from the timeline."""

        async def decode() -> bytes:
            return await self._engines.threads.run(self._processor.decode_apart, effect.audio)

        self._utterances.transcribe(effect.item_id, decode)

    async def wait_room(self) -> None:
        """Wait until most of what was appended is judged."""
        while self._pending_bytes > PENDING_LIMIT_BYTES:
            self._caught_up.clear()
            await self._caught_up.wait()

    async def run(self) -> None:
        while True:
            while not self._work:
                self._is_busy = False
                self._filled.clear()
                await self._filled.wait()
            self._is_busy = True
            match self._work.popleft():
                case _Arrived() as arrived:
                    await self._take(arrived)
                    self._pending_bytes -= len(arrived.wire)
                    self._caught_up.set()
                case Judged() as judged:
                    await self._weigh(judged)
                case effects.ClearInput():
                    self._timeline.mark()
                    self._processor.reset()
                case effects.BeginUtterance() as effect:
                    self._begin(effect)
                case effects.FinishUtterance() as effect:
                    self._finish(effect)
                case effects.ConfigureInput() as effect:
                    await self._configure(effect)

    async def close(self) -> None:
        """Drop what is being recognised."""
        await self._utterances.close()

    def _add(self, work: _Work) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._add(waiting)
        if isinstance(work, _Arrived):
            self._pending_bytes += len(work.wire)
        self._work.append(work)
        self._filled.set()

    def _begin(self, effect: effects.BeginUtterance) -> None:
        mark_ms = self._timeline.mark_ms
        self._said_from_ms = mark_ms if effect.start_ms is None else effect.start_ms
        from_ms: float | None = effect.start_ms
        if from_ms is not None:
            from_ms = max(from_ms - self._missing_pre_roll_ms, min(from_ms, self._heard_to_ms))
        self._utterances.begin(effect.item_id, self._timeline.since(from_ms))

    def _finish(self, effect: effects.FinishUtterance) -> None:
        if self._utterances.finish(effect.item_id):
            self._timeline.mark()
            self._heard_to_ms = effect.end_ms or self._timeline.end_ms

    async def _configure(self, effect: effects.ConfigureInput) -> None:
        detection = effect.turn_detection
        detects = detection is not None
        if detection is not None:
            self._missing_pre_roll_ms = max(0, PRE_ROLL_MS - detection.prefix_padding_ms)
        self._timeline.limit_ms = DETECTED_LIMIT_MS if detects else MANUAL_LIMIT_MS
        await self._engines.threads.run(self._processor.configure, effect)
        self._warn(find_warning(self._processor.cleaning), "audio_not_cleaned")
        self._language = effect.language
        warning = self._utterances.configure(
            effect.language, (*self._engines.phrases, *effect.phrases)
        )
        self._warn(warning, HEARING_LIMITED, "session.input_audio_transcription")

    def _warn(self, warning: str | None, code: str, param: str | None = None) -> None:
        if warning is not None and warning not in self._warned:
            self._warned.add(warning)
            self._tell(facts.Warned(warning, code, param))

    # The echo's reference.

    def _follow_playback(self, needs_played: bool) -> None:
        """Know what is played while, and only while, its echo is to be taken out."""
        if self._following is not None and not needs_played:
            self._client_playback.disconnect(self._following)
            self._following = None
        elif self._following is None and needs_played:
            self._reference = EchoReference()
            self._following = PlaybackListener(
                SAMPLE_RATE_HZ, self._reference.play, self._reference.stop
            )
            self._client_playback.connect(self._following)

    def _take_played(self, wire: bytes, arrived_ms: float) -> bytes:
        if self._following is None:
            return b""
        at_ms = self._clock.find_audio(self._processor.received_ms, arrived_ms)
        return self._reference.take(at_ms, self._processor.measure_bytes(wire))

    # Audio.

    async def _take(self, arrived: _Arrived) -> None:
        for piece in self._processor.cut(arrived.wire):
            judged = await self._judge(piece, arrived)
            if judged is not None:
                self._pass_on(judged, arrived)
                await self._weigh(judged)
                await self._utterances.drain()

    def _take_at_once(self, arrived: _Arrived) -> None:
        judged = self._judge_here(arrived.wire, b"")
        if judged is not None:
            self._pass_on(judged, arrived)
            if judged.is_asking:
                self._add(judged)

    def _pass_on(self, judged: Judged, arrived: _Arrived) -> None:
        self._warn(judged.notice, "invalid_audio", "audio")
        self._place(judged.pcm, arrived)
        self._utterances.feed(judged.pcm)
        if judged.is_speech:
            self._utterances.follow_pause(judged.quiet_since_ms)
        self._tell_turns(judged)

    async def _weigh(self, judged: Judged) -> None:
        """Go on after each pause that it matters for what was said."""
        while judged.is_asking:
            completeness = await self._estimate_completeness(judged.quiet_since_ms)
            judged = await self._engines.threads.run(
                self._processor.weigh, completeness, self._is_playing(self._clock.now_ms())
            )
            self._tell_turns(judged)

    async def _judge(self, piece: bytes, arrived: _Arrived) -> Judged | None:
        """None where that failed."""
        played = self._take_played(piece, arrived.at_ms)
        if self._processor.is_quick(piece):
            await asyncio.sleep(0)
            return self._judge_here(piece, played)
        is_playing = self._is_playing(self._clock.now_ms())
        try:
            return await self._engines.threads.run(self._processor.judge, piece, played, is_playing)
        except Exception:
            self._begin_anew()
            return None

    def _judge_here(self, piece: bytes, played: bytes) -> Judged | None:
        try:
            return self._processor.judge(piece, played, self._is_playing(self._clock.now_ms()))
        except Exception:
            self._begin_anew()
            return None

    def _begin_anew(self) -> None:
        logger.exception("Voice activity failed: it begins anew.")
        self._processor.reset()
        self._tell(
            facts.Warned("Voice activity failed and began anew: the emulator's log says more.")
        )

    def _place(self, pcm: bytes, arrived: _Arrived) -> None:
        """Put audio on the timeline, and the clock where that audio stands."""
        start_ms = self._timeline.end_ms
        self._timeline.add(pcm)
        end_ms = self._timeline.end_ms
        at_ms = self._clock.place_audio(start_ms, end_ms, arrived.at_ms)
        self._on_heard(at_ms, pcm, end_ms, (time.monotonic() - arrived.at_s) * 1000)

    def _tell_turns(self, judged: Judged) -> None:
        for event in judged.events:
            self._tell(event)

    # Whether a pause ends the turn.

    async def _estimate_completeness(self, quiet_since_ms: int | None) -> float | None:
        """Whether what the person said before this pause seems complete; None: nobody knows."""
        if not self._utterances.is_any_open:
            return None
        return weigh_opinions(
            *await asyncio.gather(self._judge_words(), self._judge_sound(quiet_since_ms))
        )

    async def _judge_words(self) -> float | None:
        try:
            async with asyncio.timeout(WEIGH_TIMEOUT_S):
                text = await self._utterances.text_so_far()
        except (SttError, TimeoutError):
            return None
        return estimate_completeness(text, self._language)

    async def _judge_sound(self, quiet_since_ms: int | None) -> float | None:
        model = self._engines.end_of_turn
        if model is None:
            return None
        end_ms = self._timeline.end_ms
        if quiet_since_ms is not None:
            end_ms = min(end_ms, quiet_since_ms + SILENCE_MS)
        start_ms = max(self._said_from_ms, end_ms - WINDOW_MS)
        said = self._timeline.since(start_ms)[: round(end_ms - start_ms) * _BYTES_PER_MS]
        return await self._engines.threads.run(model.estimate, said)
