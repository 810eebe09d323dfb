"""Echo really cancelled, noise really reduced, and a plain word where neither can be."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.speech import mix, needs_flite, noise, pieces, say, silence
from voicelive_agent.emulator.vad import echo_cancellation as echo
from voicelive_agent.emulator.vad.echo_cancellation import (
    CleaningSettings,
    EchoReference,
    InputCleaner,
    find_warning,
)
from voicelive_agent.emulator.vad.voice_activity import Silero
from voicelive_agent.wire.voice_live.session import EchoCancellation, NoiseReduction

needs_livekit = pytest.mark.skipif(
    importlib.util.find_spec("livekit") is None, reason="the echo-cancellation extra is missing"
)

CANCEL = CleaningSettings(cancels_echo=True)
PLAYED = "we are open from nine in the morning until ten at night every day of the week"


def level_db(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(10 * np.log10(np.mean(samples**2) + 1e-9))


def reflect(pcm: bytes, delay_ms: int = 60, seed: int = 0) -> bytes:
    """A loudspeaker's sound as a microphone in the same room hears it."""
    rng = np.random.default_rng(seed)
    room = rng.normal(0, 1, 3200) * np.exp(-np.arange(3200) / 500)
    room *= 0.6 / np.sqrt(np.sum(room**2))
    heard = np.convolve(np.frombuffer(pcm, "<i2").astype(float), room)
    delayed = np.concatenate([np.zeros(delay_ms * 16), heard])[: len(pcm) // 2]
    return bytes(np.clip(delayed, -32768, 32767).astype("<i2").tobytes())


def clean(cleaner: InputCleaner, microphone: bytes, reference: bytes = b"", ms: int = 20) -> bytes:
    played = pieces(reference.ljust(len(microphone), b"\0"), ms)
    heard = (
        cleaner.clean(one, other) for one, other in zip(pieces(microphone, ms), played, strict=True)
    )
    return b"".join(heard) + cleaner.finish()


def count_speech(pcm: bytes) -> int:
    detector = Silero()
    size = detector.frame_bytes
    frames = (pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size))
    return sum(detector.probability(frame) >= 0.5 for frame in frames)


class TestSettings:
    def test_what_sessions_ask_for(self) -> None:
        echo = EchoCancellation(type="server_echo_cancellation")
        assert not CleaningSettings.of(None, None)
        assert CleaningSettings.of(echo, None) == CANCEL
        clients = EchoCancellation(type="server_echo_cancellation", reference_source="client")
        assert CleaningSettings.of(clients, NoiseReduction(type="near_field")) == (
            CleaningSettings(True, True, True)
        )

    def test_without_the_extra_a_warning_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(echo, "is_installed", lambda: False)
        warning = find_warning(CleaningSettings(cancels_echo=True, suppresses_noise=True))
        assert warning is not None
        assert "echo cancellation and noise reduction" in warning
        assert "pip install" in warning
        assert find_warning(CleaningSettings()) is None

    @needs_livekit
    def test_with_it_there_is_none(self) -> None:
        assert find_warning(CANCEL) is None


@needs_livekit
class TestCleaner:
    @needs_flite
    def test_the_agents_own_voice_is_no_speech_of_the_person(self) -> None:
        played = (say(PLAYED, "slt") + silence(300)) * 2
        microphone = mix(reflect(played), noise(len(played) // 32 + 1, level=5))
        cleaned = clean(InputCleaner(CANCEL), microphone, played)
        assert len(cleaned) == len(microphone)
        # After the first second, in which it learns the room.
        late = slice(32_000, None)
        assert level_db(cleaned[late]) < level_db(microphone[late]) - 15
        assert count_speech(microphone[late]) > 50
        assert count_speech(cleaned[late]) <= count_speech(microphone[late]) * 0.05

    @needs_flite
    def test_the_person_is_heard_when_the_agent_is_silent(self) -> None:
        played = say(PLAYED, "slt") + silence(3000)
        speech = (
            silence(len(played) // 32 - 2500) + say("i would like a table for two") + silence(3000)
        )
        microphone = mix(mix(reflect(played), speech), noise(len(played) // 32 + 1, level=5))
        cleaned = clean(InputCleaner(CANCEL), microphone, played)
        start = len(played) - 2500 * 32
        assert count_speech(cleaned[start:]) > 20

    @needs_flite
    def test_without_a_reference_speech_stays(self) -> None:
        speech = say("i would like a table for two")
        assert count_speech(clean(InputCleaner(CANCEL), speech)) > 0.8 * count_speech(speech)

    def test_noise_is_reduced(self) -> None:
        sound = noise(6000, level=1000)
        cleaned = clean(InputCleaner(CleaningSettings(suppresses_noise=True)), sound)
        assert level_db(cleaned[96_000:]) < level_db(sound[96_000:]) - 5

    def test_cuts_change_nothing(self) -> None:
        sound, played = noise(1000, level=1000), noise(1000, level=500, seed=1)
        by_ten = clean(InputCleaner(CANCEL), sound, played, ms=10)
        assert clean(InputCleaner(CANCEL), sound, played, ms=37) == by_ten

    def test_the_rest_comes_as_it_is(self) -> None:
        cleaner = InputCleaner(CANCEL)
        assert cleaner.clean(b"\1\2") == b""
        assert cleaner.finish() == b"\1\2"
        assert cleaner.finish() == b""


class TestPlayedAudio:
    def test_what_played_when(self) -> None:
        played = EchoReference()
        played.play(10, b"\1\1" * 160)
        assert played.take(0, 640) == bytes(320) + b"\1\1" * 160
        assert played.take(20, 320) == bytes(320)

    def test_pieces_follow_one_another(self) -> None:
        """Audio is made faster than it plays: a piece waits for those before it."""
        played = EchoReference()
        played.play(0, b"\1\1" * 160)
        played.play(1, b"\2\2" * 160)
        assert played.take(0, 640) == b"\1\1" * 160 + b"\2\2" * 160

    def test_an_interruption_silences_the_rest(self) -> None:
        played = EchoReference()
        played.play(0, b"\1\1" * 160)
        played.play(0, b"\2\2" * 160)
        played.stop(5)
        played.play(5, b"\3\3" * 16)
        assert played.take(0, 640) == b"\1\1" * 80 + b"\3\3" * 16 + bytes(640 - 192)

    @given(
        sizes=st.lists(st.integers(0, 400), max_size=8),
        steps=st.lists(st.integers(1, 400), max_size=12),
    )
    def test_it_is_read_in_any_steps(self, sizes: list[int], steps: list[int]) -> None:
        played, expected = EchoReference(), b""
        for number, size in enumerate(sizes, 1):
            played.play(0, bytes([number]) * size * 2)
            expected += bytes([number]) * size * 2
        total = sum(steps) * 2
        taken, at = b"", 0
        for step in steps:
            taken += played.take(at / 16, step * 2)
            at += step
        assert taken == expected.ljust(total, b"\0")[:total]
