"""Turn detection: where a turn begins and ends, by a state machine fed with voice activity.

It has no clock: time is the number of frames judged, so it runs as fast as they come. A semantic
turn asks once in each pause whether what was said so far is complete; the answer may lengthen or
shorten the silence that ends the turn, and nothing but silence ends it::

    quiet ──speech──▶ rising ──speech_duration_ms──▶ SpeechStarted ──▶ speaking
      ▲                  │                                             │     ▲
      └──────gap─────────┘            SpeechStopped ◀──silence── pausing ◀───┘ speech
                                                     PauseReached ⇄ weigh
"""

from dataclasses import dataclass

from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped, VoiceActivity
from voicelive_agent.wire.voice_live.turn_detection import (
    EAGERNESS_TIMEOUT_MS,
    UNFINISHED_TIMEOUT_MS,
    SemanticVad,
    ServerVad,
)

RELEASE_MARGIN = 0.15
"""Speech that has begun goes on down to this much below the threshold."""
MURMUR = 0.1
"""Speech often begins with frames above this, before one is above the threshold."""
MURMUR_LIMIT_MS = 96
SOUND_LIMIT_MS = 256
"""Sound that goes over into speech is its beginning, if it isn't older than this."""
SOUND_SHARE = 0.6
"""How much of the time that speech must last may be such sound."""
FAINT_MS = 112
"""Of the end of what voice activity takes for speech, so much may be too faint to be speech."""
PAUSE_MS = 200
"""After so much silence in a turn it is time to prepare for its end."""
RISING_GAP_MS = 96
"""A longer gap before the turn began makes what came before it a noise."""
SHORTEST_SILENCE_MS = 200
"""No answer of an end-of-turn model makes the silence shorter than this."""
SHORTENED = 0.5
"""The part of the silence that is enough after what is surely complete."""
SURELY_COMPLETE = 0.9
"""To sound and words together: so are 68 % of people's sentences, and 29 % of those broken off in
the middle, many of which could be whole."""
COMPLETE_FROM = {"low": 0.3, "medium": 0.5, "default": 0.5, "high": 0.7}
"""``threshold_level``: how complete a turn must seem to end after the plain silence."""
_DEFAULT = ServerVad(type="server_vad")


@dataclass(frozen=True, slots=True)
class PauseReached:
    """So long a pause that it matters what was said: tell ``TurnDetector.weigh``."""


TurnEvent = SpeechStarted | PauseReached | SpeechStopped


@dataclass(frozen=True, slots=True)
class TurnRules:
    """The members of ``turn_detection`` that say where turns begin and end."""

    threshold: float = _DEFAULT.threshold
    release_threshold: float = _DEFAULT.threshold - RELEASE_MARGIN
    prefix_padding_ms: int = _DEFAULT.prefix_padding_ms
    silence_duration_ms: int = _DEFAULT.silence_duration_ms
    speech_duration_ms: int = _DEFAULT.speech_duration_ms
    answering_speech_duration_ms: int | None = None
    """How long speech must be while a response is played; None: no longer than otherwise."""
    is_semantic: bool = False
    complete_from: float = COMPLETE_FROM["default"]
    timeout_ms: int = UNFINISHED_TIMEOUT_MS
    """What an unfinished sentence adds to the silence, at most."""

    @classmethod
    def of(cls, wanted: ServerVad) -> "TurnRules":
        """The rules of a session's ``turn_detection``, of whichever type."""
        ending, released_below = wanted.end_of_utterance_detection, wanted.neg_threshold
        if released_below is None:
            released_below = max(wanted.threshold - RELEASE_MARGIN, 0.01)
        timeout_ms = UNFINISHED_TIMEOUT_MS
        if isinstance(wanted, SemanticVad):
            timeout_ms = EAGERNESS_TIMEOUT_MS[wanted.eagerness]
        return cls(
            threshold=wanted.threshold,
            release_threshold=released_below,
            prefix_padding_ms=wanted.prefix_padding_ms,
            silence_duration_ms=wanted.silence_duration_ms,
            speech_duration_ms=wanted.speech_duration_ms,
            answering_speech_duration_ms=wanted.speech_duration_assistant_speaking_ms,
            is_semantic=wanted.type != "server_vad" or ending is not None,
            complete_from=COMPLETE_FROM[ending.threshold_level if ending else "default"],
            timeout_ms=ending.timeout_ms if ending else timeout_ms,
        )


class TurnDetector:
    """The turns of one session. All offsets are ms on the timeline of the audio received."""

    def __init__(
        self,
        rules: TurnRules,
        voice_activity: VoiceActivity,
        *,
        from_ms: int = 0,
        may_shorten: bool = False,
    ) -> None:
        """``from_ms`` is where the first frame begins on the timeline.

        ``may_shorten``: ``weigh`` hears an end-of-turn model, so pauses are told early.
        """
        self.rules = rules
        self.may_shorten = may_shorten
        self._frame_ms = voice_activity.frame_ms
        self._onset_lag_ms = voice_activity.onset_lag_ms
        self._release_lag_ms = voice_activity.release_lag_ms
        self._now_ms = from_ms
        self._floor_ms = from_ms
        self._enough_ms = rules.silence_duration_ms
        self.reset()

    @property
    def now_ms(self) -> int:
        """The end of the last frame."""
        return self._now_ms

    @property
    def is_speaking(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._start_ms is not None

    @property
    def is_pausing(self) -> bool:
        """Whether there was no speech in the last frame of a turn."""
        return self._start_ms is not None and self._voiced_to_ms != self._now_ms

    @property
    def quiet_since_ms(self) -> int | None:
        """Where the pause began that there is in a turn; None where nobody is pausing."""
        if self._start_ms is None:
            return None
        enough_ms = min(PAUSE_MS, self.rules.silence_duration_ms // 2)
        return self._speech_end_ms() if self._silence_ms() >= enough_ms else None

    def configure(self, rules: TurnRules) -> None:
        """New rules, from the next frame on; a turn that has begun goes on under them."""
        self.rules = rules
        self._enough_ms = min(self._enough_ms, rules.silence_duration_ms + rules.timeout_ms)

    def reset(self) -> None:
        """Forget the turn that has begun, and what came before; time goes on."""
        self._floor_ms = self._now_ms
        self._murmur_ms: int | None = None
        self._onset_ms: int | None = None
        self._start_ms: int | None = None
        self._voiced_ms = 0
        self._voiced_to_ms = 0
        self._faint_ms = 0
        self._further_ms = 0
        self._is_asked = False
        self._enough_ms = self.rules.silence_duration_ms

    def judge(
        self,
        probability: float,
        sound_ms: int = 0,
        faint_ms: int = 0,
        *,
        is_playing: bool = False,
    ) -> TurnEvent | None:
        """Take in the next frame: how likely it is speech, for how long there was sound, and for
        how long nothing as loud as speech.

        ``is_playing``: an answer is being played to the person.
        """
        self._now_ms += self._frame_ms
        self._further_ms = 0
        if self._start_ms is None:
            return self._judge_onset(probability, sound_ms, self._needed_speech_ms(is_playing))
        return self._judge_speech(probability, faint_ms)

    def judge_faint(self, further_ms: int) -> TurnEvent | None:
        """So much of the next frame has come, and nothing of it is as loud as speech."""
        if not self.is_pausing:
            return None
        self._further_ms = further_ms
        return self._judge_silence()

    def weigh(self, completeness: float | None) -> SpeechStopped | None:
        """Answer ``PauseReached`` before the next frame.

        ``completeness`` says from 0 to 1 whether the person has finished; None: nobody knows.
        """
        if self._start_ms is None or not self._is_asked:
            return None
        self._enough_ms = self._needed_silence_ms(completeness)
        return self._stop_after_silence()

    def _judge_onset(
        self, probability: float, sound_ms: int, needed_ms: int
    ) -> SpeechStarted | None:
        rules = self.rules
        if self._onset_ms is None:
            self._look_for_onset(probability, sound_ms, needed_ms)
            if self._onset_ms is None:
                return None
        if probability >= rules.release_threshold:
            self._voiced_ms += self._frame_ms
            self._voiced_to_ms = self._now_ms
        elif self._now_ms - self._voiced_to_ms > RISING_GAP_MS:
            self._onset_ms = self._murmur_ms = None
            return None
        if self._voiced_ms < needed_ms:
            return None
        self._start_ms = max(self._onset_ms - rules.prefix_padding_ms, self._floor_ms)
        self._hear_speech(self._now_ms, 0)
        return SpeechStarted(self._start_ms)

    def _needed_speech_ms(self, is_playing: bool) -> int:
        rules = self.rules
        if is_playing and rules.answering_speech_duration_ms is not None:
            return rules.answering_speech_duration_ms
        return rules.speech_duration_ms

    def _look_for_onset(self, probability: float, sound_ms: int, needed_ms: int) -> None:
        frame_start_ms = self._now_ms - self._frame_ms
        if self._murmur_ms is None:
            self._murmur_ms = frame_start_ms
        if probability >= self.rules.threshold:
            onset_ms = max(self._murmur_ms, frame_start_ms - MURMUR_LIMIT_MS) - self._onset_lag_ms
            credit_ms = float(self._frame_ms)
            if sound_ms <= self._frame_ms + SOUND_LIMIT_MS:
                onset_ms = min(onset_ms, self._now_ms - sound_ms)
                credit_ms = max(credit_ms, SOUND_SHARE * needed_ms)
            self._onset_ms = max(onset_ms, self._floor_ms)
            self._voiced_ms = min(frame_start_ms - self._onset_ms, round(credit_ms))
        elif probability < MURMUR:
            self._murmur_ms = None

    def _judge_speech(
        self, probability: float, faint_ms: int
    ) -> PauseReached | SpeechStopped | None:
        if probability >= self.rules.threshold:
            self._hear_speech(self._now_ms, faint_ms)
            return None
        if probability >= self.rules.release_threshold:
            # One such frame is the end of speech fading; more of them are speech.
            before_ms = self._now_ms - self._frame_ms
            if before_ms > self._voiced_to_ms:
                self._hear_speech(before_ms, max(0, faint_ms - self._frame_ms))
            return None
        return self._judge_silence()

    def _judge_silence(self) -> PauseReached | SpeechStopped | None:
        if self.rules.is_semantic and not self._is_asked:
            if self._silence_ms() >= self._earliest_silence_ms():
                self._is_asked = True
                return PauseReached()
            return None
        return self._stop_after_silence()

    def _hear_speech(self, to_ms: int, faint_ms: int) -> None:
        self._voiced_to_ms = to_ms
        self._faint_ms = faint_ms
        self._is_asked = False
        self._enough_ms = self.rules.silence_duration_ms

    def _stop_after_silence(self) -> SpeechStopped | None:
        if self._silence_ms() < self._enough_ms:
            return None
        end_ms = self._speech_end_ms()
        self.reset()
        self._floor_ms = end_ms
        return SpeechStopped(end_ms)

    def _speech_end_ms(self) -> int:
        late_ms = max(self._release_lag_ms, min(self._faint_ms, FAINT_MS))
        return max(self._voiced_to_ms - late_ms, self._onset_ms or 0)

    def _silence_ms(self) -> int:
        return self._now_ms + self._further_ms - self._speech_end_ms()

    def _earliest_silence_ms(self) -> int:
        return earliest_silence_ms(self.rules, may_shorten=self.may_shorten)

    def _needed_silence_ms(self, completeness: float | None) -> int:
        return needed_silence_ms(self.rules, completeness, may_shorten=self.may_shorten)


def earliest_silence_ms(rules: TurnRules, *, may_shorten: bool) -> int:
    """After which a turn may end that is surely complete."""
    silence_ms = rules.silence_duration_ms
    if not may_shorten:
        return silence_ms
    return min(silence_ms, max(SHORTEST_SILENCE_MS, round(silence_ms * SHORTENED)))


def needed_silence_ms(rules: TurnRules, completeness: float | None, *, may_shorten: bool) -> int:
    """After which a turn ends that is so complete, 0 to 1; None: nobody knows."""
    if completeness is None:
        return rules.silence_duration_ms
    if completeness >= SURELY_COMPLETE:
        return earliest_silence_ms(rules, may_shorten=may_shorten)
    if may_shorten:
        # Between sure and unsure, sound tells much: a pause for thought is seldom below the half.
        gap = SURELY_COMPLETE - rules.complete_from
        missing = min(1.0, (SURELY_COMPLETE - completeness) / gap)
    else:
        missing = max(0.0, 1 - completeness / rules.complete_from)
    return rules.silence_duration_ms + round(rules.timeout_ms * missing)
