"""A session's input audio: decoded, judged for voice activity, and given to the recogniser.

Audio is taken in order, in short pieces. A worker thread does what computes; what follows from it
happens on the event loop. All offsets are ms from the first byte of audio received.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voicelive_agent.emulator.engines import Engines
from voicelive_agent.emulator.session import Fact, effects, facts
from voicelive_agent.emulator.shell.clock import SessionClock
from voicelive_agent.emulator.shell.input_processing import InputProcessor
from voicelive_agent.emulator.shell.input_timeline import InputTimeline
from voicelive_agent.emulator.shell.tasks import SessionTasks
from voicelive_agent.emulator.stt import SAMPLE_RATE_HZ, Recognizer, SttError, Utterance
from voicelive_agent.emulator.vad.completeness import estimate_completeness
from voicelive_agent.emulator.vad.echo import CleaningSettings, EchoReference, find_warning
from voicelive_agent.emulator.vad.smart_turn import WINDOW_MS, weigh_opinions
from voicelive_agent.emulator.watch.client_playback import ClientPlayback, PlaybackListener

PENDING_LIMIT_BYTES = 1024 * 1024
"""Reading from the client waits while more audio than this is not judged yet."""
WEIGH_TIMEOUT_S = 1.0
"""How long the recogniser may take to say what was said before a pause."""
PREFIX_MS = 10_000
"""How far an utterance may reach back behind the one before it."""
DETECTED_LIMIT_MS = 60_000
"""How much unused audio is kept where turns are detected."""
MANUAL_LIMIT_MS = 15 * 60_000
"""How much a client may append before it commits."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Audio:
    wire: bytes
    arrived_ms: float


@dataclass(frozen=True, slots=True)
class _Clear:
    pass


@dataclass(frozen=True, slots=True)
class _Begin:
    item_id: str


@dataclass(frozen=True, slots=True)
class _Finish:
    item_id: str


_Work = _Audio | _Clear | _Begin | _Finish | effects.ConfigureInput


class InputAudio:
    """One session's ears."""

    def __init__(
        self,
        engines: Engines,
        clock: SessionClock,
        tasks: SessionTasks,
        tell: Callable[[Fact], None],
        on_heard: Callable[[float, bytes, float], None],
        is_playing: Callable[[float], bool],
        client_playback: ClientPlayback,
    ) -> None:
        """``on_heard`` gets where audio stands on the clock, the audio, and its end offset."""
        self._engines = engines
        self._clock = clock
        self._tasks = tasks
        self._tell = tell
        self._on_heard = on_heard
        self._is_playing = is_playing
        self._client_playback = client_playback
        self._played = EchoReference()
        self._following: PlaybackListener | None = None
        self._recognizer: Recognizer = engines.stt.open_recognizer()
        self._language = ""
        self._listener = InputProcessor(engines)
        self._timeline = InputTimeline(PREFIX_MS, DETECTED_LIMIT_MS)
        self._starts_ms: dict[str, float] = {}
        self._open: dict[str, Utterance] = {}
        self._finishing: dict[str, Utterance] = {}
        self._decoding: set[str] = set()
        """Recordings that are made ready to be recognised."""
        self._warned: set[str] = set()
        self._work: deque[_Work] = deque()
        self._pending_bytes = 0
        self._filled = asyncio.Event()
        self._caught_up = asyncio.Event()

    # What the session wants done.

    def configure(self, effect: effects.ConfigureInput) -> None:
        # At once: what is played before the ears are ready is heard by them later.
        request = CleaningSettings.parse(effect.echo_cancellation, effect.noise_reduction)
        self._follow_loudspeaker(request.needs_played)
        self._add(effect)

    def hear(self, audio: bytes) -> None:
        self._pending_bytes += len(audio)
        self._add(_Audio(audio, self._clock.now_ms()))

    def clear(self) -> None:
        self._add(_Clear())

    def begin(self, item_id: str, start_ms: float | None) -> None:
        if start_ms is None:
            self._add(_Begin(item_id))
        else:
            self._begin(item_id, start_ms)

    def finish(self, item_id: str, end_ms: float | None) -> None:
        if end_ms is None:
            self._add(_Finish(item_id))
        else:
            self._finish(item_id)

    def discard(self, item_id: str) -> None:
        self._decoding.discard(item_id)
        self._work = deque(
            work
            for work in self._work
            if not (isinstance(work, _Begin | _Finish) and work.item_id == item_id)
        )
        for utterances in (self._open, self._finishing):
            if (utterance := utterances.pop(item_id, None)) is not None:
                utterance.discard()

    def transcribe(self, item_id: str, audio: bytes) -> None:
        """Recognise a recording, apart from the timeline."""
        self._decoding.add(item_id)
        self._tasks.start(self._transcribe(item_id, audio), "recording")

    async def wait_room(self) -> None:
        """Wait until most of what was appended is judged."""
        while self._pending_bytes > PENDING_LIMIT_BYTES:
            self._caught_up.clear()
            await self._caught_up.wait()

    async def run(self) -> None:
        while True:
            while not self._work:
                self._filled.clear()
                await self._filled.wait()
            match self._work.popleft():
                case _Audio(wire, arrived_ms):
                    await self._listen(wire, arrived_ms)
                    self._pending_bytes -= len(wire)
                    self._caught_up.set()
                case _Clear():
                    self._timeline.mark()
                    self._listener.reset()
                case _Begin(item_id):
                    self._begin(item_id, None)
                case _Finish(item_id):
                    self._finish(item_id)
                case effects.ConfigureInput() as effect:
                    await self._configure(effect)

    async def close(self) -> None:
        """Drop what is being recognised."""
        for item_id in [*self._open, *self._finishing]:
            self.discard(item_id)
        await self._recognizer.close()

    def _add(self, work: _Work) -> None:
        self._work.append(work)
        self._filled.set()

    async def _configure(self, effect: effects.ConfigureInput) -> None:
        detects = effect.turn_detection is not None
        self._timeline.limit_ms = DETECTED_LIMIT_MS if detects else MANUAL_LIMIT_MS
        await self._engines.threads.run(self._listener.configure, effect)
        self._warn(find_warning(self._listener.cleaning), "audio_not_cleaned")
        self._language = effect.language
        warning = self._recognizer.configure(
            language=effect.language, phrases=(*self._engines.phrases, *effect.phrases)
        )
        self._warn(warning, "hearing_limited", "session.input_audio_transcription")

    def _warn(self, warning: str | None, code: str, param: str | None = None) -> None:
        if warning is not None and warning not in self._warned:
            self._warned.add(warning)
            self._tell(facts.Warned(warning, code, param))

    def _follow_loudspeaker(self, needs_played: bool) -> None:
        """Know what is played while, and only while, its echo is to be taken out."""
        if self._following is not None and not needs_played:
            self._client_playback.disconnect(self._following)
            self._following = None
        elif self._following is None and needs_played:
            self._played = EchoReference()
            self._following = PlaybackListener(SAMPLE_RATE_HZ, self._played.play, self._played.stop)
            self._client_playback.connect(self._following)

    def _take_played(self, wire: bytes, arrived_ms: float) -> bytes:
        if self._following is None:
            return b""
        at_ms = self._clock.find_audio(self._listener.received_ms, arrived_ms)
        return self._played.take(at_ms, self._listener.measure_bytes(wire))

    async def _listen(self, wire: bytes, arrived_ms: float) -> None:
        for piece in self._listener.cut(wire):
            self._listener.is_answering = self._is_playing(self._clock.now_ms())
            try:
                judged = await self._engines.threads.run(
                    self._listener.judge, piece, self._take_played(piece, arrived_ms)
                )
            except Exception:
                logger.exception("Voice activity failed: it begins anew.")
                self._listener.reset()
                self._tell(
                    facts.Warned(
                        "Voice activity failed and began anew: the emulator's log says more."
                    )
                )
                continue
            self._warn(judged.notice, "invalid_audio", "audio")
            start_ms = self._timeline.end_ms
            self._timeline.add(judged.pcm)
            end_ms = self._timeline.end_ms
            at_ms = self._clock.place_audio(start_ms, end_ms, arrived_ms)
            self._on_heard(at_ms, judged.pcm, end_ms)
            for utterance in self._open.values():
                utterance.feed(judged.pcm)
            self._tell_all(judged.facts)
            while judged.is_asking:
                completeness = await self._estimate_completeness()
                judged = await self._engines.threads.run(self._listener.weigh, completeness)
                self._tell_all(judged.facts)
            for utterance in list(self._open.values()):
                await utterance.drain()

    async def _estimate_completeness(self) -> float | None:
        """Whether what the person said before this pause seems complete; None: nobody knows."""
        item_id = next(reversed(self._open), None)
        if item_id is None:
            return None
        by_words, by_sound = await asyncio.gather(
            self._judge_words(self._open[item_id]), self._judge_sound(item_id)
        )
        return weigh_opinions(by_words, by_sound)

    async def _judge_words(self, utterance: Utterance) -> float | None:
        try:
            async with asyncio.timeout(WEIGH_TIMEOUT_S):
                return estimate_completeness(await utterance.text_so_far(), self._language)
        except (SttError, TimeoutError):
            return None

    async def _judge_sound(self, item_id: str) -> float | None:
        model = self._engines.end_of_turn
        if model is None:
            return None
        start_ms = max(self._starts_ms.get(item_id, 0.0), self._timeline.end_ms - WINDOW_MS)
        return await self._engines.threads.run(model.estimate, self._timeline.since(start_ms))

    def _tell_all(self, found: Sequence[Fact]) -> None:
        for fact in found:
            self._tell(fact)

    async def _transcribe(self, item_id: str, audio: bytes) -> None:
        pcm = await self._engines.threads.run(self._listener.decode_apart, audio)
        if item_id in self._decoding:
            self._decoding.remove(item_id)
            self._begin_with(item_id, pcm)
            self._recognise(item_id, self._open.pop(item_id))

    def _begin(self, item_id: str, start_ms: float | None) -> None:
        self._starts_ms = {item_id: self._timeline.mark_ms if start_ms is None else start_ms}
        self._begin_with(item_id, self._timeline.since(start_ms))

    def _begin_with(self, item_id: str, pcm: bytes) -> None:
        def tell_partial(text: str) -> None:
            if item_id in self._open or item_id in self._finishing:
                self._tell(facts.PartialTranscript(item_id, text))

        utterance = self._open[item_id] = self._recognizer.begin(tell_partial)
        utterance.feed(pcm)

    def _finish(self, item_id: str) -> None:
        utterance = self._open.pop(item_id, None)
        if utterance is not None:
            self._timeline.mark()
            self._recognise(item_id, utterance)

    def _recognise(self, item_id: str, utterance: Utterance) -> None:
        self._finishing[item_id] = utterance
        self._tasks.start(self._await_transcript(item_id, utterance), "transcript")

    async def _await_transcript(self, item_id: str, utterance: Utterance) -> None:
        fact: facts.FinalTranscript | facts.TranscriptionFailed
        try:
            fact = facts.FinalTranscript(item_id, await utterance.finish())
        except SttError as error:
            fact = facts.TranscriptionFailed(item_id, str(error))
        except Exception as error:
            logger.exception("The ears %s failed in a way of their own.", self._engines.stt.name)
            fact = facts.TranscriptionFailed(
                item_id,
                f"The ears {self._engines.stt.name} failed ({type(error).__name__}): "
                "the emulator's log says more.",
            )
        if self._finishing.pop(item_id, None) is not None:
            self._tell(fact)
