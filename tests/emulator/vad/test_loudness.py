"""Sound that stands out of the room, whatever the room is like."""

import numpy as np
import pytest

from tests.emulator.speech import mix, needs_flite, noise, say, silence
from tests.emulator.vad.rules import read_rules
from voicelive_agent.emulator.vad import SpeechStarted
from voicelive_agent.emulator.vad.loudness import Loudness
from voicelive_agent.emulator.vad.turn_detector import (
    SOUND_LIMIT_MS,
    TurnDetector,
)
from voicelive_agent.emulator.vad.voice_activity import Silero

FRAME_MS = 32


def take(loudness: Loudness, pcm: bytes) -> list[int]:
    return [loudness.take(pcm[at : at + 1024]) for at in range(0, len(pcm) - 1023, 1024)]


@pytest.mark.parametrize("level", [0.0, 8.0, 60.0])
def test_sound_is_what_stands_out_of_the_room(level: float) -> None:
    loudness = Loudness()
    assert set(take(loudness, noise(960, level))) == {0}
    assert take(loudness, noise(96, max(level, 10) * 8)) == [32, 64, 96]


def test_the_closure_of_a_consonant_does_not_end_it_and_a_longer_quiet_does() -> None:
    loudness = Loudness()
    take(loudness, noise(960))
    take(loudness, noise(96, 300))
    assert take(loudness, noise(32))[-1] == 96
    assert take(loudness, noise(32, 300))[-1] == 160
    assert take(loudness, noise(96))[-1] == 0


def test_the_room_may_become_louder() -> None:
    loudness = Loudness()
    take(loudness, noise(960))
    assert take(loudness, noise(FRAME_MS, 100))[-1] == FRAME_MS
    assert take(loudness, noise(10_000, 100, seed=1))[-1] == 0


def test_what_is_far_below_the_speaker_is_faint() -> None:
    """Told from the last of the speech on, also while the room is a little louder than before."""
    loudness = Loudness()
    take(loudness, noise(960, 5) + noise(320, 3000))
    assert loudness.faint_ms == 0
    assert loudness.is_faint(noise(20, 30))
    take(loudness, noise(96, 30))
    assert loudness.faint_ms == 96
    assert not loudness.is_faint(noise(20, 300))
    take(loudness, noise(32, 300))
    assert loudness.faint_ms == 0


@pytest.mark.parametrize("level", [0.0, 100.0])
def test_in_a_room_as_loud_as_the_speaker_nothing_is_faint(level: float) -> None:
    loudness = Loudness()
    take(loudness, noise(3200, level))
    assert loudness.faint_ms == 0
    assert not loudness.is_faint(noise(20, max(level, 10) * 2))


@pytest.mark.parametrize("quiet_ms", [0, 4, 7, 8, 13, 31])
def test_it_is_known_where_in_a_frame_the_speaker_fell_silent(quiet_ms: int) -> None:
    """The end was put up to 16 ms late, and an answer came that much later."""
    loudness = Loudness()
    said = np.full((FRAME_MS - quiet_ms) * 16, 3000, "<i2").tobytes()
    take(loudness, noise(960, 5) + said + noise(quiet_ms + 64, 5))
    assert quiet_ms + 64 - 4 < loudness.faint_ms <= quiet_ms + 64


@pytest.mark.parametrize("level", [20.0, 100.0, 400.0])
def test_the_even_noise_of_a_room_is_no_speaker(level: float) -> None:
    """Where a room was as loud as a thirtieth of the speaker, each turn ended 20 ms later."""
    loudness = Loudness()
    take(loudness, noise(3200, level) + noise(640, 3000) + noise(320, level, seed=1))
    assert loudness.is_faint(noise(20, level, seed=2))
    assert not loudness.is_faint(noise(20, level * 3))


def test_a_muted_microphone_is_still_and_a_room_is_not() -> None:
    loudness = Loudness()
    take(loudness, silence(960))
    assert not loudness.is_still
    take(loudness, silence(96))
    assert loudness.is_still
    take(loudness, noise(FRAME_MS, 30))
    assert not loudness.is_still
    take(loudness, noise(2016, 30))
    assert not loudness.is_still


@needs_flite
def test_soft_speech_after_a_long_stillness_is_heard() -> None:
    """Speech 48 dB below a normal voice still ends the stillness."""
    faint = np.frombuffer(say("what are your opening hours", "slt"), "<i2") // 256
    pcm = silence(3000) + faint.astype("<i2").tobytes()
    loudness = Loudness()
    take(loudness, pcm[:96_000])
    assert loudness.is_still
    take(loudness, pcm[96_000 : 96_000 + 1024 * 4])
    assert not loudness.is_still


@needs_flite
@pytest.mark.parametrize("lead_ms", [700, 708, 716, 724])
def test_a_word_begins_with_its_soft_sound(lead_ms: int) -> None:
    """The w of flite's diphone voice hums for 200 ms before the detector takes it for speech.

    The turn was said to begin that much too late, and an answer went on a third of a second.
    """
    pcm = silence(lead_ms) + say("where can i park my car", "kal16")
    pcm = mix(pcm, noise(len(pcm) // 32, 8))
    rules = read_rules({"type": "azure_semantic_vad", "prefix_padding_ms": 0})
    detector, loudness = Silero(), Loudness()
    turns = TurnDetector(rules, detector)
    for at in range(0, len(pcm) - 1023, 1024):
        frame = pcm[at : at + 1024]
        event = turns.judge(detector.probability(frame), loudness.take(frame))
        if event is not None:
            break
    assert isinstance(event, SpeechStarted)
    assert event.audio_start_ms == pytest.approx(lead_ms, abs=50)
    assert turns.now_ms - lead_ms <= SOUND_LIMIT_MS + FRAME_MS


def test_the_even_noise_of_a_room_is_still_until_something_stirs_in_it() -> None:
    """Voice activity took half of what a session cost that nobody spoke in."""
    loudness = Loudness()
    take(loudness, noise(3200, 60))
    assert loudness.is_still
    take(loudness, noise(FRAME_MS, 120, seed=1))
    assert not loudness.is_still


@needs_flite
def test_speech_as_loud_as_the_noise_around_it_is_listened_to() -> None:
    speech = np.frombuffer(say("what are your opening hours", "slt"), "<i2")
    level = float(np.sqrt(np.mean(speech.astype(float) ** 2)))
    lead = noise(3200, level)
    said = mix(speech.tobytes(), noise(len(speech) // 16, level, seed=1))
    loudness = Loudness()
    take(loudness, lead)
    assert loudness.is_still
    still = []
    for at in range(0, 16_000, 1024):
        loudness.take(said[at : at + 1024])
        still.append(loudness.is_still)
    assert not all(still)
