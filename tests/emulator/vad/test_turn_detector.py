"""Turns from probabilities alone: each test is a string of speech and silence."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.emulator.vad.rules import read_rules
from voicelive_agent.emulator.vad import SpeechStarted, SpeechStopped
from voicelive_agent.emulator.vad.turn_detector import (
    MURMUR_LIMIT_MS,
    PauseReached,
    TurnDetector,
    TurnEvent,
    TurnRules,
)


class Detector:
    """Frames of 10 ms that tell speech without lag, so that offsets are plain."""

    frame_bytes = 320
    frame_ms = 10
    onset_lag_ms = 0
    release_lag_ms = 0

    def probability(self, frame: bytes) -> float:
        raise NotImplementedError

    def reset(self) -> None: ...


class LateDetector(Detector):
    onset_lag_ms = 20
    release_lag_ms = 80


def open_turns(*, may_shorten: bool = False, **wish: Any) -> TurnDetector:
    return TurnDetector(read_rules(wish), Detector(), may_shorten=may_shorten)


def hear(
    turns: TurnDetector, probability: float, ms: int, *, is_playing: bool = False
) -> list[TurnEvent]:
    events = [turns.judge(probability, is_playing=is_playing) for _ in range(ms // 10)]
    return [event for event in events if event is not None]


def run(
    turns: TurnDetector, *parts: tuple[float, int], is_playing: bool = False
) -> list[TurnEvent]:
    return [
        event
        for probability, ms in parts
        for event in hear(turns, probability, ms, is_playing=is_playing)
    ]


class TestServerVad:
    def test_a_turn(self) -> None:
        events = run(open_turns(), (0, 1000), (1, 800), (0, 1000))
        assert events == [SpeechStarted(600), SpeechStopped(1800)]

    def test_it_starts_once_speech_lasted_long_enough(self) -> None:
        turns = open_turns(speech_duration_ms=200)
        assert hear(turns, 1, 190) == []
        assert hear(turns, 1, 10) == [SpeechStarted(0)]

    def test_it_stops_once_silence_lasted_long_enough(self) -> None:
        turns = open_turns(silence_duration_ms=300)
        run(turns, (1, 400), (0, 290))
        assert turns.judge(0) == SpeechStopped(400)

    def test_what_is_too_faint_for_speech_is_silence_already(self) -> None:
        """Voice activity lets go of speech late; the wait for its end began that much later."""
        turns = TurnDetector(read_rules({}), LateDetector())
        run(turns, (1, 400))
        for faint_ms in (*range(10, 100, 10), 110):
            assert turns.judge(1, 0, faint_ms) is None
        assert hear(turns, 0, 390) == [SpeechStopped(390)]

    @pytest.mark.parametrize(("faint_ms", "end_ms"), [(0, 320), (50, 320), (5000, 288)])
    def test_the_end_is_moved_by_so_much_at_most(self, faint_ms: int, end_ms: int) -> None:
        turns = TurnDetector(read_rules({}), LateDetector())
        run(turns, (1, 390))
        turns.judge(1, 0, faint_ms)
        assert hear(turns, 0, 500) == [SpeechStopped(end_ms)]

    def test_a_turn_ends_within_a_frame(self) -> None:
        turns = open_turns(silence_duration_ms=300)
        run(turns, (1, 400))
        assert turns.judge_faint(9) is None
        run(turns, (0, 290))
        assert turns.judge_faint(9) is None
        assert turns.judge_faint(10) == SpeechStopped(400)
        assert turns.judge_faint(11) is None

    def test_within_a_frame_too_a_semantic_turn_asks_first(self) -> None:
        turns = open_turns(type="azure_semantic_vad", silence_duration_ms=300)
        run(turns, (1, 400), (0, 290))
        assert turns.judge_faint(10) == PauseReached()
        assert turns.weigh(1) == SpeechStopped(400)

    def test_a_pause_shorter_than_the_silence_is_part_of_the_turn(self) -> None:
        events = run(open_turns(), (1, 500), (0, 490), (1, 500), (0, 600))
        assert events == [SpeechStarted(0), SpeechStopped(1490)]

    @pytest.mark.parametrize("noise_ms", [10, 100, 190])
    def test_a_noise_is_no_turn(self, noise_ms: int) -> None:
        assert run(open_turns(), (0, 500), (1, noise_ms), (0, 1000)) == []

    def test_noises_far_apart_do_not_add_up(self) -> None:
        assert run(open_turns(), *[(1, 100), (0, 200)] * 10) == []

    def test_a_word_with_a_stop_in_it_is_speech(self) -> None:
        """The closure of a consonant in "no, it …" is no end of what came before."""
        assert run(open_turns(), (1, 120), (0, 60), (1, 120)) == [SpeechStarted(0)]

    def test_speech_goes_on_below_the_threshold_it_began_at(self) -> None:
        events = run(open_turns(threshold=0.6), (0.7, 300), (0.5, 1000), (0.4, 600))
        assert events == [SpeechStarted(0), SpeechStopped(1290)]
        assert run(open_turns(threshold=0.6), (0.5, 1000)) == []

    def test_a_fading_frame_is_no_speech(self) -> None:
        assert run(open_turns(), (1, 300), (0.4, 10), (0, 600))[-1] == SpeechStopped(300)

    def test_speech_begins_with_the_murmur_before_it(self) -> None:
        events = run(open_turns(prefix_padding_ms=0), (0, 500), (0.2, 50), (1, 300))
        assert events == [SpeechStarted(500)]
        events = run(open_turns(prefix_padding_ms=0), (0, 500), (0.2, 500), (1, 300))
        assert events == [SpeechStarted(1000 - MURMUR_LIMIT_MS)]

    def test_the_release_threshold_may_be_given(self) -> None:
        events = run(open_turns(neg_threshold=0.1), (1, 300), (0.2, 1000), (0, 600))
        assert events[-1] == SpeechStopped(1290)

    def test_padding_does_not_reach_into_the_turn_before(self) -> None:
        events = run(open_turns(), (1, 500), (0, 550), (1, 500))
        assert events == [SpeechStarted(0), SpeechStopped(500), SpeechStarted(650)]
        events = run(open_turns(prefix_padding_ms=2000), (1, 500), (0, 550), (1, 500))
        assert events[-1] == SpeechStarted(500)

    def test_the_lags_of_a_detector_are_taken_off(self) -> None:
        turns = TurnDetector(read_rules({"prefix_padding_ms": 300}), LateDetector())
        events = run(turns, (0, 1000), (1, 500), (0, 420))
        assert events == [SpeechStarted(680), SpeechStopped(1420)]
        assert turns.now_ms == 1920

    def test_a_turn_shorter_than_the_lag_ends_after_it_began(self) -> None:
        turns = TurnDetector(read_rules({"speech_duration_ms": 0}), LateDetector())
        events = run(turns, (0, 1000), (1, 20), (0, 700))
        assert events == [SpeechStarted(580), SpeechStopped(980)]

    def test_speech_must_last_longer_while_the_assistant_speaks(self) -> None:
        turns = open_turns(speech_duration_assistant_speaking_ms=800)
        assert run(turns, (1, 790), (0, 500), is_playing=True) == []
        assert run(turns, (1, 200)) == [SpeechStarted(890)]

    def test_clearing_forgets_the_turn_and_keeps_the_time(self) -> None:
        turns = open_turns()
        hear(turns, 1, 500)
        turns.reset()
        assert not turns.is_speaking
        assert run(turns, (0, 1000)) == []
        assert run(turns, (1, 200)) == [SpeechStarted(1100)]

    def test_new_rules_hold_from_now_on(self) -> None:
        turns = open_turns(silence_duration_ms=2000)
        run(turns, (1, 500), (0, 400))
        turns.configure(read_rules({"silence_duration_ms": 100, "timeout_ms": 0}))
        run(turns, (1, 100))
        assert hear(turns, 0, 100) == [SpeechStopped(1000)]

    def test_it_asks_nothing(self) -> None:
        turns = open_turns()
        run(turns, (1, 500), (0, 490))
        assert turns.weigh(0) is None
        assert turns.judge(0) == SpeechStopped(500)


class TestPauses:
    def test_a_pause_is_known_before_it_ends_the_turn(self) -> None:
        turns = open_turns(silence_duration_ms=500)
        hear(turns, 1, 800)
        assert turns.quiet_since_ms is None
        hear(turns, 0, 190)
        assert turns.quiet_since_ms is None
        hear(turns, 0, 10)
        assert turns.quiet_since_ms == 800
        hear(turns, 0, 200)
        assert turns.quiet_since_ms == 800
        assert turns.is_speaking

    def test_speech_ends_a_pause_and_the_next_begins_later(self) -> None:
        turns = open_turns(silence_duration_ms=500)
        run(turns, (1, 800), (0, 300), (1, 10))
        assert turns.quiet_since_ms is None
        run(turns, (1, 290), (0, 300))
        assert turns.quiet_since_ms == 1400

    def test_a_short_silence_duration_leaves_time_to_prepare(self) -> None:
        turns = open_turns(silence_duration_ms=200)
        run(turns, (1, 800), (0, 100))
        assert turns.quiet_since_ms == 800
        assert turns.is_speaking

    def test_nobody_pauses_outside_a_turn(self) -> None:
        turns = open_turns(silence_duration_ms=300)
        run(turns, (0, 1000), (1, 400), (0, 600))
        assert turns.quiet_since_ms is None


class TestSoftBeginnings:
    def judge(self, turns: TurnDetector, *frames: tuple[float, int]) -> list[TurnEvent]:
        events = [turns.judge(probability, sound_ms) for probability, sound_ms in frames]
        return [event for event in events if event is not None]

    def test_sound_that_goes_over_into_speech_is_its_beginning(self) -> None:
        turns = open_turns(prefix_padding_ms=0)
        hear(turns, 0, 1000)
        frames = [(0.05, ms) for ms in range(10, 210, 10)]
        frames += [(1, ms) for ms in range(210, 310, 10)]
        assert self.judge(turns, *frames) == [SpeechStarted(1000)]

    def test_it_is_no_more_than_a_part_of_what_speech_must_last(self) -> None:
        """A door that slams before a single frame of doubt is no turn."""
        turns = open_turns(speech_duration_ms=200)
        hear(turns, 0, 1000)
        frames = [(0.05, ms) for ms in range(10, 210, 10)] + [(1, ms) for ms in range(210, 280, 10)]
        assert self.judge(turns, *frames, *[(0, 0)] * 100) == []

    def test_a_noise_that_lasts_is_none(self) -> None:
        turns = open_turns(prefix_padding_ms=0)
        hear(turns, 0, 1000)
        assert self.judge(turns, *[(1, 5000)] * 19) == []
        assert self.judge(turns, (1, 5000)) == [SpeechStarted(1000)]

    def test_it_does_not_reach_into_the_turn_before(self) -> None:
        turns = open_turns(prefix_padding_ms=0, silence_duration_ms=50)
        assert hear(turns, 1, 300) == [SpeechStarted(0)]
        assert hear(turns, 0, 50) == [SpeechStopped(300)]
        assert self.judge(turns, *[(1, 250)] * 20) == [SpeechStarted(300)]


def silence_to_stop(
    completeness: float | None, *, may_shorten: bool = False, **wish: Any
) -> int | None:
    """The silence after which a semantic turn ends that seems so complete."""
    turns = open_turns(
        may_shorten=may_shorten, **{"type": "azure_semantic_vad", "silence_duration_ms": 500} | wish
    )
    hear(turns, 1, 500)
    for silence_ms in range(10, 10_000, 10):
        event = turns.judge(0)
        if isinstance(event, PauseReached):
            event = turns.weigh(completeness)
        if isinstance(event, SpeechStopped):
            assert event == SpeechStopped(500)
            return silence_ms
    return None


class TestSemanticVad:
    def test_a_complete_sentence_ends_after_the_silence(self) -> None:
        assert silence_to_stop(0.8) == 500

    def test_so_does_what_nobody_can_judge(self) -> None:
        assert silence_to_stop(None) == 500

    def test_a_pause_for_thought_takes_up_to_the_timeout(self) -> None:
        assert silence_to_stop(0) == 1500
        assert silence_to_stop(0.25) == 1000

    def test_the_timeout_bounds_it(self) -> None:
        ending = {"model": "semantic_detection_v1", "timeout_ms": 300}
        assert silence_to_stop(0, end_of_utterance_detection=ending) == 800

    @pytest.mark.parametrize(
        ("level", "silence_ms"), [("low", 500), ("medium", 700), ("default", 700), ("high", 930)]
    )
    def test_the_level_says_how_complete_it_must_seem(self, level: str, silence_ms: int) -> None:
        ending = {"model": "semantic_detection_v1", "threshold_level": level}
        assert silence_to_stop(0.4, end_of_utterance_detection=ending) == silence_ms

    def test_server_vad_may_ask_too(self) -> None:
        ending = {"model": "semantic_detection_v1"}
        assert silence_to_stop(0, type="server_vad", end_of_utterance_detection=ending) == 1500

    def test_a_model_may_shorten_the_silence(self) -> None:
        assert silence_to_stop(0.95, may_shorten=True) == 250
        assert silence_to_stop(0.9, may_shorten=True) == 250

    def test_what_it_is_not_sure_of_may_go_on(self) -> None:
        """Half of the pauses for thought were cut: what sounded half complete ended after the plain
        silence, which is shorter than most pauses.
        """
        assert silence_to_stop(0.89, may_shorten=True) == 530
        assert silence_to_stop(0.8, may_shorten=True) == 750
        assert silence_to_stop(0.5, may_shorten=True) == 1500
        assert silence_to_stop(0.1, may_shorten=True) == 1500

    @pytest.mark.parametrize(
        ("level", "silence_ms"), [("low", 840), ("medium", 1000), ("high", 1500)]
    )
    def test_the_level_says_how_complete_it_must_sound(self, level: str, silence_ms: int) -> None:
        ending = {"model": "semantic_detection_v1", "threshold_level": level}
        assert (
            silence_to_stop(0.7, may_shorten=True, end_of_utterance_detection=ending) == silence_ms
        )

    def test_not_below_what_a_pause_in_a_word_may_last(self) -> None:
        assert silence_to_stop(1, may_shorten=True, silence_duration_ms=300) == 200
        assert silence_to_stop(1, may_shorten=True, silence_duration_ms=100) == 100

    def test_without_a_model_nothing_is_shortened(self) -> None:
        assert silence_to_stop(1) == 500

    def test_speech_after_a_pause_asks_anew(self) -> None:
        turns = open_turns(type="azure_semantic_vad")
        assert run(turns, (1, 500), (0, 500)) == [SpeechStarted(0), PauseReached()]
        assert turns.weigh(0) is None
        assert run(turns, (0, 700), (1, 200), (0, 500)) == [PauseReached()]
        assert turns.weigh(0.9) == SpeechStopped(1900)

    def test_nobody_answers(self) -> None:
        turns = open_turns(type="azure_semantic_vad")
        events = run(turns, (1, 500), (0, 600))
        assert [type(event) for event in events] == [SpeechStarted, PauseReached, SpeechStopped]


class TestRules:
    def test_defaults_of_the_types(self) -> None:
        """Those of the API reference: voice-live-protocol.md, section 3.1."""
        assert read_rules({"type": "server_vad"}) == TurnRules()
        semantic = read_rules({"type": "azure_semantic_vad_multilingual"})
        assert semantic == TurnRules(prefix_padding_ms=420, speech_duration_ms=80, is_semantic=True)

    def test_null_is_as_good_as_nothing(self) -> None:
        names = ["threshold", "speech_duration_ms", "end_of_utterance_detection"]
        assert read_rules(dict.fromkeys(names)) == TurnRules()


class TurnDetectionMachine(RuleBasedStateMachine):
    """Whatever comes: events alternate, lie on the timeline, and nothing hangs."""

    @initialize(
        kind=st.sampled_from(["server_vad", "azure_semantic_vad"]),
        silence_ms=st.integers(0, 800),
        prefix_ms=st.integers(0, 800),
        speech_ms=st.integers(0, 300),
        threshold=st.floats(0, 1),
        may_shorten=st.booleans(),
    )
    def begin(
        self,
        kind: str,
        silence_ms: int,
        prefix_ms: int,
        speech_ms: int,
        threshold: float,
        may_shorten: bool,
    ) -> None:
        self.turn_rules = read_rules(
            {
                "type": kind,
                "silence_duration_ms": silence_ms,
                "prefix_padding_ms": prefix_ms,
                "speech_duration_ms": speech_ms,
                "threshold": threshold,
            }
        )
        self.turns = TurnDetector(self.turn_rules, LateDetector(), may_shorten=may_shorten)
        self.start_ms: int | None = None
        self.end_ms = 0
        self.heard_ms = 0
        self.quiet_ms = 0
        self.is_playing = False

    def take(self, event: TurnEvent | None) -> None:
        if isinstance(event, SpeechStarted):
            assert self.start_ms is None
            assert self.end_ms <= event.audio_start_ms <= self.heard_ms
            self.start_ms = event.audio_start_ms
        elif isinstance(event, SpeechStopped):
            assert self.start_ms is not None
            assert self.start_ms <= event.audio_end_ms <= self.heard_ms
            self.start_ms, self.end_ms = None, event.audio_end_ms

    @rule(
        probabilities=st.lists(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=1),
        repeat=st.integers(1, 40),
        completeness=st.one_of(st.none(), st.floats(0, 1)),
        sound_ms=st.integers(0, 400),
    )
    def hear(
        self,
        probabilities: Sequence[float],
        repeat: int,
        completeness: float | None,
        sound_ms: int,
    ) -> None:
        for probability in [value for value in probabilities for _ in range(repeat)]:
            self.heard_ms += 10
            is_quiet = probability < self.turn_rules.release_threshold
            self.quiet_ms = self.quiet_ms + 10 if is_quiet else 0
            event = self.turns.judge(probability, sound_ms, is_playing=self.is_playing)
            self.take(event)
            if isinstance(event, PauseReached):
                self.take(self.turns.weigh(completeness))

    @rule()
    def clear(self) -> None:
        self.turns.reset()
        self.start_ms, self.end_ms = None, self.heard_ms

    @rule(is_playing=st.booleans())
    def play(self, is_playing: bool) -> None:
        self.is_playing = is_playing

    @invariant()
    def time_is_what_was_heard(self) -> None:
        assert self.turns.now_ms == self.heard_ms

    @invariant()
    def a_turn_is_open_while_the_client_thinks_so(self) -> None:
        assert self.turns.is_speaking == (self.start_ms is not None)

    @invariant()
    def no_turn_outlasts_the_longest_silence(self) -> None:
        longest_ms = self.turn_rules.silence_duration_ms + self.turn_rules.timeout_ms
        assert self.start_ms is None or self.quiet_ms <= longest_ms


TestTurnDetectionMachine = TurnDetectionMachine.TestCase


@given(st.lists(st.floats(0, 1), max_size=300))
def test_the_same_frames_give_the_same_turns(probabilities: list[float]) -> None:
    def run_once() -> list[TurnEvent | None]:
        turns = open_turns()
        return [turns.judge(probability) for probability in probabilities]

    assert run_once() == run_once()
